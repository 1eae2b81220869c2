"""Interventions: the newest of each lane has a line and a label, the ones before it only a head."""

from __future__ import annotations

from ...core.safe_text import printable
from .area import Area, draw_line
from .canvas import Canvas
from .chart_spec import ChartSpec, Mark

LINE = 0.5


def visible_marks(spec: ChartSpec, area: Area) -> list[Mark]:
    """The interventions within the window, of lanes in the chart."""
    return [mark for mark in spec.marks if area.shows(mark.step) and mark.lane < len(spec.lanes)]


def newest_marks(spec: ChartSpec, area: Area) -> list[Mark]:
    """The newest visible intervention of each lane."""
    newest: dict[int, Mark] = {}
    for mark in visible_marks(spec, area):
        if mark.lane not in newest or mark.step >= newest[mark.lane].step:
            newest[mark.lane] = mark
    return list(newest.values())


def draw_mark_lines(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Draw the vertical lines of the newest interventions, in their lanes' colours."""
    for mark in newest_marks(spec, area):
        style = spec.palette.faint(spec.lanes[mark.lane].color, LINE)
        draw_line(canvas, area, mark.step, spec.glyphs.mark, style)


def draw_mark_heads(spec: ChartSpec, canvas: Canvas, area: Area) -> None:
    """Draw a head at the top of each intervention; the newest have labels, stacked where they share a column."""
    newest = newest_marks(spec, area)
    stacked: dict[int, int] = {}
    for mark in newest:
        column = area.left + area.column(mark.step)
        row = stacked[column] = min(stacked.get(column, -1) + 1, area.height - 1)
        canvas.write(row, column, spec.glyphs.mark_head, spec.palette.style(spec.lanes[mark.lane].color, bold=True))
        _draw_label(spec, canvas, row, (area.left, column, area.height), mark)
    for mark in visible_marks(spec, area):
        if mark not in newest:
            _draw_head(spec, canvas, area, mark)


def _draw_head(spec: ChartSpec, canvas: Canvas, area: Area, mark: Mark) -> None:
    """Draw the head of an earlier intervention, one row down if something is in the way.

    Beside other text it stands only if there is no other place: it would look like a part of it.
    """
    column, style = area.left + area.column(mark.step), spec.palette.style(spec.lanes[mark.lane].color)
    for margin in (1, 0):
        for row in (0, 1):
            if canvas.is_free(row, column - margin, column + 1 + margin, spec.glyphs.grid + spec.glyphs.mark):
                return canvas.write(row, column, spec.glyphs.mark_head, style)


def _draw_label(spec: ChartSpec, canvas: Canvas, row: int, place: tuple[int, int, int], mark: Mark) -> None:
    """Draw the lane's symbol and the label beside the line, as high as there is room, otherwise the symbol alone."""
    left, column, height = place
    style = spec.palette.style(spec.lanes[mark.lane].color, bold=True)
    symbol = spec.symbol(mark.lane)
    text = f"{symbol} {printable(mark.label, ascii=spec.ascii)} " if mark.label else symbol
    for down in range(max(height // 2, 1)):
        # At the left of its line, a label keeps a blank to what is before it.
        for start, gap in ((column + 1, 0), (column - len(text), 1)):
            if start - gap >= left and canvas.is_free(row + down, start - gap, start + len(text), spec.glyphs.grid):
                return canvas.write(row + down, start, text, style)
    room = column + 1 < canvas.codes.shape[1]
    canvas.write(row, column + 1 if room else column - 1, symbol, style)
