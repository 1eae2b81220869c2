"""Prepares an experiment for a run: what its lanes share, and a workload for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec
import torch
from torch import Tensor

from ..data.datasets import Dataset, Split
from ..data.run_dataset import generated_data
from ..errors import BadInput
from ..stream.builtin_experiments import BUILT_IN, LENET, TEMPORAL_ORDER
from ..stream.config import OF_OPTIMIZER, RunConfig, from_options
from ..stream.events import DatasetInfo
from ..stream.experiment_info import ExperimentInfo, Value
from .batches import seeded_generator
from .torchscript import is_compiled
from .workload import Workload


@dataclass(frozen=True, kw_only=True)
class PreparedExperiment:
    """An experiment on a device. `make_workload` makes the workload of one lane; all of them start alike."""

    dataset: DatasetInfo
    make_workload: Callable[[], Workload]
    info: ExperimentInfo = LENET.info
    notices: Sequence[str] = ()
    # All settings of a user's experiment, in their types.
    settings: Mapping[str, Value] = field(default_factory=dict)


def prepare(
    config: RunConfig, dataset: Dataset | None, device: torch.device, *, try_out: bool = True
) -> PreparedExperiment:
    """Prepare the run's experiment. `dataset` are the images of an experiment that has a setting for them.

    A user's experiment is imported and run here, and tried out unless another process did it; raises BadInput for a
    mistake in it.
    """
    if config.experiment not in BUILT_IN:
        return _user_experiment(config, device, try_out)
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
        dataset=generated_data(config),
        make_workload=make_workload,
        info=TEMPORAL_ORDER.info,
        notices=_notices(is_compiled(loss_and_gradient)),
    )


def _user_experiment(config: RunConfig, device: torch.device, try_out: bool) -> PreparedExperiment:
    from .module import ModuleWorkload, make_sources
    from .probe import Probed, probe
    from .user_file import experiment_info, load_experiment
    from .user_settings import setting_infos

    experiment = load_experiment(config.experiment, config.settings)
    info = experiment_info(type(experiment))
    sources = make_sources(experiment, config.seed, device)
    if config.batch_size > len(sources.training):
        raise BadInput(f"batch-size {config.batch_size}: there are only {len(sources.training):,} training examples")

    def make_workload() -> ModuleWorkload:
        return ModuleWorkload(
            experiment,
            sources,
            seed=config.seed,
            batch_size=config.batch_size,
            eval_size=config.eval_size,
            layers=config.layers,
            device=device,
        )

    # The probe uses its workload up, since a module may count its calls.
    tried = make_workload()
    initial = tried.parameters.clone()
    found = probe(tried, config.learning_rate) if try_out else Probed()

    def make_same_workload() -> ModuleWorkload:
        workload = make_workload()
        workload.require_parameters(initial)
        return workload

    return PreparedExperiment(
        dataset=DatasetInfo(
            name=info.name,
            origin=str(info.file),
            training=len(sources.training),
            validation=len(sources.validation),
            checksum=sources.checksum(experiment, config.seed),
        ),
        make_workload=make_same_workload,
        info=msgspec.structs.replace(info, metrics=found.metrics, gauges=found.gauges),
        notices=(*found.notices, *_optimizer_notices(config, info)),
        settings={each.name: getattr(experiment, each.name) for each in setting_infos(type(experiment))},
    )


def _optimizer_notices(config: RunConfig, experiment: ExperimentInfo) -> Iterator[str]:
    """A notice if the run's optimizer was changed, for an experiment that makes its own."""
    default = from_options({"experiment": config.experiment})
    changed = [name for name in OF_OPTIMIZER if getattr(config, name) != getattr(default, name)]
    if changed and experiment.own_optimizer:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in changed)
        yield f"{experiment.name} makes its own optimizer, which ignores {options} (unless make_optimizer returns None)"


def _notices(compiled: bool) -> list[str]:
    slow = "this torch cannot compile to TorchScript: the numbers are the same, but lanes slow each other down"
    return [] if compiled else [slow]


def tensors(split: Split, device: torch.device) -> tuple[Tensor, Tensor]:
    """Images and labels on a device."""
    return torch.from_numpy(split.images).to(device), torch.from_numpy(split.labels).to(device)
