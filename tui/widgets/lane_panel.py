"""One lane: its heading over its log."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from ...core.state import LaneState
from ..bars import lane_heading
from ..look import Look
from ..view import LaneView
from .lines import Lines
from .log_pane import LogPane


class LanePanel(Vertical):
    """Takes a lane's fresh log lines, and shows how it stands."""

    DEFAULT_CSS = """
    LanePanel { width: 1fr; height: 100%; margin: 0 1 0 0; }
    LanePanel:last-of-type { margin: 0; }
    LanePanel > Lines { height: 2; background: $panel; }
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        self._heading, self.log_pane = Lines(), LogPane()

    def compose(self) -> ComposeResult:
        """The heading and the log."""
        yield self._heading
        yield self.log_pane

    def show(self, lane: LaneState, view: LaneView, look: Look, *, chosen: bool) -> None:
        """Bring the panel up to date."""
        self.show_heading(lane, view, look, chosen=chosen)
        fresh, view.fresh = view.fresh, []
        self.log_pane.add(fresh)

    def show_heading(self, lane: LaneState, view: LaneView, look: Look, *, chosen: bool) -> None:
        """Bring only the heading up to date."""
        self._heading.show(lane_heading(self._number, lane, view, self._heading.size.width, look, chosen=chosen))
