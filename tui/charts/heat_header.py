"""The headers of a heat map: its title with the legend of the shades, and a line of figures for each lane."""

from __future__ import annotations

import numpy as np
from rich.segment import Segment
from textual.strip import Strip

from ...core.safe_text import printable
from .heat_cells import RAMP, SHADES, has_half_blocks
from .heat_columns import bin_place, bin_size, bound_at, bound_sizes
from .heat_map_spec import HeatLane, HeatMapSpec
from .legend import row_of


def title_row(spec: HeatMapSpec, top: float) -> Strip:
    """The title and the legend of the shades; `top` is the share of the elements with the strongest shade."""
    palette = spec.palette
    title = printable(spec.title, ascii=spec.ascii)
    bold = palette.style(palette.foreground, bold=True)
    for text, unit in ((title, " of elements per bin"), (title, ""), (title.partition(",")[0], "")):
        left, legend = [Segment(" " + text, bold)], _legend(spec, top, unit) if top else []
        if sum(segment.cell_length for segment in (*left, *legend)) + 4 <= spec.width:
            break
    return row_of(spec, left, legend)


def _legend(spec: HeatMapSpec, top: float, unit: str) -> list[Segment]:
    palette = spec.palette
    muted = palette.style(palette.muted)
    color = spec.lanes[0].color if len(spec.lanes) == 1 else palette.foreground
    if has_half_blocks(spec):
        shares = [level / SHADES for level in range(1, SHADES + 1)]
        ramp = [Segment(" ", palette.shades(color, share, share)) for share in shares]
    else:
        ramp = [Segment(RAMP[1:], palette.style(color))]
    return [Segment("0 ", muted), *ramp, Segment(f" {100 * top:g} %{unit}", muted)]


def panel_header(spec: HeatMapSpec, number: int, width: int) -> Strip:
    """The lane's symbol and name, and its figures at the cursor, as many as fit."""
    palette, lane = spec.palette, spec.lanes[number]
    name = f" {spec.glyphs.symbol(number)} {printable(lane.name, ascii=spec.ascii)}"
    figures = _figures(lane, spec.cursor)
    dot = " . " if spec.ascii else " · "
    while figures and len(name) + 3 + len(dot.join(figures)) > width:
        figures.pop()
    left = [Segment(name, palette.style(lane.color, bold=True))]
    if figures:
        left.append(Segment("  " + dot.join(figures), palette.style(palette.muted)))
    return row_of(spec, left, [], width)


def _figures(lane: HeatLane, cursor: int | None) -> list[str]:
    """The median |g|, and the shares of elements beyond the bound and of zeros, by importance."""
    at = len(lane.steps) - 1 if cursor is None else int(np.searchsorted(lane.steps, cursor, "right")) - 1
    if at < 0:
        return ["not measured yet"]
    counts, zeros = lane.counts[at], 0 if lane.zeros is None else int(lane.zeros[at])
    total = max(int(counts.sum()) + zeros, 1)
    figures = []
    bound = bound_at(lane, int(lane.steps[at]))
    sizes = bound_sizes(bound) if bound else []
    if len(sizes) == 1:
        place = bin_place(sizes[0])
        below = float(counts[: int(place)].sum()) + float(counts[int(place) : int(place) + 1].sum()) * (place % 1)
        figures.append(f"{100 * (counts.sum() - below) / total:.0f} % above {sizes[0]:g}")
    if counts.sum():
        cumulated = np.concatenate([[0], np.cumsum(counts)])
        median = float(np.interp(counts.sum() / 2, cumulated, np.arange(len(cumulated))))
        figures.insert(0, f"median {bin_size(median):.2g}")
    if zeros:
        figures.append(f"{100 * zeros / total:.0f} % zero")
    return figures
