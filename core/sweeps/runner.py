"""A sweep from beginning to end: what is left to do, to a backend; what it gives, to disk and to whoever watches."""

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

from ..data.datasets import Dataset, load
from ..engine.devices import checked
from ..errors import BadInput, Cancelled, ClipwatchError
from ..files.paths import path_text
from ..stream.commands import AnyCommand, Stop
from ..stream.config import RunConfig
from ..stream.events import Event, Notice, RecordingStarted, StageStarted
from ..stream.rules import require_known
from ..stream.sweep_config import SweepConfig, is_stackable
from ..stream.sweep_events import Results, SweepFinished, SweepStarted
from .cores import usable_cores
from .store import Read, SweepFolder, SweepWriter, create_sweep, read_sweep
from .units import units
from .workers import Backend, LocalBackend

# Notices that wait to be read.
_MANY = 1000


class Sweep:
    """One sweep. `stop`, from any thread or signal handler, ends it in good order, as the command `Stop` does."""

    def __init__(
        self, config: SweepConfig, home: Path, *, workers: int | None = None, backend: Backend | None = None
    ) -> None:
        self._config, self._home, self._backend = config, home, backend
        # A GPU is one for all; its stacks are as large as it likes them.
        self._workers = workers or (usable_cores() if config.base.device == "cpu" else 1)
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
        """The rest of a sweep; `base` are its settings as this machine can have them, see `machine`."""
        config = read.results.started.config
        require_known(setting.rule for setting in config.settings)
        config = msgspec.structs.replace(config, base=base or config.base)
        sweep = cls(config, folder.path.parent, workers=workers, backend=backend)
        sweep._resumed = folder, read
        return sweep

    def stop(self) -> None:
        """End soon; what is done is kept."""
        self._stopping.set()

    def send(self, command: AnyCommand) -> None:
        """Ask for something, from any thread; the answer to anything but a `Stop` of the whole is a `Notice`."""
        if command == Stop():
            self.stop()
        else:
            self.tell(f"{type(command).__name__} is for runs: a sweep obeys Stop alone, without lane and at_step")

    @property
    def behind(self) -> bool:
        """Whether more is to be told than anybody takes at present."""
        return self._told.qsize() >= _MANY

    def tell(self, text: str) -> None:
        """Put a `Notice` into the stream."""
        self._told.put(Notice(text=text))

    def close(self) -> None:
        """No more commands will come: the sweep goes on without."""

    def run(self) -> Generator[Event, None, None]:
        """Every event, results once they are on disk; BadInput and ClipwatchError if it cannot go on."""
        began = time.perf_counter()
        if self._backend is None:  # a cluster's devices are not this machine's
            yield from checked(self._config.base.device)
        yield StageStarted(stage="reading data")
        try:
            dataset = self._load()
        except Cancelled:
            yield from self._said()
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
        with _writer(folder, read) as writer:
            if read:
                _check_data(started, dataset)
                for text in read.damage:
                    yield Notice(text=text)
            else:
                writer.write(started)
            yield started
            yield RecordingStarted(folder=path_text(folder.path))
            results = Results(started=started, replicas=dict(read.results.replicas) if read else {})
            yield from list(results.replicas.values())
            yield StageStarted(stage="training")
            try:
                yield from self._train(config, results, writer)
            except BadInput:
                if not read:
                    _discard_if_empty(folder)
                raise
        yield from self._said()
        reason = "stopped" if self._stopping.is_set() else "failed" if results.all_diverged else "completed"
        yield SweepFinished(reason=reason, seconds=time.perf_counter() - began)

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

    def _said(self) -> Iterator[Event]:
        while not self._told.empty():
            yield self._told.get()

    def _notices(self) -> Iterator[Event]:
        yield from self._said()
        alone = [setting.name for setting in self._config.settings if not is_stackable(setting.config)]
        if alone:
            yield Notice(text=f"{'; '.join(alone)}: cannot be stacked, so each replica is trained alone, more slowly")

    def _train(self, config: SweepConfig, results: Results, writer: SweepWriter) -> Iterator[Event]:
        """What is left; every replica once it is on disk."""
        done = results.replicas
        said: set[Notice] = set()
        backend = self._backend or LocalBackend(config.base, self._workers)
        outcomes = backend.run(units(config, done.keys()), self._stopping.is_set, self.tell)
        for outcome in outcomes:
            for event in outcome:
                if isinstance(event, Notice):
                    # Every worker may say it.
                    if event not in said:
                        yield event
                    said.add(event)
                elif event.key not in done:
                    done[event.key] = event
                    writer.write(event)
                    yield event
            yield from self._said()


def _writer(folder: SweepFolder, read: Read | None) -> SweepWriter:
    try:
        return SweepWriter(folder, read)
    except ClipwatchError as error:
        if read:
            raise
        shutil.rmtree(folder.path, ignore_errors=True)
        raise ClipwatchError(f"{error}; give --runs-dir") from error


def _discard_if_empty(folder: SweepFolder) -> None:
    """Of a sweep that is refused before its first replica nothing is to be listed."""
    if not read_sweep(folder).results.replicas:
        shutil.rmtree(folder.path, ignore_errors=True)


def _check_data(started: SweepStarted, dataset: Dataset) -> None:
    if dataset.info.checksum != started.dataset.checksum:
        raise ClipwatchError(f"{dataset.info.name} from {dataset.info.origin} is other data than the sweep began with")
