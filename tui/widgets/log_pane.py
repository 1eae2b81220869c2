"""A lane's log: bounded, and following the newest line unless scrolled up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip

from ...core.stream.events import Evaluated, LaneEvent, LaneFailed, OutputDied, OutputRevived
from ..text.wording import log_line
from .scrolling import ScrollingWidget

MAX_LINES = 5000
_DROP_BATCH = 500


class LogPane(ScrollingWidget, can_focus=False):
    """One line per event of a lane, oldest first.

    Not a Textual `RichLog`, which would trigger a layout of the screen at every line.
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

    def __init__(self) -> None:
        super().__init__()
        self._events: list[LaneEvent] = []
        self._first = 0
        self._following = True
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

    def clear(self) -> None:
        """Remove all lines and follow the newest."""
        self._events, self._first, self._following = [], 0, True
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
        key = (self.size, style, self.first, len(self._events), self._events[-1:])
        if self._painted[0] != key:
            self._painted = key, self._strips(style)
        return self._painted[1][first:last]

    def _strips(self, style: Style) -> list[Strip]:
        if not self._styles:
            self._styles = {name: self.get_component_rich_style(name) for name in self.COMPONENT_CLASSES}
        bar, thumb, first = self._styles["log--bar"], self._thumb(), self.first
        room = max(0, self.size.width - 2)
        return [self._strip(first + y, room, style, bar if y in thumb else style) for y in range(self.size.height)]

    def notify_style_update(self) -> None:
        """Drop cached styles when the theme changes."""
        super().notify_style_update()
        self._styles.clear()

    def _strip(self, index: int, room: int, style: Style, edge: Style) -> Strip:
        if index >= len(self._events):
            return Strip([Segment(" " * (room + 1), style), Segment(" ", edge)], room + 2)
        event = self._events[index]
        kind = component_class(event)
        text = set_cell_size(log_line(event, room), room)
        return Strip(
            [
                Segment(" ", style),
                Segment(text, self._styles[kind] if kind else style),
                Segment(" ", edge),
            ],
            room + 2,
        )

    def _thumb(self) -> range:
        """The rows of the scroll bar's thumb; empty if all lines are visible."""
        height, length = self.size.height, len(self._events)
        if length <= height:
            return range(0)
        size = max(1, round(height * height / length))
        start = round((height - size) * self.first / self._last_first)
        return range(start, start + size)


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
