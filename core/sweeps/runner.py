"""Runs a sweep: gives its units to a backend, writes the results to disk, and yields them as events."""

from __future__ import annotations

import platform
import queue
import shutil
import threading
import time
from collections.abc import Generator, Iterator
from importlib import metadata
from pathlib import Path

import msgspec

from ..data.run_dataset import check_sizes, generated_data, read_dataset
from ..engine.devices import check_device
from ..engine.lane_processes import prepare_only
from ..errors import BadInput, Cancelled, ClipwatchError
from ..files.paths import path_text
from ..stream.builtin_experiments import BUILT_IN, LENET
from ..stream.commands import AnyCommand, Stop
from ..stream.config import OF_OPTIMIZER, RunConfig, with_dataset, with_settings
from ..stream.events import DatasetInfo, Event, Notice, RecordingStarted, StageStarted
from ..stream.experiment_info import ExperimentInfo
from ..stream.rules import require_known
from ..stream.sweep_config import SweepConfig, is_stackable
from ..stream.sweep_events import Results, SweepFinished, SweepStarted
from .store import StoredSweep, SweepFolder, SweepWriter, create_sweep, read_sweep
from .units import units
from .usable_cores import usable_cores
from .workers import Backend, LocalBackend

# The number of unread notices at which a sweep accepts no more commands for a while.
_MAX_NOTICES = 1000


class Sweep:
    """One sweep. `stop` ends it cleanly, as the command `Stop` does; call it from any thread or signal handler."""

    def __init__(
        self, config: SweepConfig, home: Path, *, workers: int | None = None, backend: Backend | None = None
    ) -> None:
        self._config, self._home, self._backend = config, home, backend
        # One process uses the whole GPU, by stacks of many replicas.
        self._workers = workers or (usable_cores() if config.base.device == "cpu" else 1)
        self._resumed: tuple[SweepFolder, StoredSweep] | None = None
        self._stopping = threading.Event()
        self._pending: queue.SimpleQueue[Event] = queue.SimpleQueue()

    @classmethod
    def resume(
        cls,
        folder: SweepFolder,
        stored: StoredSweep,
        *,
        base: RunConfig | None = None,
        workers: int | None = None,
        backend: Backend | None = None,
    ) -> Sweep:
        """A sweep that trains what a stored one lacks. `base`: its settings for this machine, see `runs.machine`."""
        config = stored.results.started.config
        require_known(setting.rule for setting in config.settings)
        config = msgspec.structs.replace(config, base=base or config.base)
        sweep = cls(config, folder.path.parent, workers=workers, backend=backend)
        sweep._resumed = folder, stored
        return sweep

    def stop(self) -> None:
        """End soon. Completed replicas are kept."""
        self._stopping.set()

    def send(self, command: AnyCommand) -> None:
        """Send a command, from any thread. Anything but a `Stop` without lane and step is refused by a `Notice`."""
        if command == Stop():
            self.stop()
        else:
            self.tell(f"{type(command).__name__} is for runs: a sweep obeys only Stop, without lane and at_step")

    @property
    def behind(self) -> bool:
        """Whether too many notices wait."""
        return self._pending.qsize() >= _MAX_NOTICES

    def tell(self, text: str) -> None:
        """Put a `Notice` into the stream."""
        self._pending.put(Notice(text=text))

    def close(self) -> None:
        """Announce that no more commands will come. The sweep goes on."""

    def run(self) -> Generator[Event, None, None]:
        """Yield every event, each result after it is on disk. Raises BadInput or ClipwatchError if the sweep fails."""
        began = time.perf_counter()
        if self._backend is None:  # A cluster has other devices than this machine.
            yield from check_device(self._config.base.device)
        yield StageStarted(stage="reading data")
        try:
            dataset, experiment = self._load()
        except Cancelled:
            yield from self._take_pending()
            yield SweepFinished(reason="stopped", seconds=0.0)
            return
        yield from self._preparation_notices()
        yield StageStarted(stage="starting workers")
        # `_make_started` may refuse the sweep, so it runs before the folder is created.
        if self._resumed:
            started, config = self._resumed[1].results.started, self._config
        else:
            started = self._make_started(dataset, experiment)
            config = started.config
        folder, stored = self._resumed or (create_sweep(self._home, dataset.name, started.time), None)
        with _writer(folder, stored) as writer:
            if stored:
                _check_data(started, dataset)
                for text in stored.damage:
                    yield Notice(text=text)
            else:
                writer.write(started)
            yield started
            yield RecordingStarted(folder=path_text(folder.path))
            results = Results(started=started, replicas=dict(stored.results.replicas) if stored else {})
            yield from list(results.replicas.values())
            yield StageStarted(stage="training")
            try:
                yield from self._train(config, results, writer)
            except BadInput:
                if not stored:
                    _discard_if_empty(folder)
                raise
        yield from self._take_pending()
        reason = "stopped" if self._stopping.is_set() else "failed" if results.all_diverged else "completed"
        yield SweepFinished(reason=reason, seconds=time.perf_counter() - began)

    def _load(self) -> tuple[DatasetInfo, ExperimentInfo]:
        """Read the data; check and describe a user's experiment in a process of its own, with the first setting."""
        base = self._config.base
        if base.experiment in BUILT_IN:
            dataset = read_dataset(base, self._pending.put, self._stopping.is_set)
            return dataset.info if dataset else generated_data(base), BUILT_IN[base.experiment].info
        first, *others = (setting.config for setting in self._config.settings)
        variants = [other.settings for other in others if other.settings != first.settings]
        prepared = prepare_only(first, variants, self._stopping, self._pending.put)
        _refuse_axes_without_effect(prepared.experiment, self._config)
        for text in prepared.notices:
            self.tell(text)
        settings = {name: value for name, value in prepared.settings.items() if name not in self._config.axes}
        self._config = msgspec.structs.replace(self._config, base=with_settings(base, **settings))
        return prepared.dataset, prepared.experiment

    def _make_started(self, dataset: DatasetInfo, experiment: ExperimentInfo) -> SweepStarted:
        # Every worker trains on the data set that `auto` took here.
        base = with_dataset(self._config.base, dataset.name)
        config = msgspec.structs.replace(self._config, base=base)
        for setting in config.settings:
            check_sizes(setting.config, dataset)
        packages = {name: metadata.version(name) for name in ("clipwatch", "torch")}
        versions = {**packages, "python": platform.python_version()}
        return SweepStarted(config=config, dataset=dataset, versions=versions, time=time.time(), experiment=experiment)

    def _take_pending(self) -> Iterator[Event]:
        while not self._pending.empty():
            yield self._pending.get()

    def _preparation_notices(self) -> Iterator[Event]:
        yield from self._take_pending()
        alone = [setting.name for setting in self._config.settings if not is_stackable(setting.config)]
        if alone and self._config.base.experiment == LENET.info.name:
            yield Notice(
                text=f"{'; '.join(alone)}: cannot be stacked, so its replicas are trained one at a time, more slowly"
            )

    def _train(self, config: SweepConfig, results: Results, writer: SweepWriter) -> Iterator[Event]:
        """Train the replicas that are left; yield each after it is on disk."""
        done = results.replicas
        notices: set[Notice] = set()
        backend = self._backend or LocalBackend(config.base, self._workers)
        outcomes = backend.run(units(config, done.keys()), self._stopping.is_set, self.tell)
        for outcome in outcomes:
            for event in outcome:
                if isinstance(event, Notice):
                    # Every worker may send the same notice.
                    if event not in notices:
                        yield event
                    notices.add(event)
                elif event.key not in done:
                    done[event.key] = event
                    writer.write(event)
                    yield event
            yield from self._take_pending()


def _writer(folder: SweepFolder, stored: StoredSweep | None) -> SweepWriter:
    try:
        return SweepWriter(folder, stored)
    except ClipwatchError as error:
        if stored:
            raise
        shutil.rmtree(folder.path, ignore_errors=True)
        raise ClipwatchError(f"{error}; give --runs-dir") from error


def _discard_if_empty(folder: SweepFolder) -> None:
    """Delete a sweep that was refused before its first replica, so that `clipwatch runs` does not list it."""
    if not read_sweep(folder).results.replicas:
        shutil.rmtree(folder.path, ignore_errors=True)


def _check_data(started: SweepStarted, dataset: DatasetInfo) -> None:
    if dataset.checksum != started.dataset.checksum:
        raise ClipwatchError(f"{dataset.name} from {dataset.origin} differs from the data that the sweep began with")


def _refuse_axes_without_effect(experiment: ExperimentInfo, config: SweepConfig) -> None:
    """Raise BadInput if the values of an axis would all train the same."""
    varied = [name for name in OF_OPTIMIZER if len(config.axes.get(name, ())) > 1]
    if varied and experiment.own_optimizer:
        option = varied[0].replace("_", "-")
        raise BadInput(
            f"{experiment.name} makes its own optimizer, so all values of {option} would train the same:"
            f" give one, or make it a setting of {experiment.name}"
        )
