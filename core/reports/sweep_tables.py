"""The tables of the report of a sweep."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..statistics.paired import is_exploratory
from ..stream.experiment_info import LOSS
from ..sweeps.comparisons import Comparison, Difference, Summary
from .blocks import Table
from .metric_words import cell, change, metric_name, quantity
from .phrases import Words
from .sweep_words import by_dead_words, p_words, pair_words, setting_words, share_words


def table_of_settings(described: Sequence[Summary], words: Words) -> Table:
    """The final figures of each setting over its seeds."""
    metric = metric_name(described[0].metric, words)
    median = words.plain("sweep_median_accuracy", metric=metric)
    columns = [(words.plain("setting"), [setting_words(one.setting, words) for one in described])]
    columns.append((words.plain("sweep_seeds"), [str(one.seeds) for one in described]))
    if described[0].metric.solved_at is not None:
        solved = [share_words(one.solved or 0, one.trained, words) for one in described]
        columns.append((words.plain("sweep_solved"), solved))
    columns.append((median, [cell(one.metric, one.range[0]) for one in described]))
    columns.append((words.plain("sweep_range"), [_range(one, words) for one in described]))
    if described[0].metric != LOSS:
        columns.append((words.plain("sweep_median_loss"), [cell(LOSS, one.median_of(LOSS.name)) for one in described]))
    if any(one.can_die for one in described):
        dead = [f"{one.mean_dead:.1f}" if one.can_die else "-" for one in described]
        columns.append((words.plain("sweep_mean_dead"), dead))
    names, cells = zip(*columns, strict=True)
    return Table(names, tuple(zip(*cells, strict=True)))


def _range(summary: Summary, words: Words) -> str:
    _, low, high = (cell(summary.metric, value) for value in summary.range)
    return words.plain("sweep_from_to", low=low, high=high)


def table_of_dead(dying: Sequence[Summary], words: Words) -> Table:
    """The median accuracy by the number of dead outputs, for settings in which outputs can die."""
    rows = [
        (setting_words(summary.setting, words), by_dead_words(summary), correlation(summary.dead_correlation))
        for summary in dying
    ]
    return Table((words.plain("setting"), words.plain("sweep_by_dead"), "r"), tuple(rows))


def table_of_comparisons(compared: Sequence[Comparison], words: Words, *, nats: bool) -> Table:
    """The paired differences of each comparison by each metric; `nats`: whether the loss is a cross-entropy."""
    keys = ("difference", "quantity", "mean", "median", "adjusted", "better")
    difference, unit, mean, median, adjusted, better = (words.plain(f"sweep_{key}") for key in keys)
    rows = [
        (
            pair_words(comparison, words) if one is comparison.main else "",
            quantity(one.metric, words, nats=nats),
            *_cells(one, words),
        )
        for comparison in compared
        for one in comparison.differences
    ]
    return Table((difference, unit, mean, median, "p", adjusted, better, "r"), tuple(rows))


def _cells(one: Difference, words: Words) -> tuple[str, ...]:
    found = one.paired
    low, high = (change(one.metric, bound) for bound in found.interval)
    bounded = math.isfinite(found.interval[0])
    interval = words.plain("sweep_from_to", low=low, high=high) if bounded else words.plain("sweep_no_interval")
    return (
        f"{change(one.metric, found.mean)} ({interval})",
        change(one.metric, found.median),
        ("" if found.exact else "~") + p_words(found.p),
        words.plain("sweep_too_few") if is_exploratory(found, one.adjusted_p) else p_words(one.adjusted_p),
        "-" if one.better is None else share_words(one.better, found.n, words),
        correlation(found.correlation),
    )


def correlation(value: float | None) -> str:
    """A correlation with its sign, or a dash."""
    return "-" if value is None else f"{value:+z.2f}"
