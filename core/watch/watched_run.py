"""The recording of the loops that this process trains, on a thread of its own.

There is one run in a process at a time. The first watch begins it, later ones join as further lanes, and it ends with
the last of them, or with the interpreter.
"""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.util
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, Protocol

from ..engine.mailbox import Mailbox
from ..errors import BadInput, one_line
from ..runs import control_file
from ..runs.control_file import ControlReader
from ..runs.recorder import Recorder
from ..runs.resources import ResourceMeter
from ..stream.commands import AnyCommand, LaneCommand, Restart, Resume, Seek
from ..stream.events import (
    Event,
    LaneFailed,
    LoopEnded,
    Notice,
    RecordingStopped,
    RunFinished,
    RunStarted,
)

# How often the file with commands is looked at.
_LOOK_SECONDS = 0.05
# How long the end of a run waits until all is written. A disk that hangs must not hang the loop's process.
_JOIN_SECONDS = 10.0
# So many events wait at most before the steps of a lane wait in its log, see `is_behind`.
_MOST_WAITING = 256

# An event, or a function that returns events: a figure may still be on its way from a GPU.
Item = Event | Callable[[], list[Event]]
Ending = LoopEnded | LaneFailed


class NameTaken(BadInput):
    """The run has a lane of this name."""


class WatchedRun:
    """A run of one or several lanes. Methods are for the thread that trains; they never wait for the disk."""

    def __init__(self, home: Path, started: RunStarted, *, control: bool) -> None:
        """Raises ClipwatchError if no folder can be created."""
        self._started = time.perf_counter()
        self._control = control
        self._waiting: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._mailboxes: dict[str, Mailbox[LaneCommand]] = {}
        self._endings: dict[str, Ending | None] = {}
        self._problem: str | None = None
        self._recorder = Recorder(home, "give another runs_dir")
        self._stream = self._recorder.through(self._events(started))
        next(self._stream)
        next(self._stream)
        assert self._recorder.folder
        self.folder = self._recorder.folder.path
        self.records = True
        self._reader = ControlReader(self.folder, self._tell) if control and self._takes_commands() else None
        self._thread = threading.Thread(target=self._write, name="clipwatch-recording", daemon=True)
        self._thread.start()

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self._started

    @property
    def ended(self) -> bool:
        """Whether all its lanes have ended."""
        return all(self._endings.values())

    @property
    def is_behind(self) -> bool:
        """Whether the disk is slower than the loop, so that steps had better wait."""
        return self._waiting.qsize() > _MOST_WAITING

    def join(self, lane: str) -> Mailbox[LaneCommand]:
        """Add a lane; return the mailbox with its commands. Raises NameTaken."""
        if lane in self._endings:
            raise NameTaken(
                f"name {lane!r}: a loop of this name is being watched; close its watch, or give each watch its own name"
            )
        self._endings[lane] = None
        self._mailboxes[lane] = Mailbox[LaneCommand](lasting=False)
        return self._mailboxes[lane]

    def put(self, item: Item) -> None:
        """Record an event."""
        if self.records:
            self._waiting.put(item)

    def take_problem(self) -> str | None:
        """Why the recording has stopped, once."""
        problem, self._problem = self._problem, None
        return problem

    def end_lane(self, ending: Ending) -> None:
        """End a lane; the last one ends the run, and waits until it is written."""
        self.put(ending)
        with _changing:
            self._endings[ending.lane] = ending
            is_last = self.ended
        self._mailboxes[ending.lane].end()
        if is_last:
            self.put(RunFinished(reason=self._reason(), seconds=self.seconds))
            self._waiting.put(None)
            self._thread.join(_JOIN_SECONDS)

    def _reason(self) -> Literal["completed", "stopped", "failed"]:
        reasons = {"failed" if isinstance(end, LaneFailed) else end.reason for end in self._endings.values() if end}
        return "failed" if reasons == {"failed"} else "stopped" if "stopped" in reasons else "completed"

    def _takes_commands(self) -> bool:
        try:
            control_file.create(self.folder)
        except OSError as error:
            self._tell(f"no commands can be sent to this run: {one_line(error)}")
            return False
        return True

    def _events(self, started: RunStarted) -> Iterator[Event]:
        """The run's events until its end, on the thread that writes them, which reads commands in between."""
        yield started
        meter = ResourceMeter()
        while True:
            if measured := meter.measure(self.seconds):
                yield measured
            try:
                item = self._waiting.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                self._deliver_commands()
                continue
            if item is None:
                return
            self._look_for_commands()
            if isinstance(item, Event):
                yield item
            else:
                yield from item()

    def _write(self) -> None:
        """Write all events; the thread's own function."""
        try:
            for event in self._stream:
                if isinstance(event, RecordingStopped):
                    self._stop(f"{event.folder}: {event.cause}")
        except Exception as error:
            self._stop(one_line(error))
        finally:
            self.records = False
            self._release_paused()

    def _stop(self, cause: str) -> None:
        self.records, self._problem = False, f"clipwatch has stopped recording, the loop trains on: {cause}"
        self._release_paused()

    def _release_paused(self) -> None:
        """Let paused loops train on, because nobody could resume them."""
        for mailbox in self._mailboxes.copy().values():
            mailbox.put(Resume())

    _looked = 0.0

    def _look_for_commands(self) -> None:
        """Look at the file if that is due, while there are events to write."""
        if time.perf_counter() - self._looked > _LOOK_SECONDS:
            self._deliver_commands()

    def _deliver_commands(self) -> None:
        self._looked = time.perf_counter()
        for command in self._reader.commands() if self._reader and self.records else ():
            self._deliver(command)

    def _deliver(self, command: AnyCommand) -> None:
        if isinstance(command, Restart | Seek):
            self._tell(f"{type(command).__name__}: the loop is its own program; start it again yourself")
            return
        lanes = [command.lane] if command.lane else [name for name, end in self._endings.copy().items() if not end]
        for lane in lanes:
            mailbox = self._mailboxes.get(lane)
            if mailbox is None:
                self._tell(f"{type(command).__name__}: there is no lane {lane!r}")
            elif mailbox.is_full:
                self._tell(f"{type(command).__name__}: too many commands wait for {lane}; this one is dropped")
            elif not mailbox.put(command):
                self._tell(f"{type(command).__name__}: {lane} has ended")

    def _tell(self, text: str) -> None:
        self._waiting.put(Notice(text=text))


class OpenWatch(Protocol):
    """What is open until its `close`, see `Watch`."""

    active: bool

    def close_at_exit(self) -> None: ...

    def forget(self) -> None: ...


_current: WatchedRun | None = None
# Two threads may begin, or one may begin where another one ends.
_changing = threading.Lock()
_open: list[OpenWatch] = []


def join_run(begin: Callable[[], WatchedRun], lane: str) -> tuple[WatchedRun, Mailbox[LaneCommand]]:
    """Add a lane to the run that is open, or else to a new one. Raises NameTaken, and what `begin` raises."""
    global _current
    with _changing:
        if _current is None or _current.ended:
            _current = begin()
        return _current, _current.join(lane)


def opened(watch: OpenWatch) -> None:
    """Close this watch when the interpreter exits, unless `closed` is called before."""
    _open.append(watch)
    if multiprocessing.parent_process() is not None:
        # A forked child of multiprocessing ends without what `atexit` has registered.
        multiprocessing.util.Finalize(None, _close_all, exitpriority=0)


def closed(watch: OpenWatch) -> None:
    """A watch was closed."""
    if watch in _open:
        _open.remove(watch)


@atexit.register
def _close_all() -> None:
    for watch in _open.copy():
        watch.close_at_exit()


def _forget() -> None:
    """End all watches in a forked child: the thread and the files belong to the parent."""
    global _current, _changing
    for watch in _open:
        watch.forget()
    _changing = threading.Lock()
    _current = None
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
