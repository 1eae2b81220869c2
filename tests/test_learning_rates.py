"""Learning rates of lanes: their own, and changed mid-run; resumed and verified bit for bit, in all experiments."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import recordings
import torch
from msgspec.structs import replace
from test_engine import SMALL as DIGITS
from test_engine import events_of, figures
from test_resume import CONFIG, cut, resume, train
from user_experiments import NOISY, SMALL, of_kind, trained, trainers, write_experiment

from clipwatch.core.engine.resume import read_interrupted
from clipwatch.core.engine.session import Session
from clipwatch.core.engine.verify import repetition
from clipwatch.core.errors import BadInput
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.commands import LaneCommand, Restart, SetClip, SetLearningRate
from clipwatch.core.stream.config import LaneConfig, from_options
from clipwatch.core.stream.events import (
    ClipChanged,
    CommandScheduled,
    Diagnosed,
    Event,
    LaneStarted,
    LearningRateChanged,
    Notice,
    RunFinished,
    RunStarted,
)
from clipwatch.core.training.checkpoint import Checkpoint
from clipwatch.core.training.checkpoint_file import EncodedCheckpoint
from clipwatch.tui.cli.main import main

THREE_CHANGES = [
    SetLearningRate(lane="clipped", rate=0.003, at_step=12),
    SetLearningRate(rate=0.0005, at_step=33),
    SetLearningRate(lane="clipped", rate=0.002, at_step=60),
]


def changes(events: Sequence[Any], lane: str) -> list[tuple[int, float, float | None]]:
    found = [event for event in of_kind(events, LearningRateChanged) if event.lane == lane]
    return [(event.step, event.rate, event.previous) for event in found]


# A lane's own settings


def test_a_lane_with_settings_of_its_own_is_the_run_with_these_settings() -> None:
    own = {"learning_rate": 0.01, "optimizer": "sgd-momentum"}
    events = events_of(replace(DIGITS, lanes=(LaneConfig("a", "norm:1", **own), LaneConfig("b", "norm:1", beta1=0.9))))
    rates = {event.lane: event.learning_rate for event in of_kind(events, LaneStarted)}
    assert rates == {"a": 0.01, "b": 0.001}
    for name, settings in (("a", own), ("b", {"beta1": 0.9})):
        alone = events_of(replace(DIGITS, lanes=(LaneConfig(name, "norm:1"),), **settings))
        assert figures(events, name) == figures(alone, name)


def test_a_restart_keeps_the_lanes_own_settings_and_plans_their_rules_again() -> None:
    lanes = (LaneConfig("a", "none", learning_rate=0.01, clip_at={4: "norm:1"}),)
    session = Session(replace(DIGITS, lanes=lanes, iterations=6))
    events: list[Event] = []
    for event in session.run():
        events.append(event)
        if isinstance(event, RunStarted) and len(of_kind(events, RunStarted)) == 1:
            session.send(Restart(seed=1))
    assert [event.config.lanes for event in of_kind(events, RunStarted)] == [lanes, lanes]
    second = events[events.index(of_kind(events, RunStarted)[1]) :]
    assert [event.learning_rate for event in of_kind(second, LaneStarted)] == [0.01]
    assert [(event.step, event.rule) for event in of_kind(second, ClipChanged)] == [(4, "norm:1")]


# A change


def test_a_change_holds_from_its_step_on_and_says_what_was_before() -> None:
    plain, changed = events_of(DIGITS), events_of(DIGITS, [SetLearningRate(lane="clipped", rate=0.1, at_step=20)])
    assert changes(changed, "clipped") == [(20, 0.1, 0.001)]
    assert figures(changed, "unclipped") == figures(plain, "unclipped")
    before, after = (
        [row for row in figures(events, "clipped") if int(str(row[1])) < 20] for events in (plain, changed)
    )
    assert before == after
    assert figures(changed, "clipped") != figures(plain, "clipped")


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "sgd-momentum"])
def test_the_diagnostics_use_the_rate_of_the_step(optimizer: str) -> None:
    lane = (LaneConfig("a", "norm:0.5", learning_rate=0.01),)
    config = replace(DIGITS, lanes=lane, optimizer=optimizer, iterations=3, eval_every=1, diagnose_every=1)
    assert_follows(*(of_kind(events_of(config, commands), Diagnosed) for commands in ([], [LARGER])))


LARGER = SetLearningRate(rate=0.1, at_step=2)


def assert_follows(plain: Sequence[Diagnosed], changed: Sequence[Diagnosed]) -> None:
    """At step 2 both have the same gradient. Per learning rate both move as far, with and without clipping."""
    one, other = (measured[2].total for measured in (plain, changed))
    assert one.norm == other.norm
    assert one.update_ratio != other.update_ratio
    assert other.step_size == pytest.approx(one.step_size, rel=1e-2)
    assert other.shadow_cosine == pytest.approx(one.shadow_cosine, rel=1e-2)
    assert other.shadow_distance == pytest.approx(one.shadow_distance, rel=1e-2)


# An optimizer of the user


def with_optimizer(made: str, schedule: str = "None") -> str:
    return (
        f"{SMALL}\n    def make_optimizer(self, parameters):\n        return {made}\n"
        f"\n    def make_schedule(self, optimizer):\n        return {schedule}\n"
    )


GROUPS = "[{'params': parameters[:1], 'lr': 0.01}, {'params': parameters[1:]}]"
HALVED = "torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)"


@pytest.mark.parametrize("made", [f"torch.optim.AdamW({GROUPS}, lr=0.1)", f"torch.optim.RMSprop({GROUPS}, lr=0.1)"])
def test_the_diagnostics_follow_the_rate_of_an_optimizer_of_the_user(tmp_path: Path, made: str) -> None:
    target = write_experiment(tmp_path, with_optimizer(made, HALVED))
    options: dict[str, Any] = {"lanes": {"a": "norm:0.01"}, "iterations": 3, "eval_every": 1}
    (plain,), (changed,) = trainers(target, **options), trainers(target, **options)
    assert_follows(of_kind(trained(plain), Diagnosed), of_kind(trained(changed, LARGER), Diagnosed))


def test_a_lanes_own_rate_multiplies_all_groups_of_an_optimizer_of_the_user(tmp_path: Path) -> None:
    groups = "[{{'params': parameters[:1], 'lr': {}}}, {{'params': parameters[1:], 'lr': {}}}]"
    ends = []
    for rates, rule in (((0.01, 0.1), "norm:1,lr=0.02"), ((0.02, 0.2), "norm:1")):
        target = write_experiment(tmp_path, with_optimizer(f"torch.optim.SGD({groups.format(*rates)})", HALVED))
        (lane,) = trainers(target, lanes={"a": rule})
        (started,) = of_kind(trained(lane), LaneStarted)
        assert started.learning_rate == 0.02
        ends.append(lane._lane.workload.parameters.clone())
    torch.testing.assert_close(*ends, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("made", "settings", "message"),
    [
        ("torch.optim.SGD(parameters, lr=1)", "optimizer=sgd", "leave out optimizer (lr may differ)"),
        ("torch.optim.SGD(parameters, lr=1)", "beta1=0.9,optimizer=adam", "leave out optimizer and beta1 (lr may"),
        ("torch.optim.SGD(parameters, lr=0)", "lr=1", "leave out lr, the optimizer that make_optimizer returns has"),
    ],
)
def test_what_an_optimizer_of_the_user_cannot_have_is_refused(
    tmp_path: Path, made: str, settings: str, message: str
) -> None:
    target = write_experiment(tmp_path, with_optimizer(made))
    with pytest.raises(BadInput) as caught:
        trainers(target, lanes={"plain": "none", "a": f"none,{settings}"})
    assert message in str(caught.value)
    assert "lane a: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_make_optimizer_makes_none_a_lane_has_what_it_asks_for(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, with_optimizer("None", HALVED))
    (lane,) = trainers(target, lanes={"a": "none,lr=0.5,optimizer=sgd"})
    assert type(lane._lane.optimizer._optimizer) is torch.optim.SGD  # type: ignore[attr-defined]
    assert of_kind(trained(lane), LaneStarted)[0].learning_rate == 0.5


def test_an_optimizer_without_a_rate_answers_a_change_by_a_notice(tmp_path: Path) -> None:
    (lane,) = trainers(
        write_experiment(tmp_path, with_optimizer("torch.optim.SGD(parameters, lr=0)")), lanes={"a": "none"}
    )
    events = trained(lane, LARGER)
    assert [event.text for event in of_kind(events, Notice)] == [
        "a: SetLearningRate has no effect, its optimizer has no learning rate"
    ]
    assert not of_kind(events, LearningRateChanged)


def test_an_own_optimizer_with_a_schedule_continues_from_a_checkpoint_with_its_rate(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, NOISY)
    options: dict[str, Any] = {"lanes": {"a": "norm:0.1,lr=0.03"}, "checkpoint_every": 7}
    (whole,) = trainers(target, **options)
    expected = trained(whole, SetLearningRate(rate=0.002, at_step=5))
    checkpoint = of_kind(expected, Checkpoint)[0]
    again = EncodedCheckpoint("a", 7, checkpoint.encoded().content).snapshot
    (resumed,) = trainers(target, {"a": again}, **options)
    assert of_kind(trained(resumed), LaneStarted)[0].learning_rate == 0.002
    assert torch.equal(resumed._lane.workload.parameters, whole._lane.workload.parameters)


# Resumed and verified


RATES = (LaneConfig("fast", "none", learning_rate=0.01, optimizer="sgd"), LaneConfig("clipped", "norm:1", beta1=0.9))


@pytest.fixture(scope="module", params=["lenet", "temporal-order"])
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with three changes of learning rate and a later rule, never interrupted."""
    if request.param == "lenet":
        config = replace(CONFIG, lanes=(RATES[0], replace(RATES[1], clip_at={37: "norm:0.1"})))
        return train(tmp_path_factory.mktemp("lenet"), *THREE_CHANGES, config=config)
    options = {"iterations": 80, "checkpoint_every": 20, "eval_every": 5, "eval_size": 20, "settings": {"length": 12}}
    config = replace(from_options({"experiment": "temporal-order", **options}), lanes=RATES)
    return train(tmp_path_factory.mktemp("order"), *THREE_CHANGES, config=config)


def test_three_changes_of_learning_rate_are_verified(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded = recordings.read(whole)
    assert changes(recorded.events, "clipped") == [(12, 0.003, ANY), (33, 0.0005, 0.003), (60, 0.002, 0.0005)]
    assert changes(recorded.events, "fast") == [(33, 0.0005, 0.01)]
    assert main(["verify", str(whole)]) == 0
    assert "identical bit for bit" in capsys.readouterr().out


class _Any:
    def __eq__(self, other: object) -> bool:
        return True


ANY: Any = _Any()


@pytest.mark.parametrize(("step", "scheduled"), [(34, True), (41, True), (61, True), (61, False)])
def test_a_run_with_changed_rates_is_resumed_bit_for_bit(
    step: int, scheduled: bool, whole: Path, tmp_path: Path
) -> None:
    folder = cut(whole, tmp_path, step, scheduled=scheduled)
    assert resume(folder) == 0
    before, again = recordings.read(whole).events, recordings.read(folder).events
    assert recordings.figures(again) == recordings.figures(before)
    for kind in (LearningRateChanged, ClipChanged):
        assert sorted(map(encode, of_kind(again, kind))) == sorted(map(encode, of_kind(before, kind)))
    if scheduled:
        assert of_kind(again, CommandScheduled) == of_kind(before, CommandScheduled)


def test_a_run_of_an_own_experiment_with_a_schedule_is_verified(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = write_experiment(tmp_path, NOISY)
    options = {"iterations": 80, "batch_size": 8, "eval_size": 10, "eval_every": 10}
    lanes = {"clipped": "norm:0.1,lr=0.02"}
    config = from_options({"experiment": target, "lanes": lanes, **options})
    folder = train(tmp_path / "runs", *THREE_CHANGES, config=config)
    assert changes(recordings.read(folder).events, "clipped") == [
        (12, 0.003, 0.02),
        (33, 0.0005, 0.003),
        (60, 0.002, 0.0005),
    ]
    assert main(["verify", str(folder)]) == 0
    assert "identical bit for bit" in capsys.readouterr().out


# Later rules


def test_later_rules_are_scheduled_as_the_run_starts_and_hold_from_their_step_on() -> None:
    planned = replace(
        DIGITS, lanes=(LaneConfig("a", "none", clip_at={7: "norm:1", 20: "sign"}), LaneConfig("b", "none"))
    )
    sent = replace(planned, lanes=(LaneConfig("a", "none"), LaneConfig("b", "none")))
    commands: list[LaneCommand] = [
        SetClip(lane="a", rule="norm:1", at_step=7),
        SetClip(lane="a", rule="sign", at_step=20),
    ]
    found, expected = events_of(planned), events_of(sent, commands)
    assert figures(found) == figures(expected)
    assert [event.command for event in of_kind(found, CommandScheduled)] == commands
    kinds = [type(event) for event in found]
    assert kinds.index(RunStarted) < kinds.index(CommandScheduled) < kinds.index(LaneStarted)


def test_a_later_rule_beyond_the_end_is_told() -> None:
    events = events_of(replace(DIGITS, iterations=5, lanes=(LaneConfig("a", "none", clip_at={7: "norm:1"}),)))
    (notice,) = [event.text for event in of_kind(events, Notice) if "SetClip" in event.text]
    assert notice == "lane a ended before step 7: SetClip did not take effect; a resumed run obeys it"
    assert isinstance(events[-1], RunFinished)


def test_a_later_rule_beyond_the_end_is_obeyed_by_a_run_that_is_resumed_to_it(tmp_path: Path) -> None:
    lanes = (LaneConfig("a", "none", clip_at={30: "norm:1"}),)
    folder = train(tmp_path / "short", config=replace(CONFIG, iterations=20, lanes=lanes))
    assert resume(folder, "--iterations", "40") == 0
    long = train(tmp_path / "long", config=replace(CONFIG, iterations=40, lanes=lanes))
    events = recordings.read(folder).events
    assert [(event.step, event.rule) for event in of_kind(events, ClipChanged)] == [(30, "norm:1")]
    evaluated = [row for row in recordings.figures(events) if len(row) == 5]
    assert evaluated == [row for row in recordings.figures(recordings.read(long).events) if len(row) == 5]


def test_a_repetition_has_each_later_rule_once(tmp_path: Path) -> None:
    config = replace(CONFIG, iterations=20, lanes=(LaneConfig("a", "none", clip_at={7: "norm:1", 30: "sign"}),))
    recorded = recordings.read(train(tmp_path, config=config))
    again, resumption = repetition(recorded)
    assert resumption.commands == [SetClip(lane="a", rule="norm:1", at_step=7)]
    assert again.lanes == config.lanes


def test_a_run_that_died_before_it_recorded_its_later_rules_obeys_them(tmp_path: Path) -> None:
    config = replace(CONFIG, iterations=20, lanes=(LaneConfig("a", "none", clip_at={7: "norm:1"}),))
    whole = train(tmp_path / "whole", config=config)
    folder = tmp_path / "cut" / whole.name
    shutil.copytree(whole, folder, ignore=shutil.ignore_patterns(".lock", "checkpoints"))
    first = [event for event in recordings.read(whole).events if isinstance(event, RunStarted)]
    (folder / "events.jsonl").write_bytes(b"".join(seal(encode(event)) + b"\n" for event in first))
    assert list(read_interrupted(RunFolder(folder), None).commands({})) == [SetClip(lane="a", rule="norm:1", at_step=7)]
    assert resume(folder) == 0
    assert recordings.figures(recordings.read(folder).events) == recordings.figures(recordings.read(whole).events)
