"""The histogram of log10 |g| in block characters, with the bounds of a value rule marked."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.stream.measures import BIN_EDGES, BINS, Histogram
from ...core.stream.rules import RecordedRule, ValueClip

DECADES = range(-10, 3)
MARGIN = 2
# Cells left free to the right of the bars, for counts and percentiles.
COUNTS_WIDTH = 29
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_UNCOLOURED = " ░░░▒▒▒▓▓"


@dataclass(frozen=True)
class Ink:
    """A histogram's styles: bins `within` the bounds, `beyond` both bounds, or between them (`partly` clipped)."""

    within: Style
    partly: Style
    beyond: Style
    muted: Style
    ascii: bool = False
    coloured: bool = True


@dataclass(frozen=True)
class Bounds:
    """A rule's bounds on |g|: some elements above `first` are clipped, all above `last`. Infinite if there is none."""

    first: float = math.inf
    last: float = math.inf

    @property
    def visible(self) -> tuple[float, ...]:
        """The bounds that lie within the axis, ascending."""
        return tuple(sorted({bound for bound in (self.first, self.last) if BIN_EDGES[0] < bound < BIN_EDGES[-1]}))


def value_bounds(rule: RecordedRule) -> Bounds:
    """The bounds of a value rule; other rules have none per element."""
    if not isinstance(rule, ValueClip):
        return Bounds()
    sides = [math.inf if side is None else abs(side) for side in (rule.low, rule.high)]
    return Bounds(min(sides), max(sides))


def bar_lines(histogram: Histogram, bounds: Bounds, width: int, height: int, ink: Ink, *, tallest: int) -> list[Strip]:
    """Bars in `height` lines from top to bottom. A bin of `tallest` elements fills them; no bin with elements is blank.

    With the same `tallest`, bars of several histograms compare.
    """
    cells = cells_per_bin(width)
    full = 8 * height
    levels = [min(full, round(full * count / max(1, tallest))) or (1 if count else 0) for count in histogram.counts]
    rows = [
        _row([min(8, max(0, level - 8 * row)) for level in levels], bounds, cells, ink)
        for row in reversed(range(height))
    ]
    return [strip.adjust_cell_length(width, ink.muted) for strip in rows]


def axis_lines(bounds: Bounds, width: int, ink: Ink) -> list[Strip]:
    """The axis with the bounds, and the decades below it."""
    cells = cells_per_bin(width)
    return [
        line.adjust_cell_length(width, ink.muted) for line in (_bound_line(bounds, cells, ink), _labels(cells, ink))
    ]


def bars_end(width: int) -> int:
    """The column after the last bar."""
    return MARGIN + BINS * cells_per_bin(width)


def cells_per_bin(width: int) -> int:
    """The width of a bin in cells."""
    return max(1, (width - MARGIN - COUNTS_WIDTH) // BINS)


def _row(levels: Sequence[int], bounds: Bounds, cells: int, ink: Ink) -> Strip:
    styles, marks = (ink.within, ink.partly, ink.beyond, ink.muted), {_bin(bound) for bound in bounds.visible}
    mark = (":" if ink.ascii else "┊").ljust(cells)
    texts = (
        (3, mark) if level == 0 and place in marks else (zone, _glyph(level, zone, ink) * cells)
        for place, (level, zone) in enumerate(zip(levels, _zones(bounds), strict=False))
    )
    runs = itertools.groupby(texts, key=itemgetter(0))
    segments = [Segment("".join(text for _, text in run), styles[kind]) for kind, run in runs]
    return Strip([Segment(" " * MARGIN, ink.muted), *segments])


def _glyph(level: int, zone: int, ink: Ink) -> str:
    if level == 0:
        return " "
    if ink.ascii:
        return ".:::####"[level - 1] if zone == 0 else ".+++****"[level - 1] if zone == 1 else ".xxxXXXX"[level - 1]
    return _EIGHTHS[level] if zone == 0 or ink.coloured else _UNCOLOURED[level]


@lru_cache(maxsize=8)
def _zones(bounds: Bounds) -> tuple[int, ...]:
    """By bin: 0 within the bounds, 1 beyond the first, 2 beyond both."""
    middles = (math.sqrt(low * high) for low, high in itertools.pairwise(BIN_EDGES))
    return tuple((middle > bounds.first) + (middle > bounds.last) for middle in middles)


def _bin(value: float) -> int:
    """The bin whose lower edge is nearest to a value."""
    return min(BINS - 1, max(0, round(4 * (math.log10(value) + 10))))


def _bound_line(bounds: Bounds, cells: int, ink: Ink) -> Strip:
    """The axis line, with a pointer and a number at each bound."""
    line, floor = "", "-" if ink.ascii else "─"
    for bound in bounds.visible:
        line = line.ljust(_bin(bound) * cells, floor)[: _bin(bound) * cells]
        line += f"{'^' if ink.ascii else '▲'} {bound:g} "
    line = line.ljust(BINS * cells, floor)
    return Strip([Segment(" " * MARGIN + line, ink.muted)])


def _labels(cells: int, ink: Ink) -> Strip:
    text = ""
    for decade in DECADES[::2]:
        text = text.ljust(MARGIN + 4 * cells * (decade + 10)) + f"1e{decade}"
    return Strip([Segment(text, ink.muted)])
