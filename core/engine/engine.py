"""Lanes in worker threads: commands in, events out.

    for event in Engine(RunConfig(dataset="digits")).run():
        ...

torch is imported by the thread that prepares the run, so that what happens until then can be told too.
"""

from __future__ import annotations

import atexit
import logging
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

from ..data.datasets import Dataset, load
from ..errors import BadInput, Cancelled
from ..stream.commands import LaneCommand, Pause, SetPace, StepOnce, Stop
from ..stream.config import RunConfig
from ..stream.events import (
    CommandScheduled,
    Event,
    LaneFailed,
    LaneFinished,
    Notice,
    RunFinished,
    RunStarted,
    StageStarted,
)
from .backlog import Backlog
from .devices import checked
from .mailbox import Mailbox

if TYPE_CHECKING:
    from ..training.checkpoint import Kept
    from ..training.lane import Lane


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """How a recorded run is trained again: from the lanes' snapshots (a lane without one from the start), after the
    seconds it had taken, to so many steps by lane, with commands that are in the recording already.

    What else is asked takes effect where the recording ends (`recorded`, a step by lane) at the earliest: the steps
    before are trained again as they were. Lanes that had `diverged` train no more.
    """

    snapshots: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0
    iterations: Mapping[str, int] = field(default_factory=dict)
    commands: Sequence[LaneCommand] = ()
    recorded: Mapping[str, int] = field(default_factory=dict)
    diverged: Mapping[str, LaneFailed] = field(default_factory=dict)


FRESH = Resumption()
_JOIN_SECONDS = 10.0
# Steps a second at full speed, roughly; and the seconds within which a pause must have taken hold.
_FAST, _SOON = 1000.0, 0.3
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
        resumption: Resumption = FRESH,
    ) -> None:
        self._config, self._load, self._keep, self._resumption = config, load, keep, resumption
        self._stopping = threading.Event()
        self._happened: Backlog[Event | Kept | BaseException | None] = Backlog(self._stopping)
        self._mailboxes = {lane.name: Mailbox[LaneCommand](lasting=lasting) for lane in config.lanes}
        self._outcomes: dict[str, LaneFinished | LaneFailed] = dict(resumption.diverged)
        for name in resumption.diverged:
            self._mailboxes[name].end()
        self._lanes: list[Lane] = []
        for command in resumption.commands:
            self._pass_on(command)
        for name, step in resumption.recorded.items():
            self._mailboxes[name].not_before = step

    def run(self) -> Iterator[Event]:
        """Train, and give every event as it happens; BadInput and ClipwatchError if the run cannot be prepared.

        Leaving the iteration early stops the lanes.
        """
        conductor = threading.Thread(target=self._conduct, name="clipwatch-engine", daemon=True)
        conductor.start()
        # Daemon threads that are in torch's code when the interpreter ends would abort the process.
        atexit.register(self._stop, conductor)
        try:
            while (event := self._happened.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                if isinstance(event, Event):
                    yield event
                    continue
                self._happened.took_snapshot()
                if self._keep:
                    self._keep(event)
        finally:
            self._stop(conductor)
            atexit.unregister(self._stop)

    def _stop(self, conductor: threading.Thread) -> None:
        self.send(Stop())
        conductor.join(_JOIN_SECONDS)

    def send(self, command: LaneCommand) -> None:
        """Ask for something, from any thread; the answer is an event, a `Notice` if no lane is there to obey.

        Every lane obeys what it is sent in the order in which it was sent.
        """
        if command.lane is not None and command.lane not in self._mailboxes:
            lanes = ", ".join(self._mailboxes)
            self.tell(f"{type(command).__name__}: no lane is named {command.lane!r}; there are {lanes}")
            return
        if command == Stop() and not self._stopping.is_set():
            self._stopping.set()
        with ExitStack() as held:
            # All lanes are held before it is decided where the command takes effect: none gets past that.
            for mailbox in self._mailboxes.values():
                held.enter_context(mailbox.held())
            if command.at_step is not None and self._is_to_come(command.at_step):
                self._happened.put(CommandScheduled(command=command))
            self._pass_on(command, self._level(command))

    def _pass_on(self, command: LaneCommand, level: int = 0) -> None:
        for name, mailbox in self._mailboxes.items():
            if command.lane in (None, name) and not mailbox.put(command, level=level) and _is_missed(command):
                self.tell(_too_late(name, command))

    def _is_to_come(self, step: int) -> bool:
        """Whether a lane has yet to reach this step."""
        if not self._lanes:
            return any(mailbox.not_before < step for mailbox in self._mailboxes.values())
        return any(max(lane.step, self._mailboxes[lane.name].not_before) < step for lane in self._under_way())

    def _under_way(self) -> list[Lane]:
        return [lane for lane in self._lanes if not self._mailboxes[lane.name].ended]

    def _level(self, command: LaneCommand) -> int:
        """A pause of all lanes takes effect where the foremost is, so that they wait side by side, if that is soon."""
        if not isinstance(command, Pause | StepOnce) or command.lane is not None:
            return 0
        paces = {self._pace(lane) for lane in self._under_way()}
        if len(paces) != 1:
            return 0
        (pace,) = paces
        next_steps = [self._next_step(lane) for lane in self._under_way()]
        soon = max(next_steps) - min(next_steps) <= (pace or _FAST) * _SOON
        return max(next_steps) if soon else 0

    def _pace(self, lane: Lane) -> float | None:
        """The lane's pace once it has obeyed what waits for it."""
        commands = self._mailboxes[lane.name].waiting
        asked = [command.pace for command in commands if isinstance(command, SetPace) and command.at_step is None]
        return asked[-1] if asked else lane.pace

    def _next_step(self, lane: Lane) -> int:
        """The boundary at which a lane that is held takes its next commands, at the latest."""
        mailbox = self._mailboxes[lane.name]
        return max(mailbox.not_before, lane.step + 1 if mailbox.waits_at is None else mailbox.waits_at)

    @property
    def behind(self) -> bool:
        """Whether more is to be told, or obeyed, than anybody takes at present."""
        return self._happened.is_full or any(mailbox.is_full for mailbox in self._mailboxes.values())

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
            started = time.perf_counter() - self._resumption.seconds
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
            for name in self._mailboxes:
                self._end_lane(name)
            self._happened.put(RunFinished(reason="stopped", seconds=time.perf_counter() - started))
        except BaseException as error:
            # Whatever it is, it is raised again where the events are read.
            self._happened.put(error)
        self._happened.put(None)

    def _prepare(self) -> list[Lane]:
        config = self._config
        for stage in checked(config.device):
            self._happened.put(stage)
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
        from ..training.preparation import prepare_lanes

        lanes, device, notices = prepare_lanes(
            config,
            dataset,
            self._resumption.snapshots,
            self._resumption.iterations,
            checkpoints=self._keep is not None,
        )
        lanes = [lane for lane in lanes if lane.name not in self._resumption.diverged]
        for text in notices:
            self.tell(text)
        if self._stopping.is_set():
            raise Cancelled
        versions = {"clipwatch": _version("clipwatch"), "python": platform.python_version(), "torch": _version("torch")}
        started = RunStarted(config=config, dataset=dataset.info, device=device, versions=versions, time=time.time())
        self._happened.put(started)
        return lanes

    def _train(self, lane: Lane, started: float) -> None:
        from ..training.preparation import lane_thread

        with lane_thread():
            try:
                for event in lane.run(self._mailboxes[lane.name], started):
                    self._note(event, lane)
            except Exception as error:
                # The thread's edge: one lane's fault is told as an event, and the other lanes go on.
                _log.debug("lane %s", lane.name, exc_info=True)
                self._note(lane.failed(f"{type(error).__name__}: {error}"), lane)
        self._end_lane(lane.name)

    def _end_lane(self, name: str) -> None:
        """A lane takes no more commands; those that it leaves undone are told."""
        mailbox = self._mailboxes[name]
        for command in filter(_is_missed, mailbox.end()):
            # A change that is recorded is made again whenever its step is.
            if command.at_step is None or command.at_step >= mailbox.not_before:
                self.tell(_too_late(name, command))

    def _note(self, event: Event | Kept, lane: Lane) -> None:
        if isinstance(event, LaneFinished | LaneFailed):
            self._outcomes[event.lane] = event
        if isinstance(event, Event):
            self._happened.put_event(event, lane.idle)
        else:
            self._happened.put_snapshot(event, lane.idle)

    def _reason(self) -> Literal["completed", "stopped", "failed"]:
        reasons = {outcome.reason for outcome in self._outcomes.values()}
        if "stopped" in reasons:
            return "stopped"
        return "completed" if "completed" in reasons else "failed"


def _is_missed(command: LaneCommand) -> bool:
    """Whether a lane that has ended leaves this undone."""
    return not isinstance(command, Stop) or command.at_step is not None


def _too_late(lane: str, command: LaneCommand) -> str:
    name = type(command).__name__
    if command.at_step is None:
        return f"lane {lane} has ended: {name} came too late for it"
    return f"lane {lane} ended before step {command.at_step}: {name} did not take effect; a resumed run obeys it"


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
