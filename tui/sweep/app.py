"""The Textual app of a sweep: reads its engine's events on a timer and draws the results."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding
from textual.screen import Screen
from textual.strip import Strip

from ...core.statistics.paired import RESAMPLES
from ...core.stream.builtin_experiments import LENET
from ...core.stream.codec import decode_sweep_event
from ...core.stream.experiment_info import MetricInfo
from ...core.stream.sweep_events import Results
from ...core.sweeps.comparisons import Comparison, Summary, comparisons, summaries
from ...core.sweeps.grid_map import grid_map
from ..engine_child.lines import EngineLines
from ..engine_child.process import EngineProcess
from ..engine_child.request import EngineSource
from ..screens.help import HelpScreen
from ..screens.replica_choice import ReplicaChoice
from ..terminal.terminal_app import TerminalApp
from ..text.replica_lines import replica_lines
from ..view.key_line import key_at, key_line
from ..widgets.lines import Lines
from .curves import choices
from .keys import KEYS
from .measures import label
from .page import page
from .reading import reading
from .view import SweepView, status, title

SMALLEST = (60, 16)
_FRAME = 0.2
# How far one notch of the mouse wheel scrolls.
_WHEEL_LINES = 3
# Seconds per frame for reading events.
_DRAIN_SECONDS = 0.05
# Bootstrap samples of an interval while the sweep is training; share of time that statistics may take; seconds that the
# final statistics, with all samples, may take at most.
_INTERIM_RESAMPLES, _STATISTICS_SHARE, _MAX_FINAL_SECONDS = 999, 0.1, 1.5
# Seconds for the workers to end after Stop.
_STOP_SECONDS = 10.0


class SweepApp(TerminalApp):
    """The app of a sweep. With `quit_when_done` it exits once the sweep has ended."""

    TITLE = "clipwatch sweep"
    CSS = (
        TerminalApp.CSS
        + """
    Screen { layout: vertical; background: $surface; }
    #title, #status, #keys { height: 1; background: $panel; }
    #body { height: 1fr; background: $surface; }
    """
    )
    BINDINGS: ClassVar = [
        Binding("ctrl+c,ctrl+q", "leave", show=False, priority=True),
        *(key.binding for key in KEYS),
    ]

    def __init__(self, source: EngineSource, *, ascii: bool = False, quit_when_done: bool = False) -> None:
        self._process = EngineProcess(source)
        super().__init__(self._process, ascii=ascii, quit_when_done=quit_when_done)
        self.view = SweepView()
        self._lines = EngineLines(decode_sweep_event, self._show_warning)
        self._title, self._body, self._status = Lines(id="title"), Lines(id="body"), Lines(id="status")
        self._keys = Lines(id="keys")
        self._summaries: list[Summary] = []
        self._comparisons: list[Comparison] = []
        # The statistics on the screen: the number of replicas, and whether they use all bootstrap samples.
        self._statistics_of = 0, False
        self._next_statistics, self._cost = 0.0, 0.0
        self._first_line, self._curves = 0, 0
        self._stopping = False
        self._dirty = True
        # The index of the setting of which a replica is to be trained again.
        self.replica: int | None = None

    def stop_engine(self) -> list[bytes]:
        """End the engine. It gets more time than that of a run, because its workers must end first."""
        return self._process.stop(_STOP_SECONDS)

    def compose(self) -> ComposeResult:
        """Title, body, status line and key line."""
        yield self._title
        yield self._body
        yield self._status
        yield self._keys

    def on_mount(self) -> None:
        """Start the frame timer."""
        self.theme_changed_signal.subscribe(self, lambda _: self._draw())
        self.set_interval(_FRAME, self._frame)

    def on_resize(self, event: events.Resize) -> None:
        """Draw at the new size."""
        self.call_after_refresh(self._draw)

    def say(self, message: str, *, alert: bool = False) -> None:
        """Show a message in the status line."""
        self.view.message, self.view.alert = message, alert
        self._draw()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The entries of the command palette: one for every key."""
        for key in KEYS:
            yield SystemCommand(key.label, key.tooltip, lambda action=key.action: self.run_action(action))

    def action_show_help(self) -> None:
        """Show how to read the page, and all keys."""
        results = self.view.results
        experiment = results.started.experiment if results else LENET.info
        has_map = results is not None and grid_map(results, self._summaries) is not None
        self.push_screen(HelpScreen({}, keys=KEYS, about=reading(experiment, has_map=has_map), mouse={}))

    def action_next_curves(self) -> None:
        """Show the next measures in the charts."""
        self._curves += 1
        if results := self.view.results:
            self.say(f"curves: {' and '.join(label(one, results.started) for one in self._measures(results))}")

    def _measures(self, results: Results) -> tuple[MetricInfo, ...]:
        """The measures that the charts show."""
        found = choices(results.started)
        return found[self._curves % len(found)]

    def action_open_replica(self) -> None:
        """Ask for a replica to train again as a run once this screen has ended."""
        if self.view.results is None or self.view.finished is None:
            self.say("The sweep is still training. Once it has ended, o trains one of its replicas as a run")
            return
        self.push_screen(ReplicaChoice(replica_lines(self.view.results)), self._leave_for_replica)

    def _leave_for_replica(self, number: int | None) -> None:
        if number is not None:
            self.replica = number
            self.leave(failed=False)

    def action_scroll(self, lines: int) -> None:
        """Scroll down, or up if `lines` is negative."""
        self._first_line += lines
        self._draw()

    def on_mouse_scroll_up(self) -> None:
        """Scroll up."""
        self.action_scroll(-_WHEEL_LINES)

    def on_mouse_scroll_down(self) -> None:
        """Scroll down."""
        self.action_scroll(_WHEEL_LINES)

    async def on_click(self, event: events.Click) -> None:
        """Do what the clicked key of the key line does."""
        if event.widget is self._keys and (key := key_at(event.x, {}, self.size.width, self.make_theme(), keys=KEYS)):
            await self.run_action(key.action)

    def action_leave(self) -> None:
        """Stop the sweep and wait for it to end; a second time, or once it has ended, exit at once."""
        if self._stopping or self.view.finished or self.engine.exit_code is not None:
            self.leave(failed=self.view.failed or bool(self.engine.exit_code))
            return
        self._stopping = True
        self.view.message, self.view.alert = "stopping; finished trainings are kept", False
        self._process.request_stop()
        self._draw()

    def _frame(self) -> None:
        for event in self._lines.events(self.engine.lines(_DRAIN_SECONDS)):
            self._dirty = True
            self.view.fold(event)
        self._update_statistics()
        self._check_engine()
        # While the sweep is training, the remaining time changes without events.
        if self._dirty or not self.view.finished:
            self._draw()

    def _update_statistics(self) -> None:
        """Compute the statistics of the results so far, as often as their cost allows.

        Once the sweep has finished, they use all bootstrap samples, as the printed ones do, unless that would take too
        long.
        """
        results, now = self.view.results, time.monotonic()
        if results is None:
            return
        is_final = self.view.finished is not None and self._cost * RESAMPLES / _INTERIM_RESAMPLES < _MAX_FINAL_SECONDS
        state = len(results.replicas), is_final
        if state == self._statistics_of or (now < self._next_statistics and not self.view.finished):
            return
        self._statistics_of = state
        resamples = RESAMPLES if is_final else _INTERIM_RESAMPLES
        self._summaries, self._comparisons = summaries(results), comparisons(results, resamples=resamples)
        seconds = time.monotonic() - now
        self._cost = seconds if not is_final else self._cost
        self._next_statistics = now + seconds / _STATISTICS_SHARE
        self._dirty = True

    def _show_warning(self, text: str) -> None:
        self.view.message, self.view.alert = text, True

    def _check_engine(self) -> None:
        """Exit when the sweep is done or its engine has failed; say so if the engine ended early."""
        if self._lines.incompatibility and self.view.results is None:
            self.fail(self._lines.incompatibility)
            return
        code = self.engine.exit_code
        if self.quit_when_done and self.view.finished:
            self.leave(failed=self.view.failed)
            return
        if code is None:
            return
        if self.view.results is None:
            self.fail(
                self.engine.last_error_line.removeprefix("clipwatch: ") or f"the engine ended (exit code {code})", code
            )
        elif self._stopping:
            self.leave(failed=False)
        elif not self.view.finished:
            message = f"the engine ended (exit code {code}): {self.engine.last_error_line.removeprefix('clipwatch: ')}"
            if self.quit_when_done:
                self.fail(message, code)
            self.view.message, self.view.alert = f"{message}; q quits", True

    def _draw(self) -> None:
        self._dirty = self.terminal_is_behind
        if self._dirty:
            # A frame drawn now would be out of date when it appears.
            return
        size, theme = self.size, self.make_theme()
        if size.width < SMALLEST[0] or size.height < SMALLEST[1]:
            message = f" clipwatch needs {SMALLEST[0]} x {SMALLEST[1]} cells; q stops"
            self._title.show([Strip([Segment(message, theme.text)])])
            self._body.show([Strip([Segment(f" {self.view.progress}")])] if self.view.results else [])
            self._keys.show([])
            return
        self._title.show([title(self.view, size.width, theme)])
        below = 0
        if self.view.results:
            body_size, measures = (size.width, size.height - 3), self._measures(self.view.results)
            shown = page(
                self.view.results, self._summaries, self._comparisons, body_size, theme, self._first_line, measures
            )
            self._first_line, below = shown.above, shown.below
            self._body.show(shown.lines)
        self._status.show([status(self.view, below, size.width, theme)])
        self._keys.show([key_line({}, size.width, theme, keys=KEYS)])
