"""A lane's log: bounded, and following the newest line unless scrolled up. The mouse selects text in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from ...core.stream.builtin_experiments import LENET
from ...core.stream.events import Evaluated, LaneEvent, LaneFailed, OutputDied, OutputRevived
from ...core.stream.experiment_info import ExperimentInfo
from ..text.wording import log_line
from .scrolling import ScrollingWidget

MAX_LINES = 5000
_DROP_BATCH = 500
_SELECTED = Style(reverse=True)
# The longest form of a line.
_FULL_LINE = 200


class LogPane(ScrollingWidget, can_focus=False):
    """One line per event of a lane, oldest first.

    Not a Textual `RichLog`, which would trigger a layout of the screen at every line. A selection is kept in
    `Screen.selections` as Textual's own are, but stays within this pane: Textual would select from one lane's log to
    the other's. Its offsets are (character, line), lines counted from the start of the run.
    """

    DEFAULT_CSS = """
    LogPane {
        height: 1fr; background: $surface; color: $foreground;
        & > .log--message { color: $text-accent; text-style: bold; }
        & > .log--quiet { color: $foreground-muted; }
        & > .log--failure { color: $text-error; text-style: bold reverse; }
        & > .log--bar { color: $panel; text-style: reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--message", "log--quiet", "log--failure", "log--bar"}

    class TextSelected(Message):
        """Text was selected with the mouse."""

    def __init__(self) -> None:
        super().__init__()
        self._events: list[LaneEvent] = []
        self._experiment = LENET.info
        # The names of the lanes on the screen.
        self._names: Mapping[str, str] = {}
        # The number of lines that were dropped because there were too many.
        self._dropped = 0
        self._first = 0
        self._following = True
        # Whether the pane follows again once nothing is selected.
        self._follows_again = False
        self._anchor: Offset | None = None
        self._pointed_row: int | None = None
        self._painted: tuple[object, list[Strip]] = None, []
        self._styles: dict[str, Style] = {}

    @property
    def first(self) -> int:
        """The index of the first visible line."""
        return self._last_first if self._following else min(self._first, self._last_first)

    @property
    def _last_first(self) -> int:
        return max(0, len(self._events) - self.size.height)

    @property
    def line_count(self) -> int:
        """One line per event."""
        return len(self._events)

    def clear(self, experiment: ExperimentInfo) -> None:
        """Remove all lines and follow the newest ones of this experiment."""
        self._experiment = experiment
        self._events, self._dropped, self._first, self._following = [], 0, 0, True
        if self.is_attached and self.text_selection:
            self.screen.clear_selection()
        self.refresh()

    def show_run(self, experiment: ExperimentInfo, names: Mapping[str, str]) -> None:
        """Write the evaluations with these metrics, and lanes by their `names`. Both can become more in a run."""
        if (experiment, names) != (self._experiment, self._names):
            self._experiment, self._names = experiment, names
            self.refresh()

    def add(self, events: Sequence[LaneEvent]) -> None:
        """Append events; the view stays at the end if it is there."""
        if not events:
            return
        before = len(self._events)
        self._events += events
        if len(self._events) > MAX_LINES + _DROP_BATCH:
            dropped = len(self._events) - MAX_LINES
            del self._events[:dropped]
            self._dropped += dropped
            self._first = max(0, self._first - dropped)
        elif self._following and len(self._events) <= self.size.height:
            # Nothing scrolls, so only the new lines need painting.
            self.refresh(Region(0, before, self.size.width, len(events)))
            return
        self.refresh()

    def scroll_lines(self, lines: int) -> None:
        """Scroll down, or up by a negative number. At the end the pane follows again."""
        self._first = min(self._last_first, max(0, self.first + lines))
        self._following = self._first == self._last_first
        self.refresh()

    def paint(self, first: int, last: int) -> list[Strip]:
        """The visible lines, and a scroll bar on the right."""
        style = self.rich_style
        # Textual calls this whenever something beside the pane changes.
        key = (
            self.size,
            style,
            self.first,
            len(self._events),
            self._events[-1:],
            self.text_selection,
            self._experiment,
            self._names,
        )
        if self._painted[0] != key:
            self._painted = key, self._strips(style)
        return self._painted[1][first:last]

    def _strips(self, style: Style) -> list[Strip]:
        if not self._styles:
            self._styles = {name: self.get_component_rich_style(name) for name in self.COMPONENT_CLASSES}
        bar, thumb, first = self._styles["log--bar"], self._thumb(), self.first
        return [self._strip(first + y, style, bar if y in thumb else style) for y in range(self.size.height)]

    def notify_style_update(self) -> None:
        """Drop cached styles when the theme changes."""
        super().notify_style_update()
        self._styles.clear()

    @property
    def _room(self) -> int:
        """The cells of a line between the left edge and the scroll bar."""
        return max(0, self.size.width - 2)

    def _strip(self, index: int, style: Style, edge: Style) -> Strip:
        room = self._room
        if index >= len(self._events):
            return Strip([Segment(" " * (room + 1), style), Segment(" ", edge)], room + 2)
        kind = component_class(self._events[index])
        text = Segment(set_cell_size(self._line(index), room), self._styles[kind] if kind else style)
        return Strip([Segment(" ", style), *self._marked(text, index), Segment(" ", edge)], room + 2)

    def _line(self, index: int) -> str:
        return log_line(self._events[index], self._room, self._experiment, self._names)

    def _marked(self, line: Segment, index: int) -> list[Segment]:
        """The line, with its selected part highlighted."""
        selection = self.text_selection
        span = selection.get_span(index + self._dropped) if selection else None
        if span is None:
            return [line]
        text, style = line.text, line.style or Style()
        start, end = span[0], max(1, len(self._line(index))) if span[1] < 0 else span[1]
        return [
            Segment(text[:start], style),
            Segment(text[start:end], style + _SELECTED),
            Segment(text[end:], style),
        ]

    def _thumb(self) -> range:
        """The rows of the scroll bar's thumb; empty if all lines are visible."""
        height, length = self.size.height, len(self._events)
        if length <= height:
            return range(0)
        size = max(1, round(height * height / length))
        start = round((height - size) * self.first / self._last_first)
        return range(start, start + size)

    # Selecting and copying

    @property
    def pointed_line(self) -> str | None:
        """The whole line under the mouse pointer; None if there is none."""
        index = None if self._pointed_row is None else self.first + self._pointed_row
        if index is None or index >= len(self._events):
            return None
        return log_line(self._events[index], _FULL_LINE, self._experiment, self._names)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text as it is shown, and the end of its last line."""
        if selection.start is None or selection.end is None:
            return None
        lines = []
        for number in range(max(selection.start.y, self._dropped), selection.end.y + 1):
            start, end = selection.get_span(number) or (0, 0)
            lines.append(self._line(number - self._dropped)[start : None if end < 0 else end])
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Repaint, and follow the newest line again once nothing is selected."""
        if selection is None and self._follows_again and self._anchor is None:
            self._follows_again, self._following = False, True
        self.refresh()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin a selection, and stop following, so that its lines do not move away."""
        if event.button != 1 or not self._events:
            return
        self.capture_mouse()
        self._anchor = self._offset_at(event)
        if self._following:
            self._first, self._following, self._follows_again = self.first, False, True

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select up to the pointer; above or below the pane, scroll."""
        self._pointed_row = event.y if 0 <= event.y < self.size.height else None
        if self._anchor and event.button == 0:
            # The button was released elsewhere before the mouse was captured.
            self._let_go()
        if self._anchor is None:
            return
        if self._pointed_row is None:
            self.scroll_lines(-1 if event.y < 0 else 1)
        first, last = sorted((self._anchor, self._offset_at(event)), key=lambda offset: offset.transpose)
        self.screen.selections = {self: Selection(first, Offset(last.x + 1, last.y))}

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """End the selection."""
        self._let_go()
        if self.text_selection:
            self.post_message(self.TextSelected())

    def _let_go(self) -> None:
        self.release_mouse()
        self._anchor = None
        self.selection_updated(self.text_selection)

    def on_leave(self) -> None:
        """No line is under the pointer any more."""
        self._pointed_row = None

    def _offset_at(self, event: events.MouseEvent) -> Offset:
        """The character and the line at the pointer, or the nearest ones."""
        row = min(max(event.y, 0), self.size.height - 1)
        index = min(self.first + row, len(self._events) - 1)
        return Offset(character_at(self._line(index), event.x - 1), index + self._dropped)


def character_at(text: str, cell: int) -> int:
    """The index of the character at a cell; the length of the text beyond its end."""
    return next((index for index in range(len(text)) if cell_len(text[: index + 1]) > cell), len(text))


def component_class(event: LaneEvent) -> str | None:
    """The component class that styles an event's line, or None for the pane's own style."""
    match event:
        case Evaluated():
            return None
        case OutputDied() | OutputRevived():
            return "log--quiet"
        case LaneFailed():
            return "log--failure"
        case _:
            return "log--message"
