"""Horizontal lines at given values, such as the bound of a norm rule, with a label at their right end."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...core.safe_text import printable
from .area import Area
from .canvas import Canvas
from .chart_spec import ChartSpec, Level

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
    """Label the newest level of each lane at its right end; one that is out of range has an arrow at that edge."""
    newest = {level.lane: level for level in _visible(spec, area)}
    for level in newest.values():
        style = spec.palette.style(spec.lanes[level.lane].color)
        outside = _outside(area, level)
        arrow = {0: "", 1: spec.glyphs.above + " ", -1: spec.glyphs.below + " "}[outside]
        text = f" {arrow}{printable(level.label, ascii=spec.ascii) or f'{level.value:g}'} "
        row, end = area.row(level.value), _columns(area, level)[1]
        background = spec.glyphs.grid + spec.glyphs.level
        # In the margin, or above the line's end.
        rows = (row, row - 1, row + 1, row - 2, row + 2)
        places = [(row, area.left + area.width), *((place, end - len(text)) for place in rows)]
        for place, start in places:
            fits = 0 <= place < area.height and start >= area.left
            if fits and canvas.is_free(place, start, start + len(text), background):
                canvas.write(place, start, text, style)
                break


def _visible(spec: ChartSpec, area: Area) -> Iterator[Level]:
    """The levels of lanes in the chart that hold for some step of the window."""
    first, last = area.window
    for level in spec.levels:
        start = first if level.first is None else level.first
        end = last if level.last is None else level.last
        if level.lane < len(spec.lanes) and start <= last and end >= first:
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
