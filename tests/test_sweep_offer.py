"""The sweep that a run's screen offers: the run's own settings, and what the question says about them."""

from __future__ import annotations

from typing import Any

import pytest

from clipwatch.core.errors import BadInput
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    ClipChanged,
    DatasetInfo,
    Event,
    LaneFailed,
    LaneForked,
    LaneStarted,
    LearningRateChanged,
    RecordingStarted,
    ReplayStarted,
    RunStarted,
)
from clipwatch.core.stream.state import RunState, apply
from clipwatch.core.stream.sweep_config import sweep_of_run
from clipwatch.tui.cli.main import parse
from clipwatch.tui.cli.settings import run_config
from clipwatch.tui.cli.sweep_options import sweep_from_options
from clipwatch.tui.live.sweep_offer import offer, offered_sweep

DIGITS = DatasetInfo(name="digits", origin="embedded", training=1347, validation=450, checksum="0")


def started(config: RunConfig, *events: Event) -> RunState:
    state = RunState()
    begin = [
        LaneStarted(lane=n.name, step=0, rule=n.rule, iterations=100, parameters=1, seconds=0.0) for n in config.lanes
    ]
    run = RunStarted(config=config, dataset=DIGITS, device="cpu", versions={}, time=0.0)
    for event in (run, *begin, *events):
        state = apply(state, event)
    return state


def asked(*events: Event) -> str:
    state = started(RunConfig(seed=7), *events)
    sweep = offered_sweep(state)
    assert sweep
    return "\n".join(offer(sweep, "about 20 s on 2 cores", state))


def test_it_is_the_sweep_that_the_command_line_would_train() -> None:
    training = ["--iterations", "300", "--head", "linear", "--optimizer", "sgd", "--learning-rate", "0.1"]
    options = ["--dataset", "digits", "--seed", "5", *training]
    run = run_config(parse(options), pace=40.0)
    sweep = sweep_from_options(parse(["sweep", *options]))
    assert sweep_of_run(run, "digits") == sweep
    assert list(sweep.every_seed) == list(range(5, 37))


def test_the_question_names_all_that_is_compared() -> None:
    lanes = (LaneConfig("a", "norm:1", learning_rate=0.01), LaneConfig("b", "none"))
    state = started(RunConfig(lanes=lanes))
    sweep = offered_sweep(state)
    assert sweep
    text = "\n".join(offer(sweep, "about 20 s on 2 cores", state))
    assert "Compared: norm:1 and not clipped, with learning rate 0.01 and learning rate 0.001. Data" in text


def test_its_rules_are_those_of_the_lanes_each_once() -> None:
    lanes = (LaneConfig("a", "norm:1"), LaneConfig("b", "none"), LaneConfig("c", "norm:1"))
    assert sweep_of_run(RunConfig(lanes=lanes), "digits").axes == {"clip": ("norm:1", "none")}


def test_its_data_are_those_that_the_run_found() -> None:
    sweep = offered_sweep(started(RunConfig(settings={"dataset": "auto"})))
    assert sweep
    assert sweep.base.settings["dataset"] == "digits"


def test_before_the_run_there_is_none() -> None:
    assert offered_sweep(RunState()) is None


def test_what_cannot_be_trained_is_refused() -> None:
    with pytest.raises(BadInput, match="seed"):
        offered_sweep(started(RunConfig(seed=2**63 - 2)))
    with pytest.raises(BadInput, match="from-the-future"):
        offered_sweep(started(RunConfig(lanes=(LaneConfig("a", "from-the-future:3"),))))


def test_the_question_says_what_is_trained_and_how_long_it_takes() -> None:
    text = asked()
    assert "Run 32 seeds (7 to 38) of this configuration:\nabout 20 s on 2 cores, if nothing else runs." in text
    assert "Compared: not clipped and value:0.001. Data, steps" in text


CHANGED = ClipChanged(lane="clipped", step=30, rule="norm:3", previous="value:0.001")
RATE = LearningRateChanged(lane="clipped", step=30, rate=0.01, previous=0.001)
FORKED = LaneForked(lane="B+1", step=30, parent="clipped", rule="none", learning_rate=0.001, seconds=1.0)


@pytest.mark.parametrize(
    ("lanes", "events", "words"),
    [
        ({}, (CHANGED,), "changes mid-run"),
        ({}, (RATE, FORKED), "changes mid-run, forks"),
        ({}, (FORKED,), "forks"),
        ({"clip_at": {30: "norm:3"}}, (CHANGED,), "planned changes of rules"),
        ({"clip_at": {30: "norm:3"}}, (CHANGED, RATE), "planned changes of rules, changes mid-run"),
    ],
)
def test_the_question_says_what_is_left_out(lanes: dict[str, Any], events: tuple[Event, ...], words: str) -> None:
    config = RunConfig(lanes=(LaneConfig("unclipped", "none"), LaneConfig("clipped", "value:0.001", **lanes)))
    state = started(config, *events)
    sweep = offered_sweep(state)
    assert sweep
    text = "\n".join(offer(sweep, "about 20 s on 2 cores", state))
    assert "Compared: not clipped and value:0.001. Data" in text
    assert f"Left out: {words}. Every network keeps the rule and the learning rate that it starts with." in text


def test_nothing_is_left_out_of_a_plain_run_and_one_lane_is_not_compared() -> None:
    assert "Left out" not in asked()
    state = started(RunConfig(lanes=(LaneConfig("a", "norm:1"),)))
    sweep = offered_sweep(state)
    assert sweep
    assert "\nTrained: norm:1. Data" in "\n".join(offer(sweep, "about 20 s on 2 cores", state))


def test_the_question_says_what_becomes_of_the_run() -> None:
    recorded = RecordingStarted(folder="/runs/a")
    assert "This run stops. What it has done is kept in\n/runs/a" in asked(recorded)
    assert "This run stops, and is not recorded." in asked()
    ended = [LaneFailed(lane=n, step=3, reason="diverged", cause="nan", seconds=1.0) for n in ("unclipped", "clipped")]
    assert "This run" not in asked(recorded, *ended)
    assert "This run" not in asked(ReplayStarted(run="a", last_step=90))
