"""The screen over one engine: drains events on a timer, folds them, has them drawn; keys become commands."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding
from textual.screen import Screen

from ..core.codec import decode_event
from ..core.commands import AnyCommand, Extend, Pause, ResetMoments, Restart, Resume, Seek, SetClip, SetPace, StepOnce
from ..core.errors import BadInput
from ..core.events import ClipChanged, Event, LaneEvent, LaneFinished, Notice, RunStarted, Sought
from ..core.rules import parse_rule
from .asked import Asked
from .bounds import has_bound, stepped, toggled
from .cadence import BREATH, FASTEST, Cadence
from .charts.plotting import load
from .driver import TerminalDriver
from .engine_process import EngineProcess, Source
from .keys import KEYS
from .look import DARK, LIGHT, THEMES, Look, look
from .memory import memory_words
from .paces import next_pace
from .screens.figures import FiguresScreen
from .screens.help import HelpScreen
from .screens.main import MainScreen
from .screens.quit_question import QuitQuestion
from .screens.rule_prompt import RulePrompt
from .view import RunView
from .wording import lane_message, pace_words

MORE_ITERATIONS = 1000
UNCHANGEABLE = "this is a recording: it can be watched, not changed"
# Seconds a frame spends on what the engine says, so that a flood of events leaves time for keys.
LISTENING = 0.03
# Seconds of silence after a command before the screen says so.
PATIENCE = 3.0
# Seconds after a command in which the answer is looked for; after a seek the first of them, and how they grow.
ANSWER_SOON = 0.03
SEEK_BREATH, SEEK_PATIENCE = 0.002, 1.2


class ClipwatchApp(App[int]):
    """Exits with the program's exit code; `failure` says why if the engine never started.

    `engine` is one that `command` has started already; `start` starts others.
    """

    TITLE = "clipwatch"
    CSS = """
    .-ascii ModalScreen > *, .-ascii Input { border: ascii $primary; }
    .-ascii VerticalScroll { scrollbar-size: 0 0; }
    """
    BINDINGS: ClassVar = [Binding("ctrl+c", "quit", show=False, priority=True)]

    def __init__(
        self,
        command: list[str],
        *,
        keymap: Mapping[str, str],
        ascii: bool = False,
        quit_when_done: bool = False,
        start: Callable[[list[str]], Source] = EngineProcess,
        engine: Source | None = None,
    ) -> None:
        # One that is asked for in the environment, as for the browser, is Textual's to find.
        super().__init__(driver_class=None if "TEXTUAL_DRIVER" in os.environ else TerminalDriver)
        self._quit_when_done = quit_when_done
        self._command, self._remapped, self._ascii = command, dict(keymap), ascii
        self._start = start
        self.engine = engine or start(command)
        self.view = RunView()
        self.failure: str | None = None
        self._cadence = Cadence()
        self._shown_run = 0
        self._remembered_rules: dict[str, str] = {}
        self._asked = Asked()
        self._asked_at: float | None = None
        self._news: list[Event] = []
        self._dirty = True
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = DARK.name
        self.main = MainScreen(self.view, self._make_look(), self._remapped)

    def get_default_screen(self) -> Screen[None]:
        """The main screen."""
        return self.main

    def on_mount(self) -> None:
        """Listen to signals, and draw from now on."""
        self.set_class(self._ascii, "-ascii")
        self.set_keymap(self._remapped)
        self.theme_changed_signal.subscribe(self, lambda _: self._dress())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, lambda number=number: self.exit(128 + number, return_code=128 + number))
        self._dress()
        self.set_timer(FASTEST, self._frame)

    def on_ready(self) -> None:
        """Leave what has been made so far out of the search for garbage, which would hold a key up for 100 ms."""
        gc.freeze()
        # Lines of the screen come and go by the thousand, and hardly ever in cycles.
        gc.set_threshold(20_000, 20, 20)
        # The first frame is there, and the charts' first lines are not yet: in the loop this would hold a key up, too.
        threading.Thread(target=load, name="clipwatch-plotext", daemon=True).start()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The command palette: every key, by what it does."""
        for key in KEYS:
            yield SystemCommand(key.label, key.tooltip, lambda action=key.action: self.run_action(action, self.main))

    def _make_look(self) -> Look:
        dark, coloured = self.current_theme.dark, not self.no_color
        return look(self.theme_variables, dark=dark, coloured=coloured, ascii=self._ascii)

    def _dress(self) -> None:
        self.main.look = self._make_look()
        self.call_after_refresh(self.main.draw)

    # What the engine says

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
        self._watch_engine()
        lanes = self.view.state.lanes.values()
        if self._quit_when_done and lanes and all(lane.ended for lane in lanes):
            code = 1 if any(lane.failed and lane.failed.reason == "error" for lane in lanes) else 0
            self.exit(code, return_code=code)

    @property
    def _terminal_is_behind(self) -> bool:
        return isinstance(self._driver, TerminalDriver) and self._driver.behind

    @property
    def _at_full_speed(self) -> bool:
        return any(lane.pace is None and lane.status == "training" for lane in self.view.state.lanes.values())

    def _receive(self) -> bool:
        """Fold what the engine has said, and tell of it once it is the whole of a seek; whether it said anything."""
        before = len(self._news)
        for line in self.engine.lines(LISTENING):
            try:
                event = decode_event(line)
            except BadInput as error:
                self.main.say(f"the engine wrote something else than an event: {error}", alert=True)
                continue
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
            self._tell(event)
        return came

    def _expected_lanes(self) -> int:
        return len(self.view.state.config.lanes) if self.view.state.config else -1

    def _tell(self, event: Event) -> None:
        """Let the status line tell what came of a command, and what there is to know."""
        lanes = self.view.state.lanes.values()
        if isinstance(event, RunStarted):
            self.main.say(f"training with seed {event.config.seed}; ? says what the keys do")
        elif isinstance(event, LaneFinished) and lanes and all(lane.ended for lane in lanes):
            self.main.say("every lane has ended: e trains on, r starts afresh, n with a new seed, q quits")
        elif isinstance(event, Sought):
            self._cadence.want_charts()
        elif isinstance(event, Notice):
            self.main.say(event.text, alert=event.level == "warning")
        elif isinstance(event, LaneEvent) and (text := lane_message(event)):
            self._tell_lane(event, f"{event.lane}: {text}")

    def _tell_lane(self, event: LaneEvent, text: str) -> None:
        config = self.view.state.config
        if isinstance(event, ClipChanged) and not event.moments_reset and config and config.optimizer == "adam":
            long, short = memory_words(event)
            self.main.say(f"{text}. {long}", f"{text}. {short}", f"{event.lane}: {short}")
        else:
            self.main.say(text)

    def _watch_engine(self) -> None:
        if self.main.ended is None and (code := self.engine.exit_code) is not None:
            self._engine_ended(code)
        elif self._asked_at and (silent := time.monotonic() - self._asked_at) > PATIENCE:
            self.main.say(f"the engine has not answered for {silent:.0f} s", alert=True)

    def _engine_ended(self, code: int) -> None:
        words = self.engine.last_words.removeprefix("clipwatch: ")
        if self.view.runs == 0:
            # There is nothing to look at: the terminal's own screen is the place to say why.
            self.failure = words or f"the engine ended (code {code}) before it started"
            self.exit(code if code > 0 else 1, return_code=code if code > 0 else 1)
            return
        how = f"signal {-code}" if code < 0 else f"code {code}"
        half = " in the middle of a line" if self.engine.half_line else ""
        self.main.ended, self._asked_at, self._asked = " engine gone ", None, Asked()
        self.main.say(f"the engine ended ({how}){half}: r starts another. {words}", alert=True)
        self.main.draw()

    # Keys

    def _ask(self, command: AnyCommand, message: str) -> None:
        """Send a command, and say so before it is answered."""
        if self.view.state.replay and isinstance(command, SetClip | ResetMoments | Extend | Restart):
            self.main.say(UNCHANGEABLE)
            return
        if self.main.ended or not self.engine.send(command):
            self.main.say("the engine is gone: r starts another", alert=True)
            return
        self._asked.note(command)
        self._asked_at = self._asked_at or time.monotonic()
        self.main.say(message)
        self.set_timer(ANSWER_SOON, self._update)

    def action_pause(self) -> None:
        """Pause, or go on."""
        lanes = [lane for lane in self.view.state.lanes.values() if not lane.ended]
        if not lanes:
            ended = "no lane is training; e adds iterations, r starts afresh"
            self.main.say(ended if self.view.state.lanes else "no lane is training yet")
        elif self._asked.paused(lanes):
            self._ask(Resume(), "going on")
        else:
            self._ask(Pause(), "pausing")

    def action_step(self) -> None:
        """One step."""
        self._ask(StepOnce(), "one step")

    def action_step_ten(self) -> None:
        """Ten steps."""
        self._ask(StepOnce(count=10), "ten steps")

    def action_restart(self) -> None:
        """The same run afresh."""
        self._restart(Restart(head=self.main.next_head), "starting afresh")

    def action_reseed(self) -> None:
        """A run with the next seed."""
        config = self.view.state.config
        seed = (self._asked.seed(config.seed) + 1) % 2**63 if config else 0
        self._restart(Restart(seed=seed, head=self.main.next_head), f"starting with seed {seed}")

    def _restart(self, command: Restart, message: str) -> None:
        if self.main.ended:
            self.engine.stop()
            try:
                self.engine = self._start(self._command)
            except BadInput as error:
                self.main.say(str(error), alert=True)
                return
            self.main.ended = None
        self._remembered_rules.clear()
        self._ask(command, message)

    def action_extend(self) -> None:
        """More iterations."""
        self._ask(Extend(iterations=MORE_ITERATIONS), f"{MORE_ITERATIONS} more iterations")

    def action_head(self) -> None:
        """The other head from the next restart on."""
        config = self.view.state.config
        if self.view.state.replay:
            self.main.say(UNCHANGEABLE)
        elif config:
            current = self.main.next_head or config.head
            self.main.next_head = "linear" if current == "relu" else "relu"
            self.main.say(f"the next restart (r or n) has a {self.main.next_head} head")
            self.main.draw(charts=False)

    def action_clip(self) -> None:
        """Clipping of the chosen lane on or off."""
        if lane := self.main.chosen:
            now = self._asked.rule(lane)
            rule = toggled(parse_rule(now), self._remembered_rules.get(lane.name))
            self._set_rule(rule)

    def action_tighten(self) -> None:
        """A smaller bound."""
        self._step_bound(-1)

    def action_loosen(self) -> None:
        """A larger bound."""
        self._step_bound(1)

    def _step_bound(self, direction: int) -> None:
        if lane := self.main.chosen:
            rule = parse_rule(self._asked.rule(lane))
            if str(rule) == "none":
                self.main.say(f"{lane.name} is not clipped: c clips it")
            elif not has_bound(rule):
                self.main.say(f"{rule} has no bound to step: b types another rule")
            else:
                self._set_rule(str(stepped(rule, direction)))

    def action_rule(self) -> None:
        """Type a rule."""
        if self.view.state.replay:
            self.main.say(UNCHANGEABLE)
        elif lane := self.main.chosen:
            self.push_screen(RulePrompt(lane.name, lane.rule), lambda rule: self._set_rule(rule) if rule else None)

    def _set_rule(self, rule: str) -> None:
        if lane := self.main.chosen:
            now = self._asked.rule(lane)
            self._ask(SetClip(lane=lane.name, rule=rule), f"{lane.name}: clip {now} -> {rule}")
            if now != "none":
                self._remembered_rules[lane.name] = now

    def action_reset_moments(self) -> None:
        """The chosen lane's optimizer begins anew."""
        if lane := self.main.chosen:
            self._ask(ResetMoments(lane=lane.name), f"{lane.name}: resetting the moments")

    def action_slower(self) -> None:
        """Fewer steps a second."""
        self._set_pace(next_pace(self._asked.pace(self.view.state.lanes.values()), -1))

    def action_faster(self) -> None:
        """More steps a second."""
        self._set_pace(next_pace(self._asked.pace(self.view.state.lanes.values()), 1))

    def action_full_speed(self) -> None:
        """No limit."""
        self._set_pace(None)

    def _set_pace(self, pace: float | None) -> None:
        self._ask(SetPace(pace=pace), f"pace {pace_words(pace)}")

    def action_scrub_back(self) -> None:
        """A twentieth of the recording earlier."""
        self._scrub(-1)

    def action_scrub_on(self) -> None:
        """A twentieth of the recording later."""
        self._scrub(1)

    def _scrub(self, direction: int) -> None:
        if (replay := self.view.state.replay) is None:
            self.main.say("a run under way has no other moments to show: this key is for replays")
            return
        now = self._asked.place(max((lane.step for lane in self.view.state.lanes.values()), default=0))
        command = Seek(step=min(replay.last_step, max(0, now + direction * max(1, replay.last_step // 20))))
        if self._asked.seeking:
            self._asked.seek_later(command)
            self.main.say(self._seek_words(command.step))
        else:
            self._seek(command)

    def _seek(self, command: Seek) -> None:
        self._ask(command, self._seek_words(command.step))
        self.set_timer(SEEK_BREATH, partial(self._follow_seek, SEEK_BREATH))

    def _seek_words(self, step: int) -> str:
        replay = self.view.state.replay
        return f"step {step:,} of {replay.last_step:,}" if replay else f"step {step:,}"

    def _follow_seek(self, breath: float) -> None:
        """Have what a seek tells drawn as soon as it is here, then go where keys have asked to go meanwhile."""
        self._update()
        if self._asked.seeking:
            self.set_timer(breath, partial(self._follow_seek, min(FASTEST, SEEK_PATIENCE * breath)))
        elif command := self._asked.take_next_seek():
            self._seek(command)

    def action_picture(self) -> None:
        """Save the screen as SVG."""
        name = f"clipwatch-{datetime.now():%Y%m%d-%H%M%S}.svg"
        try:
            Path(name).write_text(self.export_screenshot(title="clipwatch"), encoding="utf-8")
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
        self.push_screen(FiguresScreen(ascii=self._ascii) if self.main.diagnosing else HelpScreen(self._remapped))

    async def action_quit(self) -> None:
        """Leave; ask first if a run would be lost, which a recorded one is not."""
        under_way = any(not lane.ended for lane in self.view.state.lanes.values())
        kept = self.view.state.replay or self.view.state.recorded_in
        if kept or not under_way or self.main.ended or isinstance(self.screen, QuitQuestion):
            self.exit(0)
        else:
            self.push_screen(QuitQuestion(), lambda leave: self.exit(0) if leave else None)
