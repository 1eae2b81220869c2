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
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ..data.datasets import Dataset, load
from ..errors import Cancelled, one_line
from ..stream.builtin_experiments import BUILT_IN
from ..stream.commands import Fork, LaneCommand, Stop, planned_changes
from ..stream.config import LaneConfig, RunConfig, with_settings
from ..stream.events import (
    CommandScheduled,
    Event,
    LaneFailed,
    LaneFinished,
    Notice,
    RunFinished,
    RunStarted,
)
from ..training.forked_lane import ForkedLane, forked_config
from ..training.lane_run import RunningLane, run_lane
from .backlog import Backlog
from .devices import check_device
from .lanes import Lanes, is_missed, too_late
from .resumption import FRESH, Resumption

if TYPE_CHECKING:
    from ..training.checkpoint import AnyCheckpoint
    from ..training.lane_run import LaneItem
    from .lane_processes import LaneProcesses
    from .lane_threads import LaneThreads


_JOIN_SECONDS = 10.0


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
        self._config, self._load, self._keep, self._resumption = config, load, keep, resumption
        self._stopping = threading.Event()
        self._backlog: Backlog[Event | AnyCheckpoint | BaseException | None] = Backlog(self._stopping)
        # By name. Forks are added.
        self._lane_configs = {lane.name: lane for lane in resumption.with_forks(config).lanes}
        self._lanes = Lanes(self._lane_configs, lasting=lasting)
        self._outcomes: dict[str, LaneFinished | LaneFailed] = dict(resumption.diverged)
        for name in resumption.diverged:
            self._lanes.end(name)
        for command in resumption.commands:
            self._deliver(command)
        for name, step in resumption.recorded.items():
            self._lanes.mailboxes[name].not_before = step
        # Second 0 of the run, as `time.perf_counter` gives it.
        self._started = 0.0
        self._threads: list[threading.Thread] = []
        self._cancelled = False

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
        if command == Stop() and not self._stopping.is_set():
            self._stopping.set()
        # All lanes are held while the step of the command is determined, so that none passes it, ends, or is forked.
        with self._lanes.hold():
            if problem := self._problem(command):
                self.tell(f"{type(command).__name__}: {problem}")
                return
            if self._lanes.is_ahead(command):
                self._backlog.put(CommandScheduled(command=command))
            self._deliver(command, self._lanes.earliest_step(command))

    def _problem(self, command: LaneCommand) -> str:
        """Why no lane can obey a command; empty if one can."""
        names = self._lanes.mailboxes
        if command.lane is not None and command.lane not in names:
            return f"no lane is named {command.lane!r}; there are {', '.join(names)}"
        if isinstance(command, Fork) and command.name in names:
            return f"there is a lane named {command.name!r} already; give the new one another name"
        return ""

    def _deliver(self, command: LaneCommand, earliest: int = 0) -> None:
        ended = self._lanes.deliver(command, earliest)
        for name in ended if is_missed(command) else ():
            self.tell(too_late(name, command))

    @property
    def behind(self) -> bool:
        """Whether the queue of events or a mailbox is full."""
        return self._backlog.is_full or self._lanes.is_full

    def tell(self, text: str) -> None:
        """Put a `Notice` into the stream."""
        self._backlog.put(Notice(text=text))

    def close(self) -> None:
        """Announce that no more commands will come: lanes that wait for one end."""
        self._lanes.close()

    def _run_lanes(self) -> None:
        """Prepare the run, start a thread for each lane and wait for all; runs in its own thread."""
        started = time.perf_counter()
        try:
            with contextlib.ExitStack() as resources:
                lanes = self._prepare(resources)
                self._started = started = time.perf_counter() - self._resumption.seconds
                self._lanes.start(lanes)
                for lane in lanes:
                    self._threads.append(self._thread(lane.name, self._train, lane))
                for thread in tuple(self._threads):
                    thread.start()
                self._wait(started)
                seconds = time.perf_counter() - started
            self._backlog.put(RunFinished(reason=self._reason(), seconds=seconds))
        except Cancelled:
            for name in self._lanes.mailboxes:
                self._end_lane(name)
            self._backlog.put(RunFinished(reason="stopped", seconds=time.perf_counter() - started))
        except BaseException as error:
            # `run` raises it again in the thread that reads the events.
            self._backlog.put(error)
        self._backlog.put(None)

    def _thread(self, lane: str, target: Callable[..., None], *args: Any) -> threading.Thread:
        return threading.Thread(target=target, args=args, name=f"clipwatch-{lane}", daemon=True)

    def _wait(self, started: float) -> None:
        """Wait for the lanes, and report what they use meanwhile."""
        from ..runs.resources import INTERVAL, ResourceMeter

        meter = ResourceMeter(time.perf_counter() - started)
        # A fork's thread is added before that of its parent ends.
        for thread in self._threads:
            while thread.is_alive():
                thread.join(INTERVAL)
                if measured := meter.measure(time.perf_counter() - started):
                    self._backlog.put(measured)

    def _prepare(self, resources: contextlib.ExitStack) -> Sequence[RunningLane]:
        """The lanes, ready to start. `resources` ends their processes, if they have any."""
        for stage in check_device(self._config.device):
            self._backlog.put(stage)
        made = self._made = self._make_lanes()
        resources.push(lambda kind, error, traceback: made.close(kill=kind is not None))
        for text in made.prepared.notices:
            self.tell(text)
        if self._stopping.is_set():
            raise Cancelled
        started = RunStarted(
            config=with_settings(self._config, **made.prepared.settings),
            dataset=made.prepared.dataset,
            device=made.prepared.device,
            versions=_versions(),
            time=time.time(),
            experiment=made.prepared.experiment,
        )
        self._backlog.put(started)
        if self._resumption is FRESH:
            self._send_planned_changes(self._config.lanes)
        return [lane for lane in made.lanes if lane.name not in self._resumption.diverged]

    def _make_lanes(self) -> LaneThreads | LaneProcesses:
        known = {
            "checkpoints": self._keep is not None,
            "stopping": self._stopping,
            "report": self._backlog.put,
        }
        if self._in_threads:
            from .lane_threads import prepare_threads

            return prepare_threads(self._config, self._resumption, load=self._load, **known)
        from .lane_processes import LaneProcesses

        return LaneProcesses(self._config, self._resumption, **known)

    def _train(self, lane: RunningLane) -> None:
        with self._made.lane_context():
            self._train_here(lane)

    def _train_here(self, lane: RunningLane) -> None:
        for item in run_lane(lane, self._lanes.mailboxes[lane.name], self._started):
            self._put(item, lane)
        self._end_lane(lane.name)

    def _begin_fork(self, forked: ForkedLane, parent: RunningLane) -> None:
        """Start the thread of a new lane, once its parent's thread has put its first event into the stream."""
        event = msgspec.structs.replace(forked.event, clip_at=self._later_rules(forked))
        config = forked_config(self._lane_configs[event.parent], event)
        self._lane_configs[event.lane] = config
        self._lanes.join(forked)
        self._made.compare(event)
        self._backlog.put_event(event, parent.idle)
        if event.lane not in {known.lane for known in self._resumption.forks}:
            # A fork that is repeated finds them among the commands of the recording.
            self._send_planned_changes([config])
        thread = self._thread(event.lane, self._train_fork, forked, config)
        self._threads.append(thread)
        thread.start()

    def _later_rules(self, forked: ForkedLane) -> dict[int, str]:
        """The rules that the parent of a fork plans, and has yet to use. They are for a fork with its rule only."""
        parent = forked.event.parent
        planned = [*planned_changes([self._lane_configs[parent]])] if forked.event.rule == forked.rule else []
        ahead = self._lanes.mailboxes[parent].waiting
        return {command.at_step or 0: command.rule for command in planned if command in ahead}

    def _send_planned_changes(self, lanes: Iterable[LaneConfig]) -> None:
        for command in planned_changes(lanes):
            self.send(command)

    def _train_fork(self, forked: ForkedLane, config: LaneConfig) -> None:
        """Prepare a new lane and train it. Its parent, which waits for nothing, may be far ahead."""
        total = self._resumption.iterations.get(forked.name, forked.iterations)
        with self._made.lane_context():
            try:
                lane = self._made.fork(
                    msgspec.structs.replace(self._config, lanes=(config,)), replace(forked, iterations=total)
                )
            except Cancelled:
                self._cancelled = True
                self._end_lane(forked.name)
            except Exception as error:
                self._fail(forked, one_line(error))
            else:
                self._lanes.start([lane])
                self._train_here(lane)

    def _fail(self, forked: ForkedLane, cause: str) -> None:
        """Report that a new lane cannot be prepared."""
        seconds = time.perf_counter() - self._started
        failed = LaneFailed(lane=forked.name, step=forked.event.step, reason="error", cause=cause, seconds=seconds)
        self._outcomes[forked.name] = failed
        self._backlog.put_event(failed)
        self._end_lane(forked.name)

    def _end_lane(self, name: str) -> None:
        """End a lane's mailbox; report each command that did not take effect."""
        for lane, command in self._lanes.end(name):
            # A change in the recording takes effect whenever its step is trained again.
            recorded = self._resumption.recorded.get(lane, 0)
            if is_missed(command) and (command.at_step is None or command.at_step >= recorded):
                self.tell(too_late(lane, command))

    def _put(self, item: LaneItem, lane: RunningLane) -> None:
        if isinstance(item, LaneFinished | LaneFailed):
            self._outcomes[item.lane] = item
        if isinstance(item, ForkedLane):
            self._begin_fork(item, lane)
        elif isinstance(item, Event):
            self._backlog.put_event(item, lane.idle)
        else:
            self._backlog.put_checkpoint(item, lane.idle)

    def _reason(self) -> Literal["completed", "stopped", "failed"]:
        reasons = {outcome.reason for outcome in self._outcomes.values()}
        if self._cancelled or "stopped" in reasons:
            return "stopped"
        return "completed" if "completed" in reasons else "failed"


def _versions() -> dict[str, str]:
    return {"clipwatch": _version("clipwatch"), "python": platform.python_version(), "torch": _version("torch")}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "unknown"
