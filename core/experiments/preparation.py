"""Prepares a built-in experiment for a run: what its lanes share, and a workload for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from ..data.datasets import Dataset, Split
from ..data.run_dataset import generated_data
from ..stream.config import RunConfig
from ..stream.events import DatasetInfo
from .batches import seeded_generator
from .torchscript import is_compiled
from .workload import Workload


@dataclass(frozen=True, kw_only=True)
class PreparedExperiment:
    """An experiment on a device. `make_workload` makes the workload of one lane; all of them start alike."""

    dataset: DatasetInfo
    make_workload: Callable[[], Workload]
    notices: Sequence[str] = ()


def prepare(config: RunConfig, dataset: Dataset | None, device: torch.device) -> PreparedExperiment:
    """Prepare the run's experiment. `dataset` are the images of an experiment that has a setting for them."""
    if dataset is not None:
        return _lenet(config, dataset, device)
    return _temporal_order(config, device)


def _lenet(config: RunConfig, dataset: Dataset, device: torch.device) -> PreparedExperiment:
    from .lenet.network import Head, LeNet, initial_parameters, loss_and_gradient
    from .lenet.workload import LeNetWorkload

    training, validation = tensors(dataset.training, device), tensors(dataset.validation, device)
    std, head = float(config.settings["init_std"]), cast(Head, config.settings["head"])
    weights = initial_parameters(std, seeded_generator(config.seed, "weights")).to(device)

    def make_workload() -> LeNetWorkload:
        return LeNetWorkload(
            LeNet(weights.clone(), head),
            training,
            validation,
            seed=config.seed,
            batch_size=config.batch_size,
            eval_size=config.eval_size,
        )

    return PreparedExperiment(
        dataset=dataset.info, make_workload=make_workload, notices=_notices(is_compiled(loss_and_gradient))
    )


def _temporal_order(config: RunConfig, device: torch.device) -> PreparedExperiment:
    from .temporal_order.network import ElmanNetwork, initial_parameters, loss_and_gradient
    from .temporal_order.workload import TemporalOrder

    settings = config.settings
    units, generator = int(settings["units"]), seeded_generator(config.seed, "weights")
    weights = initial_parameters(
        units, float(settings["init_std"]), orthogonal=settings["init"] == "orthogonal", generator=generator
    ).to(device)

    def make_workload() -> TemporalOrder:
        return TemporalOrder(
            ElmanNetwork(weights.clone(), units),
            length=int(settings["length"]),
            seed=config.seed,
            batch_size=config.batch_size,
            eval_size=config.eval_size,
        )

    return PreparedExperiment(
        dataset=generated_data(config), make_workload=make_workload, notices=_notices(is_compiled(loss_and_gradient))
    )


def _notices(compiled: bool) -> list[str]:
    slow = "this torch cannot compile to TorchScript: the numbers are the same, but lanes slow each other down"
    return [] if compiled else [slow]


def tensors(split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images and labels on a device."""
    return torch.from_numpy(split.images).to(device), torch.from_numpy(split.labels).to(device)
