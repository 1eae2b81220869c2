"""The rows of the list of runs on the screen: which columns fit, what they say, and which rows match a filter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from rich.cells import cell_len

from ...core.runs.folder import LaneOutcome, Manifest
from ...core.safe_text import printable
from ...core.stream.experiment_info import ExperimentInfo
from ...core.sweeps.listing import Recording
from ...core.sweeps.overview import SweepOverview
from ...core.sweeps.tree import origin_words, tree
from ..style.chart_styles import ASCII, UNICODE
from ..text.metric_words import value_words
from ..text.number_format import number_of
from .cells import branch, difference_cell, main_value, named, shared_cells, started

# In the order on the screen. The second item is the rank: the columns with the highest ranks are left out first.
_RANKS = {
    "name": 0,
    "started": 8,
    "data": 3,
    "settings": 5,
    "optimizer": 6,
    "seed": 9,
    "state": 1,
    "forked from": 4,
    "clip": 7,
    "result": 2,
}
# Only shown if a run was forked from another one.
FORKED = "forked from"
COLUMNS = tuple(_RANKS)
# The most cells that a cell may take; the details show the rules in full.
_MAX_WIDTHS = {"name": 40, "settings": 30, "clip": 20, FORKED: 24}
# Blanks on both sides of a cell.
_PADDING = 2


class FittedColumn(NamedTuple):
    """A column that is shown: its name and its width in cells."""

    name: str
    width: int


class Row:
    """A recording and the text of its cells. A forked run stands at a `depth` below that of its parent."""

    def __init__(self, recording: Recording, *, ascii: bool, depth: int = 0) -> None:
        self.recording, self.depth = recording, depth
        found = recording.overview
        data, settings, optimizer, state = shared_cells(recording)
        texts = {
            "name": recording.name,
            "started": started(recording),
            "data": data,
            "settings": settings,
            "optimizer": optimizer,
            "seed": _seed(found) if isinstance(found, Manifest) else number_of(found.seeds, "seed"),
            "state": state,
            FORKED: origin_words(recording, depth),
            "clip": _rules(found.lanes) if isinstance(found, Manifest) else _compared(found),
            "result": _results(found.lanes, found.experiment) if isinstance(found, Manifest) else _difference(found),
        }
        self._texts, self._ascii = texts, ascii

    @cached_property
    def cells(self) -> dict[str, str]:
        """The text of each column."""
        glyphs = ASCII if self._ascii else UNICODE
        cells = {
            name: glyphs.shortened(printable(text, ascii=self._ascii), _MAX_WIDTHS.get(name, 40))
            for name, text in self._texts.items()
        }
        return {**cells, "name": branch(self.depth, ascii=self._ascii) + cells["name"]}

    @cached_property
    def searched(self) -> str:
        """The text that a filter is looked for in."""
        marks = ("changed" if self.recording.overview.changed else "", "forked" if self._texts[FORKED] else "")
        return printable(" ".join((*self._texts.values(), self.recording.kind, *marks))).lower()

    def matches(self, filter: str) -> bool:
        """Whether every word of the filter occurs."""
        return all(word in self.searched for word in filter.lower().split())


def arranged(rows: Sequence[Row], *, ascii: bool) -> list[Row]:
    """The rows in the order of the tree of forked runs."""
    known = {(row.recording.name, row.depth): row for row in rows}
    return [
        known.get((recording.name, depth)) or Row(recording, ascii=ascii, depth=depth)
        for recording, depth in tree([row.recording for row in rows])
    ]


def fitting(rows: Sequence[Row], width: int) -> list[FittedColumn]:
    """The columns that fit into `width` cells, those of low rank first; the name is always shown."""
    widths = {name: max(len(name), *(cell_len(row.cells[name]) for row in rows)) for name in COLUMNS} if rows else {}
    shown: set[str] = set()
    if not any(row.cells[FORKED] for row in rows):
        widths.pop(FORKED, None)
    for name in sorted(widths, key=_RANKS.__getitem__):
        if not shown or sum(widths[each] + _PADDING for each in (*shown, name)) <= width:
            shown.add(name)
    return [FittedColumn(name, min(widths[name], width - _PADDING)) for name in COLUMNS if name in shown]


def _seed(run: Manifest) -> str:
    return "-" if run.watched else str(run.seed)


def _rules(lanes: Sequence[LaneOutcome]) -> str:
    """The rules of the first two lanes, and how many more there are."""
    more = [f"+{len(lanes) - 2}"] if len(lanes) > 2 else []
    return ", ".join([*(lane.rule for lane in lanes[:2]), *more])


def _results(lanes: Sequence[LaneOutcome], experiment: ExperimentInfo) -> str:
    """The final values of two lanes in the first metric, or the range of more."""
    main, values = experiment.main, [main_value(lane, experiment) for lane in lanes]
    known = [value for value in values if value is not None]
    if len(lanes) > 2:
        text = f"{value_words(main, min(known))} to {value_words(main, max(known))}" if known else "-"
    else:
        text = "  ".join("-" if value is None else value_words(main, value) for value in values)
    return named(main, text) if known else text


def _compared(sweep: SweepOverview) -> str:
    return sweep.comparison.name.partition(" (")[0] if sweep.comparison else number_of(sweep.settings, "setting")


def _difference(sweep: SweepOverview) -> str:
    return f"diff {difference_cell(sweep.comparison, sweep.experiment)}" if sweep.comparison else "-"
