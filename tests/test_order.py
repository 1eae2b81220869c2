"""Commands are obeyed in the order in which they were sent, however fast they come."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from clipwatch.core.data.datasets import load
from clipwatch.core.engine.engine import Engine
from clipwatch.core.engine.mailbox import Mailbox
from clipwatch.core.experiments.layout import Layout
from clipwatch.core.experiments.preparation import PreparedExperiment
from clipwatch.core.experiments.workload import Evaluation
from clipwatch.core.optimizers.sgd import Sgd
from clipwatch.core.stream.commands import (
    Extend,
    LaneCommand,
    Pause,
    ResetMoments,
    Resume,
    SetClip,
    SetPace,
    StepOnce,
    Stop,
)
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import (
    Event,
    LanePaused,
    MomentsReset,
    Notice,
    RunFinished,
)
from clipwatch.core.stream.state import RunState, apply
from clipwatch.core.training import preparation
from clipwatch.core.training.lane import Lane
from clipwatch.core.training.schedule import Schedule
from clipwatch.core.training.training_loop import Trainer

CONFIG = RunConfig(settings={"dataset": "digits"}, offline=True, iterations=10**6, eval_every=10)
DIGITS = load("digits", data_dir=None, offline=True, report=lambda event: None)


class IdleModel:
    """Takes the time of a quick step, and learns nothing."""

    layout, gauge = Layout(layers={}, tensors=()), None
    state: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        self.parameters = self.gradient = torch.zeros(0)

    def loss_and_gradient(self, step: int) -> float:
        time.sleep(0.0003)
        return 1.0

    def evaluate(self, step: int) -> Evaluation:
        return Evaluation(loss=1.0, total=10, correct=5)

    def evaluate_all(self) -> Evaluation:
        return self.evaluate(0)

    def restore(self, state: Mapping[str, Any]) -> None:
        raise NotImplementedError


def idle_lane(name: str, rule: str) -> Lane:
    workload = IdleModel()
    return Lane(name, rule, workload, Sgd(workload.parameters, learning_rate=1.0))


@pytest.fixture
def idle_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lanes whose steps cost nothing."""

    def prepare(
        config: RunConfig, experiment: PreparedExperiment, snapshots: object, iterations: object, **_: object
    ) -> list[Trainer]:
        schedule = Schedule(iterations=config.iterations, eval_every=10, pace=config.pace)
        return [Trainer(idle_lane(lane.name, lane.rule), schedule) for lane in config.lanes]

    monkeypatch.setattr(preparation, "prepare_trainers", prepare)


class Steering:
    """Sends commands while a run goes: all at once, or each when the one before has taken effect; then pauses."""

    def __init__(self, commands: Sequence[LaneCommand], *, at_once: bool) -> None:
        self.events: list[Event] = []
        self.state = RunState()
        # What the lanes did before they were paused.
        self.going: list[str] = []
        self._left, self._at_once, self._paused = list(commands), at_once, False
        self._engine = Engine(CONFIG, lasting=True, load=lambda *args, **options: DIGITS)
        self._awaited = 0

    def lanes(self) -> list[tuple[object, ...]]:
        """How the lanes stand at the end."""
        for event in self._engine.run():
            self.events.append(event)
            self.state = apply(self.state, event)
            self._awaited -= isinstance(event, MomentsReset)
            lanes = list(self.state.lanes.values())
            begun = len(lanes) == 2 and all(lane.latest for lane in lanes)
            if begun and self._awaited == 0 and not any(lane.status == "stepping" for lane in lanes):
                self._go_on()
        return [(lane.rule, lane.iterations, lane.pace, lane.status) for lane in self.state.lanes.values()]

    def told(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice)]

    def _go_on(self) -> None:
        if self._paused:
            self._engine.send(Stop())
            return
        now = self._left if self._at_once else self._left[:1]
        self._left = self._left[len(now) :]
        for command in now:
            self._engine.send(command)
        if not now:
            self.going = [lane.going for lane in self.state.lanes.values()]
            self._engine.send(Pause())
            self._paused = True
        # What was sent before has taken effect once this has.
        self._awaited = 2
        self._engine.send(ResetMoments())


COMMANDS = st.one_of(
    st.builds(Pause),
    st.builds(Resume),
    st.builds(StepOnce, count=st.integers(1, 3)),
    st.builds(SetPace, pace=st.sampled_from([None, 1000.0, 3000.0])),
    st.builds(SetClip, rule=st.sampled_from(["none", "value:0.1", "norm:1"])),
    st.builds(SetClip, rule=st.sampled_from(["none", "sign"]), lane=st.just("clipped")),
    st.builds(Extend, iterations=st.integers(1, 100)),
)


@pytest.mark.usefixtures("idle_lanes")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(COMMANDS, max_size=8), st.sampled_from([(), (Stop(),), (Stop(), Resume(), SetClip(rule="sign"))]))
@example([Pause(), Resume()], ())
@example([Pause(), StepOnce(), StepOnce(count=2)], ())
def test_commands_sent_at_once_do_what_they_do_one_by_one(
    commands: list[LaneCommand], end: tuple[LaneCommand, ...]
) -> None:
    together, apart = (Steering([*commands, *end], at_once=at_once) for at_once in (True, False))
    assert together.lanes() == apart.lanes()
    ended = [event for event in together.events if isinstance(event, RunFinished)]
    assert [event.reason for event in ended] == ["stopped"]
    if not end:
        assert together.going == apart.going
        steps = [lane.step for lane in together.state.lanes.values()]
        assert steps[0] == steps[1]
    for command in end[1:]:
        late = f"{type(command).__name__} came too late"
        assert sum(late in text for text in together.told()) == 2


@pytest.mark.usefixtures("idle_lanes")
def test_steps_that_are_asked_for_at_once_add_up() -> None:
    steering = Steering([Pause(), StepOnce(count=3), StepOnce(count=2)], at_once=True)
    steering.lanes()
    for lane in ("unclipped", "clipped"):
        paused = [event.step for event in steering.events if isinstance(event, LanePaused) and event.lane == lane]
        assert paused[1] == paused[0] + 5


def test_a_lane_waits_at_its_boundary_while_it_is_held() -> None:
    mailbox = Mailbox[LaneCommand](lasting=False)
    taken: list[LaneCommand] = []
    with mailbox.hold():
        lane = threading.Thread(target=lambda: taken.extend(mailbox.take(5, 0)))
        lane.start()
        lane.join(0.1)
        assert lane.is_alive()
        mailbox.put(Pause(), earliest=5)
    lane.join()
    assert taken == [Pause()]


def taken(mailbox: Mailbox[LaneCommand], step: int) -> list[LaneCommand]:
    return list(mailbox.take(step, 0))


def test_what_is_scheduled_is_apart_from_the_order_of_the_rest() -> None:
    mailbox = Mailbox[LaneCommand](lasting=False)
    scheduled, pause, resume = SetClip(rule="none", at_step=9), Pause(), Resume()
    for command, earliest in ((scheduled, 0), (pause, 7), (resume, 0)):
        mailbox.put(command, earliest=earliest)
    assert taken(mailbox, 6) == []
    assert taken(mailbox, 7) == [pause, resume]
    assert taken(mailbox, 8) == []
    assert taken(mailbox, 9) == [scheduled]


def test_a_lane_that_stands_still_obeys_what_is_for_a_step_ahead() -> None:
    mailbox = Mailbox[LaneCommand](lasting=False)
    mailbox.put(StepOnce(), earliest=7)
    mailbox.put(Resume(at_step=8))
    assert list(mailbox.take(3, None)) == [StepOnce()]
    mailbox.close()
    assert list(mailbox.take(4, None)) == [Stop()]
    assert list(mailbox.end()) == [Resume(at_step=8)]
    assert not mailbox.put(Pause())
