"""An app whose keys steer the engine that it listens to."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from ...core.errors import BadInput
from ...core.stream.commands import (
    AnyCommand,
    Extend,
    Pause,
    ResetMoments,
    Restart,
    Resume,
    Seek,
    SetClip,
    SetPace,
    StepOnce,
)
from ...core.stream.rules import recorded_rule
from ...core.stream.state import LaneState
from ..engine_child.process import EngineProcess, Source
from ..engine_child.request import Wanted
from ..screens.rule_prompt import RulePrompt
from ..text.status_messages import RECORDING_ENDS
from ..text.wording import pace_words
from ..view.clip_bounds import has_bound, stepped, toggled
from ..view.speed_limits import next_pace
from .cadence import FASTEST
from .event_feed import ListeningApp

MORE_ITERATIONS = 1000
UNCHANGEABLE = "this is a recording: it can be watched, not changed"
# Seconds after a command in which the answer is looked for; after a seek the first of them, and how they grow.
ANSWER_SOON = 0.03
SEEK_BREATH, SEEK_PATIENCE = 0.002, 1.2


class SteeringApp(ListeningApp):
    """Turns keys into commands, and says so before they are answered.

    `engine` is what `start` has made of `wanted` already; `start` makes others.
    """

    def __init__(
        self,
        wanted: Wanted,
        *,
        keymap: Mapping[str, str],
        ascii: bool = False,
        quit_when_done: bool = False,
        start: Callable[[Wanted], Source] = EngineProcess,
        engine: Source | None = None,
    ) -> None:
        super().__init__(engine or start(wanted), keymap=keymap, ascii=ascii, quit_when_done=quit_when_done)
        self._wanted, self._start = wanted, start
        self._remembered_rules: dict[str, str] = {}

    def _ask(self, command: AnyCommand, message: str) -> None:
        """Send a command, and say so before it is answered."""
        if self.view.state.replay and isinstance(command, SetClip | ResetMoments | Extend | Restart):
            self.main.say(UNCHANGEABLE)
            return
        if self.main.ended or not self.engine.send(command):
            gone = self.main.ended or self.engine.exit_code is not None
            self.main.say(
                "the engine is gone: r starts another" if gone else "the engine does not read: it was not asked",
                alert=True,
            )
            return
        self._asked.note(command)
        self._asked_at = self._asked_at or time.monotonic()
        self.main.say(message)
        self.set_timer(ANSWER_SOON, self._update)

    def action_pause(self) -> None:
        """Pause, or go on."""
        if lanes := self._under_way():
            paused = self._asked.paused(lanes)
            self._ask(Resume() if paused else Pause(), "going on" if paused else "pausing")

    def action_step(self) -> None:
        """One step."""
        if self._under_way():
            self._ask(StepOnce(), "one step")

    def action_step_ten(self) -> None:
        """Ten steps."""
        if self._under_way():
            self._ask(StepOnce(count=10), "ten steps")

    def _under_way(self) -> list[LaneState]:
        """The lanes that can still go; if there are none, says what can be done."""
        state = self.view.state
        lanes = [lane for lane in state.lanes.values() if not lane.ended]
        if not lanes and state.replay:
            self.main.say(RECORDING_ENDS)
        elif not lanes:
            ended = "no lane is training; e adds iterations, r starts afresh"
            self.main.say(ended if state.lanes else "no lane is training yet")
        return lanes

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
                self.engine = self._start(self._wanted)
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
        elif config is None:
            self.main.say("the run has not begun: its head can be changed then")
        else:
            current = self.main.next_head or config.head
            self.main.next_head = "linear" if current == "relu" else "relu"
            self.main.say(f"the next restart (r or n) has a {self.main.next_head} head")
            self.main.draw(charts=False)

    def action_clip(self) -> None:
        """Clipping of the chosen lane on or off."""
        if lane := self.main.chosen:
            now = self._asked.rule(lane)
            rule = toggled(recorded_rule(now), self._remembered_rules.get(lane.name))
            self._set_rule(rule)

    def action_tighten(self) -> None:
        """A smaller bound."""
        self._step_bound(-1)

    def action_loosen(self) -> None:
        """A larger bound."""
        self._step_bound(1)

    def _step_bound(self, direction: int) -> None:
        if lane := self.main.chosen:
            rule = recorded_rule(self._asked.rule(lane))
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
            if rule == now:
                self.main.say(f"{lane.name} keeps {rule}")
                return
            try:
                command = SetClip(lane=lane.name, rule=rule)
            except BadInput as error:
                # What an engine of another version clips by.
                self.main.say(str(error), alert=True)
                return
            self._ask(command, f"{lane.name}: clip {now} -> {rule}")
            if now != "none":
                self._remembered_rules[lane.name] = now

    def action_reset_moments(self) -> None:
        """The chosen lane's optimizer begins anew."""
        config = self.view.state.config
        if config and config.optimizer == "sgd":
            self.main.say("sgd remembers nothing: there are no moments to reset")
        elif lane := self.main.chosen:
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
