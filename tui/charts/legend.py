"""A chart's header: its title, and each lane's symbol, name and values."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from ...core.safe_text import printable
from .chart_spec import ChartLane, ChartSpec
from .heat_map_spec import HeatMapSpec
from .ticks import number, number_width

GAP = 3
# Names are not shortened below this.
SHORTEST_NAME = 3


@dataclass(frozen=True)
class Form:
    """How the legend is written: the most cells of a name (0: none), and whether with raw values."""

    names: int
    raw: bool = False


def header(spec: ChartSpec, rows: int) -> list[Strip]:
    """Title and legend on one or two strips as wide as the chart.

    If room is short, the raw values go first, then what follows the comma in the title, then names are shortened.
    """
    titles = [_title(spec), _title(spec, short=True)]
    if rows == 2:
        title = titles[_length(titles[0]) > spec.width]
        return [row_of(spec, title, []), row_of(spec, [], _legend(spec, spec.width - 1))]
    title = next((one for one in titles if _fits(spec, one, _full_names(spec))), titles[-1])
    return [row_of(spec, title, _legend(spec, spec.width - 1 - _length(title) - GAP))]


def fits_one_row(spec: ChartSpec) -> bool:
    """Whether a short title and a legend with all names in full fit in one row."""
    return _fits(spec, _title(spec, short=True), _full_names(spec))


def _fits(spec: ChartSpec, title: list[Segment], form: Form) -> bool:
    return _length(title) + GAP + _length(_entries(spec, form)) + 1 <= spec.width


def _title(spec: ChartSpec, *, short: bool = False) -> list[Segment]:
    palette, title = spec.palette, printable(spec.title, ascii=spec.ascii)
    text = title.partition(",")[0] if short else title
    segments = [Segment(" " + text, palette.style(palette.foreground, bold=True))]
    if spec.log:
        segments.append(Segment(" log", palette.style(palette.muted)))
    return segments


def _full_names(spec: ChartSpec) -> Form:
    return Form(max((cell_len(_name(spec, lane)) for lane in spec.lanes), default=0))


def _legend(spec: ChartSpec, room: int) -> list[Segment]:
    """The entries, with raw values if they fit, and with names as long as `room` cells allow."""
    full = _full_names(spec).names
    shorter = (Form(names) for names in range(min(full, room) - 1, SHORTEST_NAME - 1, -1))
    for form in (Form(full, raw=spec.smoothing > 0), Form(full), *shorter):
        entries = _entries(spec, form)
        if _length(entries) <= room:
            return entries
    return _entries(spec, Form(0))


def _entries(spec: ChartSpec, form: Form) -> list[Segment]:
    segments: list[Segment] = []
    for index, lane in enumerate(spec.lanes):
        if index:
            segments.append(Segment(" " * (GAP if form.names else 1), spec.palette.style(spec.palette.muted)))
        segments += _entry(spec, lane, index, form)
    return segments


def _entry(spec: ChartSpec, lane: ChartLane, index: int, form: Form) -> list[Segment]:
    palette, symbol = spec.palette, spec.glyphs.symbol(index)
    name = f" {spec.glyphs.shortened(_name(spec, lane), form.names)}" if form.names else ""
    colour, (raw, smooth) = palette.style(lane.color), _values(spec, lane)
    value = Segment(_written(spec, smooth), palette.style(lane.color, bold=True))
    entry = [Segment(symbol + name + " ", colour), value]
    if form.raw:
        entry += [Segment(" raw ", palette.style(palette.muted)), Segment(_written(spec, raw), colour)]
    return entry


def _name(spec: ChartSpec, lane: ChartLane) -> str:
    return printable(lane.name, ascii=spec.ascii)


def _values(spec: ChartSpec, lane: ChartLane) -> tuple[float | None, float | None]:
    """The value at the cursor, or the newest one, and its average; a value that is not finite has no average."""
    point = lane.curve.last if spec.cursor is None else lane.curve.nearest(spec.cursor)
    if point is None:
        return None, None
    step, value = point
    if not spec.smoothing or not isfinite(value):
        return value, value
    return value, float(lane.curve.smoothed(step, step, 1, spec.smoothing)[0])


def _written(spec: ChartSpec, value: float | None) -> str:
    text = number(value, spec.decimals, percent=spec.percent)
    return text.rjust(number_width(spec.decimals, percent=spec.percent))


def _length(segments: list[Segment]) -> int:
    return sum(segment.cell_length for segment in segments)


def row_of(spec: ChartSpec | HeatMapSpec, left: list[Segment], right: list[Segment], width: int | None = None) -> Strip:
    """Left and right parts with blanks between them, as wide as the chart; the left part is cropped to fit."""
    width = spec.width if width is None else width
    blank = spec.palette.style(spec.palette.foreground)
    right = [*right, Segment(" ", blank)] if right else []
    room = max(width - _length(right), 0)
    start = Strip(_cropped(left, room - bool(right), spec.glyphs.ellipsis)).adjust_cell_length(room, blank)
    return Strip.join([start, Strip(right)]).adjust_cell_length(width, blank)


def _cropped(segments: list[Segment], cells: int, ellipsis: str) -> list[Segment]:
    """Segments cut to `cells` cells with an ellipsis; empty if fewer than 5 are left."""
    if _length(segments) <= cells:
        return segments
    if cells < 5:
        return []
    return [*Strip(segments).crop(0, cells - 1), Segment(ellipsis, segments[0].style)]
