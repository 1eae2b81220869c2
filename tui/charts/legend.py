"""A chart's header: its title, and each lane's symbol, name and value."""

from __future__ import annotations

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from ...core.safe_text import printable
from .chart_spec import ChartLane, ChartSpec
from .ticks import NUMBER_WIDTH, fixed

GAP = 3


def header(spec: ChartSpec, rows: int) -> list[Strip]:
    """Title and legend on one or two strips as wide as the chart; names are shortened to fit."""
    title = _title(spec)
    if rows == 2:
        return [_strip(spec, title, []), _strip(spec, [], _legend(spec, spec.width - 1))]
    room = spec.width - 1 - _length(title)
    return [_strip(spec, title, _legend(spec, room - GAP))]


def fits_one_row(spec: ChartSpec) -> bool:
    """Whether title and legend fit in one row with all names in full."""
    names = max((cell_len(_name(spec, lane)) for lane in spec.lanes), default=0)
    return _length(_title(spec)) + GAP + _length(_entries(spec, names)) + 1 <= spec.width


def _title(spec: ChartSpec) -> list[Segment]:
    palette = spec.palette
    segments = [Segment(" " + printable(spec.title, ascii=spec.ascii), palette.style(palette.foreground, bold=True))]
    if spec.log:
        segments.append(Segment(" log", palette.style(palette.muted)))
    return segments


def _legend(spec: ChartSpec, room: int) -> list[Segment]:
    """The entries, with names as long as `room` cells allow."""
    lengths = [cell_len(_name(spec, lane)) for lane in spec.lanes]
    fixed_part = len(lengths) * (NUMBER_WIDTH + 3 + GAP) - GAP
    names = min(room, max(lengths, default=0))
    while names > 2 and fixed_part + sum(min(length, names) for length in lengths) > room:
        names -= 1
    fits = fixed_part + sum(min(length, names) for length in lengths) <= room
    return _entries(spec, names if fits and (names > 2 or names == max(lengths, default=0)) else 0)


def _entries(spec: ChartSpec, names: int) -> list[Segment]:
    segments: list[Segment] = []
    for number, lane in enumerate(spec.lanes):
        if number:
            segments.append(Segment(" " * (GAP if names else 1), spec.palette.style(spec.palette.muted)))
        segments += _entry(spec, lane, number, names)
    return segments


def _entry(spec: ChartSpec, lane: ChartLane, number: int, names: int) -> list[Segment]:
    palette, symbol = spec.palette, spec.glyphs.symbol(number)
    name = f" {spec.glyphs.shortened(_name(spec, lane), names)}" if names else ""
    color = palette.style(lane.color)
    return [Segment(symbol + name + " ", color), Segment(_value(spec, lane), palette.style(lane.color, bold=True))]


def _name(spec: ChartSpec, lane: ChartLane) -> str:
    return printable(lane.name, ascii=spec.ascii)


def _value(spec: ChartSpec, lane: ChartLane) -> str:
    point = lane.curve.last if spec.cursor is None else lane.curve.nearest(spec.cursor)
    return fixed(point[1] if point else None)


def _length(segments: list[Segment]) -> int:
    return sum(segment.cell_length for segment in segments)


def _strip(spec: ChartSpec, left: list[Segment], right: list[Segment]) -> Strip:
    """Left and right parts with blanks between them; the left part is cropped to fit."""
    blank = spec.palette.style(spec.palette.foreground)
    right = [*right, Segment(" ", blank)] if right else []
    room = max(spec.width - _length(right), 0)
    start = Strip(_cropped(left, room - bool(right), spec.glyphs.ellipsis)).adjust_cell_length(room, blank)
    return Strip.join([start, Strip(right)]).adjust_cell_length(spec.width, blank)


def _cropped(segments: list[Segment], cells: int, ellipsis: str) -> list[Segment]:
    """Segments cut to `cells` cells with an ellipsis; empty if fewer than 5 are left."""
    if _length(segments) <= cells:
        return segments
    if cells < 5:
        return []
    return [*Strip(segments).crop(0, cells - 1), Segment(ellipsis, segments[0].style)]
