"""A lane's log: bounded, and following its end unless scrolled back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ...core.events import Evaluated
from ..view import LogLine
from ..wording import short_line

MAX_LINES = 5000
_DROPPED_AT_ONCE = 500
# The longest line of the assignment at a million steps; in a narrower pane lines take their short form.
_ROOMY = 56


class LogPane(ScrollView, can_focus=False):
    """Lines of one lane, oldest first."""

    DEFAULT_CSS = """
    LogPane {
        height: 1fr; padding: 0 1; background: $surface; color: $foreground;
        scrollbar-size-vertical: 1; scrollbar-gutter: stable; overflow-x: hidden;
        & > .log--message { color: $text-accent; text-style: bold; }
        & > .log--failure { color: $text-error; text-style: bold reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--message", "log--failure"}

    def __init__(self) -> None:
        super().__init__()
        self._log: list[LogLine] = []
        self._following = True

    def clear(self) -> None:
        """Begin anew."""
        self._log = []
        self.virtual_size = Size(0, 0)
        self.scroll_to(y=0, animate=False)
        self._following = True

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling back lets go of the end, reaching it takes hold of it again."""
        super().watch_scroll_y(old_value, new_value)
        self._following = new_value >= self.max_scroll_y

    def on_resize(self) -> None:
        """A pane that follows the end shows it at any height."""
        if self._following:
            self.scroll_end(animate=False, x_axis=False)

    def add(self, lines: Sequence[LogLine]) -> None:
        """Append lines; a pane that shows the end goes on showing it."""
        if not lines:
            return
        following = self._following
        self._log += lines
        if len(self._log) > MAX_LINES + _DROPPED_AT_ONCE:
            dropped = len(self._log) - MAX_LINES
            del self._log[:dropped]
            if not following:
                self.scroll_to(y=max(0, self.scroll_offset.y - dropped), animate=False)
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._log))
        if following:
            self.scroll_end(animate=False, immediate=True, x_axis=False)
            self._following = True
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line that is `y` below the first one in sight."""
        index, width = self.scroll_offset.y + y, self.scrollable_content_region.width
        if index >= len(self._log):
            return Strip.blank(width, self.rich_style)
        line = self._log[index]
        style = self.rich_style if line.kind == "evaluation" else self.get_component_rich_style(f"log--{line.kind}")
        text = line.text
        if width < _ROOMY and isinstance(line.event, Evaluated):
            text = short_line(line.event)
        return Strip([Segment(text, style)]).adjust_cell_length(width, self.rich_style)
