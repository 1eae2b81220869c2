"""Checks a user's experiment before a run: two steps are trained twice and compared bit for bit."""

from __future__ import annotations

import io
import pickle
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..errors import BadInput
from ..experiments.module import ModuleWorkload
from ..experiments.user_code import function_place
from ..experiments.workload import Evaluation
from ..optimizers.optimizer import Optimizer
from ..stream.experiment_info import MetricInfo

_SERIES_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_STEPS = 2


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a check found: notices for the user, and the metrics and gauges that the experiment gives."""

    notices: list[str]
    metrics: tuple[MetricInfo, ...]
    gauges: tuple[MetricInfo, ...]


def check(workload: ModuleWorkload, optimizer: Optimizer) -> Checked:
    """Check that an experiment can be trained. Raises BadInput. Afterwards workload and optimizer are as before."""
    start = workload.parameters.clone(), workload.state, optimizer.state
    _require_gradient(workload)
    workload.restore(start[1])
    first, evaluation = _trained(workload, optimizer)
    workload.require_views()
    _require_loadable(optimizer.state)
    _reset(workload, optimizer, *start)
    second, _ = _trained(workload, optimizer)
    _reset(workload, optimizer, *start)
    workload.gradient.zero_()
    known = workload.experiment.metrics
    return Checked(
        notices=_notices(workload, same=all(map(torch.equal, first, second))),
        metrics=_described(evaluation.values, known, "evaluate gives the metric"),
        gauges=_described(workload.gauges(), known, "gauges gives"),
    )
