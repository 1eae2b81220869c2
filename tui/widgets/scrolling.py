"""Scrolling for widgets of rendered lines: by page, to the end, and by mouse wheel."""

from __future__ import annotations

from textual import events

from ..terminal.painted import StripWidget

_WHEEL = 3


class ScrollingWidget(StripWidget):
    """Subclasses define `scroll_lines` and `line_count`."""

    def scroll_lines(self, lines: int) -> None:
        """Scroll down, or up by a negative number, within the lines."""
        raise NotImplementedError

    @property
    def line_count(self) -> int:
        """The number of lines, visible or not."""
        raise NotImplementedError

    def page_up(self) -> None:
        """Scroll up by one page."""
        self.scroll_lines(1 - self.size.height)

    def page_down(self) -> None:
        """Scroll down by one page."""
        self.scroll_lines(self.size.height - 1)

    def to_end(self) -> None:
        """Scroll to the last line."""
        self.scroll_lines(self.line_count)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up three lines."""
        event.stop()
        self.scroll_lines(-_WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down three lines."""
        event.stop()
        self.scroll_lines(_WHEEL)
