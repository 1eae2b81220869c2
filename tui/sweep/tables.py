"""The tables of a sweep: its settings, and the comparisons between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from ...core.reports.sweep_words import by_dead_words, p_words
from ...core.safe_text import printable
from ...core.stream.experiment_info import LOSS
from ...core.stream.sweep_events import Results
from ...core.sweeps.comparisons import Comparison, Difference, Summary
from .measures import median_and_range, signed, unit

# Each column with the least table width at which it is shown. Columns of figures are never wrapped.
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
_DEAD, _BY_DEAD = "dead\noutputs,\nmean", "median accuracy by dead outputs"
_RIGHT_ALIGNED = ("seeds", "solved", "loss", _DEAD, "n", "median", "p", "Holm", "r")
_WRAPPED = ("setting", "difference", _BY_DEAD)


def setting_table(results: Results, summaries: Sequence[Summary], width: int) -> Table:
    """A row for each setting: its seeds, first metric and loss, and for LeNet what dead outputs did."""
    main, can_die = results.started.experiment.main, results.started.experiment.gauge("dead-outputs") is not None
    columns = {"setting": 0, "seeds": 0, f"{printable(main.words)}\nmedian (range)": 0}
    # What the sentences about the map rest on.
    columns |= {"solved": 0} if main.solved_at is not None else {}
    columns |= {"loss": 70} if main is not LOSS else {}
    columns |= {_DEAD: 0, _BY_DEAD: 120} if can_die else {}
    rows = []
    for summary in summaries:
        diverged = f", {summary.diverged} diverged" if summary.diverged else ""
        row = [summary.setting.name, f"{summary.seeds}{diverged}", median_and_range(main, summary.range, 3)]
        row += [f"{summary.solved} of {summary.trained}"] if main.solved_at is not None else []
        row += [f"{summary.median_of('loss'):.3f}"] if main is not LOSS else []
        row += [f"{summary.mean_dead:.1f}", _by_dead(summary)] if can_die else []
        rows.append(tuple(row))
    return _table(columns, rows, width)


def _by_dead(summary: Summary) -> str:
    return by_dead_words(summary) if summary.can_die else "plain logits: no output can die"


def comparison_table(results: Results, comparisons: Sequence[Comparison], width: int) -> Table:
    """A row for each metric of each comparison: the paired differences, in percentage points for shares."""
    rows = []
    for comparison in comparisons:
        for number, found in enumerate(comparison.differences):
            first = ("", "") if number else (comparison.name, f"{found.paired.n}")
            rows.append((*first, unit(found.metric, results.started), *_row(found)))
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


def _row(found: Difference) -> tuple[str, ...]:
    difference, better = found.paired, found.better
    low, high = difference.interval
    interval = f"{_signed(found, low)} to {_signed(found, high)}" if math.isfinite(low) else difference.remark
    # The interval is that of a higher value.
    counts_wins = found.metric.lower_is_better is False
    wilson = f" ({difference.win_interval[0]:.2f}-{difference.win_interval[1]:.2f})" if counts_wins else ""
    return (
        f"{_signed(found, difference.mean)} ({interval})",
        _signed(found, difference.median),
        ("" if difference.exact else "~") + p_words(difference.p),
        "exploratory" if found.exploratory else p_words(found.adjusted_p),
        "-" if better is None else f"{better} of {difference.n}{wilson}",
        "-" if difference.correlation is None else f"{difference.correlation:+z.2f}",
    )


def _signed(found: Difference, value: float) -> str:
    return f"{value:+.3f}" if found.metric.name == LOSS.name else signed(found.metric, value, 2)
