"""Records runs: each event is on disk before any reader of the stream gets it."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import queue
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from ..errors import BadInput, ClipwatchError, one_line
from ..files.paths import path_text
from ..stream.codec import encode, seal
from ..stream.config import RunConfig, to_toml
from ..stream.events import (
    CommandScheduled,
    Evaluated,
    Event,
    LaneStarted,
    LoopEnded,
    Notice,
    RecordingStarted,
    RecordingStopped,
    ResourcesMeasured,
    RunFinished,
    RunStarted,
    StepsTrained,
)
from ..stream.lane_state import LaneState
from ..stream.state import RunState, apply
from .folder import MAX_CHECKPOINTS, RUNS_DIR_ADVICE, LaneOutcome, Manifest, RunFolder, RunStatus, create_run
from .reader import Recorded


class LaneCheckpoint(Protocol):
    """A checkpoint of a lane after `step` steps, see `training.checkpoint`."""

    @property
    def lane(self) -> str: ...

    @property
    def step(self) -> int: ...

    def save(self, folder: Path) -> None:
        """Write the checkpoint to a folder. Raises OSError or RuntimeError."""
        ...


class Recorder:
    """Writes the runs of a stream to folders under `home`: a new one for each `RunStarted`.

    `advice` is what the user can do where no folder can be created.
    """

    def __init__(self, home: Path, advice: str = RUNS_DIR_ADVICE) -> None:
        self._home, self._advice = home, advice
        self._problems: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._early: list[Notice | CommandScheduled] = []
        self._writer: _RunWriter | None = None
        self._last: tuple[Event | None, bytes] = None, b""

    @property
    def folder(self) -> RunFolder | None:
        """The folder of the run that is being written, if any."""
        return self._writer.folder if self._writer else None

    def reopen(self, folder: RunFolder, lock: FileLock, recorded: Recorded) -> None:
        """Append to a run whose `lock` was acquired before `recorded` was read. Raises BadInput if that fails."""
        try:
            self._writer = _RunWriter(folder, lock, recorded.started, self._problems.put, recorded)
        except OSError as error:
            raise BadInput(f"run {folder.path}: {error.strerror}") from error

    def through(self, events: Iterable[Event]) -> Iterator[Event]:
        """Yield the same events, each after it is written. Raises ClipwatchError if a run's folder cannot be created.

        If writing fails later, a `Notice` says so and the run goes on unrecorded.
        """
        try:
            for event in events:
                if self._writer and isinstance(event, RunFinished):
                    self._writer.finish_checkpoints()
                    yield from self._notices()
                yield from self._write(event)
                yield from self._notices()
        finally:
            self._end()

    def line(self, event: Event) -> bytes:
        """The encoded line of an event. For the event written last, this is the line that was written."""
        last, line = self._last
        return line if event is last else encode(event)

    def keep(self, checkpoint: LaneCheckpoint) -> None:
        """Save a checkpoint, on the thread for checkpoints."""
        if self._writer:
            self._writer.keep(checkpoint)

    def _notices(self) -> Iterator[Event]:
        """Write and yield a notice of each problem that other threads reported."""
        while not self._problems.empty():
            yield from self._write(Notice(text=self._problems.get()))

    def _write(self, event: Event) -> Iterator[Event]:
        if isinstance(event, RunStarted):
            started = self._begin(event)
            yield event
            yield started
            return
        if self._writer:
            try:
                self._last = event, self._writer.write(event)
            except OSError as error:
                yield from self._give_up(error)
        elif isinstance(event, Notice | CommandScheduled):
            self._early.append(event)
        if isinstance(event, RunFinished):
            self._end()
            # Early events of an unrecorded run do not belong to the next run.
            self._early = []
        yield event

    def _begin(self, event: RunStarted) -> RecordingStarted:
        self._end()
        folder = create_run(self._home, event.dataset.name, event.config.seed, event.time, self._advice)
        try:
            self._writer = _RunWriter(folder, folder.claim(), event, self._problems.put)
            started = RecordingStarted(folder=path_text(folder.path))
            for earlier in (event, started, *self._early):
                self._writer.write(earlier)
        except (OSError, BadInput) as error:
            if self._writer:
                self._writer.abandon()
                self._writer = None
            # `clipwatch runs` must not list a run that did not start.
            shutil.rmtree(folder.path, ignore_errors=True)
            what = f"run folder {folder.path}: {one_line(error)}" if isinstance(error, OSError) else str(error)
            raise ClipwatchError(f"{what}; {self._advice}") from error
        self._early = []
        return started

    def _give_up(self, error: OSError) -> Iterator[Event]:
        assert self._writer
        folder, cause = path_text(self._writer.folder.path), error.strerror or str(error)
        self._writer.abandon()
        self._writer = None
        yield RecordingStopped(folder=folder, cause=cause)
        yield Notice(text=f"recording stopped, the run goes on unrecorded: {folder}: {cause}")

    def _end(self) -> None:
        if self._writer:
            self._writer.close()
            self._writer = None


class _RunWriter:
    """The open files of one run, and a thread that writes its checkpoints."""

    def __init__(
        self,
        folder: RunFolder,
        lock: FileLock,
        started: RunStarted,
        tell: Callable[[str], None],
        recorded: Recorded | None = None,
    ) -> None:
        self.folder, self._lock, self._started, self._tell = folder, lock, started, tell
        self._state, self._origin = RunState(), started.forked_from
        self._latest: dict[tuple[type, str], Evaluated | StepsTrained] = {}
        for event in recorded.events if recorded else ():
            self._state = apply(self._state, event)
        with contextlib.ExitStack() as undo:
            undo.callback(lock.release)
            if recorded:
                # The run that it was forked from may have been renamed since.
                with contextlib.suppress(BadInput):
                    self._origin = folder.manifest().forked_from
                # The process that wrote before may have been killed in the middle of a line.
                os.truncate(folder.events, recorded.whole_bytes)
            else:
                folder.config.write_text(to_toml(started.config), encoding="utf-8")
            # Unbuffered: when `write` returns, the system has the line, and it survives a kill of this process.
            self._file = undo.enter_context(folder.events.open("ab", buffering=0))
            self._current_manifest = self._manifest("running")
            folder.write_manifest(self._current_manifest)
            undo.pop_all()
        # The checkpoints that wait to be written, by lane. The first lane is the next one to be served.
        self._waiting: dict[str, deque[LaneCheckpoint]] = {}
        self._finishing = False
        # Why the manifest could not be written. It is said once.
        self._manifest_problem = ""
        self._waiting_changed = threading.Condition()
        self._thread = threading.Thread(target=self._write_checkpoints, name="clipwatch-checkpoints", daemon=True)
        self._thread.start()

    def keep(self, checkpoint: LaneCheckpoint) -> None:
        """Hand a checkpoint to the thread that writes them, with a manifest of the current state."""
        # If the program is killed, `clipwatch runs` reads from the manifest how far the run was.
        self._current_manifest = self._manifest("running")
        with self._waiting_changed:
            # If the disk is slower than the lanes, checkpoints that newer ones would replace are not written.
            self._waiting.setdefault(checkpoint.lane, deque(maxlen=MAX_CHECKPOINTS)).append(checkpoint)
            self._waiting_changed.notify()

    def _next_checkpoint(self) -> LaneCheckpoint | None:
        """The next checkpoint to write, from each lane in turn. Waits for one; None if no more will come."""
        with self._waiting_changed:
            self._waiting_changed.wait_for(lambda: self._waiting or self._finishing)
            if not self._waiting:
                return None
            lane = next(iter(self._waiting))
            waiting = self._waiting.pop(lane)
            found = waiting.popleft()
            if waiting:
                self._waiting[lane] = waiting
            return found

    def _write_checkpoints(self) -> None:
        while (checkpoint := self._next_checkpoint()) is not None:
            try:
                checkpoint.save(self.folder.checkpoints)
            except (OSError, RuntimeError) as error:
                self._tell(f"no checkpoint of {checkpoint.lane} at step {checkpoint.step}: {one_line(error)}")
            self._write_manifest(self._current_manifest)

    def _write_manifest(self, manifest: Manifest) -> None:
        try:
            self.folder.write_manifest(manifest)
        except OSError as error:
            if (problem := one_line(error)) != self._manifest_problem:
                self._manifest_problem = problem
                self._tell(
                    f"the manifest cannot be written, so clipwatch runs shows an old state of this run: {problem}"
                )

    def finish_checkpoints(self) -> None:
        """Accept no more checkpoints, and wait until all are written."""
        with self._waiting_changed:
            self._finishing = True
            self._waiting_changed.notify()
        self._thread.join()

    def write(self, event: Event) -> bytes:
        """Write an event as a sealed line; return the line without the checksum. Raises OSError."""
        line = encode(event)
        sealed = seal(line) + b"\n"
        if self._file.write(sealed) != len(sealed):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if isinstance(event, Evaluated):
            # The manifest needs only the latest one, so it is applied when a manifest is made.
            self._latest[type(event), event.lane] = event
            return line
        if isinstance(event, StepsTrained):
            if self._started.watched:
                self._latest[type(event), event.lane] = event
            return line
        if isinstance(event, LoopEnded | LaneStarted):
            # A watched loop that loads an older checkpoint starts again at an earlier step.
            self._apply_latest()
        self._state = apply(self._state, event)
        if isinstance(event, ResourcesMeasured) and self._started.watched:
            # Without checkpoints, this tells `clipwatch runs` how far the loop is.
            self._write_manifest(self._manifest("running"))
        if os.fstat(self._file.fileno()).st_nlink == 0:
            # Writing to a deleted file succeeds, but the data is lost.
            raise OSError(errno.ENOENT, "the run's folder has vanished")
        return line

    def close(self) -> None:
        """Finish the run's files and release its lock."""
        self.finish_checkpoints()
        self._file.close()
        self._write_manifest(self._manifest(self._status()))
        self._lock.release()

    def abandon(self) -> None:
        """Close the files after an error, and mark the run as interrupted if that is possible."""
        self.finish_checkpoints()
        with contextlib.suppress(OSError):
            self._file.close()
        # Readers take "running" without a writer as interrupted, too.
        with contextlib.suppress(OSError):
            self.folder.write_manifest(self._manifest("interrupted"))
        self._lock.release()

    def _status(self) -> RunStatus:
        finished = self._state.finished
        if finished is None or finished.reason == "stopped":
            return "interrupted"
        return "done" if finished.reason == "completed" else "failed"

    def _apply_latest(self) -> None:
        for event in sorted(self._latest.values(), key=lambda event: event.step):
            if not self._state.lanes[event.lane].ended:
                self._state = apply(self._state, event)
        self._latest.clear()

    def _manifest(self, status: RunStatus) -> Manifest:
        started = self._started
        self._apply_latest()
        return Manifest(
            state=status,
            started=started.time,
            seed=started.config.seed,
            dataset=started.dataset,
            device=started.device,
            versions=started.versions,
            lanes=tuple(_outcome(lane, watched=started.watched) for lane in self._state.lanes.values()),
            experiment=self._state.experiment if started.watched and self._state.config else started.experiment,
            settings=started.config.settings,
            optimizer="own" if started.experiment.own_optimizer else ", ".join(_optimizers(started.config)),
            changed=self._state.changed_mid_run,
            watched=started.watched,
            forked_from=self._origin,
        )


def _optimizers(config: RunConfig) -> Iterable[str]:
    """The optimizers of the lanes, each once."""
    return dict.fromkeys(config.for_lane(lane).optimizer for lane in config.lanes)


def _outcome(lane: LaneState, *, watched: bool) -> LaneOutcome:
    """How far a lane is, or how it ended. A watched one has the results of its last evaluation."""
    known = {name: getattr(lane, name) for name in ("name", "rule", "step", "learning_rate", "parent", "forked_at")}
    end = lane.finished
    if watched:
        reason = lane.failed.reason if lane.failed else lane.loop_ended.reason if lane.loop_ended else None
        return LaneOutcome(**known, ended=reason, **(_results(lane.latest) if lane.latest and not lane.failed else {}))
    if lane.failed:
        return LaneOutcome(**known, ended=lane.failed.reason)
    if end is None:
        return LaneOutcome(**known)
    return LaneOutcome(**known, ended=end.reason, loss=end.loss, accuracy=end.accuracy, metrics=end.metrics)


def _results(latest: Evaluated) -> dict[str, Any]:
    """Loss and metrics of an evaluation, as far as the loop gave them."""
    given = {name: value for name, value in latest.metrics.items() if math.isfinite(value)}
    return {"loss": latest.loss, "accuracy": latest.accuracy, "metrics": given}
