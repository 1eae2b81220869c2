"""The tables of a sweep: its settings, and what the comparisons between them say."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich import box
from rich.table import Table

from ...core.reports.sweep_words import by_dead_words
from ...core.sweeps.comparisons import Comparison, Summary, p_words
from ...core.verdict import Paired


def setting_table(summaries: Sequence[Summary]) -> Table:
    """A row a setting: its distribution, and how it goes with the number of dead classes."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in ("setting", "seeds", "accuracy median (range)", "loss", "dead", "median accuracy by dead classes"):
        table.add_column(heading, justify="right" if heading in ("seeds", "loss", "dead") else "left")
    for summary in summaries:
        median, low, high = summary.range
        diverged = f", {summary.diverged} diverged" if summary.diverged else ""
        table.add_row(
            summary.setting.name,
            f"{len(summary.accuracies)}{diverged}",
            f"{median:.3f} ({low:.3f}-{high:.3f})",
            f"{summary.median_loss:.3f}",
            f"{summary.mean_dead:.1f}",
            by_dead_words(summary) if summary.setting.config.head == "relu" else "no ReLU on the logits: none can die",
        )
    return table


def comparison_table(compared: Sequence[Comparison]) -> Table:
    """A row a comparison: accuracy in points and loss in nats, mean and median of the paired differences."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in ("difference", "n", "", "mean (95 %)", "median", "p", "Holm", "better (95 %)", "r"):
        table.add_column(heading, justify="right" if heading in ("n", "median", "p", "Holm", "r") else "left")
    for comparison in compared:
        table.add_row(
            comparison.name,
            f"{comparison.accuracy.n}",
            "points",
            *_row(comparison.accuracy, comparison.accuracy_p, 2, more_is_better=True),
        )
        table.add_row("", "", "nats", *_row(comparison.loss, comparison.loss_p, 3, more_is_better=False))
    return table


def _row(found: Paired, adjusted: float, digits: int, *, more_is_better: bool) -> tuple[str, ...]:
    low, high = found.interval
    interval = f"{low:+.{digits}f} to {high:+.{digits}f}" if math.isfinite(low) else found.remark
    better = found.wins if more_is_better else found.n - found.wins - found.ties
    wilson = f" ({found.win_interval[0]:.2f}-{found.win_interval[1]:.2f})" if more_is_better else ""
    return (
        f"{found.mean:+.{digits}f} ({interval})",
        f"{found.median:+.{digits}f}",
        ("" if found.exact else "~") + p_words(found.p),
        "exploratory" if found.exploratory else p_words(adjusted),
        f"{better} of {found.n}{wilson}",
        "-" if found.correlation is None else f"{found.correlation:+z.2f}",
    )
