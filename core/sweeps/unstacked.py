"""Trains a replica that cannot be stacked, with the engine, as `clipwatch --no-ui` does, but always in this process."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import msgspec

from ..data.datasets import Dataset
from ..engine.engine import Engine
from ..errors import Cancelled, ClipwatchError
from ..stream.commands import Stop
from ..stream.events import Evaluated, LaneFailed, LaneFinished, RunStarted
from ..stream.experiment_info import MetricInfo
from ..stream.series import evaluated_values
from ..stream.sweep_events import Curve, ReplicaFinished, diverged, is_on_curve
from .units import Unit


def train_alone(unit: Unit, dataset: Dataset | None, cancelled: Callable[[], bool]) -> ReplicaFinished:
    """Train the only replica of a unit. Raises Cancelled soon after `cancelled()` returns true."""
    ((setting, seed),) = unit.replicas
    config = msgspec.structs.replace(unit.settings[0].config, seed=seed)
    engine = Engine(config, load=lambda *_given, **_options: cast(Dataset, dataset), in_threads=True)
    curve: list[Curve] = []
    end: LaneFinished | LaneFailed | None = None
    metrics: tuple[MetricInfo, ...] = ()
    validation = 0
    for event in engine.run():
        if cancelled():
            engine.send(Stop())
        match event:
            case RunStarted(experiment=experiment, dataset=info):
                metrics, validation = experiment.metrics, info.validation
            case Evaluated(step=step, loss=loss):
                if is_on_curve(step, config) and math.isfinite(loss):
                    curve.append((step, loss, _first(metrics, event)))
            case LaneFinished(reason="completed") | LaneFailed():
                end = event
            case _:
                pass
    match end:
        case None:
            raise Cancelled("the sweep was stopped")
        case LaneFailed(reason="diverged", step=step):
            return diverged(setting, seed, step, validation, tuple(curve))
        case LaneFailed(cause=cause):
            raise ClipwatchError(f"{unit.settings[0].name}, seed {seed}: {cause}")
        case LaneFinished():
            return ReplicaFinished(
                setting=setting,
                seed=seed,
                step=end.step,
                reason="completed",
                loss=end.loss,
                correct=end.correct,
                total=end.total,
                dead=end.silent_outputs or (),
                curve=tuple(curve),
                metrics=end.metrics,
            )


def _first(metrics: tuple[MetricInfo, ...], event: Evaluated) -> float | None:
    """The value of the experiment's first metric."""
    return evaluated_values(event).get(metrics[0].name) if metrics else None
