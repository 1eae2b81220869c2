"""Prepares a run with torch: the trainers of its lanes, and the settings of a lane's thread."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import BadInput, ClipwatchError
from ..stream.builtin_experiments import BUILT_IN
from ..stream.config import LaneConfig, RunConfig
from ..stream.experiment_names import is_file, split_name

try:
    import torch
except (ImportError, OSError) as error:
    raise ClipwatchError(
        f"torch cannot be imported ({error}); reinstall it: pip install --force-reinstall torch torchvision"
    ) from error

from ..diagnostics.clip_effect import ClipEffect
from ..diagnostics.lane_diagnostics import LaneDiagnostics
from ..diagnostics.lane_distance import Distance, LaneDistance
from ..diagnostics.step_log import StepLog
from ..experiments.preparation import PreparedExperiment
from ..experiments.workload import Workload
from ..optimizers.torch_optimizer import make_lane_optimizer, needs_counterfactual
from .forked_lane import ForkedLane
from .lane import Lane
from .lane_messages import Prepared
from .schedule import Schedule
from .training_loop import Trainer


@contextmanager
def lane_thread() -> Iterator[None]:
    """Set up a lane's thread: one torch thread, no autograd."""
    torch.set_num_threads(1)
    with torch.no_grad():
        yield


def described(config: RunConfig, experiment: PreparedExperiment, device: torch.device) -> Prepared:
    """What the run says of itself before its lanes start."""
    return Prepared(
        experiment=experiment.info,
        settings=dict(experiment.settings or config.settings),
        dataset=experiment.dataset,
        device=str(device),
        notices=tuple(experiment.notices),
    )


def make_distance(config: RunConfig) -> LaneDistance:
    """What compares the lanes of a run that all train in this process. Forks are added to it."""
    return LaneDistance([lane.name for lane in config.lanes])


def prepare_trainers(
    config: RunConfig,
    experiment: PreparedExperiment,
    snapshots: Mapping[str, Mapping[str, Any]],
    iterations: Mapping[str, int],
    *,
    checkpoints: bool,
    distance: Distance | None = None,
    forks: Mapping[str, ForkedLane] = {},
) -> list[Trainer]:
    """Prepare the trainers of a run, whose lanes differ in their rules and in what settings they have of their own.

    `snapshots` and `iterations` hold, for some of the lanes, the state to start from and the total number of steps.
    `distance` compares the lanes if they are not all in this process. `forks` are those of the lanes that are forked.
    """
    distance = distance or make_distance(config)
    schedule = _schedule(config, checkpoints=checkpoints)
    return [
        prepare_trainer(
            config,
            lane,
            experiment.make_workload(),
            distance,
            replace(schedule, iterations=iterations.get(lane.name, config.iterations)),
            snapshots.get(lane.name),
            forks.get(lane.name),
        )
        for lane in config.lanes
    ]


def prepare_trainer(
    config: RunConfig,
    lane_config: LaneConfig,
    workload: Workload,
    distance: Distance,
    schedule: Schedule,
    snapshot: Mapping[str, Any] | None,
    forked: ForkedLane | None = None,
) -> Trainer:
    """Prepare the trainer of one lane, from the state in `snapshot` if there is one, or `forked` from another lane."""
    optimizer = make_lane_optimizer(config, lane_config, workload)
    diagnostics = _diagnostics(lane_config.name, config, workload, distance) if config.diagnostics else None
    lane = Lane(lane_config.name, lane_config.rule, workload, optimizer, diagnostics)
    if forked:
        _restore(lane, forked.decoded, config.experiment)
        lane.fork(forked.event.rule, forked.event.learning_rate, reset_moments=config.reset_moments)
        schedule = replace(schedule, pace=forked.pace)
    elif snapshot is not None:
        _restore(lane, snapshot, config.experiment)
    return Trainer(lane, schedule, forked)


def _restore(lane: Lane, snapshot: Mapping[str, Any], experiment: str) -> None:
    """Restore a lane. Raises BadInput if the user's code has another model or optimizer than was recorded."""
    try:
        lane.restore(snapshot)
    except Exception as error:
        if experiment in BUILT_IN or isinstance(error, ClipwatchError | torch.OutOfMemoryError):
            raise
        where, _ = split_name(experiment)
        file = Path(where).name if is_file(where) else where
        raise BadInput(
            f"lane {lane.name}: the recorded state does not fit the model or optimizer of {file};"
            " it needs the code that it was recorded with"
        ) from error


def _schedule(config: RunConfig, *, checkpoints: bool) -> Schedule:
    return Schedule(
        iterations=config.iterations,
        eval_every=config.eval_every,
        diagnose_every=config.diagnose_every,
        pace=config.pace,
        reset_moments=config.reset_moments,
        nonfinite=config.nonfinite,
        checkpoint_every=config.checkpoint_every if checkpoints else None,
    )


def _diagnostics(lane: str, config: RunConfig, workload: Workload, distance: Distance) -> LaneDiagnostics:
    effect = ClipEffect(workload.layout, counterfactual=needs_counterfactual(workload))
    return LaneDiagnostics(lane, effect, workload.gauge, distance, StepLog(config.eval_every, workload.parameters))


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
