"""A sweep from beginning to end: what is left to do, to a backend; what it gives, to disk and to whoever watches."""

from __future__ import annotations

import os
import platform
import queue
import shutil
import threading
import time
from collections.abc import Generator, Iterator
from importlib import metadata
from pathlib import Path

import msgspec

from ..config import RunConfig
from ..datasets import Dataset, load
from ..errors import BadInput, Cancelled, ClipwatchError
from ..events import Event, Notice, RecordingStarted, StageStarted
from ..paths import path_text
from .description import SweepConfig, is_stackable
from .folder import Read, SweepFolder, SweepWriter, create_sweep, read_sweep
from .results import SweepFinished, SweepStarted
from .units import units
from .workers import Backend, LocalBackend


class Sweep:
    """One sweep. `stop`, from any thread or signal handler, ends it in good order."""

    def __init__(
        self, config: SweepConfig, home: Path, *, workers: int | None = None, backend: Backend | None = None
    ) -> None:
        self._config, self._home, self._backend = config, home, backend
        # A GPU is one for all; its stacks are as large as it likes them.
        self._workers = workers or (os.cpu_count() or 1 if config.base.device == "cpu" else 1)
        self._resumed: tuple[SweepFolder, Read] | None = None
        self._stopping = threading.Event()
        self._told: queue.SimpleQueue[Event] = queue.SimpleQueue()

    @classmethod
    def resumed(
        cls,
        folder: SweepFolder,
        read: Read,
        *,
        base: RunConfig | None = None,
        workers: int | None = None,
        backend: Backend | None = None,
    ) -> Sweep:
        """The rest of a sweep; `base` are its settings as this machine can have them, see `resumption.Here`."""
        config = read.results.started.config
        config = msgspec.structs.replace(config, base=base or config.base)
        sweep = cls(config, folder.path.parent, workers=workers, backend=backend)
        sweep._resumed = folder, read
        return sweep

    def stop(self) -> None:
        """End soon; what is done is kept."""
        self._stopping.set()

    def run(self) -> Generator[Event, None, None]:
        """Every event, results once they are on disk; BadInput and ClipwatchError if it cannot go on."""
        began = time.perf_counter()
        yield StageStarted(stage="reading data")
        try:
            dataset = self._load()
        except Cancelled:
            yield SweepFinished(reason="stopped", seconds=0.0)
            return
        yield from self._notices()
        yield StageStarted(stage="starting workers")
        # What cannot be trained leaves no folder behind.
        if self._resumed:
            started, config = self._resumed[1].results.started, self._config
        else:
            started = self._started(dataset)
            config = started.config
        folder, read = self._resumed or (create_sweep(self._home, dataset.info.name, started.time), None)
        with SweepWriter(folder, read) as writer:
            if read:
                _check_data(started, dataset)
                for text in read.damage:
                    yield Notice(text=text)
            else:
                writer.write(started)
            yield started
            yield RecordingStarted(folder=path_text(folder.path))
            if read:
                yield from read.results.replicas.values()
            yield StageStarted(stage="training")
            try:
                yield from self._results(config, read, writer)
            except BadInput:
                if not read:
                    _discard_if_empty(folder)
                raise
        finished = self._stopping.is_set()
        yield SweepFinished(reason="stopped" if finished else "completed", seconds=time.perf_counter() - began)

    def _load(self) -> Dataset:
        base = self._config.base
        return load(
            base.dataset,
            data_dir=base.data_dir,
            offline=base.offline,
            report=self._told.put,
            cancelled=self._stopping.is_set,
        )

    def _started(self, dataset: Dataset) -> SweepStarted:
        # What auto chose is what every worker trains on.
        base = msgspec.structs.replace(self._config.base, dataset=dataset.info.name)
        config = msgspec.structs.replace(self._config, base=base)
        for setting in config.settings:
            if setting.config.batch_size > dataset.info.training or setting.config.eval_size > dataset.info.validation:
                raise BadInput(f"{setting.name}: {dataset.info.name} has fewer images than a batch")
        packages = {name: metadata.version(name) for name in ("clipwatch", "torch")}
        versions = {**packages, "python": platform.python_version()}
        return SweepStarted(config=config, dataset=dataset.info, versions=versions, time=time.time())

    def _notices(self) -> Iterator[Event]:
        while not self._told.empty():
            yield self._told.get()
        alone = [setting.name for setting in self._config.settings if not is_stackable(setting.config)]
        if alone:
            yield Notice(text=f"{'; '.join(alone)}: cannot be stacked, so each replica is trained alone, more slowly")

    def _results(self, config: SweepConfig, read: Read | None, writer: SweepWriter) -> Iterator[Event]:
        done = set(read.results.replicas) if read else set()
        said: set[Notice] = set()
        backend = self._backend or LocalBackend(config.base, self._workers)
        outcomes = backend.run(units(config, done), self._stopping.is_set, self._tell)
        for outcome in outcomes:
            for event in outcome:
                if isinstance(event, Notice):
                    # Every worker may say it.
                    if event not in said:
                        yield event
                    said.add(event)
                elif event.key not in done:
                    done.add(event.key)
                    writer.write(event)
                    yield event
            while not self._told.empty():
                yield self._told.get()

    def _tell(self, text: str) -> None:
        self._told.put(Notice(text=text))


def _discard_if_empty(folder: SweepFolder) -> None:
    """Of a sweep that is refused before its first replica nothing is to be listed."""
    if not read_sweep(folder).results.replicas:
        shutil.rmtree(folder.path, ignore_errors=True)


def _check_data(started: SweepStarted, dataset: Dataset) -> None:
    if dataset.info.checksum != started.dataset.checksum:
        raise ClipwatchError(f"{dataset.info.name} from {dataset.info.origin} is other data than the sweep began with")
