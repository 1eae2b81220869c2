"""The engine trains the lanes of a run in worker threads: commands in, events out.

    for event in Engine(RunConfig(settings={"dataset": "digits"})).run():
        ...

Torch is imported while the data are read, so that events are reported before that, too.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import platform
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

from ..data.datasets import Dataset, load
from ..data.run_dataset import check_sizes, read_dataset
from ..errors import Cancelled
from ..stream.builtin_experiments import BUILT_IN
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
)
from .backlog import Backlog
from .concurrent_stages import ConcurrentStages
from .devices import check_device
from .mailbox import Mailbox
from .torch_import import TorchImport

if TYPE_CHECKING:
    from ..training.checkpoint import Checkpoint
    from ..training.training_loop import Trainer


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """How a recorded run continues.

    Lanes start from their `snapshots`, or from the start, at `seconds` on the run's clock, and train to `iterations`
    steps. `commands` are those of the recording. Other commands take effect no earlier than where the recording ends
    (`recorded`, a step for each lane), because the steps before are trained again as they were. Lanes that `diverged`
    are not trained.
    """

    snapshots: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0
    iterations: Mapping[str, int] = field(default_factory=dict)
    commands: Sequence[LaneCommand] = ()
    recorded: Mapping[str, int] = field(default_factory=dict)
    diverged: Mapping[str, LaneFailed] = field(default_factory=dict)


FRESH = Resumption()
_JOIN_SECONDS = 10.0
# A rough figure for the steps per second at full speed, and the seconds within which a pause must take effect.
_FULL_SPEED, _PAUSE_SECONDS = 1000.0, 0.3
_log = logging.getLogger(__name__)


class Engine:
    """One run. With `lasting`, lanes that have done their steps wait for an `Extend`, until `Stop` or `close`.

    `keep` is called with each checkpoint, in order with the events; `resumption` says how a recorded run continues.
    """

    def __init__(
        self,
        config: RunConfig,
        *,
        lasting: bool = False,
        load: Callable[..., Dataset] = load,
        keep: Callable[[Checkpoint], None] | None = None,
        resumption: Resumption = FRESH,
    ) -> None:
        self._config, self._load, self._keep, self._resumption = config, load, keep, resumption
        self._stopping = threading.Event()
        self._backlog: Backlog[Event | Checkpoint | BaseException | None] = Backlog(self._stopping)
        self._mailboxes = {lane.name: Mailbox[LaneCommand](lasting=lasting) for lane in config.lanes}
        self._outcomes: dict[str, LaneFinished | LaneFailed] = dict(resumption.diverged)
        for name in resumption.diverged:
            self._mailboxes[name].end()
        self._trainers: list[Trainer] = []
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
        if not self._trainers:
            return any(mailbox.not_before < step for mailbox in self._mailboxes.values())
        return any(max(trainer.step, self._mailboxes[trainer.name].not_before) < step for trainer in self._running())

    def _running(self) -> list[Trainer]:
        return [trainer for trainer in self._trainers if not self._mailboxes[trainer.name].ended]

    def _earliest_step(self, command: LaneCommand) -> int:
        """The first step at which a command may take effect.

        A pause of all lanes takes effect at the step of the foremost lane, if the others reach it soon, so that all
        wait at the same step.
        """
        if not isinstance(command, Pause | StepOnce) or command.lane is not None:
            return 0
        paces = {self._pace(trainer) for trainer in self._running()}
        if len(paces) != 1:
            return 0
        (pace,) = paces
        next_steps = [self._next_step(trainer) for trainer in self._running()]
        is_soon = max(next_steps) - min(next_steps) <= (pace or _FULL_SPEED) * _PAUSE_SECONDS
        return max(next_steps) if is_soon else 0

    def _pace(self, trainer: Trainer) -> float | None:
        """The lane's speed limit after the commands in its mailbox."""
        commands = self._mailboxes[trainer.name].waiting
        paces = [command.pace for command in commands if isinstance(command, SetPace) and command.at_step is None]
        return paces[-1] if paces else trainer.pace

    def _next_step(self, trainer: Trainer) -> int:
        """The latest step at which a lane that is held takes its next commands."""
        mailbox = self._mailboxes[trainer.name]
        return max(mailbox.not_before, trainer.step + 1 if mailbox.waits_at is None else mailbox.waits_at)

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
            trainers = self._trainers = self._prepare()
            started = time.perf_counter() - self._resumption.seconds
            threads = [
                threading.Thread(
                    target=self._train, args=(trainer, started), name=f"clipwatch-{trainer.name}", daemon=True
                )
                for trainer in trainers
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self._backlog.put(RunFinished(reason=self._reason(), seconds=time.perf_counter() - started))
        except Cancelled:
            for name in self._mailboxes:
                self._end_lane(name)
            self._backlog.put(RunFinished(reason="stopped", seconds=time.perf_counter() - started))
        except BaseException as error:
            # `run` raises it again in the thread that reads the events.
            self._backlog.put(error)
        self._backlog.put(None)

    def _prepare(self) -> list[Trainer]:
        config = self._config
        for stage in check_device(config.device):
            self._backlog.put(stage)
        dataset = self._read_data_and_import_torch()
        from ..experiments.preparation import prepare
        from ..training.preparation import prepare_trainers, usable_device

        device = usable_device(config.device)
        experiment = prepare(config, dataset, device)
        check_sizes(config, experiment.dataset)
        trainers = prepare_trainers(
            config,
            experiment,
            self._resumption.snapshots,
            self._resumption.iterations,
            checkpoints=self._keep is not None,
        )
        for text in experiment.notices:
            self.tell(text)
        if self._stopping.is_set():
            raise Cancelled
        started = RunStarted(
            config=config,
            dataset=experiment.dataset,
            device=str(device),
            versions=_versions(),
            time=time.time(),
            experiment=BUILT_IN[config.experiment].info,
        )
        self._backlog.put(started)
        return [trainer for trainer in trainers if trainer.name not in self._resumption.diverged]

    def _read_data_and_import_torch(self) -> Dataset | None:
        """Do both at the same time. Return None if the experiment has no data set."""
        name = self._config.settings.get("dataset")
        reading = "" if name is None else f"reading {'data' if name == 'auto' else name}"
        stages = ConcurrentStages(self._backlog.put, reading)
        torch_import = TorchImport(stages.end_loading)
        try:
            # Batches are checked before torch is imported, so that a mistake shows at once.
            dataset = read_dataset(self._config, stages.report, self._stopping.is_set, load=self._load)
        except BaseException:
            torch_import.cancel()
            raise
        stages.end_reading()
        torch_import.wait()
        return dataset

    def _train(self, trainer: Trainer, started: float) -> None:
        from ..training.preparation import lane_thread

        with lane_thread():
            try:
                for item in trainer.run(self._mailboxes[trainer.name], started):
                    self._put(item, trainer)
            except Exception as error:
                # The edge of the thread: an error becomes an event of this lane, and the other lanes go on.
                _log.debug("lane %s", trainer.name, exc_info=True)
                # The failure must be reported even if the steps before it cannot be read any more.
                with contextlib.suppress(Exception):
                    for event in trainer.logged_steps():
                        self._put(event, trainer)
                self._put(trainer.failure_event(f"{type(error).__name__}: {error}"), trainer)
        self._end_lane(trainer.name)

    def _end_lane(self, name: str) -> None:
        """End a lane's mailbox; report each command that did not take effect."""
        mailbox = self._mailboxes[name]
        for command in filter(_is_missed, mailbox.end()):
            # A change in the recording takes effect whenever its step is trained again.
            if command.at_step is None or command.at_step >= mailbox.not_before:
                self.tell(_too_late(name, command))

    def _put(self, item: Event | Checkpoint, trainer: Trainer) -> None:
        if isinstance(item, LaneFinished | LaneFailed):
            self._outcomes[item.lane] = item
        if isinstance(item, Event):
            self._backlog.put_event(item, trainer.idle)
        else:
            self._backlog.put_checkpoint(item, trainer.idle)

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
