"""A chart's header: its title, and each lane's symbol, name and values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import isfinite

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip

from ...core.safe_text import printable
from .chart_spec import ChartLane, ChartSpec
from .heat_map_spec import HeatMapSpec
from .ticks import number, number_width

GAP = 2
# Names are not shortened below this.
SHORTEST_NAME = 3
# From this height on, the header may take two rows.
TALL = 12
# Names up to this length are left out before the header takes two rows: the symbols alone say as much.
LETTERS = 2


@dataclass(frozen=True)
class Form:
    """How the legend is written: the most cells of a name (0: none), and whether with raw values."""

    names: int
    raw: bool = False


@dataclass(frozen=True)
class Entry:
    """What the legend says about a lane."""

    symbol: str
    name: str
    value: str
    raw: str
    color: str


def header(spec: ChartSpec) -> list[Strip]:
    """Title and legend on one strip as wide as the chart, or on two if they do not fit and the chart is high.

    If room is short, the title is shortened first, then the raw values go, then names are shortened.
    """
    titles, entries = _titles(spec), [_entry(spec, *item) for item in enumerate(spec.lanes)]
    forms = (Form(_longest(entries), raw=spec.smoothing > 0), Form(_longest(entries)))
    lettered = 0 < forms[0].names <= LETTERS
    if lettered:
        forms = (*forms, Form(0))
    # A second row is better than a shorter title, except for letters.
    whole = titles if lettered or spec.height < TALL else titles[:1]
    lengths = [_length(_written(spec, entries, form)) for form in forms]
    # The brief title is the last resort.
    choices = [*product(lengths, whole[:-1] or whole), *product(lengths, whole[-1:])]
    fitting = [title for length, title in choices if _length(title) + GAP + length + 1 <= spec.width]
    if not fitting and spec.height >= TALL:
        title = next((one for one in titles if _length(one) <= spec.width), titles[-1])
        return [row_of(spec, title, []), row_of(spec, [], _legend(spec, entries, spec.width - 1))]
    if not fitting and spec.keeps_title:
        title = next((one for one in titles if _length(one) < spec.width), titles[-1])
        return [row_of(spec, title, _whole_values(spec, entries, spec.width - _length(title) - GAP))]
    title = (fitting or titles[-1:])[0]
    return [row_of(spec, title, _legend(spec, entries, spec.width - 1 - _length(title) - GAP))]


def _titles(spec: ChartSpec) -> list[list[Segment]]:
    """The title in forms from long to short; the scale's kind, which its labels show too, goes before words do."""
    palette, title = spec.palette, printable(spec.title, ascii=spec.ascii)
    bold, scale = palette.style(palette.foreground, bold=True), Segment(", log", palette.style(palette.muted))
    head, brief = title.partition(",")[0], printable(spec.brief, ascii=spec.ascii)
    logged = [[Segment(f" {text}", bold), scale] for text in dict.fromkeys((title, head)) if spec.log]
    plain = [[Segment(f" {text}", bold)] for text in dict.fromkeys((head if spec.log else title, head, brief or head))]
    return [*logged, *plain]


def _longest(entries: list[Entry]) -> int:
    return max((cell_len(entry.name) for entry in entries), default=0)


def _legend(spec: ChartSpec, entries: list[Entry], room: int) -> list[Segment]:
    """The entries, with raw values if they fit, and with names as long as `room` cells allow."""
    full = _longest(entries)
    shorter = (Form(names) for names in range(min(full, room) - 1, SHORTEST_NAME - 1, -1))
    for form in (Form(full, raw=spec.smoothing > 0), Form(full), *shorter):
        legend = _written(spec, entries, form)
        if _length(legend) <= room:
            return legend
    return _whole_values(spec, entries, spec.width)


def _whole_values(spec: ChartSpec, entries: list[Entry], room: int) -> list[Segment]:
    """The first entries that fit, and how many more there are: no number is ever cut."""
    muted = spec.palette.style(spec.palette.muted)
    for count in range(len(entries), 0, -1):
        rest = [Segment(f" +{len(entries) - count}", muted)] if count < len(entries) else []
        legend = [*_written(spec, entries[:count], Form(0)), *rest]
        if _length(legend) < room:
            return legend
    return []


def _written(spec: ChartSpec, entries: list[Entry], form: Form) -> list[Segment]:
    palette, segments = spec.palette, list[Segment]()
    muted = palette.style(palette.muted)
    for index, entry in enumerate(entries):
        if index:
            segments.append(Segment(" " * (GAP if form.names else 1), muted))
        name = f" {spec.glyphs.shortened(entry.name, form.names)}" if form.names else ""
        color = palette.style(entry.color)
        segments += [
            Segment(f"{entry.symbol}{name} ", color),
            Segment(entry.value, palette.style(entry.color, bold=True)),
        ]
        if form.raw:
            segments += [Segment(" raw ", muted), Segment(entry.raw, color)]
    return segments


def _entry(spec: ChartSpec, index: int, lane: ChartLane) -> Entry:
    width = number_width(spec.decimals, percent=spec.percent)
    raw, value = (number(one, spec.decimals, percent=spec.percent).rjust(width) for one in _values(spec, lane))
    name = printable(lane.name, ascii=spec.ascii)
    return Entry(spec.symbol(index), name, value, raw, lane.color)


def _values(spec: ChartSpec, lane: ChartLane) -> tuple[float | None, float | None]:
    """The value at the cursor, or the newest one, and its average; a value that is not finite has no average.

    There is none where the curve is not drawn, before a lane was forked.
    """
    point = lane.curve.last if spec.cursor is None else lane.curve.nearest(spec.cursor)
    is_before = spec.cursor is not None and lane.start is not None and spec.cursor < lane.start
    if point is None or is_before:
        return None, None
    step, value = point
    if not spec.smoothing or not isfinite(value) or (spec.log and value <= 0):
        return value, value
    return value, float(lane.curve.smoothed(step, step, 1, spec.smoothing, log=spec.log)[0])


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
