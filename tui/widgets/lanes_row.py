"""The lanes side by side: their panels, which of them fit, and which one is selected."""

from __future__ import annotations

from textual import events
from textual.containers import Horizontal
from textual.message import Message

from ...core.stream.lane_state import LaneState
from ..style.theme import Theme
from ..text.lane_names import lane_names
from ..text.setting_words import own_settings
from ..view.run_view import RunView
from ..view.step_window import lanes_in, visible_lanes
from .lane_panel import LanePanel
from .log_pane import LogPane


class LanesRow(Horizontal):
    """Shows as many lanes of a `RunView` as fit, always including the selected one.

    `count` is the number of lanes, shown or not, 0 before they start; `number` is that of the selected lane; `shown`
    are those of the lanes that fit.
    """

    DEFAULT_CSS = """
    LanesRow { height: 31%; min-height: 5; }
    LanesRow.-no-logs { height: 3; min-height: 3; }
    LanesRow.-no-logs LogPane { display: none; }
    """

    class Clicked(Message):
        """A lane's panel was clicked."""

        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

    def __init__(self, view: RunView, *, id: str, classes: str) -> None:
        super().__init__(id=id, classes=classes)
        self._view = view
        # One for each lane. More if a run before had more lanes, as with forks: these are hidden, since Textual may
        # still paint a widget that was removed.
        self._panels: list[LanePanel] = []
        self.count = self.number = 0
        self.shown = range(0)

    @property
    def selected(self) -> LaneState | None:
        """The lane that the clipping keys act on."""
        lanes = list(self._view.state.lanes.values())
        return lanes[self.number] if self.number < len(lanes) else None

    @property
    def selected_log(self) -> LogPane | None:
        """The selected lane's log."""
        return self._panels[self.number].log_pane if self.number < len(self._panels) else None

    @property
    def laid_out(self) -> bool:
        """Whether the visible panels have sizes; new ones have none before the next layout."""
        return all(panel.size.width for panel in self._panels if panel.display)

    def begin_run(self) -> bool:
        """Select the first lane that is clipped and clear the logs; return whether the number of lanes has changed."""
        lanes = list(self._view.state.lanes.values())
        is_changed = self.add_panels()
        for panel in self._panels:
            panel.log_pane.clear(self._view.state.experiment)
        self.select(next((number for number, lane in enumerate(lanes) if lane.rule != "none"), 0))
        return is_changed

    def add_panels(self) -> bool:
        """Create the panels of lanes that have none; return whether the number of lanes has changed."""
        before, self.count = self.count, len(self._view.state.lanes)
        new = [LanePanel(number) for number in range(len(self._panels), self.count)]
        self._panels += new
        self.mount_all(new)
        if before and before != self.count:
            self.place()
        return before != self.count

    def select(self, number: int) -> None:
        """Select a lane."""
        self.number = number
        self.place()

    def place(self) -> None:
        """Show the lanes that fit into the screen's width."""
        self.shown = visible_lanes(self.number, self.count, lanes_in(self.screen.size.width, self.count))
        for number, panel in enumerate(self._panels):
            panel.display = number in self.shown

    def toggle_logs(self) -> bool:
        """Hide the logs or show them again; return whether they are shown."""
        return not self.toggle_class("-no-logs").has_class("-no-logs")

    def draw(self, theme: Theme) -> None:
        """Update the panels, and the logs of those that are hidden too."""
        state, selected = self._view.state, self.selected
        lanes, names = list(state.lanes.values()), lane_names(state.lanes)
        own = {lanes[number].name: own_settings(state, lanes[number]) for number in self.shown if number < len(lanes)}
        for panel, lane in zip(self._panels, state.lanes.values(), strict=False):
            view, is_selected = self._view.lanes[lane.name], lane is selected
            panel.show(state, lane, view, theme, selected=is_selected, own=own, names=names)

    # The mouse

    @property
    def pointed(self) -> tuple[int, str | None] | None:
        """The lane under the pointer, and the line of its log that is; None beside the lanes."""
        for number, panel in enumerate(self._panels):
            if self.app.mouse_over is not None and panel in self.app.mouse_over.ancestors_with_self:
                return number, panel.log_pane.pointed_line
        return None

    def on_click(self, event: events.Click) -> None:
        """Report which lane was clicked."""
        for number, panel in enumerate(self._panels):
            if event.widget and panel in event.widget.ancestors_with_self:
                self.post_message(self.Clicked(number))
