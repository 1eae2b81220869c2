"""The table of a lane's page: a row for each layer, the total, and the history of the total."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size
from textual.strip import Strip

from ...core.stream.measures import Measure
from ...core.stream.state import RunState
from ..text.lane_figures import scales_gradient
from ..text.number_format import decimal, norms, share, size
from .lane_page import LanePage
from .trend import clipped_history

_HEADS = ("of nonzero", "cos", "‖g‖ → ‖ĝ‖", "‖Δw‖/‖w‖")
# Cells of the history of a norm before and after clipping, with an arrow between them.
_NORM_TREND = 8


class _Columns(NamedTuple):
    """Widths in cells. `bar` and `share`: the bar of the first figure and the figure itself; 0: not shown."""

    layer: int
    bar: int
    share: int
    nonzero: int
    cosine: int
    norms: int
    update: int


_WIDE = _Columns(layer=8, bar=10, share=8, nonzero=11, cosine=8, norms=21, update=11)
_NARROW = _Columns(layer=8, bar=8, share=6, nonzero=0, cosine=6, norms=21, update=9)
# The longest name of a layer that is shown whole if there is room, and the shortest bar that gives way to it.
_MAX_LAYER, _MIN_BAR = 24, 3


def layer_table(page: LanePage, state: RunState) -> Iterator[Strip]:
    """The table, with the scale factor in place of the share of elements for rules that scale the gradient."""
    columns = _columns(page)
    scales = scales_gradient(page.lane)
    nonzero, *heads = map(page.theme.printable, _HEADS)
    cells = columns.bar + columns.share
    title = "scale ‖ĝ‖/‖g‖" if scales else "elements clipped" if cells > len("elements clipped") else "clipped"
    yield page.line(
        (
            "layer".ljust(columns.layer)
            + set_cell_size(page.theme.printable(title), cells)
            + _right(("" if scales else nonzero, *heads), columns[3:]),
            page.muted,
        )
    )
    for name, measure in page.layers.items():
        yield _row(page, name, measure, columns, scales=scales, total=False)
    yield _row(page, "total", page.total, columns, scales=scales, total=True)
    yield from _history(page, columns)


def _columns(page: LanePage) -> _Columns:
    """The columns of this page, with the first as wide as the names of its layers where there is room."""
    columns = _WIDE if page.width > sum(_WIDE) else _NARROW
    longest = max((cell_len(page.theme.printable(name)) for name in page.layers), default=0)
    needed = max(0, min(_MAX_LAYER, longest + 1) - columns.layer)
    spare = page.width - 1 - sum(columns)
    from_bar = max(0, min(needed - spare, columns.bar - _MIN_BAR))
    return columns._replace(layer=columns.layer + min(needed, spare + from_bar), bar=columns.bar - from_bar)


def _layer_name(name: str, cells: int, page: LanePage) -> str:
    """The name in exactly `cells` cells; of a long path its end, which tells layers apart."""
    name = page.theme.printable(name)
    if cell_len(name) >= cells:
        mark = page.theme.glyphs.ellipsis
        while name and cell_len(name) + cell_len(mark) >= cells:
            name = name[1:]
        name = mark + name
    return set_cell_size(name, cells)


def _row(page: LanePage, name: str, measure: Measure, columns: _Columns, *, scales: bool, total: bool) -> Strip:
    style = page.strong if total else page.text
    fraction = _scale(measure) if scales else measure.clipped_share
    filled = round(columns.bar * min(1.0, max(0.0, fraction or 0.0))) or (1 if fraction else 0)
    full, empty = ("#", ".") if page.theme.ascii else ("█", "░")
    cells = (
        decimal(fraction) if scales else share(fraction),
        "" if scales else share(measure.clipped_share_nonzero),
        decimal(measure.cosine, 3 if columns.nonzero else 2),
        norms(measure, "→"),
        size(measure.update_ratio, 2),
    )
    return page.line(
        (_layer_name(name, columns.layer, page), style),
        (full * filled, page.ink.beyond),
        (empty * (columns.bar - filled), page.faint),
        (_right(map(page.theme.printable, cells), columns[2:]), style),
    )


def _history(page: LanePage, columns: _Columns) -> Iterator[Strip]:
    """A sparkline under the total of each column; no line if there is no history."""
    first = page.trend(clipped_history(page.lane, page.history), columns.bar + columns.share)
    trends = {"cosine": 5, "grad-norm": _NORM_TREND, "clipped-norm": _NORM_TREND, "update-ratio": 8}
    cosine, before, after, update = (page.trend(page.of(metric), width) for metric, width in trends.items())
    if not "".join((first, cosine, before, after, update)).strip():
        return
    cells = ("", cosine, f"{before} {page.theme.printable('→')} {after}", update)
    yield page.line(("history".ljust(columns.layer), page.muted), (first + _right(cells, columns[3:]), page.curve))


def _scale(measure: Measure) -> float | None:
    """‖ĝ‖ / ‖g‖, None where the gradient is 0."""
    return measure.clipped_norm / measure.norm if measure.norm else None


def _right(cells: Iterable[str], widths: Iterable[int]) -> str:
    """Texts aligned right; columns of width 0 are left out."""
    pairs = zip(cells, widths, strict=True)
    return "".join(" " * (width - cell_len(text)) + text for text, width in pairs if width)
