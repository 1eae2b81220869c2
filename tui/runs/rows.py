"""The rows of the list of runs on the screen: which columns fit, what they say, and which rows match a filter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from rich.cells import cell_len

from ...core.runs.folder import LaneOutcome, Manifest
from ...core.safe_text import printable
from ...core.sweeps.listing import Recording
from ...core.sweeps.overview import SweepOverview
from ..style.chart_styles import ASCII, UNICODE
from ..text.number_format import number_of
from .cells import shared_cells, started

# In the order on the screen. The second item is the rank: the columns with the highest ranks are left out first.
_RANKS = {
    "name": 0,
    "started": 7,
    "data": 3,
    "head": 4,
    "optimizer": 5,
    "seed": 8,
    "state": 1,
    "clip": 6,
    "accuracy": 2,
}
COLUMNS = tuple(_RANKS)
# The most cells that a cell may take; the details show the rules in full.
_MAX_WIDTHS = {"name": 40, "clip": 20}
# Blanks on both sides of a cell.
_PADDING = 2


class Column(NamedTuple):
    """A column that is shown: its name and its width in cells."""

    name: str
    width: int


class Row:
    """A recording and the text of its cells."""

    def __init__(self, recording: Recording, *, ascii: bool) -> None:
        self.recording = recording
        found = recording.overview
        data, head, optimizer, state = shared_cells(recording)
        texts = {
            "name": recording.name,
            "started": started(recording),
            "data": data,
            "head": head,
            "optimizer": optimizer,
            "seed": str(found.seed) if isinstance(found, Manifest) else number_of(found.seeds, "seed"),
            "state": state,
            "clip": _rules(found.lanes) if isinstance(found, Manifest) else _compared(found),
            "accuracy": _accuracies(found.lanes) if isinstance(found, Manifest) else _difference(found),
        }
        self._texts, self._ascii = texts, ascii

    @cached_property
    def cells(self) -> dict[str, str]:
        """The text of each column."""
        glyphs = ASCII if self._ascii else UNICODE
        return {
            name: glyphs.shortened(printable(text, ascii=self._ascii), _MAX_WIDTHS.get(name, 40))
            for name, text in self._texts.items()
        }

    @cached_property
    def searched(self) -> str:
        """The text that a filter is looked for in."""
        changed = "changed" if self.recording.overview.changed else ""
        return printable(" ".join((*self._texts.values(), self.recording.kind, changed))).lower()

    def matches(self, filter: str) -> bool:
        """Whether every word of the filter occurs."""
        return all(word in self.searched for word in filter.lower().split())


def fitting(rows: Sequence[Row], width: int) -> list[Column]:
    """The columns that fit into `width` cells, those of low rank first; the name is always shown."""
    widths = {name: max(len(name), *(cell_len(row.cells[name]) for row in rows)) for name in COLUMNS} if rows else {}
    shown: set[str] = set()
    for name in sorted(widths, key=_RANKS.__getitem__):
        if not shown or sum(widths[each] + _PADDING for each in (*shown, name)) <= width:
            shown.add(name)
    return [Column(name, min(widths[name], width - _PADDING)) for name in COLUMNS if name in shown]


def _rules(lanes: Sequence[LaneOutcome]) -> str:
    """The rules of the first two lanes, and how many more there are."""
    more = [f"+{len(lanes) - 2}"] if len(lanes) > 2 else []
    return ", ".join([*(lane.rule for lane in lanes[:2]), *more])


def _accuracies(lanes: Sequence[LaneOutcome]) -> str:
    """The final accuracies of two lanes, or the range of more."""
    known = [lane.accuracy for lane in lanes if lane.accuracy is not None]
    if len(lanes) > 2:
        return f"{min(known):.3f} to {max(known):.3f}" if known else "-"
    return "  ".join("-" if lane.accuracy is None else f"{lane.accuracy:.3f}" for lane in lanes)


def _compared(sweep: SweepOverview) -> str:
    return sweep.comparison.name.partition(" (")[0] if sweep.comparison else number_of(sweep.settings, "setting")


def _difference(sweep: SweepOverview) -> str:
    return f"diff {sweep.comparison.points / 100:+.3f}" if sweep.comparison else "-"
