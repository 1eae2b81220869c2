"""Prepares lanes that train in threads of the engine's process: reads the data and imports torch at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ..data.datasets import Dataset
from ..errors import BadInput
from ..stream.config import RunConfig
from ..stream.events import Event
from ..training.lane_messages import Prepared
from .concurrent_stages import ConcurrentStages
from .torch_import import TorchImport

if TYPE_CHECKING:
    from ..training.training_loop import Trainer


def prepare_threads(
    config: RunConfig,
    load: Callable[..., Dataset],
    snapshots: Mapping[str, Mapping[str, Any]],
    iterations: Mapping[str, int],
    *,
    checkpoints: bool,
    stopping: threading.Event,
    report: Callable[[Event], None],
) -> tuple[Prepared, list[Trainer], Callable[[], AbstractContextManager[None]]]:
    """The prepared run, the trainers of its lanes, and the context for their threads.

    Raises BadInput or ClipwatchError if the run cannot be prepared.
    """
    dataset = _read_data_and_import_torch(config, load, stopping, report)
    from ..training.preparation import lane_thread, prepare_trainers

    trainers, device, notices = prepare_trainers(config, dataset, snapshots, iterations, checkpoints=checkpoints)
    return Prepared(dataset=dataset.info, device=device, notices=tuple(notices)), trainers, lane_thread


def _read_data_and_import_torch(
    config: RunConfig, load: Callable[..., Dataset], stopping: threading.Event, report: Callable[[Event], None]
) -> Dataset:
    """Do both at the same time."""
    stages = ConcurrentStages(report, f"reading {'data' if config.dataset == 'auto' else config.dataset}")
    torch_import = TorchImport(stages.end_loading)
    try:
        dataset = load(
            config.dataset,
            data_dir=config.data_dir,
            offline=config.offline,
            report=stages.report,
            cancelled=stopping.is_set,
        )
        _check_sizes(config, dataset)
    except BaseException:
        torch_import.cancel()
        raise
    stages.end_reading()
    torch_import.wait()
    return dataset


def _check_sizes(config: RunConfig, dataset: Dataset) -> None:
    for name, size, images in (
        ("batch-size", config.batch_size, dataset.info.training),
        ("eval-size", config.eval_size, dataset.info.validation),
    ):
        if size > images:
            raise BadInput(f"{name} {size}: {dataset.info.name} has only {images:,} images")
