"""Lane symbols, which stand on their curves or not at all: along a line, and with the value at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

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
    labels: dict[int, list[LineEnd]] = {}
    for end in sorted(ends, key=lambda end: -end.value):
        near = [column for (_, column), other in taken.items() if abs(other.column - end.column) <= ALIGNED]
        if spec.palette.coloured or [other.row for other in ends].count(end.row) == 1:
            # Otherwise only colour would tell whose value it is.
            labels.setdefault(max(near) + 2, []).append(end)
    for column, these in labels.items():
        _draw_values(spec, canvas, area, these, column)


def _draw_values(spec: ChartSpec, canvas: Canvas, area: Area, ends: list[LineEnd], column: int) -> None:
    """Draw values below each other, beside their lines' ends or in free rows nearby if colour tells whose they are.

    `ends` have the largest value first, and so have the rows. No value is beside the symbol of another lane alone.
    """
    start = area.left + column
    texts = [number(end.value, spec.decimals, percent=spec.percent) for end in ends]
    rows_of_symbols = {end.row for end in ends}
    options: list[dict[int, int]] = []
    for end, text in zip(ends, texts, strict=True):
        nearby = (end.row + away for away in ((0, 1, 2, 3, -1, -2) if spec.palette.coloured else (0,)))
        options.append(
            {
                row: effort
                for effort, row in enumerate(nearby)
                if (row == end.row or row not in rows_of_symbols)
                and 0 <= row < area.height
                and canvas.is_free(row, start - 1, start + len(text), spec.glyphs.grid)
            }
        )
    for end, text, row in zip(ends, texts, in_order(options), strict=True):
        if row is not None:
            canvas.write(row, start, text, spec.palette.style(spec.lanes[end.lane].color, bold=True))


class _Placing(NamedTuple):
    """Rows for the first labels, how many have none, and the sum of the efforts."""

    missing: int
    effort: int
    rows: tuple[int | None, ...]


def in_order(options: Sequence[Mapping[int, int]]) -> tuple[int | None, ...]:
    """A row for each label, below that of the label before it; None for as few as possible.

    `options` are the rows that a label can have, each with an effort. The sum of the efforts is the least possible.
    """
    # The best placing of the labels so far by the last row that it uses.
    best = {-1: _Placing(0, 0, ())}
    for option in options:
        longer = {last: _Placing(one.missing + 1, one.effort, (*one.rows, None)) for last, one in best.items()}
        for row, effort in option.items():
            above = min((one for last, one in best.items() if last < row), key=_badness)
            placed = _Placing(above.missing, above.effort + effort, (*above.rows, row))
            longer[row] = min(placed, longer.get(row, placed), key=_badness)
        best = longer
    return min(best.values(), key=_badness).rows


def _badness(placing: _Placing) -> tuple[int, int]:
    return placing[:2]
