"""The screen of a sweep: drains what its engine says on a timer, and draws what follows from it."""

from __future__ import annotations

import time
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.strip import Strip

from ...core.statistics.paired import RESAMPLES
from ...core.stream.codec import decode_sweep_event
from ...core.sweeps.comparisons import Comparison, Summary, comparisons, summaries
from ..engine_child.lines import EngineLines
from ..engine_child.process import EngineProcess
from ..engine_child.request import Wanted
from ..style.theme import DARK, LIGHT
from ..terminal.terminal_app import TerminalApp
from ..widgets.lines import Lines
from .page import page
from .view import SweepView, status, title

SMALLEST = (60, 16)
_FRAME = 0.2
# Seconds a frame spends on what the engine says; bootstrap samples of an interval while it forms; share of time that
# statistics may take.
_DRAIN_SECONDS, _RESAMPLES, _SHARE = 0.05, 999, 0.1
# Seconds that the last statistics may take at once; and in which workers end when they are told to.
_PATIENCE, _ENDING = 1.5, 10.0


class SweepApp(TerminalApp):
    """Draws a sweep; with `quit_when_done` it leaves once that has ended."""

    TITLE = "clipwatch sweep"
    CSS = """
    Screen { layout: vertical; background: $surface; }
    #title, #status { height: 1; background: $panel; }
    #body { height: 1fr; background: $surface; }
    """
    BINDINGS: ClassVar = [
        Binding("q,ctrl+c,ctrl+q", "leave", "stop", priority=True),
        Binding("t", "next_theme", "theme"),
        Binding("up", "scroll(-1)", "up"),
        Binding("down", "scroll(1)", "down"),
        Binding("pageup", "scroll(-10)", "page up"),
        Binding("pagedown", "scroll(10)", "page down"),
    ]

    def __init__(self, wanted: Wanted, *, ascii: bool = False, quit_when_done: bool = False) -> None:
        self._process = EngineProcess(wanted)
        super().__init__(self._process, ascii=ascii, quit_when_done=quit_when_done)
        self.view = SweepView()
        self._lines = EngineLines(decode_sweep_event, self._complain)
        self._title, self._body, self._status = Lines(id="title"), Lines(id="body"), Lines(id="status")
        self._summaries: list[Summary] = []
        self._compared: list[Comparison] = []
        self._known, self._next_verdict, self._cost = (0, False), 0.0, 0.0
        self._first = 0
        self._stopping = False
        self._dirty = True

    def stop_engine(self) -> list[bytes]:
        """Its workers end when they are told to, which takes a while."""
        return self._process.stop(_ENDING)

    def compose(self) -> ComposeResult:
        """From top to bottom."""
        yield self._title
        yield self._body
        yield self._status

    def on_mount(self) -> None:
        """Draw from now on."""
        self.theme_changed_signal.subscribe(self, lambda _: self._draw())
        self.set_interval(_FRAME, self._frame)

    def on_resize(self, event: events.Resize) -> None:
        """Everything has another size."""
        self.call_after_refresh(self._draw)

    def action_next_theme(self) -> None:
        """Dark or light."""
        self.theme = LIGHT.name if self.theme == DARK.name else DARK.name

    def action_scroll(self, lines: int) -> None:
        """Further down, or up."""
        self._first += lines
        self._draw()

    def action_leave(self) -> None:
        """Stop in good order; once more, or when all is done, leave at once."""
        if self._stopping or self.view.finished or self.engine.exit_code is not None:
            self.leave(failed=self.view.failed or bool(self.engine.exit_code))
            return
        self._stopping = True
        self.view.message, self.view.alert = "stopping; what is done is kept", False
        self._process.stop_soon()
        self._draw()

    def _frame(self) -> None:
        for event in self._lines.decoded(self.engine.lines(_DRAIN_SECONDS)):
            self._dirty = True
            self.view.fold(event)
        self._weigh()
        self._watch()
        # Until it has finished the time goes on.
        if self._dirty or not self.view.finished:
            self._draw()

    def _weigh(self) -> None:
        """Bring the statistics up to date, as often as their cost allows.

        When all is done they are those that will be printed, unless that would keep the screen still for long.
        """
        results, now = self.view.results, time.monotonic()
        if results is None:
            return
        exact = self.view.finished is not None and self._cost * RESAMPLES / _RESAMPLES < _PATIENCE
        state = len(results.replicas), exact
        if state == self._known or (now < self._next_verdict and not exact):
            return
        self._known = state
        resamples = RESAMPLES if exact else _RESAMPLES
        self._summaries, self._compared = summaries(results), comparisons(results, resamples=resamples)
        took = time.monotonic() - now
        self._cost = took if not exact else self._cost
        self._next_verdict = now + took / _SHARE
        self._dirty = True

    def _complain(self, text: str) -> None:
        self.view.message, self.view.alert = text, True

    def _watch(self) -> None:
        if self._lines.unreadable and self.view.results is None:
            self.fail(self._lines.unreadable)
            return
        code = self.engine.exit_code
        if self.quit_when_done and self.view.finished:
            self.leave(failed=self.view.failed)
            return
        if code is None:
            return
        if self.view.results is None:
            self.fail(self.engine.last_words.removeprefix("clipwatch: ") or f"the engine ended (code {code})", code)
        elif self._stopping:
            self.leave(failed=False)
        elif not self.view.finished:
            words = self.engine.last_words.removeprefix("clipwatch: ")
            if self.quit_when_done:
                self.fail(f"the engine ended (code {code}): {words}", code)
            self.view.message, self.view.alert = f"the engine ended (code {code}): {words}; q leaves", True

    def _draw(self) -> None:
        self._dirty = self.terminal_is_behind
        if self._dirty:
            # What would be drawn now would be old when it is seen.
            return
        size, theme = self.size, self.make_theme()
        if size.width < SMALLEST[0] or size.height < SMALLEST[1]:
            words = f" clipwatch needs {SMALLEST[0]} x {SMALLEST[1]}; q stops"
            self._title.show([Strip([Segment(words, theme.text)])])
            self._body.show([Strip([Segment(f" {self.view.progress}")])] if self.view.results else [])
            return
        self._title.show([title(self.view, size.width, theme)])
        below = 0
        if self.view.results:
            room = (size.width, size.height - 2)
            shown = page(self.view.results, self._summaries, self._compared, room, theme, self._first)
            self._first, below = shown.above, shown.below
            self._body.show(shown.lines)
        self._status.show([status(self.view, below, size.width, theme)])
