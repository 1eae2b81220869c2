"""The tables of the report of a sweep."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..statistics.paired import is_exploratory
from ..stream.experiment_info import LOSS
from ..stream.sweep_config import Setting, SweepConfig, Value
from ..stream.sweep_events import Results
from ..sweeps.comparisons import Comparison, Difference, Summary
from .blocks import Block, Heading, Paragraph, Table
from .metric_words import cell, change, metric_name, quantity
from .phrases import Words
from .sweep_words import axis_name, by_dead_words, p_words, pair_words, setting_words, share_words, value_words


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


def sensitivity(results: Results, described: Sequence[Summary], words: Words) -> Iterator[Block]:
    """The section with a table of one axis by the other, for a sweep of two axes of numbers or clip rules."""
    config = results.started.config
    if not described or len(config.axes) != 2 or not all(_is_scale(axis, config) for axis in config.axes):
        return
    # The rules are the columns.
    rows, columns = sorted(config.axes, key=lambda axis: axis == "clip")
    by_setting = {summary.setting.number: summary for summary in described}
    metric = described[0].metric
    names = {"rows": axis_name(rows, words), "columns": axis_name(columns, words)}
    solved = "" if metric.solved_at is None else words.plain("sweep_sensitivity_solved")
    yield Heading(2, words("sweep_sensitivity"))
    yield Paragraph(words("sweep_sensitivity_text", metric=metric_name(metric, words), **names, solved=solved))
    header = (names["rows"], *(value_words(columns, value, words) for value in config.axes[columns]))
    grid = {value: _settings(config, rows, value) for value in config.axes[rows]}
    cells = [
        (str(value), *(_cell(results, setting, by_setting, words) for setting in settings))
        for value, settings in grid.items()
    ]
    yield Table(header, tuple(cells))
    if best := [
        text for value in config.axes[columns] if (text := _best(config, rows, columns, value, by_setting, words))
    ]:
        yield Paragraph(words("sweep_best", **names, best=words.plain("sweep_semicolon").join(best)))


def _is_scale(axis: str, config: SweepConfig) -> bool:
    """Whether an axis has several values that are numbers or rules."""
    values = config.axes[axis]
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return len(values) > 1 and (axis == "clip" or are_numbers)


def _settings(config: SweepConfig, axis: str, value: Value) -> list[Setting]:
    return [setting for setting in config.settings if setting.choice[axis] == value]


def _cell(results: Results, setting: Setting, by_setting: dict[int, Summary], words: Words) -> str:
    """Median, seeds that solved the task, and seeds that diverged."""
    summary = by_setting.get(setting.number)
    diverged = sum(number == setting.number for number, _ in results.replicas) - (summary.seeds if summary else 0)
    text = cell(summary.metric, summary.range[0]) if summary else "-"
    if summary and summary.solved is not None:
        text = words.plain("sweep_solved_cell", cell=text, count=summary.solved, total=summary.trained)
    return words.plain("sweep_some_diverged", cell=text, count=diverged) if diverged else text


def _best(
    config: SweepConfig, rows: str, columns: str, value: Value, by_setting: dict[int, Summary], words: Words
) -> str:
    """The value of `rows` that is best for a value of `columns`, or all that are equally good."""
    settings = _settings(config, columns, value)
    ranks = {one.choice[rows]: rank for one in settings if (rank := _rank(by_setting.get(one.number))) is not None}
    if not ranks:
        return ""
    best = max(ranks.values())
    equal = words.join([str(row) for row, rank in ranks.items() if rank == best])
    return words.plain("sweep_best_of", column=value_words(columns, value, words), row=equal)


def _rank(summary: Summary | None) -> tuple[float, float] | None:
    """The share of seeds that solved the task, then the median, larger being better; None if nothing is better."""
    if summary is None or summary.metric.lower_is_better is None or math.isnan(summary.range[0]):
        return None
    sign = -1 if summary.metric.lower_is_better else 1
    return (summary.solved or 0) / summary.trained, sign * summary.range[0]
