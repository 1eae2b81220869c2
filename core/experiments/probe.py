"""Checks a user's experiment before a run: two steps are trained twice and compared bit for bit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import BadInput
from ..stream.builtin_experiments import ACCURACY
from ..stream.experiment_info import MetricInfo
from .flat_parameters import same_bits
from .module import ModuleWorkload
from .user_code import user_code
from .workload import Evaluation

_SERIES_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_STEPS = 2
# What `series` names itself.
_OTHER_SERIES = {
    ACCURACY.name,
    "loss",
    "train-loss",
    "grad-norm",
    "clipped-norm",
    "clipped",
    "cosine",
    "step-size",
    "update-ratio",
    "sign-cosine",
    "counterfactual-cosine",
    "counterfactual-distance",
    "distance",
    "disagreement",
}


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What a probe found: notices for the user, and the metrics and gauges that the experiment gives."""

    notices: tuple[str, ...] = ()
    metrics: tuple[MetricInfo, ...] = ()
    gauges: tuple[MetricInfo, ...] = ()


def probe(workload: ModuleWorkload, learning_rate: float) -> Probed:
    """Train the first steps of a workload twice, and evaluate it. Raises BadInput if it cannot be trained.

    The workload is used up: a lane needs a new one.
    """
    start, state = workload.parameters.clone(), workload.state
    unused = workload.require_usable_loss()
    results: list[list[Tensor]] = []
    for _ in range(2):
        workload.parameters.copy_(start)
        workload.restore(state)
        results.append(_trained(workload, learning_rate))
    workload.require_views()
    evaluation, gauges = workload.evaluate(0), workload.gauges()
    experiment = workload.experiment
    return Probed(
        notices=tuple(_notices(unused, same=all(map(same_bits, *results)))),
        metrics=_metrics(workload, evaluation),
        gauges=_described(experiment.gauges, gauges, experiment.metrics),
    )


def _trained(workload: ModuleWorkload, learning_rate: float) -> list[Tensor]:
    """Train by gradient descent; return everything that a step has computed."""
    computed: list[Tensor] = []
    for step in range(_STEPS):
        loss = workload.loss_and_gradient(step)
        computed += [torch.tensor(loss), workload.gradient.clone()]
        workload.parameters.add_(workload.gradient, alpha=-learning_rate)
    return [*computed, *workload.state["buffers"].values()]


def _notices(unused: Sequence[str], *, same: bool) -> Iterable[str]:
    if unused:
        yield f"the loss does not depend on {_listed(unused)}: their gradient is 0"
    if not same:
        yield (
            "two trials of the same steps gave different numbers: some operation of this model is not deterministic on "
            "this device, so lanes may differ without clipping, and a resumed run from an uninterrupted one"
        )


def _listed(names: Sequence[str], most: int = 3) -> str:
    rest = f" and {len(names) - most} more parameters" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _metrics(workload: ModuleWorkload, evaluation: Evaluation) -> tuple[MetricInfo, ...]:
    """The metrics of an evaluation: accuracy if it is counted, then as the experiment orders them."""
    experiment = workload.experiment
    counted = () if evaluation.correct is None else (ACCURACY,)
    names = [metric.name for metric in experiment.metrics if metric.name in evaluation.metrics]
    names += [name for name in evaluation.metrics if name not in names]
    return counted + _described(experiment.evaluate, names, experiment.metrics)


def _described(called: object, names: Iterable[str], known: Iterable[MetricInfo]) -> tuple[MetricInfo, ...]:
    descriptions = {metric.name: metric for metric in known}
    with user_code(called):
        for name in names:
            if not _SERIES_NAME.fullmatch(name):
                raise BadInput(f"metric {name!r}: its name must be lower-case words joined by dashes")
            if name in _OTHER_SERIES:
                raise BadInput(f"metric {name!r}: clipwatch has a series of this name; rename it")
    return tuple(descriptions.get(name, MetricInfo(name)) for name in names)
