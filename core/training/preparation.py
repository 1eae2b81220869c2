"""Prepares a run with torch: data as tensors, lanes that start alike, and the settings of a lane's thread."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..data.datasets import Dataset, Split
from ..errors import BadInput, ClipwatchError
from ..stream.config import RunConfig

try:
    import torch
    from torch import Tensor
except (ImportError, OSError) as error:
    raise ClipwatchError(
        f"torch cannot be imported ({error}); reinstall it: pip install --force-reinstall torch torchvision"
    ) from error

from ..diagnostics.clip_effect import ClipEffect
from ..diagnostics.dead_outputs import DeadUnits
from ..diagnostics.lane_diagnostics import LaneDiagnostics
from ..diagnostics.lane_distance import LaneDistance
from ..diagnostics.step_log import StepLog
from ..experiments.batches import Batches, seeded_generator
from ..experiments.lenet import network as lenet
from ..experiments.torchscript import is_compiled
from ..optimizers.optimizer import make_optimizer
from .lane import Lane, LaneData
from .schedule import Schedule
from .training_loop import Trainer


@contextmanager
def lane_thread() -> Iterator[None]:
    """Set up a lane's thread: one torch thread, no autograd."""
    torch.set_num_threads(1)
    with torch.no_grad():
        yield


def prepare_trainers(
    config: RunConfig,
    dataset: Dataset,
    snapshots: Mapping[str, Mapping[str, Any]],
    iterations: Mapping[str, int],
    *,
    checkpoints: bool,
) -> tuple[list[Trainer], str, list[str]]:
    """Prepare the trainers of a run, whose lanes differ only in their rules. Also return the device and notices.

    `snapshots` and `iterations` hold, for some of the lanes, the state to start from and the total number of steps.
    """
    torch.set_num_threads(1)
    device = usable_device(config.device)
    training, validation = tensors(dataset.training, device), tensors(dataset.validation, device)
    weights = lenet.initial_parameters(config.init_std, seeded_generator(config.seed, "weights")).to(device)
    schedule = _schedule(config, checkpoints=checkpoints)
    distance = LaneDistance([lane.name for lane in config.lanes]) if config.diagnostics else None
    trainers = []
    for lane_config in config.lanes:
        model = lenet.LeNet(weights.clone(), config.head)
        optimizer = make_optimizer(config, model.parameters)
        data = LaneData(
            training=Batches(*training, seeded_generator(config.seed, "training batches")),
            validation=Batches(*validation, seeded_generator(config.seed, "validation batches")),
            all_validation=validation,
        )
        diagnostics = _diagnostics(lane_config.name, config, model, distance) if distance else None
        lane = Lane(lane_config.name, lane_config.rule, model, optimizer, data, diagnostics)
        if lane.name in snapshots:
            lane.restore(snapshots[lane.name])
        trainers.append(Trainer(lane, replace(schedule, iterations=iterations.get(lane.name, config.iterations))))
    return trainers, str(device), _notices()


def _schedule(config: RunConfig, *, checkpoints: bool) -> Schedule:
    return Schedule(
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


def _diagnostics(lane: str, config: RunConfig, model: lenet.LeNet, distance: LaneDistance) -> LaneDiagnostics:
    effect, step_log = ClipEffect(model.layout, config.learning_rate), StepLog(config.eval_every, model.parameters)
    return LaneDiagnostics(lane, effect, DeadUnits(model.units), distance, step_log)


def _notices() -> list[str]:
    if is_compiled(lenet.loss_and_gradient):
        return []
    return ["this torch cannot compile to TorchScript: the numbers are the same, but lanes slow each other down"]


def tensors(split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images and labels on a device."""
    return torch.from_numpy(split.images).to(device), torch.from_numpy(split.labels).to(device)


def require_device(name: str) -> None:
    """Raise BadInput if this device cannot be used; uses no GPU memory, which another process may need."""
    if re.fullmatch(r"cuda(:\d+)?", name) and torch.cuda.is_available():
        number = int(name.partition(":")[2] or 0)
        if number < torch.cuda.device_count():
            return
    usable_device(name)


def usable_device(name: str) -> torch.device:
    """The device of this name; raises BadInput if it cannot be used."""
    try:
        found = torch.device(name)
        torch.zeros(1, device=found).item()
    # torch raises ImportError for a device that its build does not support.
    except (RuntimeError, AssertionError, ImportError) as error:
        why = re.split(r"\. |\n", str(error))[0]
        raise BadInput(f"device {name!r} cannot be used here: {why}; try --device cpu") from error
    return found
