"""Horizontal lines at given values, such as the bound of a norm rule, with a label at their right end."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

import numpy as np

from ...core.safe_text import printable
from .area import Area
from .canvas import Canvas
from .chart_spec import ChartSpec, Level
from .ticks import general

LINE = 0.6


def draw_level_lines(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Draw the lines of the levels within the scale; levels in one row alternate, so that none hides another."""
    rows: dict[int, list[Level]] = {}
    for level in _visible(spec, area):
        if not _outside(area, level):
            rows.setdefault(area.row(level.value), []).append(level)
    for row, levels in rows.items():
        for number, level in enumerate(levels):
            style = spec.palette.faint(spec.lanes[level.lane].color, LINE)
            start, end = _columns(area, level)
            first = start + (number - start) % len(levels)
            canvas.fill(slice(row, row + 1), slice(first, end, len(levels)), spec.glyphs.level, style)


def draw_level_labels(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Label the newest level of each lane; one that is out of range has an arrow at that edge."""
    newest = {level.lane: level for level in _visible(spec, area)}
    for level in newest.values():
        text = _label(spec, area, level)
        background = spec.glyphs.grid + spec.glyphs.level
        places = _places(area, level, len(text))
        free = (
            (row, start)
            for row, start in places
            if 0 <= row < area.height and canvas.is_free(row, start, start + len(text), background)
        )
        # What is out of range is seen by its label alone, which may cover a curve.
        covering = places[1] if _outside(area, level) else None
        if place := next(free, covering):
            canvas.write(*place, text, spec.palette.style(spec.lanes[level.lane].color))


def _label(spec: ChartSpec, area: Area, level: Level) -> str:
    arrow = {0: "", 1: spec.glyphs.above + " ", -1: spec.glyphs.below + " "}[_outside(area, level)]
    symbol = "" if spec.palette.coloured else spec.symbol(level.lane) + " "
    return f" {symbol}{arrow}{printable(level.label, ascii=spec.ascii) or general(level.value)} "


def _places(area: Area, level: Level, length: int) -> list[tuple[int, int]]:
    """(row, column) for a label, best first: in the margin, at the right end, above or below it, farther left."""
    row, (start, end) = area.row(level.value), _columns(area, level)
    right = max(end - length, area.left)
    near = [(place, right) for place in (row, row - 1, row + 1)]
    return [(row, area.left + area.width), *near, *((row, column) for column in range(right - 1, start, -1))]


def _visible(spec: ChartSpec, area: Area) -> Iterator[Level]:
    """The levels of lanes in the chart that hold for some step of the window; not those of a damaged bound."""
    first, last = area.window
    for level in spec.levels:
        start = first if level.first is None else level.first
        end = last if level.last is None else level.last
        if level.lane < len(spec.lanes) and isfinite(level.value) and start <= last and end >= first:
            yield level


def _columns(area: Area, level: Level) -> tuple[int, int]:
    """The columns [start, end) for which a level holds."""
    first, last = area.window
    start = first if level.first is None else max(level.first, first)
    end = last if level.last is None else min(level.last, last)
    return area.left + area.column(start), area.left + area.column(end) + 1


def _outside(area: Area, level: Level) -> int:
    """1 if the level is above the scale, -1 if it is below, otherwise 0."""
    return int(area.scale.outside(np.array([level.value]))[0])
