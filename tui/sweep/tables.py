"""The tables of a sweep: its settings, and the comparisons between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from ...core.reports.sweep_words import by_dead_words, p_words
from ...core.statistics.intervals import wilson_interval
from ...core.stream.experiment_info import LOSS, MetricInfo
from ...core.sweeps.comparisons import Comparison, Difference, Summary

# Each column with the least table width at which it is shown. Columns of figures are never wrapped.
_SETTING_COLUMNS = {
    "setting": 0,
    "seeds": 0,
    "accuracy\nmedian (range)": 0,
    "loss": 70,
    "dead\noutputs,\nmean": 0,
    "median accuracy by dead outputs": 120,
}
_COMPARISON_COLUMNS = {
    "difference": 0,
    "n": 80,
    "": 0,
    "mean (95 %)": 0,
    "median": 120,
    "p": 120,
    "Holm": 80,
    "better (95 %)": 120,
    "r": 120,
}
_RIGHT_ALIGNED = ("seeds", "loss", "dead\noutputs,\nmean", "n", "median", "p", "Holm", "r")
_WRAPPED = ("setting", "difference", "median accuracy by dead outputs")


def setting_table(summaries: Sequence[Summary], width: int) -> Table:
    """A row for each setting: its seeds, accuracy, loss, mean number of dead outputs, and accuracy by that number."""
    rows = []
    for summary in summaries:
        median, low, high = summary.range
        diverged = f", {summary.diverged} diverged" if summary.diverged else ""
        rows.append(
            (
                summary.setting.name,
                f"{summary.seeds}{diverged}",
                f"{median:.3f} ({low:.3f}-{high:.3f})",
                f"{summary.median_of('loss'):.3f}",
                f"{summary.mean_dead:.1f}",
                by_dead_words(summary) if summary.can_die else "plain logits: no output can die",
            )
        )
    return _table(_SETTING_COLUMNS, rows, width)


def comparison_table(comparisons: Sequence[Comparison], width: int) -> Table:
    """A row for each comparison and metric with the paired differences, of a share in percentage points."""
    rows = []
    for comparison in comparisons:
        for one in comparison.differences:
            is_first = one is comparison.main
            names = (comparison.name, f"{one.paired.n}") if is_first else ("", "")
            rows.append((*names, _quantity(one.metric), *_row(one)))
    return _table(_COMPARISON_COLUMNS, rows, width)


def _quantity(metric: MetricInfo) -> str:
    if metric.share:
        return f"{metric.words}, pp"
    return "loss, nats" if metric == LOSS else metric.words


def _table(columns: Mapping[str, int], rows: Sequence[tuple[str, ...]], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    shown = [index for index, least in enumerate(columns.values()) if width >= least]
    for heading in (list(columns)[index] for index in shown):
        # As text, a heading keeps its line breaks.
        table.add_column(
            Text(heading), justify="right" if heading in _RIGHT_ALIGNED else "left", no_wrap=heading not in _WRAPPED
        )
    for row in rows:
        table.add_row(*(row[index] for index in shown))
    return table


def _row(one: Difference) -> tuple[str, ...]:
    found, places = one.paired, 2 if one.metric.share else 3
    low, high = found.interval
    interval = f"{low:+.{places}f} to {high:+.{places}f}" if math.isfinite(low) else found.remark
    return (
        f"{found.mean:+.{places}f} ({interval})",
        f"{found.median:+.{places}f}",
        ("" if found.exact else "~") + p_words(found.p),
        "exploratory" if one.exploratory else p_words(one.adjusted_p),
        _better(one),
        "-" if found.correlation is None else f"{found.correlation:+z.2f}",
    )


def _better(one: Difference) -> str:
    """On how many seeds the other setting is better, with the interval of that share."""
    if one.better is None:
        return "-"
    low, high = wilson_interval(one.better, one.paired.n)
    return f"{one.better} of {one.paired.n} ({low:.2f}-{high:.2f})"
