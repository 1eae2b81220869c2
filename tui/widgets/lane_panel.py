"""One lane: its heading over its log."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip

from ...core.stream.state import LaneState
from ..diagnostics.heading import effect_line
from ..style.theme import Theme
from ..view.header_and_footer import lane_heading
from ..view.run_view import LaneView
from .lines import Lines
from .log_pane import LogPane


class LanePanel(Vertical):
    """Takes the events that are new in a lane's log, and shows how the lane stands."""

    DEFAULT_CSS = """
    LanePanel { width: 1fr; height: 100%; margin: 0 1 0 0; }
    LanePanel:last-of-type { margin: 0; }
    LanePanel > Lines { height: 3; background: $panel; }
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self._number = number
        self._heading, self.log_pane = Lines(), LogPane()
        self._heading_at: Callable[[int], list[Strip]] = lambda width: []
        self._effect: tuple[object, Strip] = None, Strip([])

    def compose(self) -> ComposeResult:
        """The heading and the log."""
        yield self._heading
        yield self.log_pane

    def show(self, lane: LaneState, view: LaneView, theme: Theme, *, selected: bool) -> None:
        """Bring the panel up to date; one out of sight only takes the events."""
        if self.display:
            self._heading_at = lambda width: [
                *lane_heading(self._number, lane, view, width, theme, selected=selected),
                self._effect_line(lane, width, theme),
            ]
            self._heading.show(self._heading_at(self.size.width))
        self.log_pane.add(view.take_unlogged())

    def _effect_line(self, lane: LaneState, width: int, theme: Theme) -> Strip:
        """Made anew only when something was measured, for that is seldom."""
        key = (lane.diagnosed, lane.outputs_changed, lane.finished, lane.rule, width, theme)
        if self._effect[0] != key:
            self._effect = key, effect_line(self._number, lane, width, theme)
        return self._effect[1]

    def on_resize(self) -> None:
        """What was shown before there was room is shown now; no event may come that has it drawn again."""
        self._heading.show(self._heading_at(self.size.width))
