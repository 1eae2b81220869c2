"""The section of a sweep's report that shows one axis by the other: as a map, in words and as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..stream.experiment_info import Value, value_text
from ..stream.sweep_events import Results
from ..sweeps.comparisons import Summary
from ..sweeps.grid_map import GridMap, MapCell, grid_map
from .blocks import Block, Bullets, Heading, Paragraph, Picture, Table
from .map_figure import map_figure
from .map_words import map_sentences
from .metric_words import cell, metric_name
from .phrases import Words
from .sweep_words import axis_name, value_words


def sensitivity(results: Results, described: Sequence[Summary], words: Words) -> Iterator[Block]:
    """The section, for a sweep of two axes of numbers or clip rules."""
    found = grid_map(results, described)
    if found is None:
        return
    names = {"rows": axis_name(found.column_axis, words), "columns": axis_name(found.row_axis, words)}
    metric = metric_name(found.metric, words)
    solved = words.plain("sweep_sensitivity_solved") if found.by_solving else ""
    yield Heading(2, words("sweep_sensitivity"))
    yield Paragraph(words("sweep_sensitivity_text", metric=metric, **names, solved=solved))
    counted = words.plain("sweep_caption_map_solved") if found.by_solving else ""
    caption = words("sweep_caption_map", metric=metric, solved=counted)
    yield Picture("map", map_figure(found, words, "map"), caption, "tall")
    if said := tuple(map_sentences(found, words)):
        yield Bullets(said)
    yield _table(found, names["rows"], words)
    if best := [text for row in found.rows if (text := _best(found, row, words))]:
        yield Paragraph(words("sweep_best", **names, best=words.plain("sweep_semicolon").join(best)))


def _table(found: GridMap, corner: str, words: Words) -> Table:
    """A row for each number and a column for each rule."""
    header = (corner, *(value_words(found.row_axis, row, words) for row in found.rows))
    rows = [(value_text(column), *(_cell(found, row, column, words) for row in found.rows)) for column in found.columns]
    return Table(header, tuple(rows))


def _cell(found: GridMap, row: Value, column: Value, words: Words) -> str:
    """Median, seeds that solved the task, and seeds that diverged."""
    one = found.at(row, column)
    if one is None:
        return "-"
    text = cell(found.metric, one.median)
    if one.solved is not None and one.diverged < one.trained:
        text = words.plain("sweep_solved_cell", cell=text, count=one.solved, total=one.trained)
    return words.plain("sweep_some_diverged", cell=text, count=one.diverged) if one.diverged else text


def _best(found: GridMap, row: Value, words: Words) -> str:
    """The column that is best in a row, or all that are equally good."""
    cells = {column: one for column in found.columns if (one := found.at(row, column))}
    ranks = {column: rank for column, one in cells.items() if (rank := _rank(found, one)) is not None}
    if not ranks:
        return ""
    best = max(ranks.values())
    equal = words.join([value_text(column) for column, rank in ranks.items() if rank == best])
    return words.plain("sweep_best_of", column=value_words(found.row_axis, row, words), row=equal)


def _rank(found: GridMap, one: MapCell) -> tuple[float, float] | None:
    """The share of seeds that solved the task, then the median, larger being better; None if nothing is better."""
    if found.metric.lower_is_better is None or math.isnan(one.median):
        return None
    sign = -1 if found.metric.lower_is_better else 1
    return (one.solved or 0) / one.trained, sign * one.median
