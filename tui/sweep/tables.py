"""The tables of a sweep: its settings, and the comparisons between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from ...core.reports.sweep_words import by_dead_words, p_words
from ...core.statistics.paired import PairedDifferences, is_exploratory
from ...core.sweeps.comparisons import Comparison, Summary

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
                f"{len(summary.accuracies)}{diverged}",
                f"{median:.3f} ({low:.3f}-{high:.3f})",
                f"{summary.median_loss:.3f}",
                f"{summary.mean_dead:.1f}",
                by_dead_words(summary)
                if summary.setting.config.settings.get("head") == "relu"
                else "plain logits: no output can die",
            )
        )
    return _table(_SETTING_COLUMNS, rows, width)


def _by_dead(summary: Summary) -> str:
    can_die = summary.setting.config.settings.get("head") == "relu"
    return by_dead_words(summary) if can_die else "plain logits: no output can die"


def comparison_table(comparisons: Sequence[Comparison], width: int) -> Table:
    """Two rows for each comparison: the paired differences in accuracy (percentage points) and in loss (nats)."""
    rows = []
    for comparison in comparisons:
        accuracy = _row(comparison.accuracy, comparison.accuracy_p, 2, more_is_better=True)
        loss = _row(comparison.loss, comparison.loss_p, 3, more_is_better=False)
        rows += [
            (comparison.name, f"{comparison.accuracy.n}", "accuracy, pp", *accuracy),
            ("", "", "loss, nats", *loss),
        ]
    return _table(_COMPARISON_COLUMNS, rows, width)


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


def _row(difference: PairedDifferences, adjusted: float, digits: int, *, more_is_better: bool) -> tuple[str, ...]:
    low, high = difference.interval
    interval = f"{low:+.{digits}f} to {high:+.{digits}f}" if math.isfinite(low) else difference.remark
    better = difference.wins if more_is_better else difference.n - difference.wins - difference.ties
    wilson = f" ({difference.win_interval[0]:.2f}-{difference.win_interval[1]:.2f})" if more_is_better else ""
    return (
        f"{difference.mean:+.{digits}f} ({interval})",
        f"{difference.median:+.{digits}f}",
        ("" if difference.exact else "~") + p_words(difference.p),
        "exploratory" if is_exploratory(difference, adjusted) else p_words(adjusted),
        f"{better} of {difference.n}{wilson}",
        "-" if difference.correlation is None else f"{difference.correlation:+z.2f}",
    )
