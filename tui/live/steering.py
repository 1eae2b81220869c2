"""Turns keys into commands to the engine, and shows each in the status line until the engine answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ...core.errors import BadInput
from ...core.stream.builtin_experiments import BUILT_IN
from ...core.stream.commands import (
    AnyCommand,
    Extend,
    Pause,
    ResetMoments,
    Restart,
    Resume,
    Seek,
    SetClip,
    SetLearningRate,
    SetPace,
    StepOnce,
    Stop,
)
from ...core.stream.lane_state import LaneState
from ..engine_child.process import EngineConnection
from ..screens.main import MainScreen
from ..screens.stop_question import StopQuestion
from ..text.setting_words import next_words
from ..text.status_messages import (
    MORE_ITERATIONS,
    NOT_STARTED,
    RECORDING_ENDS,
    has_ended,
    kept_texts,
    later_pace,
)
from ..text.wording import speed_limit_words
from ..view.keys import SWITCH
from ..view.requests import Requests
from ..view.run_view import RunView
from ..view.speed_limits import next_pace
from .lane_steering import READ_ONLY, LaneSteering


class Steering:
    """The actions of the keys that steer the run. Calls `on_sent` after each command that was sent."""

    def __init__(
        self,
        engine: EngineConnection,
        view: RunView,
        requests: Requests,
        screen: MainScreen,
        on_sent: Callable[[AnyCommand], None],
    ) -> None:
        self._engine, self._view, self._requests, self._screen = engine, view, requests, screen
        self._on_sent = on_sent
        self.lanes = LaneSteering(view, requests, screen, self._send)
        self.keys: dict[str, Callable[[], None]] = {
            "pause": self._pause_or_resume,
            "step": partial(self._take_steps, 1, "taking one step"),
            "step_ten": partial(self._take_steps, 10, "taking ten steps"),
            "stop": self._stop,
            "restart": self._restart_with_same_seed,
            "reseed": self._restart_with_next_seed,
            "extend": self._extend,
            SWITCH: self._switch_next_setting,
            "slower": partial(self._step_pace, -1),
            "faster": partial(self._step_pace, 1),
            "full_speed": partial(self._set_pace, None),
            "scrub_back": partial(self._scrub, -1),
            "scrub_on": partial(self._scrub, 1),
            **self.lanes.keys,
        }

    def _send(self, command: AnyCommand, *messages: str) -> None:
        """Send a command, and show the first message that fits until it is answered."""
        if self._view.state.replay and isinstance(command, SetClip | SetLearningRate | ResetMoments | Extend | Restart):
            self._screen.say(READ_ONLY)
        elif not self._view.engine_gone and self._engine.send(command):
            self._requests.note(command)
            self._screen.say(*messages)
            self._on_sent(command)
        elif self._view.engine_gone or self._engine.exit_code is not None:
            self._screen.say("The engine has ended. r: start a new one", alert=True)
        else:
            self._screen.say("The engine is not reading, so the command was not sent.", alert=True)

    # The run

    def _pause_or_resume(self) -> None:
        if lanes := self._active_lanes():
            paused = self._requests.paused(lanes)
            self._send(Resume() if paused else Pause(), "resuming" if paused else "pausing")

    def _take_steps(self, count: int, message: str) -> None:
        if self._active_lanes():
            self._send(StepOnce(count=count), message)

    def _stop(self) -> None:
        """Ask a loop that another process trains to stop, after a question."""
        if self._view.state.attached is None:
            self._screen.say("This key asks a loop to stop that this screen is attached to. q: quit")
        elif lanes := self._active_lanes():
            commands = [Stop(lane=lane.name) for lane in lanes]
            self._screen.ask(StopQuestion(), lambda: self._send_all(commands, "asking the loop to stop"))

    def _send_all(self, commands: Sequence[AnyCommand], message: str) -> None:
        for command in commands:
            self._send(command, message)

    def _active_lanes(self) -> list[LaneState]:
        """The lanes that have not ended; if there are none, the status line says what to do."""
        state = self._view.state
        lanes = [lane for lane in state.lanes.values() if not lane.ended]
        if not lanes and state.replay:
            self._screen.say(RECORDING_ENDS)
        elif not lanes:
            ended = f"No lane is training. e: {MORE_ITERATIONS} more steps · r: restart"
            self._screen.say(ended if state.lanes else NOT_STARTED)
        return lanes

    def _restart_with_same_seed(self) -> None:
        self._restart(Restart(settings=dict(self._requests.next_settings)), "Restarting.")

    def _restart_with_next_seed(self) -> None:
        if (config := self._view.state.config) is None:
            self._screen.say(NOT_STARTED)
            return
        seed = (self._requests.seed(config.seed) + 1) % 2**63
        command = Restart(seed=seed, settings=dict(self._requests.next_settings))
        self._restart(command, f"Restarting with seed {seed}.")

    def _restart(self, command: Restart, message: str) -> None:
        if self._view.engine_gone:
            try:
                self._engine.restart()
            except BadInput as error:
                self._screen.say(str(error), alert=True)
                return
            self._view.engine_gone = False
            if self._view.state.attached:
                # The follower is new, the run is not.
                return
        self.lanes.forget()
        lanes = self._view.state.lanes
        if any(lane.parent is not None for lane in lanes.values()):
            message = f"{message.removesuffix('.')}, without the forks."
        kept = kept_texts(self._view.state.recorded_in) if lanes else ()
        self._send(command, *(f"{message} {text}" for text in kept), message)

    def _extend(self) -> None:
        for command in self.lanes.take_later():
            self._send(command, "")
        self._send(Extend(iterations=MORE_ITERATIONS), f"adding {MORE_ITERATIONS} steps")

    def _switch_next_setting(self) -> None:
        """Step the setting that the experiment offers for it; the next restart uses it."""
        config, requests = self._view.state.config, self._requests
        if self._view.state.replay:
            self._screen.say(READ_ONLY)
        elif config is None:
            self._screen.say("The run has not started. Its settings can be changed once it has.")
        elif (built_in := BUILT_IN.get(config.experiment)) is None or not built_in.switch:
            self._screen.say("This experiment has no setting that a key changes. --set changes any")
        else:
            value = built_in.next_choice({**config.settings, **requests.next_settings})
            requests.next_settings = {built_in.switch: value}
            words = next_words(config.experiment, built_in.switch, value)
            self._screen.say(f"From the next restart (r or n): {words}")
            self._screen.draw(charts=False)

    # Speed

    def _step_pace(self, direction: int) -> None:
        pace = self._requests.pace(self._view.state.lanes.values())
        self._set_pace(next_pace(pace, direction, self._view.steps_per_second))

    def _set_pace(self, pace: float | None) -> None:
        self._send(SetPace(pace=pace), *self._pace_words(pace))

    def _pace_words(self, pace: float | None) -> tuple[str, ...]:
        """What a speed limit does now; it always holds for all lanes."""
        state = self._view.state
        if state.replay:
            speed = "as fast as possible" if pace is None else f"at {pace:g} steps/s"
            return (f"All lanes: replay {speed}{'. <: back' if has_ended(state) else ''}",)
        return later_pace(pace) if has_ended(state) else (f"all lanes: {speed_limit_words(pace)}",)

    # A recording

    def _scrub(self, direction: int) -> None:
        """Move a twentieth of the recording forward or back."""
        if (replay := self._view.state.replay) is None:
            self._screen.say("This key moves through a recording. It works in replays only.")
            return
        current = self._requests.step(max((lane.step for lane in self._view.state.lanes.values()), default=0))
        step = min(replay.last_step, max(0, current + direction * max(1, replay.last_step // 20)))
        if self._requests.seeking:
            self._requests.postpone_seek(Seek(step=step))
            self._screen.say(self._seek_message(step))
        else:
            self._send(Seek(step=step), self._seek_message(step))

    def send_postponed_seek(self) -> None:
        """Send the seek that keys requested while the previous one was running."""
        if command := self._requests.take_next_seek():
            self._send(command, self._seek_message(command.step))

    def _seek_message(self, step: int) -> str:
        replay = self._view.state.replay
        return f"step {step:,} of {replay.last_step:,}" if replay else f"step {step:,}"
