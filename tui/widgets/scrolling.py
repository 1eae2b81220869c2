"""What scrolls a widget of ready-made lines: pages by keys, and the wheel."""

from __future__ import annotations

from textual import events

from ..terminal.painted import StripWidget

_WHEEL = 3


class ScrollingWidget(StripWidget):
    """Scrolls by `scroll_lines`, which its kinds define over their `line_count`."""

    def scroll_lines(self, lines: int) -> None:
        """Move down, or up by a negative number, as far as there are lines."""
        raise NotImplementedError

    @property
    def line_count(self) -> int:
        """How many lines there are, in sight or not."""
        raise NotImplementedError

    def page_up(self) -> None:
        """A page towards the beginning."""
        self.scroll_lines(1 - self.size.height)

    def page_down(self) -> None:
        """A page towards the end."""
        self.scroll_lines(self.size.height - 1)

    def to_end(self) -> None:
        """The last lines."""
        self.scroll_lines(self.line_count)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.scroll_lines(-_WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.scroll_lines(_WHEEL)
