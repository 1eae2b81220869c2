"""Replicas that cannot be stacked, trained one at a time by the engine, as `clipwatch --no-ui` would."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import torch
from torch import Tensor

from ..checkpoint import Kept
from ..commands import Stop
from ..datasets import Dataset
from ..engine import Engine
from ..errors import Cancelled, ClipwatchError
from ..events import Evaluated, LaneFailed, LaneFinished
from ..lenet import LeNet
from .results import Curve, ReplicaFinished
from .units import Unit

_CHUNK = 100


def train_alone(
    unit: Unit, dataset: Dataset, validation: tuple[Tensor, Tensor], cancelled: Callable[[], bool]
) -> list[ReplicaFinished]:
    """Train the one replica of a unit; Cancelled as soon as `cancelled()`."""
    ((setting, seed),) = unit.replicas
    config = msgspec.structs.replace(unit.settings[0].config, seed=seed)
    kept: list[Kept] = []
    engine = Engine(config, load=lambda *_given, **_options: dataset, keep=kept.append)
    curve: list[Curve] = []
    found: dict[str, object] | None = None
    for event in engine.run():
        if cancelled():
            engine.send(Stop())
        match event:
            case Evaluated(step=step, loss=loss, accuracy=accuracy):
                curve.append((step, loss, accuracy))
            case LaneFinished(reason="completed"):
                dead = _dead(kept[-1].snapshot["parameters"], config.head, validation[0])
                found = {"reason": "completed", "loss": event.loss, "correct": event.correct, "dead": dead}
                found["step"] = event.step
            case LaneFailed(reason="diverged"):
                found = {"reason": "diverged", "loss": None, "correct": None, "dead": (), "step": event.step}
            case LaneFailed(cause=cause):
                raise ClipwatchError(f"{unit.settings[0].name}, seed {seed}: {cause}")
            case _:
                pass
    if found is None:
        raise Cancelled("the sweep was stopped")
    given = {"setting": setting, "seed": seed, "total": len(validation[1]), "curve": tuple(curve)}
    return [ReplicaFinished(**given, **found)]  # pyright: ignore[reportArgumentType]


def _dead(parameters: Tensor, head: str, images: Tensor) -> tuple[int, ...]:
    if head == "linear":
        return ()
    with torch.no_grad():
        model = LeNet(parameters, "relu")
        largest = torch.stack([model.logits(chunk).amax(0) for chunk in images.split(_CHUNK)]).amax(0)
    return tuple(kind for kind, output in enumerate(largest.tolist()) if output <= 0)
