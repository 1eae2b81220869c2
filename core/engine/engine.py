"""The engine trains the lanes of a run, in threads or in processes of their own: commands in, events out.

    for event in Engine(RunConfig(settings={"dataset": "digits"})).run():
        ...

Torch is imported while the data are read, so that events are reported before that, too.
"""

from __future__ import annotations

import atexit
import contextlib
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Literal

from ..data.datasets import Dataset, load
from ..errors import Cancelled
from ..stream.builtin_experiments import BUILT_IN
from ..stream.commands import LaneCommand, Pause, SetPace, StepOnce, Stop, planned_changes
from ..stream.config import RunConfig, with_settings
from ..stream.events import (
    CommandScheduled,
    Event,
    LaneFailed,
    LaneFinished,
    Notice,
    RunFinished,
    RunStarted,
)
from ..training.lane_messages import Prepared
from ..training.lane_run import RunningLane, run_lane
from .backlog import Backlog
from .devices import check_device
from .mailbox import Mailbox
from .resumption import FRESH, Resumption

if TYPE_CHECKING:
    from ..training.checkpoint import AnyCheckpoint


_JOIN_SECONDS = 10.0
# A rough figure for the steps per second at full speed, and the seconds within which a pause must take effect.
_FULL_SPEED, _PAUSE_SECONDS = 1000.0, 0.3


class Engine:
    """One run. With `lasting`, lanes that have done their steps wait for an `Extend`, until `Stop` or `close`.

    `keep` is called with each checkpoint, in order with the events; `resumption` says how a recorded run continues.
    The lanes of a user's experiment train in a process each, unless `in_threads` says that this process is for them.
    """

    def __init__(
        self,
        config: RunConfig,
        *,
        lasting: bool = False,
        load: Callable[..., Dataset] = load,
        keep: Callable[[AnyCheckpoint], None] | None = None,
        resumption: Resumption = FRESH,
        in_threads: bool = False,
    ) -> None:
        self._in_threads = in_threads or config.experiment in BUILT_IN
        self._lane_context: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
        self._config, self._load, self._keep, self._resumption = config, load, keep, resumption
        self._stopping = threading.Event()
        self._backlog: Backlog[Event | AnyCheckpoint | BaseException | None] = Backlog(self._stopping)
        self._mailboxes = {lane.name: Mailbox[LaneCommand](lasting=lasting) for lane in config.lanes}
        self._outcomes: dict[str, LaneFinished | LaneFailed] = dict(resumption.diverged)
        for name in resumption.diverged:
            self._mailboxes[name].end()
        self._lanes: Sequence[RunningLane] = ()
        for command in resumption.commands:
            self._deliver(command)
        for name, step in resumption.recorded.items():
            self._mailboxes[name].not_before = step

    def run(self) -> Iterator[Event]:
        """Train, and yield every event; raises BadInput or ClipwatchError if the run cannot be prepared.

        Closing the generator early stops the lanes.
        """
        run_thread = threading.Thread(target=self._run_lanes, name="clipwatch-engine", daemon=True)
        run_thread.start()
        # A daemon thread that runs torch code when the interpreter ends would abort the process.
        atexit.register(self._stop, run_thread)
        try:
            while (event := self._backlog.get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                if isinstance(event, Event):
                    yield event
                    continue
                self._backlog.checkpoint_taken()
                if self._keep:
                    self._keep(event)
        finally:
            self._stop(run_thread)
            atexit.unregister(self._stop)

    def _stop(self, run_thread: threading.Thread) -> None:
        self.send(Stop())
        run_thread.join(_JOIN_SECONDS)

    def send(self, command: LaneCommand) -> None:
        """Send a command, from any thread. An event reports its effect, or a `Notice` that no lane can carry it out.

        Every lane obeys its commands in the order in which they were sent.
        """
        if command.lane is not None and command.lane not in self._mailboxes:
            lanes = ", ".join(self._mailboxes)
            self.tell(f"{type(command).__name__}: no lane is named {command.lane!r}; there are {lanes}")
            return
        if command == Stop() and not self._stopping.is_set():
            self._stopping.set()
        with contextlib.ExitStack() as stack:
            # All lanes are held while the step of the command is determined, so that none passes it.
            for mailbox in self._mailboxes.values():
                stack.enter_context(mailbox.hold())
            if command.at_step is not None and self._is_ahead(command.at_step):
                self._backlog.put(CommandScheduled(command=command))
            self._deliver(command, self._earliest_step(command))

    def _deliver(self, command: LaneCommand, earliest: int = 0) -> None:
        for name, mailbox in self._mailboxes.items():
            if command.lane in (None, name) and not mailbox.put(command, earliest=earliest) and _is_missed(command):
                self.tell(_too_late(name, command))

    def _is_ahead(self, step: int) -> bool:
        """Whether a lane has yet to reach this step."""
        if not self._lanes:
            return any(mailbox.not_before < step for mailbox in self._mailboxes.values())
        return any(max(lane.step, self._mailboxes[lane.name].not_before) < step for lane in self._running())

    def _running(self) -> list[RunningLane]:
        return [lane for lane in self._lanes if not self._mailboxes[lane.name].ended]

    def _earliest_step(self, command: LaneCommand) -> int:
        """The first step at which a command may take effect.

        A pause of all lanes takes effect at the step of the foremost lane, if the others reach it soon, so that all
        wait at the same step.
        """
        if not isinstance(command, Pause | StepOnce) or command.lane is not None:
            return 0
        paces = {self._pace(lane) for lane in self._running()}
        if len(paces) != 1:
            return 0
        (pace,) = paces
        next_steps = [self._next_step(lane) for lane in self._running()]
        is_soon = max(next_steps) - min(next_steps) <= (pace or _FULL_SPEED) * _PAUSE_SECONDS
        return max(next_steps) if is_soon else 0

    def _pace(self, lane: RunningLane) -> float | None:
        """The lane's speed limit after the commands in its mailbox."""
        commands = self._mailboxes[lane.name].waiting
        paces = [command.pace for command in commands if isinstance(command, SetPace) and command.at_step is None]
        return paces[-1] if paces else lane.pace

    def _next_step(self, lane: RunningLane) -> int:
        """The latest step at which a lane that is held takes its next commands."""
        mailbox = self._mailboxes[lane.name]
        return max(mailbox.not_before, lane.step + 1 if mailbox.waits_at is None else mailbox.waits_at)

    @property
    def behind(self) -> bool:
        """Whether the queue of events or a mailbox is full."""
        return self._backlog.is_full or any(mailbox.is_full for mailbox in self._mailboxes.values())

    def tell(self, text: str) -> None:
        """Put a `Notice` into the stream."""
        self._backlog.put(Notice(text=text))

    def close(self) -> None:
        """Announce that no more commands will come: lanes that wait for one end."""
        for mailbox in self._mailboxes.values():
            mailbox.close()

    def _run_lanes(self) -> None:
        """Prepare the run, start a thread for each lane and wait for all; runs in its own thread."""
        started = time.perf_counter()
        try:
            with contextlib.ExitStack() as resources:
                lanes = self._lanes = self._prepare(resources)
                started = time.perf_counter() - self._resumption.seconds
                threads = [
                    threading.Thread(
                        target=self._train, args=(lane, started), name=f"clipwatch-{lane.name}", daemon=True
                    )
                    for lane in lanes
                ]
                for thread in threads:
                    thread.start()
                self._wait_for(threads, started)
                seconds = time.perf_counter() - started
            self._backlog.put(RunFinished(reason=self._reason(), seconds=seconds))
        except Cancelled:
            for name in self._mailboxes:
                self._end_lane(name)
            self._backlog.put(RunFinished(reason="stopped", seconds=time.perf_counter() - started))
        except BaseException as error:
            # `run` raises it again in the thread that reads the events.
            self._backlog.put(error)
        self._backlog.put(None)

    def _wait_for(self, threads: Sequence[threading.Thread], started: float) -> None:
        """Wait for the lanes, and report what they use meanwhile."""
        from ..runs.resources import INTERVAL, ResourceMeter

        meter = ResourceMeter(time.perf_counter() - started)
        for thread in threads:
            while thread.is_alive():
                thread.join(INTERVAL)
                if measured := meter.measure(time.perf_counter() - started):
                    self._backlog.put(measured)

    def _prepare(self, resources: contextlib.ExitStack) -> Sequence[RunningLane]:
        """The lanes, ready to start. `resources` ends their processes, if they have any."""
        for stage in check_device(self._config.device):
            self._backlog.put(stage)
        prepared, lanes = self._threads() if self._in_threads else resources.enter_context(self._processes())
        for text in prepared.notices:
            self.tell(text)
        if self._stopping.is_set():
            raise Cancelled
        started = RunStarted(
            config=with_settings(self._config, **prepared.settings),
            dataset=prepared.dataset,
            device=prepared.device,
            versions=_versions(),
            time=time.time(),
            experiment=prepared.experiment,
        )
        self._backlog.put(started)
        if self._resumption is FRESH:
            for command in planned_changes(self._config.lanes):
                self.send(command)
        return [lane for lane in lanes if lane.name not in self._resumption.diverged]

    def _threads(self) -> tuple[Prepared, Sequence[RunningLane]]:
        from .lane_threads import prepare_threads

        prepared = prepare_threads(
            self._config,
            self._resumption,
            checkpoints=self._keep is not None,
            load=self._load,
            stopping=self._stopping,
            report=self._backlog.put,
        )
        from ..training.preparation import lane_thread

        self._lane_context = lane_thread
        return prepared

    def _processes(self) -> contextlib.AbstractContextManager[tuple[Prepared, Sequence[RunningLane]]]:
        from .lane_processes import lane_processes

        return lane_processes(
            self._config,
            self._resumption.lane_starts(self._config),
            checkpoints=self._keep is not None,
            stopping=self._stopping,
            report=self._backlog.put,
        )

    def _train(self, lane: RunningLane, started: float) -> None:
        with self._lane_context():
            for item in run_lane(lane, self._mailboxes[lane.name], started):
                self._put(item, lane)
        self._end_lane(lane.name)

    def _end_lane(self, name: str) -> None:
        """End a lane's mailbox; report each command that did not take effect."""
        mailbox = self._mailboxes[name]
        for command in filter(_is_missed, mailbox.end()):
            # A change in the recording takes effect whenever its step is trained again.
            if command.at_step is None or command.at_step >= mailbox.not_before:
                self.tell(_too_late(name, command))

    def _put(self, item: Event | AnyCheckpoint, lane: RunningLane) -> None:
        if isinstance(item, LaneFinished | LaneFailed):
            self._outcomes[item.lane] = item
        if isinstance(item, Event):
            self._backlog.put_event(item, lane.idle)
        else:
            self._backlog.put_checkpoint(item, lane.idle)

    def _reason(self) -> Literal["completed", "stopped", "failed"]:
        reasons = {outcome.reason for outcome in self._outcomes.values()}
        if "stopped" in reasons:
            return "stopped"
        return "completed" if "completed" in reasons else "failed"


def _is_missed(command: LaneCommand) -> bool:
    """Whether this command has no effect on a lane that has ended."""
    return not isinstance(command, Stop) or command.at_step is not None


def _too_late(lane: str, command: LaneCommand) -> str:
    name = type(command).__name__
    if command.at_step is None:
        return f"lane {lane} has ended: {name} came too late for it"
    return f"lane {lane} ended before step {command.at_step}: {name} did not take effect; a resumed run obeys it"


def _versions() -> dict[str, str]:
    return {"clipwatch": _version("clipwatch"), "python": platform.python_version(), "torch": _version("torch")}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
