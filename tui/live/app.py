"""The screen of `clipwatch`: shows an engine's run as it goes on, and steers it by keys."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import ClassVar

from textual.app import SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from ...core.stream.commands import AnyCommand, Seek
from ..charts.plotting import load
from ..engine_child.process import EngineConnection
from ..screens.figures import FiguresScreen
from ..screens.help import HelpScreen
from ..screens.main import MainScreen
from ..screens.quit_question import QuitQuestion
from ..style.theme import THEMES
from ..terminal.terminal_app import TerminalApp
from ..view.keys import KEYS
from ..view.requests import Requests
from ..view.run_view import RunView
from .cadence import FASTEST
from .event_feed import EventFeed
from .steering import Steering

# Seconds of silence after a command before the screen says so.
PATIENCE = 3.0
# Seconds after a command in which the answer is looked for; after a seek the first of them, and how they grow.
ANSWER_SOON = 0.03
SEEK_PAUSE, SEEK_GROWTH = 0.002, 1.2


class ClipwatchApp(TerminalApp):
    """Holds the event feed and the steering of a run; with `quit_when_done` it leaves once every lane has ended."""

    TITLE = "clipwatch"
    BINDINGS: ClassVar = [Binding("ctrl+c", "quit", show=False, priority=True)]

    def __init__(
        self,
        engine: EngineConnection,
        *,
        keymap: Mapping[str, str],
        ascii: bool = False,
        quit_when_done: bool = False,
    ) -> None:
        super().__init__(engine, ascii=ascii, quit_when_done=quit_when_done)
        self._remapped_keys = dict(keymap)
        self.view = RunView()
        self.requests = Requests()
        self.main = MainScreen(self.view, self.requests, self.make_theme(), self._remapped_keys)
        self.feed = EventFeed(engine, self.view, self.requests, self.main)
        self.steering = Steering(engine, self.view, self.requests, self.main, self._await_answer)

    def get_default_screen(self) -> Screen[None]:
        """The main screen."""
        return self.main

    def on_mount(self) -> None:
        """Draw from now on."""
        self.set_keymap(self._remapped_keys)
        self.theme_changed_signal.subscribe(self, lambda _: self._apply_theme())
        self._apply_theme()
        self.set_timer(FASTEST, self._frame)

    def on_ready(self) -> None:
        """Leave what has been made so far out of the search for garbage, which would hold a key up for 100 ms."""
        gc.freeze()
        # Lines of the screen come and go by the thousand, and hardly ever in cycles.
        gc.set_threshold(20_000, 20, 20)
        # The first frame is there, and the charts' first lines are not yet: in the loop this would hold a key up, too.
        threading.Thread(target=load, name="clipwatch-plotext", daemon=True).start()

    def _apply_theme(self) -> None:
        self.main.theme = self.make_theme()
        self.call_after_refresh(self.main.draw)

    # The run

    def _frame(self) -> None:
        self.catch_up()
        self.set_timer(self.feed.pause(), self._frame)

    def catch_up(self) -> None:
        """Receive and draw what the engine has said since; leave where there is nothing more to see."""
        self.feed.receive()
        # What would be drawn while the terminal is behind would be old when it is seen.
        if not self.terminal_is_behind:
            self.feed.draw()
        if self.feed.unreadable and self.view.runs == 0:
            self.fail(self.feed.unreadable)
        lanes = self.view.state.lanes.values()
        if self.quit_when_done and lanes and all(lane.ended for lane in lanes):
            self.leave(failed=self.view.state.failed)
        elif not self.view.engine_gone and (code := self.engine.exit_code) is not None:
            self._engine_ended(code)
        elif (silent := self.requests.unanswered_for) > PATIENCE:
            self.main.say(f"the engine has not answered for {silent:.0f} s", alert=True)

    def _engine_ended(self, code: int) -> None:
        words = self.engine.last_words.removeprefix("clipwatch: ")
        how = f"signal {-code}" if code < 0 else f"code {code}"
        half = " in the middle of a line" if self.engine.half_line else ""
        if self.view.runs == 0 or self.quit_when_done:
            when = half if self.view.runs else " before it started"
            self.fail(words or f"the engine ended ({how}){when}", code)
            return
        self.requests.forget()
        self.view.lose_engine()
        self.main.say(f"the engine ended ({how}){half}: r starts another. {words}", alert=True)
        self.main.draw()

    # Keys that steer the run

    def action_steer(self, key: str) -> None:
        """What a key asks of the engine."""
        self.steering.keys[key]()

    def _await_answer(self, command: AnyCommand) -> None:
        """Look for the answer before the next frame is due."""
        if isinstance(command, Seek):
            self.set_timer(SEEK_PAUSE, partial(self._follow_seek, SEEK_PAUSE))
        else:
            self.set_timer(ANSWER_SOON, self.catch_up)

    def _follow_seek(self, pause: float) -> None:
        """Draw what a seek shows as soon as it has arrived, then go where keys have asked to go meanwhile."""
        self.catch_up()
        if self.requests.seeking:
            self.set_timer(pause, partial(self._follow_seek, min(FASTEST, SEEK_GROWTH * pause)))
        else:
            self.steering.seek_on()

    # The program itself

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: every key, by what it does."""
        for key in KEYS:
            yield SystemCommand(key.label, key.tooltip, lambda action=key.action: self.run_action(action, self.main))

    def action_picture(self) -> None:
        """Save the screen as SVG: in the current folder, or where the browser keeps its downloads."""
        # To the microsecond, for pictures in quick succession.
        name = f"clipwatch-{datetime.now():%Y%m%d-%H%M%S-%f}.svg"
        picture = self.export_screenshot(title="clipwatch")
        if self.is_web:
            self.deliver_text(StringIO(picture), save_filename=name, encoding="utf-8", mime_type="image/svg+xml")
            self.main.say(f"the browser downloads {name}")
            return
        try:
            Path(name).write_text(picture, encoding="utf-8")
        except OSError as error:
            self.main.say(f"no picture: {name}: {error.strerror}", alert=True)
            return
        self.main.say(f"saved {Path(name).resolve()}")

    def action_next_theme(self) -> None:
        """The next theme."""
        place = THEMES.index(self.theme) if self.theme in THEMES else -1
        self.theme = THEMES[(place + 1) % len(THEMES)]
        self.main.say(f"theme {self.theme}")

    def action_show_help(self) -> None:
        """Every key and what is seen; over the diagnostics, what their figures mean."""
        help_screen = FiguresScreen(ascii=self.ascii) if self.main.diagnosing else HelpScreen(self._remapped_keys)
        self.push_screen(help_screen)

    async def action_quit(self) -> None:
        """Leave; ask first if a run would be lost, which a recorded one is not."""
        state, gone = self.view.state, self.view.engine_gone
        under_way = any(not lane.ended for lane in state.lanes.values())
        is_recorded = state.replay or state.recorded_in
        if is_recorded or not under_way or gone or isinstance(self.screen, QuitQuestion):
            self.leave(failed=gone or state.failed)
        else:
            self.push_screen(QuitQuestion(), lambda leave: self.leave(failed=False) if leave else None)
