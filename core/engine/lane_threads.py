"""Prepares lanes that train in threads of the engine's process: reads the data and imports torch at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from ..data.datasets import Dataset
from ..data.run_dataset import check_sizes, read_dataset
from ..stream.config import RunConfig
from ..stream.events import Event, LaneForked
from .concurrent_stages import ConcurrentStages
from .resumption import Resumption
from .torch_import import TorchImport

if TYPE_CHECKING:
    from ..training.forked_lane import ForkedLane
    from ..training.training_loop import Trainer


class LaneThreads:
    """The `PreparedLanes` that train in threads of this process.

    Raises BadInput or ClipwatchError if the run cannot be prepared.
    """

    def __init__(
        self,
        config: RunConfig,
        resumption: Resumption,
        *,
        checkpoints: bool,
        load: Callable[..., Dataset],
        stopping: threading.Event,
        report: Callable[[Event], None],
    ) -> None:
        dataset = _read_data_and_import_torch(config, load, stopping, report)
        from ..experiments.preparation import prepare
        from ..training.preparation import described, lane_thread, make_distance, prepare_trainers, usable_device

        device = usable_device(config.device)
        experiment = prepare(config, dataset, device)
        check_sizes(config, experiment.dataset)
        self.prepared, self.lane_context = described(config, experiment, device), lane_thread
        self._distance = make_distance(config)
        for event in resumption.continued_forks:
            self._distance.add_fork(event.parent, event.lane)
        self._prepare = partial(
            prepare_trainers, experiment=experiment, checkpoints=checkpoints, distance=self._distance
        )
        self.lanes: Sequence[Trainer] = self._prepare(
            resumption.with_forks(config), snapshots=resumption.snapshots, iterations=resumption.iterations
        )

    def compare(self, event: LaneForked) -> None:
        """Compare a new lane with its parent from now on."""
        self._distance.add_fork(event.parent, event.lane)

    def close(self, *, kill: bool = False) -> None:
        """Nothing to do: the threads belong to the engine."""

    def fork(self, config: RunConfig, forked: ForkedLane) -> Trainer:
        """The trainer of a new lane."""
        name = forked.event.lane
        (trainer,) = self._prepare(config, snapshots={}, iterations={name: forked.iterations}, forks={name: forked})
        return trainer


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
