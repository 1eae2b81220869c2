"""An app that listens to an engine: drains its events on a timer, folds them, has them drawn and told."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Mapping

from textual.screen import Screen

from ...core.stream.codec import decode_event
from ...core.stream.events import Event, SeekFinished
from ..charts.plotting import load
from ..engine_child.lines import EngineLines
from ..engine_child.process import Source
from ..screens.main import MainScreen
from ..terminal.terminal_app import TerminalApp
from ..text.status_messages import news_of
from ..view.run_view import RunView
from .cadence import BREATH, FASTEST, Cadence
from .requests import Asked

# Seconds a frame spends on what the engine says, so that a flood of events leaves time for keys.
LISTENING = 0.03
# Seconds of silence after a command before the screen says so.
PATIENCE = 3.0


class ListeningApp(TerminalApp):
    """Draws a run; with `quit_when_done` it leaves once every lane has ended."""

    def __init__(self, engine: Source, *, keymap: Mapping[str, str], ascii: bool, quit_when_done: bool) -> None:
        super().__init__(engine, ascii=ascii, quit_when_done=quit_when_done)
        self._remapped = dict(keymap)
        self.view = RunView()
        self._lines = EngineLines(decode_event, lambda text: self.main.say(text, alert=True))
        self._cadence = Cadence()
        self._shown_run = 0
        self._asked = Asked()
        self._asked_at: float | None = None
        self._news: list[Event] = []
        self._dirty = True
        self.main = MainScreen(self.view, self._make_look(), self._remapped)

    def get_default_screen(self) -> Screen[None]:
        """The main screen."""
        return self.main

    def on_mount(self) -> None:
        """Draw from now on."""
        self.set_keymap(self._remapped)
        self.theme_changed_signal.subscribe(self, lambda _: self._dress())
        self._dress()
        self.set_timer(FASTEST, self._frame)

    def on_ready(self) -> None:
        """Leave what has been made so far out of the search for garbage, which would hold a key up for 100 ms."""
        gc.freeze()
        # Lines of the screen come and go by the thousand, and hardly ever in cycles.
        gc.set_threshold(20_000, 20, 20)
        # The first frame is there, and the charts' first lines are not yet: in the loop this would hold a key up, too.
        threading.Thread(target=load, name="clipwatch-plotext", daemon=True).start()

    def _dress(self) -> None:
        self.main.look = self._make_look()
        self.call_after_refresh(self.main.draw)

    def _frame(self) -> None:
        """Drain, fold, draw once, and wait as long as the drawing took it to earn."""
        self._update()
        pause = self._cadence.next_frame(full_speed=self._at_full_speed)
        self.set_timer(BREATH if self.engine.behind else pause, self._frame)

    def _update(self) -> None:
        if self._receive():
            self._asked_at = None
            self._dirty = True
        if self._terminal_is_behind or self._asked.seeking:
            # What would be drawn now would be old when it is seen, or half of a story.
            pass
        elif self._dirty:
            charts = self._cadence.charts_are_due(full_speed=self._at_full_speed)
            self.main.draw(charts=charts)
            self._dirty = not (charts and self.main.laid_out)
        elif self.view.runs == 0:
            self.main.draw_title()
        if self._lines.unreadable and self.view.runs == 0:
            self._fail(self._lines.unreadable, 1)
        lanes = self.view.state.lanes.values()
        if self._quit_when_done and lanes and all(lane.ended for lane in lanes):
            self.leave(failed=self.view.state.failed)
        else:
            self._watch_engine()

    @property
    def _at_full_speed(self) -> bool:
        return any(lane.pace is None and lane.status == "training" for lane in self.view.state.lanes.values())

    def _receive(self) -> bool:
        """Fold what the engine has said, and tell of it once it is the whole of a seek; whether it said anything."""
        before = len(self._news)
        for event in self._lines.decoded(self.engine.lines(LISTENING)):
            self.view.fold((event,))
            self._asked.settle(event)
            self._news.append(event)
        came = len(self._news) > before
        if self._asked.seeking:
            return came
        if self.view.runs != self._shown_run and len(self.view.lanes) == self._expected_lanes():
            self._shown_run = self.view.runs
            self.main.begin_run()
        news, self._news = self._news, []
        for event in news:
            if told := news_of(event, self.view.state):
                self.main.say(*told.texts, alert=told.alert)
        if any(isinstance(event, SeekFinished) for event in news):
            self._cadence.want_charts()
        return came

    def _expected_lanes(self) -> int:
        return len(self.view.state.config.lanes) if self.view.state.config else -1

    def _watch_engine(self) -> None:
        if self.main.ended is None and (code := self.engine.exit_code) is not None:
            self._engine_ended(code)
        elif self._asked_at and (silent := time.monotonic() - self._asked_at) > PATIENCE:
            self.main.say(f"the engine has not answered for {silent:.0f} s", alert=True)

    def _fail(self, why: str, code: int) -> None:
        """There is nothing to look at, or nobody who does: the terminal's own screen is the place to say why."""
        self.failure = self.failure or why
        self.exit(code, return_code=code)

    def _engine_ended(self, code: int) -> None:
        words = self.engine.last_words.removeprefix("clipwatch: ")
        how = f"signal {-code}" if code < 0 else f"code {code}"
        half = " in the middle of a line" if self.engine.half_line else ""
        if self.view.runs == 0 or self._quit_when_done:
            when = half if self.view.runs else " before it started"
            self._fail(words or f"the engine ended ({how}){when}", code if code > 0 else 1)
            return
        self.main.ended, self._asked_at, self._asked = " engine gone ", None, Asked()
        self.view.stand_still()
        self.main.say(f"the engine ended ({how}){half}: r starts another. {words}", alert=True)
        self.main.draw()
