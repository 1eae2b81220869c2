"""The Textual app of `clipwatch`: shows a run live and lets the user steer it by keys."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding
from textual.command import CommandList, CommandPalette
from textual.screen import Screen

from ...core.errors import BadInput
from ...core.stream.commands import AnyCommand, Fork, Seek
from ...core.stream.sweep_config import SweepConfig
from ...core.sweeps.usable_cores import usable_cores
from ..charts.plotting import load
from ..engine_child.process import EngineConnection
from ..screens.figures import FiguresScreen
from ..screens.grid import GridScreen
from ..screens.help import HelpScreen, about_run
from ..screens.main import MainScreen
from ..screens.quit_question import QuitQuestion
from ..screens.sweep_question import SweepQuestion
from ..terminal.once import call_once
from ..terminal.terminal_app import TerminalApp
from ..text.status_messages import NOT_STARTED
from ..text.summary import repeating_command
from ..text.sweep_estimate import estimate
from ..view.keys import keys_for, refusal
from ..view.requests import Requests
from ..view.run_view import RunView
from .cadence import MIN_INTERVAL
from .event_feed import EventFeed
from .palette import PaletteEntries, PaletteEntry, entries
from .steering import Steering
from .sweep_offer import offer, offered_sweep

NO_SWEEP = "A sweep cannot start from here. In a terminal: clipwatch sweep"
# Seconds without an answer to a command before the status line reports it.
ANSWER_TIMEOUT = 3.0
# Seconds from sending a command to reading its answer. After a seek: the first delay, and the factor by which it grows.
ANSWER_DELAY = 0.03
SEEK_DELAY, SEEK_DELAY_GROWTH = 0.002, 1.2


class KeyPalette(CommandPalette):
    """The command palette. Its keys for pages do nothing on a terminal too low to show a line of its list."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action can run. Textual's list raises KeyError if it moves by a page of no lines."""
        moves_by_page = action == "command_list" and parameters[0] in ("page_up", "page_down")
        return not moves_by_page or self.query_one(CommandList).scrollable_content_region.height > 0


class ClipwatchApp(TerminalApp):
    """The app of a run. With `quit_when_done` it exits once every lane has ended.

    `new_run`: the run has to be prepared, so that there is time to read what one will see. `can_sweep`: a sweep can
    follow in this terminal; `sweep` is the one that the user has asked for. `can_fork` and `fork`: likewise a run that
    is forked from the one replayed. `preparing`: what is said before the run starts, in forms from long to short.
    """

    TITLE = "clipwatch"
    COMMANDS: ClassVar = {PaletteEntries}
    BINDINGS: ClassVar = [Binding("ctrl+c", "copy_or_quit", show=False, priority=True)]

    def __init__(
        self,
        engine: EngineConnection,
        *,
        keymap: Mapping[str, str],
        charts: Sequence[str] = (),
        ascii: bool = False,
        quit_when_done: bool = False,
        new_run: bool = False,
        can_sweep: bool = False,
        can_fork: bool = False,
        preparing: Sequence[str] = (),
    ) -> None:
        super().__init__(engine, ascii=ascii, quit_when_done=quit_when_done)
        self._remapped_keys = dict(keymap)
        self._can_sweep, self._can_fork = can_sweep, can_fork
        self.sweep: SweepConfig | None = None
        self.fork: Fork | None = None
        self.view = RunView()
        self.requests = Requests()
        self.main = MainScreen(self.view, self.requests, self.make_theme(), self._remapped_keys, charts)
        if new_run:
            self.main.welcome()
        if preparing:
            self.main.begin_with(preparing)
        self.feed = EventFeed(engine, self.view, self.requests, self.main)
        self.steering = Steering(engine, self.view, self.requests, self.main, self._await_answer)

    @property
    def ending(self) -> str:
        """What is said while the engine ends: a run that another process trains does not end with its screen."""
        return "detaching ..." if self.view.state.attached else super().ending

    def get_default_screen(self) -> Screen[None]:
        """The main screen."""
        return self.main

    def on_mount(self) -> None:
        """Apply the key map and the theme, and start the frame timer."""
        self.set_keymap(self._remapped_keys)
        self.theme_changed_signal.subscribe(self, lambda _: self._apply_theme())
        self._apply_theme()
        call_once(self, MIN_INTERVAL, self._frame)

    def on_ready(self) -> None:
        """Tune the garbage collector and load plotext in the background, so that neither delays a key."""
        # A full collection over everything allocated so far would delay a key by 100 ms.
        gc.freeze()
        # The screen allocates thousands of line objects, which are hardly ever part of a cycle.
        gc.set_threshold(20_000, 20, 20)
        # The first frame is on the screen, but no curve has been drawn yet. Loading in the event loop would delay keys.
        threading.Thread(target=load, name="clipwatch-plotext", daemon=True).start()

    def _apply_theme(self) -> None:
        self.main.theme = self.make_theme()
        self.call_after_refresh(self.main.draw)

    # The run

    def _frame(self) -> None:
        self.catch_up()
        call_once(self, self.feed.pause(), self._frame)

    def catch_up(self) -> None:
        """Receive and draw the engine's new events; exit if the engine is incompatible or the run is done."""
        self.feed.receive()
        # A frame drawn while the terminal is behind would be out of date when it appears.
        if not self.terminal_is_behind:
            self.feed.draw()
        if self.feed.incompatibility and self.view.runs == 0:
            self.fail(self.feed.incompatibility)
        lanes = self.view.state.lanes.values()
        if self.quit_when_done and lanes and all(lane.ended for lane in lanes):
            self.leave(failed=self.view.state.failed)
        elif not self.view.engine_gone and (code := self.engine.exit_code) is not None:
            self._engine_ended(code)
        elif (silent := self.requests.unanswered_for) > ANSWER_TIMEOUT:
            self.main.say(f"The engine has not answered for {silent:.0f} s", alert=True)

    def _engine_ended(self, code: int) -> None:
        reason = self.engine.last_error_line.removeprefix("clipwatch: ")
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        cut_off = " in the middle of a line" if self.engine.partial_line else ""
        if self.view.runs == 0 or self.quit_when_done:
            when = cut_off if self.view.runs else " before the run started"
            self.fail(reason or f"the engine ended ({how}){when}", code)
            return
        self.requests.forget()
        self.view.lose_engine()
        self.main.say(f"The engine ended ({how}){cut_off}. r: start a new one. {reason}", alert=True)
        self.main.draw()

    # Keys that steer the run

    def action_steer(self, key: str) -> None:
        """Perform the steering action of a key, unless it makes no sense in a run that another process trains."""
        if not self.view.engine_gone and (why := refusal(key, self.view.state)):
            self.main.say(why)
        else:
            self.steering.keys[key]()

    def action_sweep(self) -> None:
        """Ask whether this screen should end and a sweep of its configuration start."""
        state = self.view.state
        if why := refusal("sweep", state):
            self.main.say(why)
            return
        try:
            sweep = offered_sweep(state)
        except BadInput as error:
            self.main.say(str(error), alert=True)
            return
        if not self._can_sweep:
            self.main.say(NO_SWEEP)
        elif sweep is None:
            self.main.say(NOT_STARTED)
        else:
            lines = offer(sweep, estimate(sweep, usable_cores()), state)
            self.push_screen(SweepQuestion(lines), lambda start: self._end_with(sweep) if start else None)

    def action_fork(self) -> None:
        """Prompt for a fork of the selected lane; in a replay, one with which a new run begins in place of this."""
        is_replay = self.view.state.replay is not None
        self.steering.lanes.ask_for_fork(in_new_run=self._end_with_fork if is_replay and self._can_fork else None)

    def _end_with_fork(self, command: Fork) -> None:
        """Exit; the new run follows."""
        self.fork = command
        self.leave(failed=self.view.state.failed)

    def _end_with(self, sweep: SweepConfig) -> None:
        """Exit; the sweep follows."""
        self.sweep = sweep
        self.leave(failed=self.view.state.failed)

    def _await_answer(self, command: AnyCommand) -> None:
        """Read the answer to a command without waiting for the next frame."""
        if isinstance(command, Seek):
            call_once(self, SEEK_DELAY, partial(self._follow_seek, SEEK_DELAY))
        else:
            call_once(self, ANSWER_DELAY, self.catch_up)

    def _follow_seek(self, delay: float) -> None:
        """Draw the target of a seek as soon as it has arrived, then send the seek that was postponed meanwhile."""
        self.catch_up()
        if self.requests.seeking:
            call_once(self, delay, partial(self._follow_seek, min(MIN_INTERVAL, SEEK_DELAY_GROWTH * delay)))
        else:
            self.steering.send_postponed_seek()

    # The program itself

    def say(self, message: str, *, alert: bool = False) -> None:
        """Show a message in the status line."""
        self.main.say(message, alert=alert)

    def action_command_palette(self) -> None:
        """Open the command palette."""
        if isinstance(self.screen, GridScreen):
            # The palette's entries act on the main screen.
            self.screen.dismiss(None)
        if not any(isinstance(screen, CommandPalette) for screen in self.screen_stack):
            self.push_screen(KeyPalette(placeholder="Type the name of a key, a rule or a theme"))

    def palette_entries(self) -> Iterator[PaletteEntry]:
        """The entries of the command palette."""
        return entries(self, self._remapped_keys)

    def action_copy(self) -> None:
        """Copy what is selected or under the pointer, otherwise the result of the selected lane."""
        if self.view.state.lanes:
            self._copy(*self.main.text_to_copy())
        else:
            self.main.say("There is nothing to copy yet.")

    def action_copy_command(self) -> None:
        """Copy the command that repeats this run."""
        if command := repeating_command(self.view.state):
            self._copy("command", command)
        elif self.view.state.watched:
            self.main.say("A watched loop is a program of its own: clipwatch has no command for it.")
        else:
            self.main.say("The run has not started. Its command can be copied once it has.")

    def _copy(self, what: str, text: str) -> None:
        """Put the text on the clipboard of the user's terminal, and say how it begins."""
        self.copy_to_clipboard(text)
        words, line = f"Copied the {what}: ", " ".join(text.split("\n"))
        room = max(0, self.main.size.width - len(words) - 2)
        self.main.say(words + self.main.theme.glyphs.shortened(line, room))

    async def action_copy_or_quit(self) -> None:
        """Copy and clear a selection; without one, quit."""
        if text := self.screen.get_selected_text():
            self._copy("selection", text)
            self.screen.clear_selection()
        else:
            await self.action_quit()

    def action_show_help(self) -> None:
        """Show the help: the keys and the parts of the screen, or, over the diagnostics, what their figures mean."""
        experiment = self.view.state.experiment
        if self.main.diagnosing:
            self.push_screen(FiguresScreen(experiment, ascii=self.ascii))
        else:
            state = self.view.state
            about = about_run(experiment if state.config else None, watched=state.watched)
            self.push_screen(HelpScreen(self._remapped_keys, keys=keys_for(state), about=about))

    async def action_quit(self) -> None:
        """Exit; ask first if an unrecorded run is still training."""
        state, engine_gone = self.view.state, self.view.engine_gone
        is_training = any(not lane.ended for lane in state.lanes.values())
        is_recorded = state.replay or state.attached or state.recorded_in
        if is_recorded or not is_training or engine_gone or isinstance(self.screen, QuitQuestion):
            self.leave(failed=engine_gone or state.failed)
        else:
            self.push_screen(QuitQuestion(), lambda leave: self.leave(failed=False) if leave else None)
