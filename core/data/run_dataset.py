"""Reads the images of a run whose experiment has a setting for its data set, and checks that batches fit."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ..errors import BadInput
from ..stream.builtin_experiments import BUILT_IN
from ..stream.config import RunConfig
from ..stream.events import AnyEvent, DatasetInfo
from .datasets import Dataset, load

# The number of validation examples that a built-in experiment generates.
GENERATED_VALIDATION = 1000


def read_dataset(
    config: RunConfig,
    report: Callable[[AnyEvent], None],
    cancelled: Callable[[], bool] = lambda: False,
    *,
    offline: bool | None = None,
    load: Callable[..., Dataset] = load,
) -> Dataset | None:
    """Read the data set of a run, see `load`; None if its experiment has none. `offline` replaces that of the run."""
    name = config.settings.get("dataset")
    if config.experiment not in BUILT_IN or name is None:
        return None
    offline = config.offline if offline is None else offline
    dataset = load(str(name), data_dir=config.data_dir, offline=offline, report=report, cancelled=cancelled)
    check_sizes(config, dataset.info)
    return dataset


def generated_data(config: RunConfig) -> DatasetInfo:
    """The data of a built-in experiment that generates its own."""
    definition = f"{config.experiment} {sorted(config.settings.items())}"
    return DatasetInfo(
        name=config.experiment,
        origin="generated from the seed",
        training=None,
        validation=GENERATED_VALIDATION,
        checksum=hashlib.sha256(definition.encode()).hexdigest(),
    )


def check_sizes(config: RunConfig, dataset: DatasetInfo) -> None:
    """Raise BadInput if a batch is larger than the data of a built-in experiment. A user's checks its own."""
    if config.experiment not in BUILT_IN:
        return
    for name, size, count in (
        ("batch-size", config.batch_size, dataset.training),
        ("eval-size", config.eval_size, dataset.validation),
    ):
        if count is not None and size > count:
            raise BadInput(f"{name} {size}: {dataset.name} has only {count:,} {examples(config)}")


def examples(config: RunConfig) -> str:
    """What the data of a run consist of: images, sequences."""
    experiment = BUILT_IN.get(config.experiment)
    return experiment.info.examples if experiment else "examples"
