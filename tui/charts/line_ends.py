"""Lane symbols, which stand on their curves or not at all: along a line, and with the value at its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import NDArray

from .area import Area
from .canvas import Canvas
from .chart_spec import ChartSpec
from .ticks import number
from .traces import Trace

SYMBOL_EVERY = 18
# Lines that end within so many columns of each other have their values in one column.
ALIGNED = 3

Drawn = NDArray[np.bool_]


@dataclass(frozen=True)
class LineEnd:
    """Where a lane's line ends: its number, the cell of its symbol, counted from the area's corner, and the value."""

    lane: int
    row: int
    column: int
    value: float


def draw_symbols(spec: ChartSpec, canvas: Canvas, area: Area, traces: list[Trace], drawn: Sequence[Drawn]) -> None:
    """Draw the symbols and the values at the line ends. `drawn` are the cells that each lane's line touches."""
    ends: list[LineEnd] = []
    for lane, (one, cells) in enumerate(zip(traces, drawn, strict=True)):
        values = one.main()
        filled = np.flatnonzero(np.isfinite(values))
        if len(filled):
            _draw_along(spec, canvas, area, lane, values[filled], filled // spec.glyphs.dots[0], cells)
            end = _end(area, lane, float(values[filled[-1]]), int(filled[-1]) // spec.glyphs.dots[0], cells)
            ends += [end] if end else []
    _draw_ends(spec, canvas, area, ends)


def _row(area: Area, value: float, column: int, cells: Drawn) -> int | None:
    """The row in which the line passes a column, the one nearest to a value; None: it does not."""
    rows = np.flatnonzero(cells[:, column])
    return int(rows[np.abs(rows - area.row(value)).argmin()]) if len(rows) else None


def _draw_along(
    spec: ChartSpec,
    canvas: Canvas,
    area: Area,
    lane: int,
    values: NDArray[np.float64],
    columns: NDArray[np.int64],
    cells: Drawn,
) -> None:
    """Draw a lane's symbol at intervals on its line, staggered between lanes."""
    style = spec.palette.style(spec.lanes[lane].color, bold=True)
    start = SYMBOL_EVERY * (2 * lane + 1) // (2 * len(spec.lanes))
    for target in range(start, area.width - 3, SYMBOL_EVERY):
        nearest = min(int(np.searchsorted(columns, target)), len(columns) - 1)
        column = int(columns[nearest])
        row = _row(area, float(values[nearest]), column, cells)
        if row is not None and abs(column - target) <= 2:
            canvas.write(row, area.left + column, spec.symbol(lane), style)


def _end(area: Area, lane: int, value: float, column: int, cells: Drawn) -> LineEnd | None:
    row = _row(area, value, column, cells)
    return None if row is None else LineEnd(lane, row, column, value)


def _draw_ends(spec: ChartSpec, canvas: Canvas, area: Area, ends: list[LineEnd]) -> None:
    """Draw the symbols, those in one cell beside each other, and to their right the values."""
    taken: dict[tuple[int, int], LineEnd] = {}
    for end in ends:
        column = next(column for column in count(end.column) if (end.row, column) not in taken)
        taken[end.row, column] = end
        style = spec.palette.style(spec.lanes[end.lane].color, bold=True)
        canvas.write(end.row, area.left + column, spec.symbol(end.lane), style)
    for end in sorted(ends, key=lambda end: -end.value):
        near = [column for (_, column), other in taken.items() if abs(other.column - end.column) <= ALIGNED]
        if not spec.palette.coloured and [other.row for other in ends].count(end.row) > 1:
            # Only colour tells whose value it is.
            continue
        _draw_value(spec, canvas, area, end, area.left + max(near) + 2)


def _draw_value(spec: ChartSpec, canvas: Canvas, area: Area, end: LineEnd, column: int) -> None:
    """Draw a value beside its line's end, or in a free row nearby where colour tells whose it is."""
    text = number(end.value, spec.decimals, percent=spec.percent)
    style = spec.palette.style(spec.lanes[end.lane].color, bold=True)
    for away in (0, 1, 2, 3, -1, -2) if spec.palette.coloured else (0,):
        row = end.row + away
        if 0 <= row < area.height and canvas.is_free(row, column - 1, column + len(text), spec.glyphs.grid):
            return canvas.write(row, column, text, style)
