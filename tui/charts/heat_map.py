"""Renders histograms of log10 |g| over steps as a heat map: a pure function of a `HeatMapSpec`.

Each lane has a panel. All panels have the same bins and the same shades, so that they can be compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from math import ceil

import numpy as np
from textual.strip import Strip

from ...core.stream.measures import BINS
from .area import Area
from .axes import FLOOR_FROM, draw_cursor, draw_steps, draw_values
from .canvas import Canvas
from .heat_cells import cell_rows, draw_bounds, draw_cells, draw_failure
from .heat_columns import HeatColumns, bin_place, bound_sizes, heat_columns
from .heat_header import panel_header, title_row
from .heat_map_spec import HeatMapSpec
from .legend import row_of
from .ticks import spacing
from .traces import Scale

# The smallest panels: columns, and rows without header and axis. Where possible, they have the larger size.
SMALLEST, COMFORTABLE = (12, 2), (24, 5)
# The value labels, such as 1e-10, and the axis.
LEFT = 6
# The first bin starts at 1e-10.
FIRST_DECADE, BINS_PER_DECADE = -10, 4
# A bound this close to the occupied bins is in sight.
REACH = BINS_PER_DECADE


@dataclass(frozen=True)
class Grid:
    """`across` panels of `width` cells beside each other; rows of `height` cells, without the step axis at the end."""

    across: int
    width: int
    height: int
    axis: int

    def fits(self, columns: int, rows: int) -> bool:
        """Whether each panel has this many columns and rows for its cells."""
        return self.width - LEFT >= columns and self.height - 1 >= rows


@dataclass(frozen=True)
class View:
    """What all panels share: the bins from `low` to `high`, and the share of the elements with the strongest shade."""

    low: int
    high: int
    top: float


def render_heat_map(spec: HeatMapSpec) -> list[Strip]:
    """The heat map as exactly `height` strips of exactly `width` cells; if it is too small, the first line says so."""
    grid = _arrange(spec)
    if grid is None:
        return _message(spec, "heat map needs more room", spec.height)
    columns = [heat_columns(lane, spec.window, grid.width - LEFT) for lane in spec.lanes]
    view = _view(spec, columns, grid)
    if view is None:
        return [title_row(spec, 0.0), *_message(spec, spec.empty, spec.height - 1)]
    panels = [_panel(spec, number, columns[number], view, grid) for number in range(len(spec.lanes))]
    strips = [title_row(spec, view.top)]
    for start in range(0, len(panels), grid.across):
        beside = zip(*panels[start : start + grid.across], strict=True)
        strips += [row_of(spec, [segment for strip in row for segment in strip], []) for row in beside]
    return strips + _message(spec, "", spec.height - len(strips))


def _message(spec: HeatMapSpec, text: str, height: int) -> list[Strip]:
    canvas = Canvas(max(spec.width, 0), max(height, 0), spec.palette.style(spec.palette.muted))
    canvas.write(0, 1, text, canvas.blank)
    return canvas.strips()


def _arrange(spec: HeatMapSpec) -> Grid | None:
    """The panels below each other if they are high enough, otherwise beside each other; None: there is no room."""
    axis = 2 if spec.height >= FLOOR_FROM else 1
    lanes = len(spec.lanes)
    grids = [
        Grid(across, spec.width // across, (spec.height - 1 - axis) // ceil(lanes / across), axis)
        for across in range(1, lanes + 1)
    ]
    fitting = (grid for size in (COMFORTABLE, SMALLEST) for grid in grids if grid.fits(*size))
    return next(fitting, None)


def _view(spec: HeatMapSpec, columns: list[HeatColumns], grid: Grid) -> View | None:
    """The occupied bins and the bounds near them, with a bin more on either side; None: there are none."""
    occupied = np.unique(np.concatenate([[], *(one.bins for one in columns)]))
    if not len(occupied):
        return None
    low, high = int(occupied[0]), int(occupied[-1]) + 1
    sizes = (size for lane in spec.lanes for bound in lane.bounds for size in bound_sizes(bound))
    near = [place for place in map(bin_place, sizes) if low - REACH <= place <= high + REACH]
    low, high = min([low, *map(int, near)]), max([high, *map(ceil, near)])
    low, high = max(low - 1, 0), min(high + 1, BINS)
    drawn = [one.rows(low, high, cell_rows(spec, grid.height - 1)) for one in columns]
    return View(low, high, min(spacing(max(float(np.nanmax(rows, initial=0.0)) for rows in drawn), 1), 1.0))


def _panel(spec: HeatMapSpec, number: int, columns: HeatColumns, view: View, grid: Grid) -> list[Strip]:
    """A lane's header and cells, and the step axis in the last row."""
    axis = grid.axis if number // grid.across == (len(spec.lanes) - 1) // grid.across else 0
    rows = grid.height - 1 + axis
    canvas = Canvas(grid.width, rows, spec.palette.style(spec.palette.foreground))
    height = rows - axis
    scale = Scale(view.low, view.high, log=False)
    area = Area(LEFT, grid.width - LEFT, height, rows - 1, spec.window, scale)
    draw_values(spec, canvas, area, _decades(view, height))
    if axis:
        draw_steps(spec, canvas, area)
    levels = draw_cells(spec, canvas, area, number, columns, view.top)
    draw_bounds(spec, canvas, area, number, levels)
    draw_cursor(spec, canvas, area)
    draw_failure(spec, canvas, area, number)
    return [panel_header(spec, number, grid.width), *canvas.strips()]


def _decades(view: View, height: int) -> list[tuple[float, str]]:
    """Powers of ten and their places in the bins, about one per two rows."""
    decades = range(-(-view.low // BINS_PER_DECADE), view.high // BINS_PER_DECADE + 1)
    spread = ([decade for decade in decades if (decade + FIRST_DECADE) % every == 0] for every in count(1))
    chosen = next(some for some in spread if len(some) <= max(height // 2, 2))
    return [(float(decade * BINS_PER_DECADE), _power(decade + FIRST_DECADE)) for decade in chosen]


def _power(exponent: int) -> str:
    return f"1e{exponent}" if exponent else "1"
