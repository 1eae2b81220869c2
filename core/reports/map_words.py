"""What the map of a sweep shows, in sentences that follow from its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..safe_text import printable
from ..stream.experiment_info import Value, value_text
from ..sweeps.grid_map import NEAR_PART, NEAR_SHARE, GridMap
from .metric_words import cell, metric_name
from .phrases import Phrase, Words
from .sweep_words import axis_name, value_words


def map_sentences(found: GridMap, words: Words) -> Iterator[Phrase]:
    """Which columns work in each row, and whether clipping widens that range. Nothing while seeds are missing."""
    if not found.finished or found.metric.lower_is_better is None:
        return
    yield words(
        "sweep_map_works",
        columns=axis_name(found.column_axis, words),
        rule=_rule(found, words),
        ranges=words.plain("sweep_semicolon").join(
            words.plain("sweep_map_range", row=value_words(found.row_axis, row, words), range=_range(found, row, words))
            for row in found.rows
        ),
    )
    if found.row_axis == "clip" and "none" in found.rows:
        if max(one.trained for one in found.cells.values()) < found.fewest_seeds:
            yield words("sweep_map_few", seeds=found.fewest_seeds)
        else:
            yield from (_effect(found, row, words) for row in found.rows if row != "none")
    if edges := _edges(found):
        yield words("sweep_map_edge", edges=_listed(edges, words))


def _rule(found: GridMap, words: Words) -> str:
    """What makes a cell work."""
    if found.by_solving:
        return words.plain("sweep_map_solved")
    names = {"metric": metric_name(found.metric, words), "best": cell(found.metric, found.best)}
    if found.metric.share:
        return words.plain("sweep_map_near_share", reach=f"{100 * NEAR_SHARE:g}", **names)
    return words.plain("sweep_map_near", reach=f"{100 * NEAR_PART:g}", **names)


def _range(found: GridMap, row: Value, words: Words) -> str:
    """The columns that work, neighbours as a range: `0.1 to 1`."""
    stretches: list[list[Value]] = []
    for place, column in enumerate(found.columns):
        if (row, column) not in found.works:
            continue
        if stretches and stretches[-1][-1] == found.columns[place - 1]:
            stretches[-1].append(column)
        else:
            stretches.append([column])
    ends = [(value_text(one[0]), value_text(one[-1])) for one in stretches]
    texts = [low if low == high else words.plain("sweep_map_from_to", low=low, high=high) for low, high in ends]
    return words.join(texts) if texts else words.plain("sweep_map_nothing", count=len(found.columns))


def _effect(found: GridMap, row: Value, words: Words) -> Phrase:
    """What clipping does to the range, as far as single columns show it clearly."""
    gained, lost = found.works_only_in(row, "none"), found.works_only_in("none", row)
    names = {"rule": printable(str(row)), "gained": _listed(gained, words), "lost": _listed(lost, words)}
    if gained and lost:
        return words("sweep_map_moved", **names)
    return words(f"sweep_map_{'wider' if gained else 'narrower' if lost else 'same'}", **names)


def _listed(columns: Sequence[Value], words: Words) -> str:
    return words.join(list(map(value_text, columns)))


def _edges(found: GridMap) -> Sequence[Value]:
    """The smallest and the largest column, if it works in some row."""
    ends = (found.columns[0], found.columns[-1])
    return [end for end in ends if any((row, end) in found.works for row in found.rows)]
