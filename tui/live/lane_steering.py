"""The keys that change or fork the selected lane: its rule, its learning rate and its optimizer state."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial

from ...core.errors import BadInput
from ...core.stream.commands import AnyCommand, Fork, ResetMoments, SetClip, SetLearningRate
from ...core.stream.lane_config import LaneConfig
from ...core.stream.lane_differences import settings_of
from ...core.stream.lane_state import LaneState
from ...core.stream.rules import recorded_rule
from ..screens.main import MainScreen
from ..text.rule_words import rule_words
from ..text.status_messages import MORE_ITERATIONS, NOT_STARTED
from ..view.clip_bounds import has_bound, stepped, toggled
from ..view.fork_choices import ForkField, ForkParent
from ..view.keys import NO_FORK
from ..view.ladder import next_size
from ..view.requests import Requests
from ..view.run_view import RunView

READ_ONLY = "This is a recording. It cannot be changed."


class LaneSteering:
    """The actions of these keys. `send` sends a command, and shows the first of the messages that fits."""

    def __init__(self, view: RunView, requests: Requests, screen: MainScreen, send: Callable[..., None]) -> None:
        self._view, self._requests, self._screen, self._send = view, requests, screen, send
        # The last rule other than none of each lane, which the clip key restores.
        self._clipping_rules: dict[str, str] = {}
        # Changes of lanes that have finished, by lane and kind, to be sent if they are extended: until then nothing
        # trains with them.
        self._later: dict[tuple[str, type], SetClip | SetLearningRate] = {}
        self.keys: dict[str, Callable[[], None]] = {
            "clip": self._toggle_clip,
            "tighten": partial(self._step_bound, -1),
            "loosen": partial(self._step_bound, 1),
            "rule": self._type_rule,
            "reset_moments": self._reset_moments,
            "lower_rate": partial(self._step_rate, -1),
            "raise_rate": partial(self._step_rate, 1),
        }

    def forget(self) -> None:
        """Forget all lanes, because the run starts again."""
        self._clipping_rules.clear()
        self._later.clear()

    def take_later(self) -> list[AnyCommand]:
        """Return and forget the changes that wait for an extension."""
        commands = list(self._later.values())
        self._later.clear()
        return [*commands]

    def _selected_lane(self) -> LaneState | None:
        """The selected lane; before the lanes start, the status line says so."""
        if self._screen.selected is None:
            self._screen.say(NOT_STARTED)
        return self._screen.selected

    # The rule

    def _toggle_clip(self) -> None:
        if lane := self._selected_lane():
            rule, before = self._rule(lane), self._clipping_rules.get(lane.name)
            if rule == "none" and before is None and self._view.state.watched:
                # The default suits LeNet, and is nothing to try on somebody's loop.
                self._screen.say(f"{self._screen.name_of(lane)} has no rule to turn on. b: type one, such as norm:1")
            else:
                self._set_rule(lane, toggled(recorded_rule(rule), before))

    def _step_bound(self, direction: int) -> None:
        if lane := self._selected_lane():
            rule = recorded_rule(self._rule(lane))
            if str(rule) == "none":
                self._screen.say(f"{self._screen.name_of(lane)} is unclipped. c: turn clipping on")
            elif not has_bound(rule):
                self._screen.say(f"{rule} has no bound to change. b: type another rule")
            else:
                first = self._view.lanes[lane.name].rules[:1]
                start = recorded_rule(first[0][1]) if first else rule
                self._set_rule(lane, str(stepped(rule, direction, start)))

    def _type_rule(self) -> None:
        if self._view.state.replay:
            self._screen.say(READ_ONLY)
        elif lane := self._selected_lane():
            self._screen.prompt_for_rule(self._rule(lane), self._set_rule)

    def _rule(self, lane: LaneState) -> str:
        """The lane's rule after the pending commands."""
        waiting = self._later.get((lane.name, SetClip))
        return waiting.rule if isinstance(waiting, SetClip) else self._requests.rule(lane)

    def use_rule(self, rule: str) -> None:
        """Set the rule of the selected lane."""
        if lane := self._selected_lane():
            self._set_rule(lane, rule)

    def _set_rule(self, lane: LaneState, rule: str) -> None:
        current, name = self._rule(lane), self._screen.name_of(lane)
        if rule == current:
            self._screen.say(f"{name} already has {rule}")
            return
        try:
            command = SetClip(lane=lane.name, rule=rule)
        except BadInput as error:
            # An engine of another version may have a rule that this one does not know.
            self._screen.say(str(error), alert=True)
            return
        words = rule_words(recorded_rule(command.rule))[:2][-1]
        self._change(lane, command, f"{name}: clip {current} -> {rule}", words)
        if current != "none":
            self._clipping_rules[lane.name] = current

    def _change(self, lane: LaneState, command: SetClip | SetLearningRate, message: str, words: str) -> None:
        """Send a change, or keep it for a lane that has ended until it is extended, and say so."""
        name = self._screen.name_of(lane)
        if not lane.ended or self._view.state.replay:
            self._send(command, message)
        elif lane.failed:
            self._screen.say(f"{name} has failed and cannot go on. r: restart · n: new seed")
        else:
            self._later[lane.name, type(command)] = command
            ended = f"{name} has ended. A change to {words}"
            self._screen.say(f"{ended} takes effect with e: {MORE_ITERATIONS} more steps", f"{ended}: e")

    # The learning rate and the optimizer

    def _step_rate(self, direction: int) -> None:
        if (lane := self._selected_lane()) is None:
            return
        name, rate = self._screen.name_of(lane), self._rate(lane)
        if self._view.state.replay:
            self._screen.say(READ_ONLY)
        elif rate is None:
            self._screen.say(f"The learning rate of {name} is unknown, so no key can change it.")
        elif (new := next_size(rate, direction, lane.starting_rate)) == rate:
            self._screen.say(
                f"{name} has learning rate {rate:g}, the {'largest' if direction > 0 else 'smallest'} that a key sets"
            )
        else:
            words = f"learning rate {new:g}"
            command = SetLearningRate(lane=lane.name, rate=new)
            self._change(lane, command, f"{name}: learning rate {rate:g} -> {new:g}", words)

    def _rate(self, lane: LaneState) -> float | None:
        """The lane's learning rate after the pending commands."""
        waiting = self._later.get((lane.name, SetLearningRate))
        return waiting.rate if isinstance(waiting, SetLearningRate) else self._requests.rate(lane)

    def _reset_moments(self) -> None:
        state = self._view.state
        if (lane := self._selected_lane()) is None:
            return
        name, config = self._screen.name_of(lane), settings_of(state, lane)
        if config and config.optimizer == "sgd" and not state.experiment.own_optimizer:
            self._screen.say(f"{name} trains with plain SGD, which has no optimizer state to reset.")
        elif lane.ended and not state.replay:
            self._screen.say(f"{name} has ended. e: {MORE_ITERATIONS} more steps")
        else:
            self._send(ResetMoments(lane=lane.name), f"{name}: resetting the optimizer state")

    # Forks

    def ask_for_fork(self, in_new_run: Callable[[Fork], None] | None) -> None:
        """Prompt for a fork of the selected lane and start it, or say why it cannot be forked.

        In a replay, the lane is forked at the step in sight, by `in_new_run`. Where no run can follow, as on a screen
        that does not train the run, the command to type is said.
        """
        state = self._view.state
        if (lane := self._selected_lane()) is None:
            return
        name = self._screen.name_of(lane)
        if state.watched:
            self._screen.say(NO_FORK)
        elif state.attached:
            self._say_how_to_fork(lane, state.attached.run)
        elif refusal := self._end_of_lane(lane):
            self._screen.say(*refusal)
        elif state.replay and lane.planned and lane.step >= lane.planned:
            self._screen.say(f"{name} ends here, and a fork needs steps to train. <: back, then F", f"{name} ends here")
        elif state.replay and in_new_run is None:
            self._say_how_to_fork(lane, state.replay.run)
        else:
            at_step = self._recorded_step(lane) if state.replay else None
            has_plans = any(step > lane.step for step in lane.clip_at)
            parent = ForkParent(name, self._rule(lane), self._rate(lane), has_plans)
            use = in_new_run or self._fork

            def accept(new: LaneConfig) -> None:
                # The lane may have ended while the prompt was open.
                if refusal := self._end_of_lane(self._view.state.lanes.get(lane.name, lane)):
                    self._screen.say(*refusal)
                    return
                rule, rate = new.rule, new.learning_rate
                use(Fork(lane=lane.name, name=new.name, rule=rule, learning_rate=rate, at_step=at_step))

            self._screen.prompt_for_fork(ForkField(parent, self._taken_names(), at_step), accept)

    def _end_of_lane(self, lane: LaneState) -> tuple[str, ...]:
        """Why a lane that has ended cannot be forked, in forms from long to short; empty if it trains."""
        name = self._screen.name_of(lane)
        if self._view.state.replay or not lane.ended:
            return ()
        if lane.failed:
            return (f"{name} has failed, so there is no state to fork. r: restart · n: new seed",)
        ended = f"{name} has ended. A fork needs a lane that trains"
        return f"{ended}. e: {MORE_ITERATIONS} more steps, then F", f"{ended}: e, then F"

    def _say_how_to_fork(self, lane: LaneState, run: str) -> None:
        """Say which command forks a recorded run at the step in sight."""
        source = "" if lane.name == next(iter(self._view.state.lanes)) else f" --from {lane.name}"
        command = f"clipwatch fork {shlex.quote(run)} --at {self._recorded_step(lane)}{source} --lane norm:1"
        self._screen.say(f"In a terminal: {command}", command)

    def _recorded_step(self, lane: LaneState) -> int:
        """The step of a recorded lane that is in sight. Where its recording has ended, others may go on."""
        config, step = self._view.state.config, self._requests.step(lane.step)
        done = lane.latest.step + 1 if lane.latest else step
        return done if config and step >= done + config.eval_every else step

    def _taken_names(self) -> frozenset[str]:
        """The names of all lanes, recorded and on the screen, and of forks that the engine has not begun yet."""
        lanes = self._view.state.lanes
        return self._requests.forks.union(lanes, map(self._screen.name_of, lanes.values()))

    def _fork(self, command: Fork) -> None:
        """Start the new lane."""
        parent = self._view.state.lanes.get(command.lane or "")
        of = f" of {self._screen.name_of(parent)}" if parent else ""
        self._send(command, f"starting {command.name}, a fork{of}: {command.rule}{_rate_words(command)}")


def _rate_words(command: Fork) -> str:
    return "" if command.learning_rate is None else f", learning rate {command.learning_rate:g}"
