"""What a recording says of a watched loop at its start."""

from __future__ import annotations

import platform
import sys
import time
from importlib import metadata
from pathlib import Path

from torch import nn

from ..stream.config import LaneConfig, RunConfig
from ..stream.events import DatasetInfo, RunStarted
from ..stream.experiment_info import ExperimentInfo
from ..stream.limits import MOST
from .parameters import unwrapped


def describe(model: nn.Module, lane: LaneConfig, *, measure_every: int, total_steps: int | None) -> RunStarted:
    """The first event of a watched run, which `lane` begins."""
    name, script = type(unwrapped(model)).__name__, _script()
    device = next((each.device for each in model.parameters()), "cpu")
    return RunStarted(
        config=RunConfig(
            experiment=name,
            iterations=total_steps or MOST,
            eval_every=measure_every,
            diagnose_every=1,
            lanes=(lane,),
            device=str(device),
        ),
        dataset=DatasetInfo(name=name, origin=script or "", training=None, validation=0, checksum=""),
        device=str(device),
        versions={"clipwatch": _version("clipwatch"), "python": platform.python_version(), "torch": _version("torch")},
        time=time.time(),
        experiment=ExperimentInfo(name=name, own_optimizer=True, file=script),
        watched=True,
    )


def _script() -> str | None:
    """The path of the program that trains, None if it is typed in or a notebook."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return str(Path(file).absolute()) if file else None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
