"""What the engine needs torch for: the data as tensors, the lanes as twins, and the state of a lane's thread."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .config import RunConfig
from .datasets import Dataset, Split
from .errors import BadInput, ClipwatchError

try:
    import torch
    from torch import Tensor
except (ImportError, OSError) as error:
    raise ClipwatchError(
        f"torch cannot be imported ({error}); reinstall it: pip install --force-reinstall torch torchvision"
    ) from error

from . import lenet, unlocked
from .batches import Batches, seeded_generator
from .comparison import Comparison
from .diagnosis import Diagnosis
from .diagnostics import ClipEffect
from .firing import Firing
from .lane import Lane
from .optimizers import make_optimizer
from .schedule import Schedule
from .trainer import Data, Trainer


@contextmanager
def lane_thread() -> Iterator[None]:
    """The state every lane's thread trains in: one torch thread, no autograd."""
    torch.set_num_threads(1)
    with torch.no_grad():
        yield


def prepare_lanes(
    config: RunConfig,
    dataset: Dataset,
    snapshots: Mapping[str, Mapping[str, Any]],
    iterations: Mapping[str, int],
    *,
    checkpoints: bool,
) -> tuple[list[Lane], str, list[str]]:
    """The lanes of a run, alike but for their rules; the device they are on; and what the user should be told.

    A lane that `snapshots` names stands where its snapshot was taken; one that `iterations` names does so many steps.
    """
    torch.set_num_threads(1)
    place = device(config.device)
    training, validation = tensors(dataset.training, place), tensors(dataset.validation, place)
    weights = lenet.initial_parameters(config.init_std, seeded_generator(config.seed, "weights")).to(place)
    schedule = Schedule(
        iterations=config.iterations,
        batch_size=config.batch_size,
        eval_every=config.eval_every,
        eval_size=config.eval_size,
        diagnose_every=config.diagnose_every,
        pace=config.pace,
        reset_moments=config.reset_moments,
        nonfinite=config.nonfinite,
        checkpoint_every=config.checkpoint_every if checkpoints else None,
    )
    comparison = Comparison([lane.name for lane in config.lanes]) if config.diagnostics else None
    lanes = []
    for lane in config.lanes:
        model = lenet.LeNet(weights.clone(), config.head)
        optimizer = make_optimizer(config, model.parameters)
        data = Data(
            training=Batches(*training, seeded_generator(config.seed, "training batches")),
            validation=Batches(*validation, seeded_generator(config.seed, "validation batches")),
            all_validation=validation,
        )
        effect = ClipEffect(lenet.LAYOUT, config.learning_rate)
        diagnosis = Diagnosis(lane.name, effect, Firing(model.units), comparison) if comparison else None
        trainer = Trainer(lane.name, lane.rule, model, optimizer, data, schedule, diagnosis)
        if lane.name in snapshots:
            trainer.restore(snapshots[lane.name])
        lanes.append(Lane(trainer, replace(schedule, iterations=iterations.get(lane.name, config.iterations))))
    return lanes, str(place), _notices()


def _notices() -> list[str]:
    if unlocked.is_unlocked(lenet.loss_and_gradient):
        return []
    return ["this torch cannot compile to TorchScript: the lanes give the same numbers but wait for each other more"]


def tensors(split: Split, place: torch.device) -> tuple[Tensor, Tensor]:
    """Images and labels on a device."""
    return torch.from_numpy(split.images).to(place), torch.from_numpy(split.labels).to(place)


def require_device(name: str) -> None:
    """BadInput if this device cannot be used; takes none of a GPU's memory, which may be for another process."""
    if re.fullmatch(r"cuda(:\d+)?", name) and torch.cuda.is_available():
        number = int(name.partition(":")[2] or 0)
        if number < torch.cuda.device_count():
            return
    device(name)


def device(name: str) -> torch.device:
    """The device of this name; BadInput if it cannot be used."""
    try:
        found = torch.device(name)
        torch.zeros(1, device=found).item()
    # A device whose code is no part of this torch is an import that fails.
    except (RuntimeError, AssertionError, ImportError) as error:
        why = re.split(r"\. |\n", str(error))[0]
        raise BadInput(f"device {name!r} cannot be used here: {why}; try --device cpu") from error
    return found
