"""Reads the engine's events, folds them into the view, reports them in the status line and draws them."""

from __future__ import annotations

from ...core.stream.codec import decode_event
from ...core.stream.events import Event, LaneForked, SeekFinished
from ..engine_child.lines import EngineLines
from ..engine_child.process import EngineConnection
from ..screens.main import MainScreen
from ..text.status_messages import status_message
from ..view.requests import Requests
from ..view.run_view import RunView
from .cadence import MIN_PAUSE, Cadence

# Seconds per frame for reading events, so that a flood of events leaves time for keys.
DRAIN_SECONDS = 0.03


class EventFeed:
    """Carries an engine's events to the screen."""

    def __init__(self, engine: EngineConnection, view: RunView, requests: Requests, screen: MainScreen) -> None:
        self._engine, self._view, self._requests, self._screen = engine, view, requests, screen
        self._lines = EngineLines(decode_event, lambda text: screen.say(text, alert=True))
        self._cadence = Cadence()
        self._unreported: list[Event] = []
        self._run_on_screen = 0
        # Whether a fork that was asked for here has begun, but has not been laid out.
        self._fork_arrived = False
        # Whether there are events that have not been drawn.
        self.stale = True

    @property
    def incompatibility(self) -> str | None:
        """Why the engine's events cannot be shown, None if they can."""
        return self._lines.incompatibility

    def receive(self) -> None:
        """Fold the new events and report them; during a seek, report only once it has finished."""
        for event in self._lines.events(self._engine.lines(DRAIN_SECONDS)):
            self._view.fold(event)
            if isinstance(event, LaneForked) and event.lane in self._requests.forks:
                self._fork_arrived = True
            self._requests.settle(event)
            self._unreported.append(event)
            self.stale = True
        if not self._requests.seeking:
            self._begin_run()
            self._report()

    def _begin_run(self) -> None:
        """Lay out the screen for a new run, once all of its lanes have started, and for lanes that begin later."""
        config = self._view.state.config
        if config is None or len(self._view.lanes) < len(config.lanes):
            return
        if self._view.runs != self._run_on_screen:
            self._run_on_screen = self._view.runs
            self._screen.begin_run()
        else:
            # A lane may be forked, and a process may begin to watch further loops, at any time.
            self._screen.add_lanes(select=self._fork_arrived)
        self._fork_arrived = False

    def _report(self) -> None:
        events, self._unreported = self._unreported, []
        for event in events:
            if message := status_message(event, self._view.state, kept_in=self._view.kept_in):
                self._screen.say(*message.texts, alert=message.alert)
            if isinstance(event, SeekFinished):
                self._cadence.want_charts()

    def draw(self) -> None:
        """Draw new events, and the charts when they are due. Nothing is drawn during a seek."""
        if self._requests.seeking:
            return
        if self.stale:
            charts = self._cadence.charts_are_due(full_speed=self._view.at_full_speed)
            self._screen.draw(charts=charts)
            self.stale = not (charts and self._screen.laid_out)
        elif self._view.runs == 0:
            self._screen.draw_title()

    def pause(self) -> float:
        """Seconds until the next frame that keep the screen within its budget; short while events are waiting."""
        pause = self._cadence.next_frame(full_speed=self._view.at_full_speed)
        return MIN_PAUSE if self._engine.behind else pause
