"""The diagnostics of as many lanes as fit, scrollable."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual.strip import Strip

from ...core.stream.state import RunState
from ..diagnostics.page import diagnostics_pages, pages_in
from ..diagnostics.trend import History, no_history
from ..style.theme import Theme
from .lines import Lines
from .scrolling import ScrollingWidget


class DiagnosticsPanel(ScrollingWidget, Lines):
    """Renders its pages again only when what they show, the selected lane, the theme or the size changes."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._first = 0
        self._theme: Theme | None = None
        self._selected, self._lanes = 0, 0
        self._key: object = None
        self._pages: Sequence[Strip] = ()
        self._show_state_again: Callable[[], None] = lambda: None

    def show_state(self, state: RunState, selected: int, theme: Theme, history: History = no_history) -> None:
        """Update the panel. `history` gives the earlier values of a lane's metric."""
        self._theme = theme
        self._selected, self._lanes = selected, len(state.lanes)
        self._show_state_again = lambda: self.show_state(state, selected, theme, history)
        lanes = [
            (one.diagnosed, one.outputs_changed, one.finished, one.failed, one.rule, one.rule_since, bool(one.latest))
            for one in state.lanes.values()
        ]
        key = (lanes, state.compared, selected, theme, self.size)
        if self._key != key:
            self._key = key
            width, height = self.size
            self._pages = diagnostics_pages(state, selected, width, height, theme, history)
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
        last = self._first + self.size.height
        visible = [*self._pages[self._first : last]]
        if visible and self._theme and len(self._pages) > last:
            visible[-1] = _more_line(len(self._pages) - last + 1, self.size.width, self._theme)
        self.show(visible)

    def lane_at(self, column: int) -> int | None:
        """The number of the lane whose page is at a column."""
        width = self.size.width
        visible = pages_in(self._selected, self._lanes, width)
        return visible[column * len(visible) // width] if visible and width else None


def _more_line(lines: int, width: int, theme: Theme) -> Strip:
    """The last line of a window with more lines below it, which says how many."""
    palette = theme.palette
    words = f"{'v' if theme.ascii else '↓'} {lines} more lines "
    return Strip([Segment(words.rjust(width), palette.style(palette.foreground, bold=True))])
