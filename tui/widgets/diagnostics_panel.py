"""The diagnostics of the lanes that there is room for, scrolled where they are longer than the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.strip import Strip

from ...core.state import RunState
from ..diagnostics.page import diagnostics_pages
from ..look import Theme
from .lines import Lines

_WHEEL = 3


class DiagnosticsPanel(Lines):
    """Makes its lines anew only when something was measured, or is looked at otherwise."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._first = 0
        self._key: object = None
        self._pages: Sequence[Strip] = ()
        self._show_state_again: Callable[[], None] = lambda: None

    def show_state(self, state: RunState, selected: int, theme: Theme) -> None:
        """Bring the panel up to date."""
        self._show_state_again = lambda: self.show_state(state, selected, theme)
        lanes = [
            (lane.diagnosed, lane.outputs_changed, lane.finished, lane.rule, bool(lane.latest))
            for lane in state.lanes.values()
        ]
        key = (lanes, state.compared, selected, theme, self.size)
        if self._key != key:
            self._key = key
            self._pages = diagnostics_pages(state, selected, self.size.width, self.size.height, theme)
        self._scroll(0)

    def on_resize(self) -> None:
        """What was shown before there was room is shown now."""
        self._show_state_again()

    def _scroll(self, lines: int) -> None:
        self._first = min(max(0, len(self._pages) - self.size.height), max(0, self._first + lines))
        self.show(self._pages[self._first : self._first + self.size.height])

    def page_up(self) -> None:
        """A page towards the top."""
        self._scroll(1 - self.size.height)

    def page_down(self) -> None:
        """A page towards the bottom."""
        self._scroll(self.size.height - 1)

    def to_end(self) -> None:
        """The bottom."""
        self._scroll(len(self._pages))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self._scroll(-_WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self._scroll(_WHEEL)
