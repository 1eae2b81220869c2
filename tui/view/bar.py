"""A bar: a line of parts, of which the least important are left out where they do not fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ..style.theme import Theme


@dataclass(frozen=True)
class Part:
    """A piece of a bar. If the bar is too narrow, the parts with the highest `rank` are dropped first."""

    text: str
    style: Style
    rank: int = 0


def bar(left: list[Part], right: list[Part], width: int, theme: Theme) -> Strip:
    """A line of exactly `width` cells: parts two blanks apart, the `right` ones flush right."""
    left, right = ([replace(part, text=theme.printable(part.text)) for part in side] for side in (left, right))
    parts = [part for part in (*left, *right) if part.text]
    while len(parts) > 1 and needed_cells(parts) > width:
        parts.remove(max(parts, key=lambda part: part.rank))
    start = _joined([part for part in parts if part in left], theme)
    if parts and not parts[0].text.startswith(" "):
        start = Strip.join([Strip([Segment(" ", theme.text)]), start])
    end = _joined([part for part in parts if part in right], theme)
    room = max(0, width - end.cell_length)
    return Strip.join([start.adjust_cell_length(room, theme.text), end]).adjust_cell_length(width, theme.text)


def progress_bar(share: float, cells: int, theme: Theme) -> str:
    """A bar of `cells` cells of which a share is full."""
    full, empty = ("#", ".") if theme.ascii else ("━", "─")
    filled = round(cells * share)
    return full * filled + empty * (cells - filled)


def needed_cells(parts: list[Part]) -> int:
    """The width of a bar of these parts, including the blank before the first."""
    return _length(parts) + (not parts[0].text.startswith(" "))


def _length(parts: list[Part]) -> int:
    return sum(cell_len(part.text) for part in parts) + 2 * (len(parts) - 1)


def _joined(parts: list[Part], theme: Theme) -> Strip:
    segments: list[Segment] = []
    for part in parts:
        segments += (
            [Segment("  ", theme.text), Segment(part.text, part.style)]
            if segments
            else [Segment(part.text, part.style)]
        )
    return Strip(segments)
