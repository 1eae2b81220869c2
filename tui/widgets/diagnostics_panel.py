"""The diagnostics of as many lanes as fit, scrollable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.strip import Strip

from ...core.stream.state import RunState
from ..diagnostics.page import MIN_LANE_WIDTH, diagnostics_pages
from ..style.theme import Theme
from ..view.step_window import visible_lanes
from .lines import Lines
from .scrolling import ScrollingWidget


class DiagnosticsPanel(ScrollingWidget, Lines):
    """Renders its pages again only when the measurements, the selected lane, the theme or the size change."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._first = 0
        self._selected, self._lanes = 0, 0
        self._key: object = None
        self._pages: Sequence[Strip] = ()
        self._show_state_again: Callable[[], None] = lambda: None

    def show_state(self, state: RunState, selected: int, theme: Theme) -> None:
        """Update the panel."""
        self._show_state_again = lambda: self.show_state(state, selected, theme)
        self._selected, self._lanes = selected, len(state.lanes)
        lanes = [
            (lane.diagnosed, lane.outputs_changed, lane.finished, lane.rule, bool(lane.latest))
            for lane in state.lanes.values()
        ]
        key = (lanes, state.compared, selected, theme, self.size)
        if self._key != key:
            self._key = key
            self._pages = diagnostics_pages(state, selected, self.size.width, self.size.height, theme)
        self.scroll_lines(0)

    def on_resize(self) -> None:
        """Render the latest state at the new size."""
        self._show_state_again()

    @property
    def line_count(self) -> int:
        """The number of lines of the pages."""
        return len(self._pages)

    def scroll_lines(self, lines: int) -> None:
        """Scroll down, or up by a negative number."""
        self._first = min(max(0, len(self._pages) - self.size.height), max(0, self._first + lines))
        self.show(self._pages[self._first : self._first + self.size.height])

    def lane_at(self, column: int) -> int | None:
        """The number of the lane whose page is at a column."""
        width = self.size.width
        visible = visible_lanes(self._selected, self._lanes, width // MIN_LANE_WIDTH)
        return visible[column * len(visible) // width] if visible else None
