"""The engine: twins, reproducibility, commands at step boundaries, failures, and its use as a library."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from clipwatch.core.clipping.nonfinite import NonfiniteCounts
from clipwatch.core.data.datasets import Dataset, Split, load
from clipwatch.core.engine import backlog
from clipwatch.core.engine.engine import Engine
from clipwatch.core.errors import BadInput
from clipwatch.core.experiments.lenet.network import LeNet
from clipwatch.core.stream.commands import (
    AnyCommand,
    Extend,
    Pause,
    ResetMoments,
    Resume,
    SetClip,
    SetPace,
    StepOnce,
    Stop,
)
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    ClipChanged,
    Evaluated,
    Event,
    LaneEvent,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStarted,
    LaneStepped,
    MomentsReset,
    NonfiniteFound,
    Notice,
    PaceChanged,
    RunFinished,
    RunStarted,
)
from clipwatch.core.training import lane as lane_module

SMALL = RunConfig(settings={"dataset": "digits"}, offline=True, iterations=60, eval_every=5, eval_size=20)
COMPUTE = LeNet.loss_and_gradient
TWINS = (LaneConfig("a", "none"), LaneConfig("b", "value:1000000"))


def replaced(config: RunConfig, **changes: object) -> RunConfig:
    fields = {name: getattr(config, name) for name in RunConfig.__struct_fields__}
    return RunConfig(**{**fields, **changes})


def events_of(
    config: RunConfig,
    commands: Iterable[AnyCommand] = (),
    react: Callable[[Engine, Event], None] = lambda engine, event: None,
    *,
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


def figures(events: Iterable[Event], lane: str | None = None) -> list[tuple[object, ...]]:
    """What must be the same bit for bit from run to run, in order of lane and step."""
    rows = [
        (event.lane, event.step, event.loss, event.accuracy, event.train_loss)
        for event in events
        if isinstance(event, Evaluated) and lane in (None, event.lane)
    ] + [
        (event.lane, event.step, event.loss, event.correct)
        for event in events
        if isinstance(event, LaneFinished) and lane in (None, event.lane)
    ]
    return sorted(rows, key=lambda row: (*row[:2], len(row)))


def spoil_gradients(monkeypatch: pytest.MonkeyPatch, value: float, *steps: int) -> None:
    """Let one component of the gradient be `value` in these steps of every lane."""

    def spoiled(self: LeNet, images: Tensor, labels: Tensor) -> float:
        loss = COMPUTE(self, images, labels)
        if (step := vars(self).setdefault("done", 0)) in steps:
            self.gradient[5] = value
        self.done = step + 1
        return loss

    monkeypatch.setattr(LeNet, "loss_and_gradient", spoiled)


def of_kind(events: Iterable[Event], kind: type, lane: str) -> list:
    return [event for event in events if isinstance(event, kind) and event.lane == lane]


def test_a_run_tells_its_story_in_order() -> None:
    events = events_of(SMALL)
    kinds = [type(event) for event in events]
    assert kinds.index(RunStarted) < kinds.index(LaneStarted) < kinds.index(Evaluated)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "completed"
    for lane in ("unclipped", "clipped"):
        assert [event.step for event in of_kind(events, Evaluated, lane)] == list(range(0, 60, 5))
        (finished,) = of_kind(events, LaneFinished, lane)
        assert (finished.step, finished.total) == (60, 300)
        assert finished.training_seconds > 0


def test_events_are_read_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def until_all_has_happened(seconds: float) -> None:
        waits.append(seconds)
        for thread in threading.enumerate():
            if thread.name == "clipwatch-engine":
                thread.join()

    clock = SimpleNamespace(**{**vars(time), "sleep": until_all_has_happened})
    monkeypatch.setattr(backlog, "time", clock)
    assert isinstance(events_of(SMALL)[-1], RunFinished)
    assert len(waits) == 1
    assert waits[0] <= 0.02


def test_lanes_are_bit_identical_when_no_rule_binds() -> None:
    events = events_of(replaced(SMALL, lanes=TWINS))
    assert [row[1:] for row in figures(events, "a")] == [row[1:] for row in figures(events, "b")]


def test_a_binding_rule_makes_the_lanes_differ_and_the_first_training_loss_not() -> None:
    events = events_of(SMALL)
    first, other = (of_kind(events, Evaluated, lane) for lane in ("unclipped", "clipped"))
    assert first[0].train_loss == other[0].train_loss
    assert first[-1].loss != other[-1].loss


def test_same_seed_same_bits_and_another_seed_others() -> None:
    assert figures(events_of(SMALL)) == figures(events_of(SMALL))
    assert figures(events_of(SMALL)) != figures(events_of(replaced(SMALL, seed=1)))


def test_pace_pauses_and_the_number_of_lanes_leave_the_bits_alone() -> None:
    change = SetClip(lane="clipped", rule="none", at_step=33)

    def interrupt(engine: Engine, event: Event) -> None:
        if isinstance(event, Evaluated) and event.step == 20:
            engine.send(Pause(lane=event.lane))
        if isinstance(event, LanePaused) and event.lane == "clipped":
            engine.send(StepOnce(lane="clipped", count=3))
        if isinstance(event, LanePaused):
            engine.send(Resume(lane=event.lane))

    plain = events_of(SMALL, [change])
    assert figures(events_of(replaced(SMALL, pace=400.0), [change])) == figures(plain)
    paused = events_of(SMALL, [change], interrupt)
    assert any(isinstance(event, LaneResumed) for event in paused)
    assert figures(paused) == figures(plain)
    alone = replaced(SMALL, lanes=(LaneConfig("clipped", "value:0.001"),))
    assert figures(events_of(alone, [change])) == figures(plain, "clipped")


def test_a_rule_set_at_a_step_holds_from_that_step_on() -> None:
    # From step 33 on the lane trains as if it had never been clipped before; until then as if it stayed clipped.
    changed = events_of(SMALL, [SetClip(lane="clipped", rule="none", at_step=31)])
    (answer,) = of_kind(changed, ClipChanged, "clipped")
    assert (answer.step, answer.rule, answer.previous) == (31, "none", "value:0.001")
    untouched = figures(events_of(SMALL), "clipped")
    rows = figures(changed, "clipped")
    assert rows[:7] == untouched[:7]
    assert rows[7] != untouched[7]
    assert not of_kind(changed, ClipChanged, "unclipped")
    at_once = events_of(SMALL, [SetClip(lane="clipped", rule="none", at_step=0)])
    assert [row[1:] for row in figures(at_once, "clipped")] == [row[1:] for row in figures(at_once, "unclipped")]


def test_every_command_is_answered_with_its_step() -> None:
    commands = [
        SetPace(pace=5000.0, at_step=5, lane="clipped"),
        Extend(iterations=15, at_step=8, lane="clipped"),
        StepOnce(count=4, at_step=10, lane="clipped"),
    ]

    def go_on(engine: Engine, event: Event) -> None:
        if isinstance(event, LanePaused):
            engine.send(Resume(lane=event.lane))

    events = events_of(SMALL, commands, go_on)
    told = [(type(event), event.step) for event in events if isinstance(event, LaneEvent) and event.lane == "clipped"]
    for expected in [(PaceChanged, 5), (LaneExtended, 8), (LaneStepped, 10), (LanePaused, 14), (LaneResumed, 14)]:
        assert expected in told
    assert of_kind(events, LaneFinished, "clipped")[0].step == 75
    assert of_kind(events, LaneFinished, "unclipped")[0].step == 60


def test_stop_ends_in_good_order_where_it_is() -> None:
    events = events_of(SMALL, [Stop(at_step=25)])
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "stopped"
    for lane in ("unclipped", "clipped"):
        (finished,) = of_kind(events, LaneFinished, lane)
        assert (finished.reason, finished.step) == ("stopped", 25)


def test_a_lasting_run_goes_on_after_its_end_bit_exactly() -> None:
    def extend_then_stop(engine: Engine, event: Event) -> None:
        if isinstance(event, LaneFinished):
            engine.send(Extend(lane=event.lane, iterations=20) if event.step == 60 else Stop(lane=event.lane))

    events = events_of(SMALL, (), extend_then_stop, lasting=True)
    long = events_of(replaced(SMALL, iterations=80))
    rows = [row for row in figures(events) if row[1] != 60 or len(row) == 5]
    assert rows == figures(long)


@pytest.mark.parametrize("late", [Pause(at_step=60), Pause(), StepOnce()])
def test_a_pause_as_a_lane_ends_does_not_hold_it_once_it_is_extended(late: Pause | StepOnce) -> None:
    def pause_and_extend(engine: Engine, event: Event) -> None:
        if isinstance(event, LaneFinished) and event.step == 60:
            if late.at_step is None:
                engine.send(late)
            engine.send(Extend(iterations=20))
            # A lane that is held would end here.
            engine.close()

    config = replaced(SMALL, lanes=TWINS[:1])
    events = events_of(config, [late] if late.at_step else [], pause_and_extend, lasting=True)
    assert [event.step for event in of_kind(events, LaneFinished, "a")] == [60, 80]


def test_a_lasting_run_ends_when_no_more_commands_can_come() -> None:
    def close(engine: Engine, event: Event) -> None:
        if isinstance(event, LanePaused):
            engine.close()

    events = events_of(SMALL, [Pause(at_step=10)], close, lasting=True)
    assert [event.step for event in of_kind(events, LaneFinished, "clipped")] == [10]


def test_leaving_the_iteration_stops_the_run() -> None:
    engine = Engine(replaced(SMALL, iterations=10**9))
    for event in engine.run():
        if isinstance(event, Evaluated):
            break
    # A second reader would find the end of the stream at once if the lanes are gone.
    assert engine._reason() == "stopped"


def test_a_command_for_a_lane_that_is_not_there_is_told() -> None:
    events = events_of(SMALL, [SetClip(lane="nobody", rule="none"), Pause(lane="clipped", at_step=1000)])
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("'nobody'" in text and "unclipped, clipped" in text for text in notices)
    assert any("ended before step 1000: Pause did not take effect" in text for text in notices)


def test_a_diverging_lane_fails_with_step_and_cause_and_the_others_go_on() -> None:
    lanes = (LaneConfig("wild", "none"), LaneConfig("tame", "value:0.001"))
    config = replaced(SMALL, lanes=lanes, learning_rate=1e30)
    events = events_of(config)
    for lane in ("wild", "tame"):
        (failed,) = of_kind(events, LaneFailed, lane)
        assert failed.reason == "diverged"
        assert "nan" in failed.cause or "inf" in failed.cause or "finite" in failed.cause
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "failed"


def test_a_lane_that_raises_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    class Faulty:
        finite = True

        def clip(self, gradient: Tensor, parameters: Tensor) -> tuple[Tensor, bool]:
            raise ValueError("a rule went wrong")

    make = lane_module.make_clipper
    monkeypatch.setattr(
        lane_module, "make_clipper", lambda rule, *rest: make(rule, *rest) if str(rule) == "none" else Faulty()
    )
    events = events_of(SMALL)
    (failed,) = of_kind(events, LaneFailed, "clipped")
    assert (failed.step, failed.reason, failed.cause) == (0, "error", "ValueError: a rule went wrong")
    assert of_kind(events, LaneFinished, "unclipped")[0].step == 60


def test_weights_that_stop_being_finite_fail_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil_gradients(monkeypatch, float("nan"), 0)
    (failed,) = of_kind(events_of(SMALL), LaneFailed, "clipped")
    assert (failed.step, failed.cause) == (0, "a weight is no longer finite")


LINEAR = {**SMALL.settings, "head": "linear"}
RULES = ["none", "value:0.01", "norm:0.5", "layer-norm:0.5", "agc:0.1", "autoclip:50", "zclip:0.5", "sign"]


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "sgd-momentum"])
def test_lanes_under_every_rule_are_reproducible(optimizer: str) -> None:
    lanes = tuple(LaneConfig(f"lane{number}", rule) for number, rule in enumerate(RULES))
    config = replaced(SMALL, lanes=lanes, optimizer=optimizer, settings=LINEAR, learning_rate=0.01)
    events = events_of(config)
    assert not any(isinstance(event, LaneFailed | NonfiniteFound) for event in events)
    assert figures(events) == figures(events_of(config))
    ends = [event.loss for event in events if isinstance(event, LaneFinished)]
    assert len(set(ends)) == len(ends) == len(RULES)


@pytest.mark.parametrize("rule", ["none", "value:0.01", "norm:1", "autoclip:50", "sign"])
def test_a_gradient_that_is_not_finite_is_told_once_and_its_step_left_out(
    rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil_gradients(monkeypatch, float("nan"), 20, 21)
    config = replaced(SMALL, lanes=(LaneConfig("a", rule),), nonfinite="skip")
    events = events_of(config)
    (found,) = of_kind(events, NonfiniteFound, "a")
    assert (found.step, found.nan, found.infinite, found.action) == (20, 1, 0, "skip")
    assert of_kind(events, LaneFinished, "a")[0].step == 60


def test_zero_takes_the_other_components_and_propagate_the_lot(monkeypatch: pytest.MonkeyPatch) -> None:
    config = replaced(SMALL, lanes=(LaneConfig("a", "value:0.01"),), settings=LINEAR)
    spoil_gradients(monkeypatch, 0.0, 20)
    expected = figures(events_of(config))
    spoil_gradients(monkeypatch, float("inf"), 20)
    zeroed = events_of(replaced(config, nonfinite="zero"))
    assert of_kind(zeroed, NonfiniteFound, "a")[0].infinite == 1
    assert figures(zeroed) == expected
    # Clipping by value makes a bound of infinity, and that is told, too.
    propagated = events_of(config)
    assert of_kind(propagated, NonfiniteFound, "a")[0].action == "propagate"
    assert of_kind(propagated, LaneFinished, "a")[0].step == 60
    assert figures(propagated) != expected


def test_stop_ends_the_lane_where_its_gradient_is_not_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    spoil_gradients(monkeypatch, float("inf"), 20)
    events = events_of(replaced(SMALL, lanes=TWINS, nonfinite="stop"))
    for lane in ("a", "b"):
        (failed,) = of_kind(events, LaneFailed, lane)
        assert (failed.step, failed.reason) == (20, "diverged")
        assert "gradient is no longer finite" in failed.cause


def test_nan_and_infinity_are_counted_apart() -> None:
    counts = NonfiniteCounts()
    assert not counts.add(torch.ones(3))
    assert counts.add(torch.tensor([float("nan"), float("inf"), -float("inf"), 0.0]))
    assert counts.add(torch.tensor([float("nan"), 1.0]))
    assert counts == NonfiniteCounts(nan=2, infinite=2, steps=2) == NonfiniteCounts(**counts.state)


def test_moments_begin_anew_when_told_and_with_the_rule_where_that_is_set() -> None:
    change = SetClip(lane="clipped", rule="none", at_step=30)
    told = events_of(SMALL, [change, ResetMoments(lane="clipped", at_step=30)])
    (reset,) = of_kind(told, MomentsReset, "clipped")
    assert reset.step == 30
    assert not of_kind(told, MomentsReset, "unclipped")
    by_setting = events_of(replaced(SMALL, reset_moments=True), [change])
    assert [event.moments_reset for event in of_kind(by_setting, ClipChanged, "clipped")] == [True]
    assert figures(told) == figures(by_setting)
    plain = events_of(SMALL, [change])
    assert [event.moments_reset for event in of_kind(plain, ClipChanged, "clipped")] == [False]
    assert figures(plain) != figures(told)


@pytest.mark.parametrize(("setting", "value"), [("batch_size", 1498), ("eval_size", 301)])
def test_sizes_larger_than_the_data_are_refused(setting: str, value: int) -> None:
    with pytest.raises(BadInput, match=f"{setting.replace('_', '-')} {value}: digits has only"):
        events_of(replaced(SMALL, **{setting: value}))


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadInput, match=r"device .warp."):
        events_of(replaced(SMALL, device="warp"))


def test_a_stop_while_preparing_ends_the_run() -> None:
    events = events_of(SMALL, [Stop()])
    assert not any(isinstance(event, LaneEvent) for event in events)
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "stopped"


def test_data_of_your_own_can_be_trained_on() -> None:
    digits = load("digits", data_dir=None, offline=True, report=lambda event: None)
    half = Dataset(digits.info, Split(digits.training.images[:700], digits.training.labels[:700]), digits.validation)
    events = list(Engine(SMALL, load=lambda *args, **options: half).run())
    assert isinstance(events[-1], RunFinished)


def test_the_library_example_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    document = (Path(__file__).parents[1] / "docs" / "library.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", document, re.DOTALL)[0]
    assert len(code.splitlines()) <= 16
    monkeypatch.setenv("CLIPWATCH_OFFLINE", "1")
    exec(compile(code, "library.md", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.count("validation images correctly") == 2


def test_a_pace_of_years_between_steps_waits_and_can_be_ended() -> None:
    def hurry(engine: Engine, event: Event) -> None:
        if isinstance(event, Evaluated) and event.step == 0:
            engine.send(SetPace(pace=None, lane=event.lane))

    events = events_of(replaced(SMALL, pace=1e-10), (), hurry)
    assert {event.step for event in events if isinstance(event, LaneFinished)} == {60}


@pytest.mark.parametrize("pace", [None, 400.0])
def test_a_pause_of_all_lanes_leaves_them_side_by_side(pace: float | None) -> None:
    paused: dict[str, int] = {}

    def pause_then_stop(engine: Engine, event: Event) -> None:
        if isinstance(event, Evaluated) and event.step == 20 and not paused:
            engine.send(Pause())
        if isinstance(event, LanePaused):
            paused[event.lane] = event.step
            if len(paused) == 2:
                engine.send(Stop())

    events_of(replaced(SMALL, pace=pace, iterations=100_000), (), pause_then_stop)
    # A lane can be past the step by one when the command reaches it.
    assert abs(paused["unclipped"] - paused["clipped"]) <= 1


def test_a_lane_that_is_slower_by_far_is_not_waited_for() -> None:
    lanes = {"unclipped": None, "clipped": 0.5}

    def pause(engine: Engine, event: Event) -> None:
        if isinstance(event, Evaluated) and event.lane == "unclipped" and event.step == 20:
            engine.send(Pause())
        if isinstance(event, LanePaused) and event.lane == "clipped":
            engine.send(Stop())

    commands = [SetPace(lane=lane, pace=lanes[lane]) for lane in lanes]
    events = events_of(replaced(SMALL, iterations=100_000), commands, pause)
    assert of_kind(events, LanePaused, "clipped")[0].step < 5
