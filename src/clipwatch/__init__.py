"""clipwatch shows what gradient clipping does to a network in training.

The names below are the public ones. Each is imported when it is first used: `import clipwatch` loads neither torch nor
the screen. `events` and `commands` are modules, as in `events.Evaluated` and `commands.SetClip`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.engine.engine import Engine
    from .core.experiments.digit_tensors import digits
    from .core.experiments.experiment import Data, Experiment
    from .core.experiments.lenet.torch_module import LeNetModule
    from .core.experiments.temporal_order.torch_module import ElmanModule
    from .core.experiments.workload import Evaluation
    from .core.notebooks.opened_run import open_run
    from .core.stream import commands, events
    from .core.stream.config import LaneConfig, RunConfig
    from .core.stream.experiment_info import MetricInfo as Metric
    from .core.watch.watch import Watch, watch

    __version__: str

_PLACES = {
    "Data": "core.experiments.experiment:Data",
    "ElmanModule": "core.experiments.temporal_order.torch_module:ElmanModule",
    "Engine": "core.engine.engine:Engine",
    "Evaluation": "core.experiments.workload:Evaluation",
    "Experiment": "core.experiments.experiment:Experiment",
    "LaneConfig": "core.stream.config:LaneConfig",
    "LeNetModule": "core.experiments.lenet.torch_module:LeNetModule",
    "Metric": "core.stream.experiment_info:MetricInfo",
    "RunConfig": "core.stream.config:RunConfig",
    "Watch": "core.watch.watch:Watch",
    "commands": "core.stream.commands",
    "digits": "core.experiments.digit_tensors:digits",
    "events": "core.stream.events",
    "open_run": "core.notebooks.opened_run:open_run",
    "watch": "core.watch.watch:watch",
}

__all__ = [
    "Data",
    "ElmanModule",
    "Engine",
    "Evaluation",
    "Experiment",
    "LaneConfig",
    "LeNetModule",
    "Metric",
    "RunConfig",
    "Watch",
    "__version__",
    "commands",
    "digits",
    "events",
    "open_run",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("clipwatch")
    if name not in _PLACES:
        raise AttributeError(f"module 'clipwatch' has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    found = import_module(f"clipwatch.{module}")
    return getattr(found, attribute) if attribute else found
