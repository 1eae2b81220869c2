"""A lane forked in a live run: it is its parent until a rule binds, and obeys commands from its first event on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from own_experiment import own_config

from clipwatch.core.engine.engine import Engine
from clipwatch.core.engine.mailbox import Mailbox
from clipwatch.core.errors import Cancelled
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.lane_steps import lane_steps
from clipwatch.core.stream.commands import (
    Extend,
    Fork,
    LaneCommand,
    Pause,
    Resume,
    SetClip,
    SetLearningRate,
    SetPace,
    StepOnce,
    Stop,
)
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import (
    ClipChanged,
    Diagnosed,
    Evaluated,
    Event,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LanePaused,
    LanesCompared,
    LaneStarted,
    LaneStepped,
    LearningRateChanged,
    Notice,
    RunFinished,
)
from clipwatch.core.training import preparation
from clipwatch.core.training.checkpoint import Checkpoint

# Linear logits: with the last ReLU on a lane may be dead, and then every run of it looks the same.
LENET = from_options(
    {
        "dataset": "digits",
        "head": "linear",
        "offline": True,
        "iterations": 60,
        "eval_every": 5,
        "eval_size": 20,
        "diagnose_every": 1,
        "lanes": {"a": "autoclip:50"},
    }
)
TEMPORAL_ORDER = from_options(
    {
        "experiment": "temporal-order",
        "iterations": 60,
        "eval_every": 5,
        "eval_size": 20,
        "batch_size": 4,
        "diagnose_every": 1,
        "lanes": {"a": "norm:0.5"},
    }
)
Reaction = Callable[[Engine, Event], None]


def events_of(
    config: RunConfig,
    *commands: LaneCommand,
    react: Reaction = lambda engine, event: None,
    lasting: bool = False,
) -> list[Event]:
    engine = Engine(config, lasting=lasting)
    for command in commands:
        engine.send(command)
    events = []
    for event in engine.run():
        events.append(event)
        react(engine, event)
    return events


def of(kind: type, events: Iterable[Event], lane: str | None = None) -> list[Any]:
    return [event for event in events if isinstance(event, kind) and lane in (None, getattr(event, "lane", None))]


def figures(events: Iterable[Event], lane: str, since: int) -> list[object]:
    """Evaluations, measurements, results and logged steps of a lane, without its name and the times of the clock."""
    found: list[object] = []
    for event in of(Evaluated | Diagnosed | LaneFinished, events, lane):  # pyright: ignore[reportArgumentType]
        if event.step >= since:
            times = {name: 0.0 for name in ("seconds", "training_seconds") if hasattr(event, name)}
            found.append(msgspec.structs.replace(event, lane="", **times))
    steps = lane_steps(EventTable.of(events).step_logs, lane)
    logged = {name: values[steps.steps >= since].tobytes() for name, values in steps.series.items()}
    return [*found, logged, steps.clipped[steps.steps >= since].tobytes()]


def changed(config: RunConfig, **values: object) -> RunConfig:
    return msgspec.structs.replace(config, **values)


def test_a_name_that_another_sender_takes_meanwhile_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, first = Engine(LENET), Fork(lane="a", name="b", rule="none", at_step=20)
    hold = engine._lanes.hold

    @contextlib.contextmanager
    def late() -> Iterator[None]:
        monkeypatch.undo()
        engine.send(first)
        with hold():
            yield

    monkeypatch.setattr(engine._lanes, "hold", late)
    engine.send(Fork(lane="a", name="b", rule="sign", at_step=30))
    events = list(engine.run())
    assert [event.rule for event in of(LaneForked, events)] == ["none"]
    assert "there is a lane named 'b' already" in of(Notice, events)[0].text


@pytest.mark.parametrize("config", [LENET, TEMPORAL_ORDER], ids=["lenet", "temporal-order"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd-momentum"])
def test_a_fork_equals_its_parent_until_it_differs(config: RunConfig, optimizer: str) -> None:
    # Neither at an evaluation nor at its first batch of an epoch.
    fork, fork_of_fork = Fork(lane="a", name="b", at_step=33), Fork(lane="b", name="c", at_step=41)
    other = Fork(lane="a", name="d", rule="norm:0.001", learning_rate=0.02, at_step=33)
    events = events_of(changed(config, optimizer=optimizer), fork, fork_of_fork, other)
    assert figures(events, "a", 33) == figures(events, "b", 33)
    assert figures(events, "a", 41) == figures(events, "c", 41)
    assert figures(events, "a", 33)[0] != figures(events, "d", 33)[0]
    # Nothing was taken from the parent.
    alone = events_of(changed(config, optimizer=optimizer))
    assert figures(events, "a", 0) == figures(alone, "a", 0)


def test_a_rule_that_never_binds_makes_no_difference() -> None:
    plain = from_options({**msgspec.structs.asdict(LENET), "lanes": {"a": "none"}})
    events = events_of(plain, Fork(lane="a", name="b", rule="norm:1e9", at_step=20))
    assert of(Evaluated, events, "a")[-1].loss == of(Evaluated, events, "b")[-1].loss
    assert {event.distance for event in of(LanesCompared, events)} == {0.0}


def test_a_fork_begins_with_the_rate_and_the_schedule_of_its_parent() -> None:
    events = events_of(
        LENET,
        SetLearningRate(lane="a", rate=0.003, at_step=10),
        Fork(lane="a", name="b", at_step=20),
        Fork(lane="a", name="c", learning_rate=0.01, at_step=20),
    )
    assert [(event.lane, event.learning_rate) for event in of(LaneForked, events)] == [("b", 0.003), ("c", 0.01)]
    assert {event.lane: event.learning_rate for event in of(LaneStarted, events)} == {"a": 0.001, "b": 0.003, "c": 0.01}
    assert figures(events, "a", 20) == figures(events, "b", 20)
    assert of(Evaluated, events, "c")[-1].loss != of(Evaluated, events, "b")[-1].loss


def test_another_rule_starts_as_if_it_was_set() -> None:
    """Its memory is empty, and the optimizer's too if the run is set so."""
    config = changed(LENET, reset_moments=True)
    forked = events_of(config, Fork(lane="a", name="b", rule="autoclip:90", at_step=20))
    set_then = events_of(config, SetClip(lane="a", rule="autoclip:90", at_step=20))
    assert figures(forked, "b", 20) == figures(set_then, "a", 20)


def test_a_forked_lane_comes_after_the_event_that_forks_it() -> None:
    events = of(LaneEvent, events_of(LENET, Fork(lane="a", name="b", at_step=33)), "b")
    forked, started = events[:2]
    assert isinstance(forked, LaneForked)
    assert (forked.parent, forked.step, forked.rule) == ("a", 33, "autoclip:50")
    assert isinstance(started, LaneStarted)
    assert (started.step, started.rule, started.iterations) == (33, "autoclip:50", 60)


def test_forks_are_compared_with_their_parents() -> None:
    config = from_options({**msgspec.structs.asdict(LENET), "lanes": {"first": "none", "a": "autoclip:50"}})
    events = events_of(
        config, Fork(lane="a", name="b", at_step=30), Fork(lane="b", name="c", rule="norm:0.001", at_step=30)
    )
    pairs = {event.lanes for event in of(LanesCompared, events)}
    assert pairs == {("first", "a"), ("a", "b"), ("b", "c")}
    assert {event.distance for event in of(LanesCompared, events) if event.lanes == ("a", "b")} == {0.0}
    assert of(RunFinished, events)[0].reason == "completed"


def test_commands_reach_a_fork_from_its_first_event_on() -> None:
    def react(engine: Engine, event: Event) -> None:
        if isinstance(event, LaneForked):
            engine.send(SetClip(lane="b", rule="norm:0.5"))
            engine.send(SetLearningRate(lane="b", rate=0.002))

    events = events_of(changed(LENET, iterations=200), Fork(lane="a", name="b", at_step=33), react=react)
    assert [event.rule for event in of(ClipChanged, events, "b")] == ["norm:0.5"]
    assert [event.rate for event in of(LearningRateChanged, events, "b")] == [0.002]
    assert not of(Notice, events)


def test_commands_for_a_fork_may_be_sent_before_it_is_made() -> None:
    events = events_of(
        LENET,
        Fork(lane="a", name="b", at_step=20),
        SetClip(lane="b", rule="norm:0.5", at_step=30),
        SetClip(rule="norm:0.1", at_step=40),
    )
    changes = [(event.lane, event.step, event.rule) for event in of(ClipChanged, events)]
    assert sorted(changes) == [("a", 40, "norm:0.1"), ("b", 30, "norm:0.5"), ("b", 40, "norm:0.1")]


def test_what_is_sent_to_all_after_a_fork_is_for_the_new_lane_too() -> None:
    """Also if both are due at the same step."""
    events = events_of(
        LENET,
        Fork(lane="a", name="b", at_step=20),
        Extend(iterations=10, at_step=20),
        Fork(lane="a", name="c", at_step=20),
        SetClip(lane="a", rule="none", at_step=20),
        lasting=False,
    )
    assert {event.lane: event.step for event in of(LaneFinished, events)} == {"a": 70, "b": 70, "c": 70}
    assert {event.lane: event.rule for event in of(LaneForked, events)} == {"b": "autoclip:50", "c": "autoclip:50"}
    assert [event.lane for event in of(ClipChanged, events)] == ["a"]


def test_a_fork_of_a_paused_lane_is_paused_and_has_its_speed_limit() -> None:
    def react(engine: Engine, event: Event) -> None:
        match event:
            case LanePaused(lane="a", step=12):
                engine.send(SetPace(lane="a", pace=5000))
                engine.send(Fork(lane="a", name="b"))
            case LanePaused(lane="b", step=12):
                engine.send(StepOnce(lane="b", count=2))
                engine.send(Fork(lane="b", name="c"))
            case LaneStepped(lane="c"):
                engine.send(Resume())

    events = events_of(LENET, Pause(at_step=12), react=react, lasting=False)
    assert of(LaneForked, events, "b")[0].step == 12
    # It has the steps left that its parent had.
    assert of(LaneStepped, events, "c")[0].count == 2
    assert {event.step for event in of(LaneFinished, events)} == {60}
    assert len(of(LaneFinished, events)) == 3


def test_a_lane_that_has_done_its_steps_is_forked_and_goes_on() -> None:
    def react(engine: Engine, event: Event) -> None:
        match event:
            case LaneFinished(lane="a", step=60):
                engine.send(Fork(lane="a", name="b", rule="norm:0.01"))
            case LaneFinished(lane="b", step=60):
                engine.send(Extend(lane="b", iterations=10))
            case LaneFinished(lane="b", step=70):
                engine.send(Stop())

    events = events_of(LENET, react=react, lasting=True)
    assert [event.step for event in of(LaneFinished, events, "b")] == [60, 70]
    assert of(LaneFinished, events, "b")[0].loss == of(LaneFinished, events, "a")[0].loss


def test_a_fork_at_a_step_that_has_passed_is_made_at_once() -> None:
    def react(engine: Engine, event: Event) -> None:
        if isinstance(event, Evaluated) and event.step == 20:
            engine.send(Fork(lane="a", name="b", at_step=3))

    forked = of(LaneForked, events_of(changed(LENET, pace=200), react=react))
    assert forked[0].step > 20


def test_forks_that_cannot_be_made_are_refused() -> None:
    events = events_of(
        LENET,
        Fork(lane="z", name="b"),
        Fork(lane="a", name="a"),
        Fork(lane="a", name="b", at_step=30),
        Fork(lane="a", name="b", at_step=40),
        Fork(lane="a", name="late", at_step=99),
        SetClip(lane="late", rule="none", at_step=100),
    )
    assert [event.text for event in of(Notice, events)] == [
        "Fork: no lane is named 'z'; there are a",
        "Fork: there is a lane named 'a' already; give the new one another name",
        "Fork: there is a lane named 'b' already; give the new one another name",
        "lane a ended before step 99: Fork did not take effect; a resumed run obeys it",
        "lane late ended before step 100: SetClip did not take effect; a resumed run obeys it",
    ]
    assert [event.lane for event in of(LaneForked, events)] == ["b"]


def test_a_new_lane_that_cannot_be_prepared_fails_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def react(engine: Engine, event: Event) -> None:
        if isinstance(event, LaneStarted) and event.lane == "a":
            engine.send(Fork(lane="a", name="b"))

    original = preparation.prepare_trainer

    def failing(*arguments: object) -> object:
        if arguments[-1] is not None:
            raise MemoryError("not enough memory")
        return original(*arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(preparation, "prepare_trainer", failing)
    events = events_of(LENET, react=react)
    (failed,) = of(LaneFailed, events)
    assert (failed.lane, failed.reason, failed.cause) == ("b", "error", "MemoryError: not enough memory")
    assert of(LaneFinished, events, "a")[0].step == 60


def test_a_stop_while_a_new_lane_is_prepared_ends_the_run_as_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a run can be resumed, although its other lane has done its steps."""
    original = preparation.prepare_trainer

    def cancelled(*arguments: object) -> object:
        if arguments[-1] is not None:
            raise Cancelled
        return original(*arguments)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(preparation, "prepare_trainer", cancelled)
    events = events_of(LENET, Fork(lane="a", name="b", at_step=59))
    assert of(LaneFinished, events, "a")[0].reason == "completed"
    assert not of(LaneStarted, events, "b")
    assert of(RunFinished, events)[0].reason == "stopped"


def test_the_first_state_of_a_fork_is_kept() -> None:
    kept: list[Checkpoint] = []
    engine = Engine(LENET, keep=kept.append)  # pyright: ignore[reportArgumentType]
    engine.send(Fork(lane="a", name="b", rule="norm:0.5", learning_rate=0.01, at_step=33))
    list(engine.run())
    first = next(one for one in kept if one.lane == "b")
    assert (first.step, first.snapshot["rule"]) == (33, "norm:0.5")
    assert first.snapshot["optimizer"]["learning_rate"] == 0.01


def test_a_stop_ends_lanes_that_are_forked_at_the_same_moment() -> None:
    def react(engine: Engine, event: Event) -> None:
        if isinstance(event, Evaluated) and event.step == 20:
            engine.send(Fork(lane="a", name="b"))
            engine.send(Stop())

    events = events_of(changed(LENET, iterations=10**6), react=react)
    assert {event.lane: event.reason for event in of(LaneFinished, events)} == {"a": "stopped", "b": "stopped"}
    assert events[-1].reason == "stopped"  # pyright: ignore[reportAttributeAccessIssue]


def test_a_mailbox_gives_nothing_after_a_fork_until_it_is_asked_again() -> None:
    mailbox = Mailbox[LaneCommand](lasting=False)
    fork, change = Fork(lane="a", name="b"), SetClip(lane="a", rule="none")
    for command in (Pause(), fork, change):
        mailbox.put(command)
    assert mailbox.take(0, 0) == [Pause(), fork]
    assert mailbox.take(0, 0) == [change]


def test_lanes_in_processes_are_forked_like_lanes_in_threads(tmp_path: Path) -> None:
    """An experiment with dropout and batch normalisation, an optimizer of torch's, and a fork of a fork."""
    config = own_config(tmp_path, lanes={"a": "autoclip:50"}, diagnose_every=1)
    events = events_of(
        config,
        Fork(lane="a", name="b", at_step=23),
        Fork(lane="b", name="c", at_step=41),
        Fork(lane="a", name="d", rule="norm:0.01", at_step=23),
        SetClip(lane="b", rule="norm:0.01", at_step=50),
    )
    assert figures(events, "a", 23)[:5] == figures(events, "b", 23)[:5]
    assert figures(events, "a", 41) == figures(events, "c", 41)
    assert [event.lane for event in of(ClipChanged, events)] == ["b"]
    assert {event.lanes for event in of(LanesCompared, events)} >= {("a", "b"), ("a", "d")}
    assert len(of(LaneFinished, events)) == 4
    assert not of(LaneFailed, events)
