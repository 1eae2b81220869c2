"""The figure of the map of a sweep over two axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..stream.experiment_info import value_text
from ..sweeps.grid_map import GridMap, MapCell
from .drawing import as_svg, drawing_style, new_axes
from .metric_words import cell, metric_name
from .phrases import Words
from .sweep_words import axis_name, value_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FRAME = "#e66100"
# From this shade on, the text in a cell is white.
_DARK = 0.6


def map_figure(found: GridMap, words: Words, name: str) -> str:
    """A row for each rule and a column for each number: a shade and the figures, and a frame around what works."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 1.1 + 0.5 * len(found.rows))
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        for y, row in enumerate(found.rows):
            for x, column in enumerate(found.columns):
                if one := found.at(row, column):
                    _draw(axes, found, one, (x, y), words, works=(row, column) in found.works)
        axes.set_xlim(-0.5, len(found.columns) - 0.5)
        axes.set_ylim(len(found.rows) - 0.5, -0.5)
        axes.set_xticks(range(len(found.columns)), list(map(value_text, found.columns)))
        axes.set_yticks(range(len(found.rows)), [value_words(found.row_axis, row, words) for row in found.rows])
        axes.set_xlabel(axis_name(found.column_axis, words))
        axes.set_title(_title(found, words), loc="left", fontsize=9)
        return as_svg(figure, name)


def _title(found: GridMap, words: Words) -> str:
    """What the figures in a cell and its frame say."""
    key = "sweep_map_title_solved" if found.by_solving else "sweep_map_title"
    return words.plain(key, metric=metric_name(found.metric, words))


def _draw(axes: Axes, found: GridMap, one: MapCell, place: tuple[int, int], words: Words, *, works: bool) -> None:
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    x, y = place
    shade = found.shade(one) if math.isfinite(one.median) else math.nan
    colour = colormaps["Blues"](0.05 + 0.9 * min(1.0, max(0.0, shade))) if math.isfinite(shade) else "#e4e4e4"
    axes.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=colour, linewidth=0))
    if works:
        axes.add_patch(Rectangle((x - 0.46, y - 0.44), 0.92, 0.88, fill=False, edgecolor=_FRAME, linewidth=2))
    text = "\n".join([cell(found.metric, one.median), *map_cell_notes(one, words)])
    axes.text(x, y, text, ha="center", va="center", fontsize=7.5, color="#ffffff" if shade > _DARK else "#000000")


def map_cell_notes(one: MapCell, words: Words) -> list[str]:
    """What a cell says beside its median: how many seeds solved the task, or else how many diverged."""
    if one.solved is not None:
        return [f"{one.solved}/{one.trained}"]
    return [words.plain("sweep_map_cell_diverged", count=one.diverged)] if one.diverged else []
