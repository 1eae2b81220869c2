"""Prepares lanes that train in threads of the engine's process: reads the data and imports torch at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..data.datasets import Dataset
from ..data.run_dataset import check_sizes, read_dataset
from ..stream.config import RunConfig
from ..stream.events import Event
from ..training.lane_messages import Prepared
from .concurrent_stages import ConcurrentStages
from .resumption import Resumption
from .torch_import import TorchImport

if TYPE_CHECKING:
    from ..training.training_loop import Trainer


def prepare_threads(
    config: RunConfig,
    resumption: Resumption,
    *,
    checkpoints: bool,
    load: Callable[..., Dataset],
    stopping: threading.Event,
    report: Callable[[Event], None],
) -> tuple[Prepared, list[Trainer]]:
    """The prepared run and the trainers of its lanes. Raises BadInput or ClipwatchError if it cannot be prepared."""
    dataset = _read_data_and_import_torch(config, load, stopping, report)
    from ..experiments.preparation import prepare
    from ..training.preparation import described, prepare_trainers, usable_device

    device = usable_device(config.device)
    experiment = prepare(config, dataset, device)
    check_sizes(config, experiment.dataset)
    trainers = prepare_trainers(
        config, experiment, resumption.snapshots, resumption.iterations, checkpoints=checkpoints
    )
    return described(config, experiment, device), trainers


def _read_data_and_import_torch(
    config: RunConfig, load: Callable[..., Dataset], stopping: threading.Event, report: Callable[[Event], None]
) -> Dataset | None:
    """Do both at the same time. Return None if the experiment has no data set."""
    name = config.settings.get("dataset")
    reading = "" if name is None else f"reading {'data' if name == 'auto' else name}"
    stages = ConcurrentStages(report, reading)
    torch_import = TorchImport(stages.end_loading)
    try:
        # Batches are checked before torch is imported, so that a mistake shows at once.
        dataset = read_dataset(config, stages.report, stopping.is_set, load=load)
    except BaseException:
        torch_import.cancel()
        raise
    stages.end_reading()
    torch_import.wait()
    return dataset
