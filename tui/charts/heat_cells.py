"""The cells of a heat map's panel: shades in half blocks, or a ramp of characters, and the bounds drawn over them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.style import Style

from .area import Area
from .canvas import SPACE, Canvas
from .heat_columns import HeatColumns, bin_place, bound_sizes
from .heat_map_spec import HeatLane, HeatMapSpec

UPPER_HALF = "▀"
SHADES = 8
RAMP = " .:-=+*#%@"
# From this shade on, a line over the cell has the colour of the background.
BRIGHT = 5

Levels = NDArray[np.int64]


def has_half_blocks(spec: HeatMapSpec) -> bool:
    """Whether a cell can show two shades, one above the other."""
    return not spec.ascii and all(spec.palette.has_shades(lane.color) for lane in spec.lanes)


def cell_rows(spec: HeatMapSpec, height: int) -> int:
    """How many shades lie above each other in so many rows."""
    return height * 2 if has_half_blocks(spec) else height


def draw_cells(spec: HeatMapSpec, canvas: Canvas, area: Area, number: int, columns: HeatColumns, top: float) -> Levels:
    """Draw a lane's shares; `top` has the strongest shade. Returns the shade of each cell, from 0 to `SHADES`."""
    low, high, color = area.scale.low, area.scale.high, spec.lanes[number].color
    shares = columns.rows(low, high, cell_rows(spec, area.height))
    if has_half_blocks(spec):
        halves = _levels(shares, top, SHADES)
        _draw_halves(spec, canvas, area, halves, color)
        return np.maximum(halves[::2], halves[1::2])
    levels = _levels(shares, top, len(RAMP) - 1)
    ramp, seen = np.array([ord(character) for character in RAMP]), levels > 0
    canvas.codes[: area.height, area.left :][seen] = ramp[levels][seen]
    canvas.inks[: area.height, area.left :][seen] = canvas.ink(spec.palette.style(color))
    return np.zeros_like(levels)


def _levels(shares: NDArray[np.float64], top: float, count: int) -> Levels:
    """Shares → levels from 0 (exactly nothing) to `count`; the square root makes small shares visible."""
    places = np.sqrt(np.clip(np.nan_to_num(shares), 0.0, top) / top)
    return np.ceil(places * count - 1e-6).astype(np.int64)


def _draw_halves(spec: HeatMapSpec, canvas: Canvas, area: Area, halves: Levels, color: str) -> None:
    upper, lower = halves[::2], halves[1::2]
    pairs = upper * (SHADES + 1) + lower
    codes, inks = canvas.codes[: area.height, area.left :], canvas.inks[: area.height, area.left :]
    for pair in np.unique(pairs[pairs > 0]).tolist():
        above, below = divmod(pair, SHADES + 1)
        cells = pairs == pair
        codes[cells] = SPACE if above == below else ord(UPPER_HALF)
        inks[cells] = canvas.ink(spec.palette.shades(color, above / SHADES, below / SHADES))


def draw_bounds(spec: HeatMapSpec, canvas: Canvas, area: Area, number: int, levels: Levels) -> None:
    """Draw the bounds of the lane's value rules as lines, each over the steps for which its rule held."""
    lane = spec.lanes[number]
    for first, last, size in bound_spans(lane, spec.window):
        place = bin_place(size)
        if area.scale.outside(np.array([place]))[0]:
            continue
        row = area.row(place)
        for column in range(area.column(first), area.column(last) + 1):
            style = _line_style(spec, lane.color, int(levels[row, column]))
            canvas.write(row, area.left + column, spec.glyphs.bound, style)


def draw_failure(spec: HeatMapSpec, canvas: Canvas, area: Area, number: int) -> None:
    """Draw a cross at the bottom of the step at which a lane failed."""
    failed = spec.lanes[number].failed
    if failed is not None and area.shows(failed):
        style = spec.palette.style(spec.palette.warning, bold=True)
        canvas.write(area.height - 1, area.left + area.column(failed), spec.glyphs.broken, style)


def bound_spans(lane: HeatLane, window: tuple[int, int]) -> list[tuple[int, int, float]]:
    """(first step, last step, |g|) of each bound in the window."""
    first, last = window
    return [
        (max(bound.first, first), min(end, last), size)
        for bound, end in zip(lane.bounds, [*(after.first for after in lane.bounds[1:]), last], strict=False)
        for size in bound_sizes(bound)
        if bound.first <= last and end >= first
    ]


def _line_style(spec: HeatMapSpec, color: str, level: int) -> Style:
    """A line that stands out from the shade under it."""
    palette = spec.palette
    if not level:
        return palette.style(palette.foreground, bold=True)
    front = palette.background if level >= BRIGHT else palette.foreground
    return palette.shades(color, level / SHADES, level / SHADES) + Style(color=front, bold=True)
