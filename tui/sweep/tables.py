"""The tables of a sweep: its settings, and what the comparisons between them say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table

from ...core.reports.sweep_words import by_dead_words
from ...core.statistics.paired import PairedDifferences, is_exploratory
from ...core.sweeps.comparisons import Comparison, Summary, p_words

# Each column with the least width that shows it; the first takes what room there is, and figures are never shortened.
_SETTING_COLUMNS = {
    "setting": 0,
    "seeds": 0,
    "accuracy median (range)": 0,
    "loss": 70,
    "dead": 0,
    "median accuracy by dead classes": 120,
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
_RIGHT = ("seeds", "loss", "dead", "n", "median", "p", "Holm", "r")
_FOLDED = ("setting", "difference", "median accuracy by dead classes")


def setting_table(summaries: Sequence[Summary], width: int) -> Table:
    """A row a setting: its distribution, and how it goes with the number of dead classes."""
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
                if summary.setting.config.head == "relu"
                else "no ReLU on the logits: none can die",
            )
        )
    return _table(_SETTING_COLUMNS, rows, width)


def comparison_table(compared: Sequence[Comparison], width: int) -> Table:
    """A row a comparison: accuracy in points and loss in nats, mean and median of the paired differences."""
    rows = []
    for comparison in compared:
        points = _row(comparison.accuracy, comparison.accuracy_p, 2, more_is_better=True)
        nats = _row(comparison.loss, comparison.loss_p, 3, more_is_better=False)
        rows += [(comparison.name, f"{comparison.accuracy.n}", "points", *points), ("", "", "nats", *nats)]
    return _table(_COMPARISON_COLUMNS, rows, width)


def _table(columns: Mapping[str, int], rows: Sequence[tuple[str, ...]], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    shown = [place for place, least in enumerate(columns.values()) if width >= least]
    for heading in (list(columns)[place] for place in shown):
        table.add_column(heading, justify="right" if heading in _RIGHT else "left", no_wrap=heading not in _FOLDED)
    for row in rows:
        table.add_row(*(row[place] for place in shown))
    return table


def _row(found: PairedDifferences, adjusted: float, digits: int, *, more_is_better: bool) -> tuple[str, ...]:
    low, high = found.interval
    interval = f"{low:+.{digits}f} to {high:+.{digits}f}" if math.isfinite(low) else found.remark
    better = found.wins if more_is_better else found.n - found.wins - found.ties
    wilson = f" ({found.win_interval[0]:.2f}-{found.win_interval[1]:.2f})" if more_is_better else ""
    return (
        f"{found.mean:+.{digits}f} ({interval})",
        f"{found.median:+.{digits}f}",
        ("" if found.exact else "~") + p_words(found.p),
        "exploratory" if is_exploratory(found, adjusted) else p_words(adjusted),
        f"{better} of {found.n}{wilson}",
        "-" if found.correlation is None else f"{found.correlation:+z.2f}",
    )
