"""Lanes in worker threads: commands in, events out.

    for event in Engine(RunConfig(dataset="digits")).run():
        ...

torch is imported by the thread that prepares the run, so that what happens until then can be told too.
"""

from __future__ import annotations

import atexit
import logging
import platform
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from .commands import LaneCommand, Pause, StepOnce, Stop
from .config import RunConfig
from .datasets import Dataset, load
from .errors import BadInput, Cancelled
from .events import Event, LaneFailed, LaneFinished, Notice, RunFinished, RunStarted, StageStarted
from .mailbox import Mailbox

if TYPE_CHECKING:
    from .checkpoint import Kept
    from .lane import Lane


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """Where an interrupted run stood: the lanes' snapshots by name, and the seconds it had taken."""

    snapshots: Mapping[str, Mapping[str, Any]]
    seconds: float


_JOIN_SECONDS = 10.0
# Steps a second at full speed, roughly; and the seconds within which a pause must have taken hold.
_FAST, _SOON = 1000.0, 0.3
# Seconds in which events gather. Whoever reads them takes a core from a lane each time it wakes, and finds nothing in
# the cache: ten events together cost little more than one.
_GATHERING = 0.02
_log = logging.getLogger(__name__)


class Engine:
    """One run. `lasting` keeps lanes that have done their steps waiting for an `Extend`, until `Stop` or `close`.

    `keep` is given what the lanes need to go on from their checkpoints and from their end, in order with the events;
    `resumption` lets them go on from there.
    """

    def __init__(
        self,
        config: RunConfig,
        *,
        lasting: bool = False,
        load: Callable[..., Dataset] = load,
        keep: Callable[[Kept], None] | None = None,
        resumption: Resumption | None = None,
    ) -> None:
        self._config, self._load, self._keep, self._resumption = config, load, keep, resumption
        self._happened: queue.SimpleQueue[Event | Kept | BaseException | None] = queue.SimpleQueue()
        self._mailboxes = {lane.name: Mailbox[LaneCommand](lasting=lasting) for lane in config.lanes}
        self._outcomes: dict[str, LaneFinished | LaneFailed] = {}
        self._ended: set[str] = set()
        self._stopping = threading.Event()
        self._lanes: list[Lane] = []

    def run(self) -> Iterator[Event]:
        """Train, and give every event as it happens; BadInput and ClipwatchError if the run cannot be prepared.

        Leaving the iteration early stops the lanes.
        """
        conductor = threading.Thread(target=self._conduct, name="clipwatch-engine", daemon=True)
        conductor.start()
        # Daemon threads that are in torch's code when the interpreter ends would abort the process.
        atexit.register(self._end, conductor)
        try:
            while (event := self._next()) is not None:
                if isinstance(event, BaseException):
                    raise event
                if isinstance(event, Event):
                    yield event
                elif self._keep:
                    self._keep(event)
        finally:
            self._end(conductor)
            atexit.unregister(self._end)

    def _end(self, conductor: threading.Thread) -> None:
        self.send(Stop())
        conductor.join(_JOIN_SECONDS)

    def _next(self) -> Event | Kept | BaseException | None:
        """What happened next: at once after silence, otherwise after it has gathered with what follows."""
        if self._happened.empty():
            time.sleep(_GATHERING)
        return self._happened.get()

    def send(self, command: LaneCommand) -> None:
        """Ask for something, from any thread; the answer is an event, a `Notice` if no lane is there to obey."""
        if command.lane is not None and command.lane not in self._mailboxes:
            self.tell(f"no lane is named {command.lane!r}; there are {', '.join(self._mailboxes)}")
            return
        if isinstance(command, Stop) and command.lane is None and command.at_step is None:
            self._stopping.set()
        command = self._levelled(command)
        for name, mailbox in self._mailboxes.items():
            if command.lane not in (None, name):
                continue
            mailbox.put(command)
            if name in self._ended and not isinstance(command, Stop):
                self.tell(_too_late(name, command))

    def _levelled(self, command: LaneCommand) -> LaneCommand:
        """A pause of all lanes takes hold where the foremost is, so that they wait side by side, if that is soon."""
        if not isinstance(command, Pause | StepOnce) or command.lane is not None or command.at_step is not None:
            return command
        lanes = [lane for lane in self._lanes if lane.name not in self._ended and not lane.finished]
        paces = {lane.pace for lane in lanes}
        if len(lanes) < 2 or len(paces) > 1:
            return command
        (pace,) = paces
        steps = [lane.step for lane in lanes]
        if max(steps) - min(steps) > (pace or _FAST) * _SOON:
            return command
        # At full speed the foremost is in the middle of a step, otherwise most likely waiting for one.
        return msgspec.structs.replace(command, at_step=max(steps) + (pace is None))

    def tell(self, text: str) -> None:
        """Put a `Notice` into the stream."""
        self._happened.put(Notice(text=text))

    def close(self) -> None:
        """Say that no more commands will come: lanes that wait for one end."""
        for mailbox in self._mailboxes.values():
            mailbox.close()

    def _conduct(self) -> None:
        """Prepare, start the lanes and see them to their end, on a thread of its own."""
        started = time.perf_counter()
        try:
            lanes = self._lanes = self._prepare()
            started = time.perf_counter() - (self._resumption.seconds if self._resumption else 0.0)
            threads = [
                threading.Thread(target=self._train, args=(lane, started), name=f"clipwatch-{lane.name}", daemon=True)
                for lane in lanes
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self._happened.put(RunFinished(reason=self._reason(), seconds=time.perf_counter() - started))
        except Cancelled:
            self._happened.put(RunFinished(reason="stopped", seconds=time.perf_counter() - started))
        except BaseException as error:
            # Whatever it is, it is raised again where the events are read.
            self._happened.put(error)
        self._happened.put(None)

    def _prepare(self) -> list[Lane]:
        config = self._config
        self._happened.put(
            StageStarted(stage=f"reading {config.dataset}" if config.dataset != "auto" else "reading data")
        )
        dataset = self._load(
            config.dataset,
            data_dir=config.data_dir,
            offline=config.offline,
            report=self._happened.put,
            cancelled=self._stopping.is_set,
        )
        _check_sizes(config, dataset)
        self._happened.put(StageStarted(stage="loading torch"))
        from .preparation import prepare_lanes

        snapshots = self._resumption.snapshots if self._resumption else {}
        lanes, device, notices = prepare_lanes(config, dataset, snapshots, checkpoints=self._keep is not None)
        for text in notices:
            self.tell(text)
        if self._stopping.is_set():
            raise Cancelled
        versions = {"clipwatch": _version("clipwatch"), "python": platform.python_version(), "torch": _version("torch")}
        started = RunStarted(config=config, dataset=dataset.info, device=device, versions=versions, time=time.time())
        self._happened.put(started)
        return lanes

    def _train(self, lane: Lane, started: float) -> None:
        from .preparation import lane_thread

        with lane_thread():
            try:
                for event in lane.run(self._mailboxes[lane.name], started):
                    self._note(event)
            except Exception as error:
                # The thread's edge: one lane's fault is told as an event, and the other lanes go on.
                _log.debug("lane %s", lane.name, exc_info=True)
                self._note(lane.failed(f"{type(error).__name__}: {error}"))
        self._ended.add(lane.name)
        for command in self._mailboxes[lane.name].pending():
            self.tell(_too_late(lane.name, command))

    def _note(self, event: Event | Kept) -> None:
        if isinstance(event, LaneFinished | LaneFailed):
            self._outcomes[event.lane] = event
        self._happened.put(event)

    def _reason(self) -> Literal["completed", "stopped", "failed"]:
        reasons = {outcome.reason for outcome in self._outcomes.values()}
        if "stopped" in reasons:
            return "stopped"
        return "completed" if "completed" in reasons else "failed"


def _too_late(lane: str, command: LaneCommand) -> str:
    return f"lane {lane} has ended: {type(command).__name__} came too late for it"


def _check_sizes(config: RunConfig, dataset: Dataset) -> None:
    for name, size, images in (
        ("batch-size", config.batch_size, dataset.info.training),
        ("eval-size", config.eval_size, dataset.info.validation),
    ):
        if size > images:
            raise BadInput(f"{name} {size}: {dataset.info.name} has only {images:,} images for it")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
