"""Trains a replica that cannot be stacked, with the engine, as `clipwatch --no-ui` does."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from ..data.datasets import Dataset
from ..engine.engine import Engine
from ..errors import Cancelled, ClipwatchError
from ..stream.commands import Stop
from ..stream.events import Evaluated, LaneFailed, LaneFinished
from ..stream.sweep_events import Curve, ReplicaFinished, diverged, is_on_curve
from .units import Unit


def train_alone(unit: Unit, dataset: Dataset, cancelled: Callable[[], bool]) -> ReplicaFinished:
    """Train the only replica of a unit. Raises Cancelled soon after `cancelled()` returns true."""
    ((setting, seed),) = unit.replicas
    config = msgspec.structs.replace(unit.settings[0].config, seed=seed)
    engine = Engine(config, load=lambda *_given, **_options: dataset)
    curve: list[Curve] = []
    end: LaneFinished | LaneFailed | None = None
    for event in engine.run():
        if cancelled():
            engine.send(Stop())
        match event:
            case Evaluated(step=step, loss=loss, accuracy=accuracy):
                if is_on_curve(step, config) and math.isfinite(loss):
                    curve.append((step, loss, accuracy))
            case LaneFinished(reason="completed") | LaneFailed():
                end = event
            case _:
                pass
    match end:
        case None:
            raise Cancelled("the sweep was stopped")
        case LaneFailed(reason="diverged", step=step):
            return diverged(setting, seed, step, dataset.info.validation, tuple(curve))
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
            )
