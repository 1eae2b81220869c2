"""The lines of the comparison around its charts: title, table of lanes, details of the selected one, message."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from ...core.runs.compared import ComparedLane
from ...core.safe_text import printable
from ..style.theme import Theme
from ..text.number_format import number_of
from ..view.bar import Part, bar
from .table import GAP, Column, table_columns
from .view import CompareView
from .words import best_words, differences, experiments_text, step_text

# The fewest cells for the settings of the selected lane; its run is left out before.
_LEAST_DETAILS = 20
# The symbol of a lane and the blanks around it.
_MARK = 3


def title(view: CompareView, width: int, theme: Theme) -> Strip:
    """What is compared, how many lanes are shown, the axis, the filter, and how many runs are under way."""
    shown, total = len(view.shown), len(view.lanes)
    growing = sum(entry.is_growing for entry in view.runs)
    lanes = number_of(total, "lane") if shown == total else f"{shown} of {number_of(total, 'lane')}"
    return bar(
        [
            Part("clipwatch compare", theme.strong, 1),
            Part(number_of(len(view.runs), "run"), theme.text, 2),
            Part(lanes, theme.text, 0),
            Part("by seconds" if view.by_seconds else "by steps", theme.text, 3),
            Part(f" filter: {view.filter} " if view.filter else "", theme.alert, 0),
        ],
        [Part(f"{number_of(growing, 'run')} under way " if growing else "", theme.strong, 4)],
        width,
        theme,
    )


def reading(view: CompareView) -> str:
    """How much of the recordings has been read; empty once all are."""
    waiting = [entry for entry in view.runs if not entry.begun]
    if not waiting:
        return ""
    read, size = sum(entry.read for entry in view.runs), sum(entry.size for entry in view.runs)
    share = f": {100 * min(read, size) // size} %" if size else ""
    done = len(view.runs) - len(waiting)
    return f"reading {printable(waiting[0].run.name)}, {done + 1} of {len(view.runs)}{share}"


def remark(view: CompareView) -> str:
    """What is said where there is no message: that the runs are of different experiments, or what the seconds are."""
    if text := reading(view):
        return text
    if not view.lanes:
        return "none of these runs can be read" if view.faults else "none of these runs has begun to train"
    if not view.listed:
        return "no lane matches the filter"
    if view.by_seconds:
        return "seconds since the lanes of each run started; a resumed run's clock goes on"
    runs = [entry.run for entry in view.runs]
    return experiments_text(runs) or best_words(view.lanes, runs)


def details(lane: ComparedLane | None, width: int, theme: Theme) -> Strip:
    """The run of the selected lane and everything in which it differs."""
    if lane is None:
        return bar([], [], width, theme)
    text = f"{lane.state.name}: {differences(lane) or lane.settings['clip']}"
    room = width - cell_len(lane.run_name) - 4
    parts = [
        Part(lane.run_name, theme.strong, 1 if room < _LEAST_DETAILS else 0),
        Part(theme.glyphs.shortened(text, max(room, _LEAST_DETAILS)), theme.text),
        Part(step_text(lane, unit=" steps"), theme.muted, 2),
    ]
    return bar(parts, [], width, theme)


def legend(view: CompareView, cursor: int, size: tuple[int, int], theme: Theme) -> list[Strip]:
    """The table of the lanes that match the filter, scrolled so that row `cursor` is visible, and faults of runs."""
    width, height = size
    lanes = view.listed
    columns = table_columns(lanes, view.metrics, width - _MARK - 1 + GAP)
    lines = [_header(columns, width, theme)]
    for number in rows_in_sight(view, cursor, height):
        lines.append(_row(view, lanes[number], number, columns, width, theme, selected=number == cursor))
    return [*lines, *_faults(view, height, width, theme)][:height]


def rows_in_sight(view: CompareView, cursor: int, height: int) -> range:
    """The rows of lanes that a table of this height shows."""
    count = len(view.listed)
    rows = max(1, height - 1 - _fault_lines(view, height))
    first = max(0, min(cursor - rows // 2, count - rows))
    return range(first, min(first + rows, count))


def _fault_lines(view: CompareView, height: int) -> int:
    """How many lines faults of runs take below the table: at most a third of it, or what the lanes leave."""
    return min(len(view.faults), max(1, height // 3, height - 1 - len(view.listed)))


def _faults(view: CompareView, height: int, width: int, theme: Theme) -> list[Strip]:
    """The faults of runs; if not all fit, the last line says how many more there are."""
    texts, room = view.faults, _fault_lines(view, height)
    if len(texts) > room:
        texts = [*texts[: room - 1], f"{len(texts) - room + 1} of the runs cannot be read, or not in full"]
    style = theme.palette.style(theme.palette.warning)
    blank = " " * _MARK
    return [
        Strip([Segment(theme.glyphs.shortened(f"{blank}{theme.printable(text)}", width), style)]).adjust_cell_length(
            width, style
        )
        for text in texts
    ]


def _header(columns: Sequence[tuple[Column, int]], width: int, theme: Theme) -> Strip:
    style = theme.palette.style(theme.palette.muted, bold=True)
    segments = [Segment(" " * _MARK, style)]
    for column, cells in columns:
        segments.append(Segment(_padded(theme.printable(column.name), cells, column, theme) + " " * GAP, style))
    return Strip(segments).adjust_cell_length(width, style)


def _row(
    view: CompareView,
    lane: ComparedLane,
    number: int,
    columns: Sequence[tuple[Column, int]],
    width: int,
    theme: Theme,
    *,
    selected: bool,
) -> Strip:
    """A lane in its colour, or muted if it is hidden."""
    is_shown = view.is_shown(lane)
    colour = theme.lane_colour(view.number(lane)) if is_shown else theme.palette.muted
    plain = theme.palette.style(theme.palette.foreground if is_shown else theme.palette.muted)
    mark = theme.glyphs.symbol(view.number(lane)) if is_shown else "-"
    segments = [Segment(f" {mark} ", theme.palette.style(colour, bold=True))]
    for place, (column, cells) in enumerate(columns):
        style = theme.palette.style(colour, bold=True) if place == 0 else plain
        text = _padded(theme.printable(column.cells[number]), cells, column, theme)
        segments.append(Segment(text + " " * GAP, style))
    line = Strip(segments).adjust_cell_length(width, plain)
    if not selected:
        return line
    chosen = Style(bgcolor=theme.panel, bold=True) if theme.palette.coloured else Style(reverse=True)
    return Strip(Segment.apply_style(line, post_style=chosen), line.cell_length)


def _padded(text: str, cells: int, column: Column, theme: Theme) -> str:
    text = theme.glyphs.shortened(text, cells)
    return " " * (cells - cell_len(text)) + text if column.right else set_cell_size(text, cells)
