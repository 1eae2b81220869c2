"""Gradients with NaN or infinity in them: whatever is done about them, what a lane tells is what it did."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from clipwatch.core.diagnostics.clip_effect import ClipEffect
from clipwatch.core.diagnostics.lane_diagnostics import LaneDiagnostics
from clipwatch.core.diagnostics.lane_distance import LaneDistance
from clipwatch.core.diagnostics.step_log import StepLog
from clipwatch.core.engine.verify import compare, repetition
from clipwatch.core.experiments.layout import Layout
from clipwatch.core.experiments.workload import Evaluation
from clipwatch.core.optimizers.optimizer import make_optimizer
from clipwatch.core.reports.sweep_document import report_sweep
from clipwatch.core.runs.reader import read_recording
from clipwatch.core.stream.commands import LaneCommand, StepOnce
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import (
    Diagnosed,
    Event,
    LaneEvent,
    LaneFailed,
    LanePaused,
    LaneStarted,
    NonfiniteFound,
)
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import SweepFinished, diverged
from clipwatch.core.sweeps.overview import overview
from clipwatch.core.sweeps.recorded_folders import recorded_folders
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.units import Unit
from clipwatch.core.sweeps.workers import Outcome
from clipwatch.core.training.lane import Lane
from clipwatch.core.training.schedule import Schedule
from clipwatch.core.training.training_loop import Trainer
from clipwatch.tui.cli.main import main

RATE = 0.01
LAYOUT = Layout(layers={"one": 4, "two": 2}, tensors=((2, 2), (1, 2)))
RULES = ["none", "value:0.5", "value:-0.3:0.4", "norm:1", "layer-norm:0.5", "agc:0.1", "autoclip:30", "zclip", "sign"]
OPTIMIZERS = ["adam", "sgd", "sgd-momentum"]
ACTIONS = ["propagate", "skip", "zero", "stop"]
NUMBERS = st.floats(-2, 2, width=32) | st.sampled_from([math.nan, math.inf, -math.inf])
GRADIENTS = st.lists(st.lists(st.floats(-2, 2, width=32), min_size=6, max_size=6), min_size=1, max_size=5)
BROKEN = st.lists(st.lists(NUMBERS, min_size=6, max_size=6), min_size=1, max_size=5)


class Scripted:
    """A workload whose gradients, and whose loss on all validation data, are given."""

    layout, gauge = LAYOUT, None
    state: ClassVar[dict[str, Any]] = {}

    def __init__(self, gradients: list[list[float]], loss: float = 1.0) -> None:
        self.parameters, self.gradient = torch.linspace(-1, 1, 6), torch.zeros(6)
        self._gradients, self._loss = iter(gradients), loss

    def loss_and_gradient(self, step: int) -> float:
        self.gradient.copy_(torch.tensor(next(self._gradients)))
        return 1.0

    def evaluate(self, step: int) -> Evaluation:
        return Evaluation(loss=self._loss, total=1, correct=0)

    def evaluate_all(self) -> Evaluation:
        return self.evaluate(0)

    def restore(self, state: Mapping[str, Any]) -> None:
        raise NotImplementedError


class StepByStep:
    """A source of commands that grants one step at a time."""

    lasting = False

    def take(self, step: int, timeout: float | None) -> list[LaneCommand]:
        return [StepOnce()]


class Taken(NamedTuple):
    """What the optimizer was given, and the update that came of it."""

    used: np.ndarray[Any, Any]
    update: np.ndarray[Any, Any]


class Watched:
    """An optimizer that says what it does."""

    def __init__(self, optimizer: Any, parameters: Tensor) -> None:
        self._optimizer, self._parameters = optimizer, parameters
        self.taken: Taken | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._optimizer, name)

    def step(self, gradient: Tensor) -> None:
        before = self._parameters.clone()
        self._optimizer.step(gradient)
        self.taken = Taken(gradient.double().numpy(), (self._parameters - before).double().numpy())


def trainer_of(rule: str, optimizer: str, action: Any, model: Scripted, steps: int) -> tuple[Trainer, Watched]:
    watched = Watched(
        make_optimizer(RunConfig(optimizer=optimizer, learning_rate=RATE), model.parameters),  # type: ignore[arg-type]
        model.parameters,
    )
    schedule = Schedule(
        iterations=steps,
        eval_every=1,
        diagnose_every=1,
        pace=None,
        reset_moments=False,
        nonfinite=action,
        checkpoint_every=None,
    )
    distance, step_log = LaneDistance(["a"]), StepLog(1, model.parameters)
    diagnostics = LaneDiagnostics("a", ClipEffect(LAYOUT), None, distance, step_log)
    return Trainer(Lane("a", rule, model, watched, diagnostics), schedule), watched


def events_of_steps(trainer: Trainer) -> Iterator[list[Event]]:
    """The events of each step, one step at a time."""
    events: list[Event] = []
    for event in trainer.run(StepByStep(), started=0.0):
        assert isinstance(event, Event)
        if isinstance(event, LanePaused):
            yield events
            events = []
        else:
            events.append(event)
    yield events


def expected(raw: np.ndarray[Any, Any], taken: Taken | None, weights: np.ndarray[Any, Any]) -> dict[str, Any]:
    """The figures of a step, worked out plainly."""
    finite = np.isfinite(raw)
    numbers = np.where(finite, raw, 0.0)
    norm = float(np.linalg.norm(numbers))
    if taken is None:
        return {"changed": 0, "norm": norm, "clipped": 0.0, "cosine": None, "step": 0.0, "ratio": 0.0}
    used = np.where(np.isfinite(taken.used), taken.used, 0.0)
    size = float(np.linalg.norm(used))
    return {
        "changed": int(np.count_nonzero(finite & (numbers != used))),
        "norm": norm,
        "clipped": size,
        "cosine": float(numbers @ used) / (norm * size) if norm * size > 0 else None,
        "step": float(np.abs(taken.update).mean()) / RATE,
        "ratio": float(np.linalg.norm(taken.update) / np.linalg.norm(weights)),
    }


@pytest.mark.parametrize("action", ACTIONS)
@given(
    rule=st.sampled_from(RULES), optimizer=st.sampled_from(OPTIMIZERS), before=GRADIENTS, broken=BROKEN, after=GRADIENTS
)
@settings(max_examples=40)
def test_what_is_told_of_a_step_is_the_step_that_was_taken(
    action: str,
    rule: str,
    optimizer: str,
    before: list[list[float]],
    broken: list[list[float]],
    after: list[list[float]],
) -> None:
    gradients = [*before, *broken, *after]
    model = Scripted(gradients)
    # One step more, so that the last one ends with a pause, too.
    trainer, watched = trainer_of(rule, optimizer, action, model, len(gradients) + 1)
    steps = events_of_steps(trainer)
    nan = infinite = engaged = taken_steps = 0
    for step, gradient in enumerate(gradients):
        raw = np.array(gradient)
        watched.taken, first = None, not (nan or infinite)
        events = next(steps)
        taken, is_broken = watched.taken, not np.isfinite(raw).all()
        nan, infinite = nan + int(np.isnan(raw).sum()), infinite + int(np.isinf(raw).sum())
        found = [event for event in events if isinstance(event, NonfiniteFound)]
        assert [(event.step, event.nan, event.infinite) for event in found] == (
            [(step, nan, infinite)] if first and is_broken else []
        )
        assert (taken is None) == (is_broken and action in ("skip", "stop"))
        if isinstance(events[-1], LaneFailed):
            assert is_broken
            assert action == "stop" or (action == "propagate" and not model.parameters.isfinite().all())
            return
        if taken is not None:
            taken_steps += 1
            sane = np.where(np.isfinite(raw), raw, 0.0) if action == "zero" else raw
            engaged += not np.array_equal(sane, taken.used)
        (told,) = (event for event in events if isinstance(event, Diagnosed))
        assert (told.nan, told.infinite) == (nan, infinite)
        assert told.engaged == pytest.approx(engaged / taken_steps if taken_steps else 0.0)
        total = told.total
        figures = expected(raw, taken, model.parameters.double().numpy())
        assert total.changed == figures["changed"]
        assert total.changed == sum(layer.changed for layer in told.layers.values())
        assert (total.histogram.nan, total.histogram.inf) == (np.isnan(raw).sum(), np.isinf(raw).sum())
        close = {"rel": 1e-4, "abs": 1e-6}
        assert (total.norm, total.clipped_norm) == pytest.approx((figures["norm"], figures["clipped"]), **close)
        assert (total.step_size, total.update_ratio) == pytest.approx((figures["step"], figures["ratio"]), **close)
        assert (total.cosine is None) == (figures["cosine"] is None)
        assert total.cosine is None or total.cosine == pytest.approx(figures["cosine"], **close)


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_lane_that_ends_without_a_finite_loss_has_diverged(loss: float) -> None:
    trainer, _ = trainer_of("none", "sgd", "propagate", Scripted([[0.0] * 6], loss), 1)
    *_, failed = trainer.run(StepByStep(), started=0.0)
    assert trainer.step == 1
    assert isinstance(failed, LaneFailed)
    assert (failed.reason, failed.cause) == ("diverged", f"the loss on all validation data is {loss}")


# From step 4 on nothing of `wild` is finite.
WILD = ["--dataset", "digits", "--optimizer", "sgd", "--learning-rate", "300", "--iterations", "30"]
WILD += ["--lane", "wild=none", "--lane", "tame=norm:0.0001"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("runs")
    assert main(["--no-ui", *WILD, "--runs-dir", str(home)]) == 0
    assert main(["resume", "last", "--no-ui", "--iterations", "40", "--runs-dir", str(home)]) == 0
    return home


def test_a_resumed_lane_that_diverged_does_not_train_again(home: Path) -> None:
    (folder,) = recorded_folders(home, pytest.fail)
    events = read_recording(folder.events).events
    assert [type(event) for event in events if isinstance(event, LaneEvent) and event.lane == "wild"][-1] is LaneFailed
    assert sum(isinstance(event, LaneStarted) for event in events) == 3
    assert [(lane.name, lane.ended) for lane in folder.manifest().lanes] == [
        ("wild", "diverged"),
        ("tame", "completed"),
    ]


@pytest.mark.parametrize(
    "command",
    [
        ["runs"],
        ["runs", "--json"],
        ["replay", "last", "--no-ui"],
        ["export", "last", "--csv", "-"],
        ["export", "last", "--json", "-"],
        ["report", "last", "-o", "{}"],
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_every_command_says_that_a_lane_diverged(
    command: list[str], home: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "report.md"
    assert main([part.format(file) for part in command] + ["--runs-dir", str(home)]) == 0
    told = capfdbinary.readouterr()
    assert b"diverged" in told.out + told.err + (file.read_bytes() if file.exists() else b"")


def test_verify_tells_a_divergence_that_does_not_come_again(home: Path) -> None:
    (folder,) = recorded_folders(home, pytest.fail)
    recorded = read_recording(folder.events)
    assert not any(command.lane == "wild" for command in repetition(recorded)[1].commands)
    tame = [event for event in recorded.events if not isinstance(event, LaneFailed)]
    assert compare(recorded, recorded.events).differences == ()
    ((lane, step, _, after),) = compare(recorded, tame).differences
    assert (lane, step, after) == ("wild", 4, "nothing")


def test_a_run_in_which_every_lane_diverged_stays_one(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["--no-ui", "--dataset", "digits", "--learning-rate", "1e30", "--iterations", "5"]
    assert main([*arguments, "--runs-dir", str(tmp_path)]) == 1
    assert main(["resume", "last", "--no-ui", "--iterations", "9", "--runs-dir", str(tmp_path)]) == 1
    assert "checkpoint" not in capfd.readouterr().err
    (folder,) = recorded_folders(tmp_path, pytest.fail)
    assert folder.manifest().state == "failed"


class AllDiverge:
    """A place where every replica diverges."""

    def run(self, units: Iterator[Unit], stopping: object, tell: object) -> Iterator[Outcome]:
        for unit in units:
            yield [diverged(setting, seed, 3, 300, ((0, math.nan, 0.1),)) for setting, seed in unit.replicas]


def test_a_sweep_in_which_every_training_diverged_has_failed_and_is_written_up(tmp_path: Path) -> None:
    config = sweep_config(RunConfig(settings={"dataset": "digits"}), {"clip": ["none", "sign"]}, 3, ())
    *_, last = Sweep(config, tmp_path, workers=1, backend=AllDiverge()).run()
    assert isinstance(last, SweepFinished)
    assert last.reason == "failed"
    (folder,) = recorded_folders(tmp_path, pytest.fail)
    assert (overview(folder).state, overview(folder).diverged) == ("failed", 6)
    for language in ("en", "zh"):
        assert report_sweep(folder, tmp_path / "r.md", "md", language).is_file()
