"""The same seed gives the same bits, wherever it is trained and whatever was trained there before."""

from __future__ import annotations

import itertools
import math
import threading

import msgspec
import pytest
import torch
from torch import Tensor

from clipwatch.core.engine.engine import Engine
from clipwatch.core.experiments.lenet import passes as lenet_passes
from clipwatch.core.experiments.torchscript import compile_function
from clipwatch.core.stream.codec import decode_sweep_event
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import DatasetInfo, LaneFinished
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, Results, SweepStarted, is_on_curve
from clipwatch.core.sweeps import ray_backend as on_ray
from clipwatch.core.sweeps.units import Unit, units
from clipwatch.core.sweeps.workers import LocalBackend, UnitTrainer

BASE = RunConfig(settings={"dataset": "digits"}, iterations=60, nonfinite="zero")
INFO = DatasetInfo(name="digits", origin="embedded", training=1497, validation=300, checksum="0")
RULES = ["autoclip:10", "zclip", "agc:0.01", "none"]
SWEEP = sweep_config(BASE, {"clip": RULES}, 2, ())


def of_replica(found: ReplicaFinished) -> tuple[object, ...]:
    return found.loss, found.correct, found.dead


def single(setting: int, seed: int) -> tuple[object, ...]:
    config = msgspec.structs.replace(SWEEP.settings[setting].config, seed=seed)
    (end,) = (event for event in Engine(config).run() if isinstance(event, LaneFinished))
    return end.loss, end.correct, end.silent_outputs


def test_replicas_that_are_trained_alone_are_the_single_runs_in_any_order_and_worker() -> None:
    every = list(units(SWEEP, set()))
    expected = {(setting, seed): single(setting, seed) for setting, seed in itertools.product(range(4), range(2))}
    trainer = UnitTrainer(BASE)

    def used(order: list[Unit]) -> list[ReplicaFinished]:
        return [found for unit in order for found in trainer.train(unit, lambda: False)]

    def fresh(order: list[Unit]) -> list[ReplicaFinished]:
        outcomes = LocalBackend(BASE, 1).run(iter(order), lambda: False, lambda text: None)
        return [found for outcome in outcomes for found in outcome]

    def ray(order: list[Unit]) -> list[ReplicaFinished]:
        return [found for unit in order for found in on_ray._train(BASE, unit, "")]

    for train, order in ((used, every), (used, every[::-1]), (fresh, every[::-1]), (ray, every)):
        assert {found.key: of_replica(found) for found in train(order)} == expected


def products(left: Tensor, right: Tensor) -> Tensor:
    """TorchScript's optimizer makes one product of these, which rounds otherwise."""
    first, second = torch.mm(left, right) + torch.mm(right, left), torch.mm(left, left) + torch.mm(right, right)
    return first + second + torch.mm(left + right, left) + torch.mm(right, right - left)


def test_compiled_functions_run_without_torchscripts_optimizer_in_every_thread() -> None:
    compiled, seen = compile_function(products), list[object]()
    left, right = torch.randn(2, 100, 100, generator=torch.Generator().manual_seed(0))

    def call() -> None:
        with torch.jit.optimized_execution(True):
            for _ in range(4):
                seen.append(torch.equal(compiled(left, right), products(left, right)))

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert seen == [True] * 4


def test_an_output_of_nan_is_not_dead_in_a_run_nor_in_a_sweep() -> None:
    layers = [torch.ones(1, 1, 1, 1), torch.ones(1, 1, 1, 1), torch.ones(1, 1), torch.ones(1, 1)]
    logits = torch.tensor([[0.0, math.nan, 1.0], [0.0, 0.0, 0.0]])
    assert lenet_passes.active_units([*layers, logits], True)[-3:].tolist() == [False, True, True]


@pytest.mark.parametrize("nonfinite", ["propagate", "skip"], ids=["stacked", "alone"])
def test_a_replica_with_finite_weights_and_no_finite_loss_has_diverged(nonfinite: str) -> None:
    base = msgspec.structs.replace(BASE, iterations=1, learning_rate=1e30, nonfinite=nonfinite)
    sweep = sweep_config(base, {"clip": ["none"]}, 1, ())
    (unit,) = units(sweep, set())
    (found,) = UnitTrainer(base).train(unit, lambda: False)
    assert isinstance(found, ReplicaFinished)
    assert (found.reason, found.step, found.loss, found.correct, found.dead) == ("diverged", 1, None, None, ())
    results = Results(started=SweepStarted(config=sweep, dataset=INFO, versions={}, time=0.0))
    assert msgspec.structs.replace(results, replicas={found.key: found}).all_diverged


def test_an_older_clipwatchs_completed_replica_without_a_finite_loss_counts_as_diverged() -> None:
    line = (
        b'{"v":1,"event":"ReplicaFinished","setting":0,"seed":1,"step":9,"reason":"completed","loss":"NaN",'
        b'"correct":3,"total":30,"dead":[],"curve":[[0,"NaN",0.1]]}'
    )
    found = decode_sweep_event(line)
    assert isinstance(found, ReplicaFinished)
    assert found.figures is None


def test_a_curve_has_twenty_points_however_a_replica_is_trained() -> None:
    config = msgspec.structs.replace(BASE, iterations=1000, eval_every=1)
    assert sum(is_on_curve(step, config) for step in range(1000)) == 20
