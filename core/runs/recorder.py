"""A run written down as it happens: every event is on disk before anything else sees it."""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import shutil
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from filelock import FileLock

from ..errors import BadInput, ClipwatchError
from ..files.paths import path_text
from ..stream.codec import encode, seal
from ..stream.config import to_toml
from ..stream.events import (
    CommandScheduled,
    Evaluated,
    Event,
    Notice,
    RecordingStarted,
    RecordingStopped,
    RunFinished,
    RunStarted,
)
from ..stream.state import LaneState, RunState, apply
from .folder import MAX_CHECKPOINTS, LaneOutcome, Manifest, RunFolder, RunStatus, create_run
from .reader import Recorded


class LaneCheckpoint(Protocol):
    """The state of a lane after `step` steps, which writes itself; see `training.checkpoint`."""

    @property
    def lane(self) -> str: ...

    @property
    def step(self) -> int: ...

    def save(self, folder: Path) -> None:
        """Write it to a folder. Raises OSError or RuntimeError."""
        ...


class Recorder:
    """Writes the runs of a stream into folders under `home`, one a `RunStarted`."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._trouble: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._before: list[Notice | CommandScheduled] = []
        self._writing: _Writing | None = None
        self._last: tuple[Event | None, bytes] = None, b""

    @property
    def folder(self) -> RunFolder | None:
        """The run being written."""
        return self._writing.folder if self._writing else None

    def reopen(self, folder: RunFolder, lock: FileLock, recorded: Recorded) -> None:
        """Go on writing a run, claimed by `lock` before its events so far were read; BadInput if it cannot be."""
        try:
            self._writing = _Writing(folder, lock, recorded.started, self._trouble.put, recorded)
        except OSError as error:
            raise BadInput(f"run {folder.path}: {error.strerror}") from error

    def through(self, events: Iterable[Event]) -> Iterator[Event]:
        """The same events, each once it is written; ClipwatchError if a run's folder cannot be made.

        When the disk gives out under way, a `Notice` says so and the run goes on unrecorded.
        """
        try:
            for event in events:
                if self._writing and isinstance(event, RunFinished):
                    self._writing.finish_checkpoints()
                    yield from self._told()
                yield from self._write(event)
                yield from self._told()
        finally:
            self._end()

    def line(self, event: Event) -> bytes:
        """The line of an event; the one written last is not encoded again."""
        last, line = self._last
        return line if event is last else encode(event)

    def keep(self, kept: LaneCheckpoint) -> None:
        """Write a lane's checkpoint, beside whatever else goes on."""
        if self._writing:
            self._writing.keep(kept)

    def _told(self) -> Iterator[Event]:
        """What went wrong beside the events."""
        while not self._trouble.empty():
            yield from self._write(Notice(text=self._trouble.get()))

    def _write(self, event: Event) -> Iterator[Event]:
        if isinstance(event, RunStarted):
            started = self._begin(event)
            yield event
            yield started
            return
        if self._writing:
            try:
                self._last = event, self._writing.write(event)
            except OSError as error:
                yield from self._give_up(error)
        elif isinstance(event, Notice | CommandScheduled):
            self._before.append(event)
        if isinstance(event, RunFinished):
            self._end()
            # What an unrecorded run told is none of the next one's.
            self._before = []
        yield event

    def _begin(self, event: RunStarted) -> RecordingStarted:
        self._end()
        folder = create_run(self._home, event.dataset.name, event.config.seed, event.time)
        try:
            self._writing = _Writing(folder, folder.claim(), event, self._trouble.put)
            started = RecordingStarted(folder=path_text(folder.path))
            for earlier in (event, started, *self._before):
                self._writing.write(earlier)
        except (OSError, BadInput) as error:
            if self._writing:
                self._writing.abandon()
                self._writing = None
            # Of a run that is refused nothing is to be listed.
            shutil.rmtree(folder.path, ignore_errors=True)
            what = f"run folder {folder.path}: {error}" if isinstance(error, OSError) else str(error)
            raise ClipwatchError(f"{what}; give --runs-dir, or --no-record") from error
        self._before = []
        return started

    def _give_up(self, error: OSError) -> Iterator[Event]:
        assert self._writing
        folder, cause = path_text(self._writing.folder.path), error.strerror or str(error)
        self._writing.abandon()
        self._writing = None
        yield RecordingStopped(folder=folder, cause=cause)
        yield Notice(text=f"recording stopped, the run goes on unrecorded: {folder}: {cause}")

    def _end(self) -> None:
        if self._writing:
            self._writing.close()
            self._writing = None


class _Writing:
    """One run's open files."""

    def __init__(
        self,
        folder: RunFolder,
        lock: FileLock,
        started: RunStarted,
        tell: Callable[[str], None],
        so_far: Recorded | None = None,
    ) -> None:
        self.folder, self._lock, self._started, self._tell = folder, lock, started, tell
        self._state = RunState()
        self._latest: dict[str, Evaluated] = {}
        for event in so_far.events if so_far else ():
            self._state = apply(self._state, event)
        with contextlib.ExitStack() as undo:
            undo.callback(lock.release)
            if so_far:
                # Whoever wrote before may have died in the middle of a line.
                os.truncate(folder.events, so_far.whole_bytes)
            else:
                folder.config.write_text(to_toml(started.config), encoding="utf-8")
            # Unbuffered: a line is with the system when `write` returns, and outlives this process from then on.
            self._file = undo.enter_context(folder.events.open("ab", buffering=0))
            self._standing = self._manifest("running")
            folder.write_manifest(self._standing)
            undo.pop_all()
        # By lane the snapshots that are to be written, the lane whose turn it is first.
        self._snapshots: dict[str, deque[LaneCheckpoint]] = {}
        self._no_more_snapshots = False
        self._snapshots_changed = threading.Condition()
        self._keeper = threading.Thread(target=self._write_checkpoints, name="clipwatch-checkpoints", daemon=True)
        self._keeper.start()

    def keep(self, kept: LaneCheckpoint) -> None:
        # Should the program be killed, the list of runs knows how far it was.
        self._standing = self._manifest("running")
        with self._snapshots_changed:
            # A disk that is slower than the lanes never gets those that newer ones would replace there at once.
            self._snapshots.setdefault(kept.lane, deque(maxlen=MAX_CHECKPOINTS)).append(kept)
            self._snapshots_changed.notify()

    def _next_snapshot(self) -> LaneCheckpoint | None:
        """The next to write, the lanes in turn; waits for one, None if no more will come."""
        with self._snapshots_changed:
            self._snapshots_changed.wait_for(lambda: self._snapshots or self._no_more_snapshots)
            if not self._snapshots:
                return None
            lane = next(iter(self._snapshots))
            waiting = self._snapshots.pop(lane)
            found = waiting.popleft()
            if waiting:
                self._snapshots[lane] = waiting
            return found

    def _write_checkpoints(self) -> None:
        while (kept := self._next_snapshot()) is not None:
            try:
                kept.save(self.folder.checkpoints)
            except (OSError, RuntimeError) as error:
                self._tell(f"no checkpoint of {kept.lane} at step {kept.step}: {error}")
            self._write_manifest(self._standing)

    def _write_manifest(self, manifest: Manifest) -> None:
        try:
            self.folder.write_manifest(manifest)
        except OSError as error:
            self._tell(f"clipwatch runs will not know how this run stands: {error}")

    def finish_checkpoints(self) -> None:
        """Wait for the checkpoints that are being written; no more will come."""
        with self._snapshots_changed:
            self._no_more_snapshots = True
            self._snapshots_changed.notify()
        self._keeper.join()

    def write(self, event: Event) -> bytes:
        """Write an event's line sealed; the line as it was before."""
        line = encode(event)
        sealed = seal(line) + b"\n"
        if self._file.write(sealed) != len(sealed):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if isinstance(event, Evaluated):
            # Only how the run stands when the manifest is written is asked for, so the last of these will do.
            self._latest[event.lane] = event
            return line
        self._state = apply(self._state, event)
        if os.fstat(self._file.fileno()).st_nlink == 0:
            # Writing to a file that was deleted goes well, and is lost.
            raise OSError(errno.ENOENT, "the run's folder has vanished")
        return line

    def close(self) -> None:
        self.finish_checkpoints()
        self._file.close()
        self._write_manifest(self._manifest(self._status()))
        self._lock.release()

    def abandon(self) -> None:
        self.finish_checkpoints()
        with contextlib.suppress(OSError):
            self._file.close()
        # A manifest that still says "running" means the same to a reader.
        with contextlib.suppress(OSError):
            self.folder.write_manifest(self._manifest("interrupted"))
        self._lock.release()

    def _status(self) -> RunStatus:
        finished = self._state.finished
        if finished is None or finished.reason == "stopped":
            return "interrupted"
        return "done" if finished.reason == "completed" else "failed"

    def _manifest(self, status: RunStatus) -> Manifest:
        started = self._started
        for event in self._latest.values():
            if not self._state.lanes[event.lane].ended:
                self._state = apply(self._state, event)
        return Manifest(
            state=status,
            started=started.time,
            seed=started.config.seed,
            dataset=started.dataset,
            device=started.device,
            versions=started.versions,
            lanes=tuple(_outcome(lane) for lane in self._state.lanes.values()),
        )


def _outcome(lane: LaneState) -> LaneOutcome:
    known, end = {"name": lane.name, "rule": lane.rule, "step": lane.step}, lane.finished
    if lane.failed:
        return LaneOutcome(**known, ended=lane.failed.reason)
    if end is None:
        return LaneOutcome(**known)
    return LaneOutcome(**known, ended=end.reason, loss=end.loss, accuracy=end.correct / end.total)
