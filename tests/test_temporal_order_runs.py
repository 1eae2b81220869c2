"""Runs of the temporal order problem through the engine: recorded, resumed, verified, swept, and refused."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import recordings
import torch
from test_sweep import InProcessBackend

from clipwatch.core.engine.engine import Engine, Resumption
from clipwatch.core.engine.resume import read_interrupted
from clipwatch.core.engine.session import Session
from clipwatch.core.engine.verify import compare, repetition
from clipwatch.core.errors import BadInput
from clipwatch.core.experiments.preparation import prepare
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.commands import SetClip
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import (
    Diagnosed,
    Evaluated,
    Event,
    LaneFailed,
    LaneFinished,
    LanesCompared,
    LaneStarted,
    Notice,
    RunStarted,
    StepsTrained,
)
from clipwatch.core.stream.series import diagnosed_values
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, SweepFinished
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.training.preparation import lane_thread

CHANGE = SetClip(lane="unclipped", rule="norm:2", at_step=25)


def options(**changes: Any) -> RunConfig:
    short = {"experiment": "temporal-order", "iterations": 60, "eval_every": 5, "checkpoint_every": 20}
    return from_options({**short, **changes})


def train(config: RunConfig) -> list[Event]:
    return list(Engine(config).run())


def of(kind: type, events: list[Event], lane: str) -> list[Any]:
    return [event for event in events if isinstance(event, kind) and event.lane == lane]  # type: ignore[attr-defined]


def measured(events: list[Event], lane: str) -> list[Event]:
    """The evaluations, logged steps and diagnostics of a lane, without its name and the time."""
    found = of(Evaluated, events, lane) + of(StepsTrained, events, lane) + of(Diagnosed, events, lane)
    return [
        msgspec.structs.replace(event, lane="", **({"seconds": 0.0} if isinstance(event, Evaluated) else {}))
        for event in found
    ]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded run of 60 steps, with a change of rule at step 25."""
    home = tmp_path_factory.mktemp("runs")
    recorder = Recorder(home)
    session = Session(options(), keep=recorder.keep)
    session.send(CHANGE)
    for _ in recorder.through(session.run()):
        pass
    return recordings.only_run(home)


def test_the_defaults_are_those_of_the_paper_s_problem() -> None:
    config = from_options({"experiment": "temporal-order"})
    assert (config.optimizer, config.learning_rate, config.batch_size, config.iterations) == ("sgd", 0.3, 20, 1000)
    assert {lane.name: lane.rule for lane in config.lanes} == {"unclipped": "none", "clipped": "norm:1"}
    assert config.settings == {"length": 20, "units": 50, "init_std": 0.1, "init": "gaussian"}


def test_a_run_says_what_it_is_and_measures_all_there_is(recorded: Path) -> None:
    events = recordings.read(recorded).events
    (started,) = [event for event in events if isinstance(event, RunStarted)]
    data = started.dataset
    assert (data.name, data.training, data.validation) == ("temporal-order", None, 1000)
    gauges = {gauge.name for gauge in started.experiment.gauges}
    for lane in ("unclipped", "clipped"):
        (end,) = of(LaneFinished, events, lane)
        assert end.silent_outputs is None
        diagnosed = of(Diagnosed, events, lane)
        assert [event.step for event in diagnosed] == [0, 25, 50]
        assert all(set(event.gauge) == gauges <= set(diagnosed_values(event)) for event in diagnosed)
        assert set(diagnosed[0].layers) == {"input", "recurrent", "output"}
    compared = [event for event in events if isinstance(event, LanesCompared)]
    assert [event.step for event in compared] == [0, 25, 50]
    assert (compared[0].distance, compared[0].disagreement) == (0.0, 0.0)
    assert all(event.disagreement is not None for event in compared)


def test_a_run_trained_again_is_the_recording_bit_for_bit(recorded: Path) -> None:
    config, resumption = repetition(recordings.read(recorded))
    verdict = compare(recordings.read(recorded), list(Engine(config, resumption=resumption).run()))
    # 12 evaluations, 3 diagnostics, 60 steps and an end of each lane.
    assert (verdict.compared, verdict.missing, verdict.differences) == (2 * (12 + 3 + 60 + 1), 0, ())
    other = msgspec.structs.replace(config, seed=1)
    assert compare(recordings.read(recorded), list(Engine(other, resumption=resumption).run())).differences


def test_a_run_goes_on_from_its_checkpoints_as_if_never_interrupted(recorded: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(recorded, tmp_path / recorded.name))
    for file in (folder / "checkpoints").iterdir():
        if int(file.stem.rpartition("-")[2]) != 40:
            file.unlink()
    interrupted = read_interrupted(RunFolder(folder), 60)
    complaints: list[str] = []
    snapshots = interrupted.snapshots(complaints)
    assert complaints == []
    assert {snapshot["step"] for snapshot in snapshots.values()} == {40}
    resumption = Resumption(snapshots=snapshots, commands=interrupted.commands(snapshots))
    again, whole = list(Engine(interrupted.config, resumption=resumption).run()), interrupted.recorded.events
    for lane in ("unclipped", "clipped"):
        assert of(Evaluated, again, lane)[0].step == 40
        later = [event for event in measured(whole, lane) if event.step >= 40]  # type: ignore[attr-defined]
        assert measured(again, lane) == later


def test_lanes_whose_rules_do_nothing_are_bit_identical() -> None:
    events = train(options(lanes={"a": "none", "b": "none", "c": "norm:1e9"}))
    assert measured(events, "a") == measured(events, "b")
    assert [event.distance for event in events if isinstance(event, LanesCompared)] == [0.0] * 6
    losses = [[event.loss for event in of(Evaluated, events, lane)] for lane in "ac"]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("optimizer", ["adam", "sgd-momentum"])
def test_every_optimizer_trains_it(optimizer: str) -> None:
    events = train(options(optimizer=optimizer, learning_rate=0.01, iterations=30))
    for lane in ("unclipped", "clipped"):
        (end,) = of(LaneFinished, events, lane)
        assert (end.reason, end.step, end.total) == ("completed", 30, 1000)
        assert math.isfinite(end.loss)
    assert of(Diagnosed, events, "clipped")[-1].total.shadow_cosine > 0


def test_the_seed_decides_weights_and_sequences() -> None:
    one, other = (prepare(options(seed=seed), None, torch.device("cpu")).make_workload() for seed in (0, 1))
    assert not torch.equal(one.parameters, other.parameters)
    other.parameters.copy_(one.parameters)
    with lane_thread():
        assert one.loss_and_gradient(0) != other.loss_and_gradient(0)
        assert one.evaluate_all().loss != other.evaluate_all().loss


@pytest.mark.parametrize(
    ("settings", "parameters"), [({"units": 10}, 10 * 6 + 10 * 10 + 10 + 4 * 10 + 4), ({"length": 40}, 3054)]
)
def test_settings_decide_the_network_and_the_data(settings: dict[str, int], parameters: int) -> None:
    events = train(options(iterations=2, **settings))
    usual = train(options(iterations=2))
    (started,) = of(LaneStarted, events, "clipped")
    assert started.parameters == parameters
    assert of(Evaluated, events, "clipped")[0].loss != of(Evaluated, usual, "clipped")[0].loss


@pytest.mark.parametrize(("init", "radius"), [("orthogonal", 1.0), ("gaussian", 0.7)])
def test_the_initial_spectral_radius(init: str, radius: float) -> None:
    # One small step has been taken when the first one is measured.
    events = train(options(iterations=1, init=init, learning_rate=1e-4))
    assert of(Diagnosed, events, "clipped")[0].gauge["spectral-radius"] == pytest.approx(radius, abs=0.1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 9}, "length 9: must be 10 or more"),
        ({"length": "long"}, "length 'long'"),
        ({"length": 10**24}, f"length {10**24}: must be at most 1000"),
        ({"units": 0}, "units 0: must be 1 or more"),
        ({"units": 1001}, "units 1001: must be at most 1000"),
        ({"units": 2.5}, "units 2.5"),
        ({"init_std": 0.0}, "init-std 0.0: must be above 0"),
        ({"init": "orthogonl"}, "did you mean 'orthogonal'"),
        ({"head": "relu"}, "head"),
        ({"settings": {"unit": 3}}, "did you mean 'units'"),
        ({"eval_size": 1001}, "eval-size 1001: temporal-order has only 1,000 sequences"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message.replace("(", r"\(")):
        train(options(**settings))


def test_a_lane_whose_weights_overflow_fails_and_the_other_goes_on() -> None:
    events = train(options(learning_rate=1e38))
    (failure,) = of(LaneFailed, events, "unclipped")
    assert failure.reason == "diverged"
    lanes = {"unclipped": "none", "clipped": "norm:1e-38"}
    events = train(options(learning_rate=1e38, lanes=lanes))
    assert of(LaneFailed, events, "unclipped")
    assert of(LaneFinished, events, "clipped")


@pytest.mark.parametrize(
    ("settings", "unclipped", "clipped"),
    [
        ({}, False, True),
        ({"clip": "norm:5"}, False, False),
        ({"init": "orthogonal", "learning_rate": 0.03}, True, True),
        ({"optimizer": "adam", "learning_rate": 0.003}, True, True),
    ],
    ids=["defaults", "a loose bound", "a low learning rate and an orthogonal start", "Adam"],
)
def test_where_clipping_saves_the_network_and_where_it_is_not_needed(
    settings: dict[str, Any], unclipped: bool, clipped: bool
) -> None:
    events = train(options(iterations=500, eval_every=10, **settings))
    for lane, solves in (("unclipped", unclipped), ("clipped", clipped)):
        (end,) = of(LaneFinished, events, lane)
        assert end.accuracy >= 0.99 if solves else end.accuracy < 0.35
        # A lane that does not learn has saturated units.
        assert (of(Diagnosed, events, lane)[-1].gauge["saturated"] < 0.1) is solves


def test_a_sweep_trains_the_replicas_that_single_runs_train(tmp_path: Path) -> None:
    base = options(iterations=20, eval_every=10)
    axes: dict[str, list[Any]] = {"clip": ["none", "norm:0.1"], "units": [8, 50], "learning_rate": [0.3]}
    config = sweep_config(base, axes, 1, ())
    events = list(Sweep(config, tmp_path, backend=InProcessBackend(base)).run())
    assert isinstance(events[-1], SweepFinished)
    assert events[-1].reason == "completed"
    # No replica of this experiment can be stacked, so there is no slow one to name.
    assert not [event for event in events if isinstance(event, Notice)]
    replicas = [event for event in events if isinstance(event, ReplicaFinished)]
    assert [replica.setting for replica in replicas] == [0, 1, 2, 3]
    for replica in replicas:
        alone = train(config.settings[replica.setting].config)
        (end,) = [event for event in alone if isinstance(event, LaneFinished)]
        assert (replica.loss, replica.correct, replica.total, replica.dead) == (end.loss, end.correct, 1000, ())
    assert len({replica.loss for replica in replicas}) == 4
