"""The map on the sweep screen: a row for each rule, a column for each number, and where each rule works."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.strip import Strip

from ...core.reports.map_words import map_sentences
from ...core.reports.phrases import Words
from ...core.stream.experiment_info import Value, value_text
from ...core.stream.sweep_config import axis_value
from ...core.stream.sweep_events import Results
from ...core.sweeps.comparisons import Summary
from ...core.sweeps.grid_map import GridMap, MapCell, grid_map
from ..style.contrast import contrast
from ..style.theme import Theme
from ..text.metric_words import value_words
from ..text.wrapping import wrapped
from .heading import heading

# The widest label, and the narrowest cell.
_LABEL, _CELL = 22, 7
_WORKS = "*"


def map_section(results: Results, summaries: Sequence[Summary], width: int, theme: Theme, *, tall: bool) -> list[Strip]:
    """The map of a sweep of two axes; nothing for other sweeps. The rows of a `tall` map have three lines."""
    found = grid_map(results, summaries)
    if found is None:
        return []
    labels = [theme.printable(axis_value(found.row_axis, row)) for row in found.rows]
    axis = theme.printable(found.column_axis.replace("_", " "))
    label_width = min(_LABEL, max(map(cell_len, (*labels, axis))))
    cell_width = min(16, (width - label_width - 3) // len(found.columns))
    plain, muted = (theme.palette.style(colour) for colour in (theme.palette.foreground, theme.palette.muted))
    title = f"median {theme.printable(found.metric.words)} by {axis} and {found.row_axis.replace('clip', 'rule')}"
    note = f"solved/seeds, {_WORKS} works" if found.by_solving else f"{_WORKS} works"
    if len(title) + len(note) + 3 > width:
        note = f"{_WORKS} works"
    lines = [heading(title, note, width, theme)]
    if cell_width < _CELL:
        needed = label_width + 3 + _CELL * len(found.columns)
        return [*lines, Strip([Segment(f" {needed} columns are needed for the map", muted)])]
    names = [value_text(column).center(cell_width - 1) + " " for column in found.columns]
    lines.append(_row(axis, label_width, [Segment(name, muted) for name in names], muted))
    texts = _texts(found, cell_width - 1)
    for row, label in zip(found.rows, labels, strict=True):
        styles = {column: _style(found, found.at(row, column), theme) for column in found.columns}
        bold = {column: Style(bold=(row, column) in found.works) for column in found.columns}
        empty = [(column, "") for column in found.columns]
        full = [(column, texts.get((row, column), "")) for column in found.columns]
        for number, cells in enumerate((empty, full, empty) if tall else (full,)):
            shown = label if number == tall else ""
            segments = [
                part
                for column, text in cells
                for part in (Segment(text.center(cell_width - 1), styles[column] + bold[column]), Segment(" ", plain))
            ]
            lines.append(_row(shown, label_width, segments, plain))
    for text in map_sentences(found, Words("en")):
        for line in wrapped(theme.printable(str(text)), max(20, width - 2), indent="  "):
            lines.append(Strip([Segment(f" {line}", plain)]))
    return lines


def _row(label: str, label_width: int, cells: Sequence[Segment], style: Style) -> Strip:
    return Strip([Segment(" " + set_cell_size(label, label_width) + "  ", style), *cells])


def _texts(found: GridMap, width: int) -> dict[tuple[Value, Value], str]:
    """What the cells say: all that fits into each of them."""
    for parts in ((True, True), (False, True), (True, False)):
        texts = {place: _text(found, place, *parts) for place in found.cells}
        if all(len(text) <= width for text in texts.values()):
            break
    return texts


def _text(found: GridMap, place: tuple[Value, Value], with_median: bool, with_solved: bool) -> str:
    one = found.cells[place]
    median = "-" if math.isnan(one.median) else value_words(found.metric, one.median)
    solved = f"{one.solved}/{one.trained}"
    parts = [
        median if with_median or one.solved is None else "",
        solved if with_solved and one.solved is not None else "",
    ]
    return (_WORKS if place in found.works else "") + " ".join(filter(None, parts))


def _style(found: GridMap, one: MapCell | None, theme: Theme) -> Style:
    """A shade that is the stronger the better the cell is; without shades, plain text."""
    palette, colour = theme.palette, theme.lane_colour(0)
    if one is None or math.isnan(one.median) or not palette.has_shades(colour):
        return palette.style(palette.foreground)
    share = min(1.0, max(0.0, found.shade(one)))
    shade = palette.shades(colour, share, share)
    ground = Color.from_rich_color(shade.bgcolor)
    fronts = (palette.background, palette.foreground)
    return shade + Style(color=max(fronts, key=lambda front: contrast(Color.parse(front), ground)))
