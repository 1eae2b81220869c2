"""A lane's panel: its heading above its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip

from ...core.stream.experiment_info import ExperimentInfo
from ...core.stream.lane_state import LaneState
from ...core.stream.state import RunState
from ..diagnostics.heading import effect_line
from ..style.theme import Theme
from ..text.explanation import explanations
from ..view.lane_heading import lane_heading
from ..view.run_view import LaneView
from .lines import Lines
from .log_pane import LogPane


class LanePanel(Vertical):
    """Shows a lane's state in its heading, and appends its new events to the log."""

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
        """Heading above log."""
        yield self._heading
        yield self.log_pane

    def show(
        self,
        state: RunState,
        lane: LaneState,
        view: LaneView,
        theme: Theme,
        *,
        selected: bool,
        own: Mapping[str, Sequence[str]],
        names: Mapping[str, str],
    ) -> None:
        """Update the panel; a hidden one only appends events to its log.

        `own`: see `lane_heading`. `names`: those of all lanes on the screen.
        """
        if self.display:
            sentence, lanes = explanations(state, lane), list(state.lanes.values())
            self._heading_at = lambda width: [
                *lane_heading(
                    self._number,
                    lane,
                    view,
                    sentence,
                    width,
                    theme,
                    selected=selected,
                    beside=lanes,
                    own=own,
                    experiment=state.experiment,
                ),
                self._effect_line(lane, state.experiment, width, theme),
            ]
            self._heading.show(self._heading_at(self.size.width))
        self.log_pane.show_run(state.experiment, names)
        self.log_pane.add(view.take_unlogged())

    def _effect_line(self, lane: LaneState, experiment: ExperimentInfo, width: int, theme: Theme) -> Strip:
        """Cached, because measurements are rare."""
        key = (
            lane.diagnosed,
            lane.outputs_changed,
            lane.finished,
            lane.rule,
            lane.changed_at,
            lane.rule_since,
            experiment,
            width,
            theme,
        )
        if self._effect[0] != key:
            self._effect = key, effect_line(self._number, lane, width, theme, experiment)
        return self._effect[1]

    def on_resize(self) -> None:
        """Draw the heading at the new size at once: an ended run sends no event that would redraw it."""
        self._heading.show(self._heading_at(self.size.width))
