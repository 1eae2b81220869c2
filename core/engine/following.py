"""Follows a run that another process trains; has the methods of a `Session`, but trains nothing.

It reads the run's folder: what is recorded so far, then each event that is appended. Commands to a watched loop are
appended to the file of commands that the loop reads, see `runs.control_file`. The loop never learns who follows it.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from ..errors import BadInput, one_line
from ..files.paths import path_text
from ..runs.control_file import append, why_not_writable
from ..runs.damage import DamagedLine, decode_sealed
from ..runs.folder import RunFolder
from ..runs.growing_file import FileLost, GrowingFile
from ..runs.reader import Recorded, read_recording
from ..runs.timeline import Timeline
from ..stream.attach_events import Attached
from ..stream.codec import UnknownEvent, decode_event
from ..stream.commands import AnyCommand, Extend, Restart, Seek, Stop
from ..stream.events import Event, LaneEvent, Notice, ResourcesMeasured, RunFinished, RunStarted

# Seconds between two looks at the recording.
POLL = 0.05
# Seconds without an event after which a process counts as silent: it measures its resources every five seconds.
SILENT_AFTER, _SILENCE_UNIT = 15.0, 5
# The number of unread notices at which the follower accepts no more commands for a while.
_MAX_NOTICES = 1000

BY_ANOTHER_CLIPWATCH = "another clipwatch trains this run: steer it there"
ENDED = "this run has ended"
GONE = "the process that trained this run has gone"


class Follower:
    """Sends a run's events as they are recorded, until the run has ended; if `lasting`, until `Stop` or `close`.

    `Stop` without a lane ends the following, not the loop; with a lane it is a command to the loop, as all others are.
    `clock` returns seconds since 1970.
    """

    def __init__(
        self, folder: RunFolder, *, lasting: bool, clock: Callable[[], float] = time.time, poll: float = POLL
    ) -> None:
        self._folder, self._lasting, self._clock, self._poll = folder, lasting, clock, poll
        # Notices to send; None wakes the follower up.
        self._inbox: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._name = path_text(Path(folder.path.name))
        self._attached = Attached(run=self._name, process="running")
        self._stopped = self._finished = self._shows_life = self._watched = False
        self._last_step, self._heard_at = 0, 0.0
        # Kinds of events that this version does not know; each is reported once.
        self._unknown: set[str] = set()
        self.lost = False

    def send(self, command: AnyCommand) -> None:
        """Send a command, from any thread; an event of the loop reports its effect, or a `Notice` why it has none."""
        name = type(command).__name__
        match command:
            case Stop(lane=None, at_step=None):
                self._stopped = True
                self._inbox.put(None)
            case Restart() | Extend():
                self.tell(f"{name} works only for a run of clipwatch's own, where it is trained")
            case Seek():
                self.tell(f"{name} works only in a replay")
            case _ if self._attached.unsteerable:
                self.tell(f"{name}: {self._attached.unsteerable}")
            case _:
                try:
                    append(self._folder.path, command)
                except BadInput as error:
                    self.tell(f"{name}: {error}")

    @property
    def behind(self) -> bool:
        """Whether too many notices wait."""
        return self._inbox.qsize() >= _MAX_NOTICES

    def tell(self, text: str) -> None:
        """Put a `Notice` into the stream."""
        self._inbox.put(text)

    def close(self) -> None:
        """Announce that no more commands will come: the following ends with the run."""
        self._lasting = False
        self._inbox.put(None)

    def run(self) -> Iterator[Event]:
        """The events so far, in short, then those that are appended. Raises BadInput if the run cannot be read."""
        if self._starts():
            yield from self._follow()
        while self._lasting and not self._stopped:
            yield from self._wait(None)
        yield from self._waiting_notices()

    def _starts(self) -> bool:
        """Wait for the first event of a run that is about to start; return whether it has come before a `Stop`."""
        while not self._stopped and self._folder.is_being_written() and not _has_content(self._folder.events):
            time.sleep(self._poll)
        return not self._stopped

    def _follow(self) -> Iterator[Event]:
        # Asked before reading, so that everything is read that a process wrote before it ended.
        is_written = self._folder.is_being_written()
        recorded = read_recording(self._folder.events, growing=is_written)
        try:
            with GrowingFile(self._folder.events, recorded.whole_bytes) as file:
                yield from self._beginning(recorded, is_written=is_written)
                yield from self._rest(file)
        except (FileLost, OSError) as error:
            yield from self._lose(one_line(error))

    # What is recorded so far

    def _beginning(self, recorded: Recorded, *, is_written: bool) -> Iterator[Event]:
        """The events so far, as a replay that seeks sends them."""
        self._watched, self._heard_at = recorded.started.watched, self._folder.events.stat().st_mtime
        timeline = Timeline(recorded.table)
        events = list(timeline.condensed(0, len(timeline)))
        # A run that was resumed has ended before, which is long past.
        events = [event for event in events[:-1] if not isinstance(event, RunFinished)] + events[-1:]
        for event in events:
            self._note(event)
        self._attached = self._find_out(is_written=is_written)
        for event in events:
            yield event
            if isinstance(event, RunStarted):
                yield self._attached
        # What is said of older events must not hide how the process is.
        yield self._attached
        for text in recorded.damage:
            yield Notice(text=text)
        if self._attached.process == "gone":
            yield self._farewell()

    def _note(self, event: Event) -> None:
        """Remember what says how the process is."""
        match event:
            case RunFinished():
                self._finished = True
            case ResourcesMeasured():
                self._shows_life = True
            case LaneEvent(step=step):
                self._last_step = max(self._last_step, step)
            case _:
                pass

    # What is appended

    def _rest(self, file: GrowingFile) -> Iterator[Event]:
        """The events that are appended, until the run has ended. A run that has gone may be resumed."""
        while not self._stopped and not self._finished and (self._lasting or self._attached.process != "gone"):
            is_written = self._folder.is_being_written()
            has_more = yield from self._new_events(file)
            # A process has gone only when all that it wrote is read.
            before, self._attached = self._attached, self._find_out(is_written=is_written or has_more)
            if self._attached != before:
                yield self._attached
            if self._attached.process == "gone" != before.process:
                yield self._farewell()
            yield from self._wait(self._poll)

    def _farewell(self) -> Notice:
        return Notice(text=f"{GONE}, or no longer records it; its last step was {self._last_step:,}")

    def _new_events(self, file: GrowingFile) -> Generator[Event, None, bool]:
        """The events of the lines that can be read now; returns whether there were any."""
        damaged = 0
        lines = file.lines()
        for line in lines:
            self._heard_at = self._clock()
            try:
                event = decode_sealed(line, decode_event)
            except DamagedLine:
                damaged += 1
            except UnknownEvent as error:
                if str(error) not in self._unknown:
                    self._unknown.add(str(error))
                    yield Notice(text=str(error))
            except BadInput as error:
                raise FileLost(str(error)) from error
            else:
                self._note(event)
                yield event
        if damaged:
            count = "1 line is" if damaged == 1 else f"{damaged:,} lines are"
            yield Notice(text=f"{self._folder.events.name}: {count} damaged and left out")
        return bool(lines)

    def _find_out(self, *, is_written: bool) -> Attached:
        """How the process is, and whether it takes commands from here."""
        if self._finished:
            return Attached(run=self._name, process="ended", unsteerable=ENDED)
        if not is_written:
            return Attached(run=self._name, process="gone", unsteerable=GONE)
        unsteerable = why_not_writable(self._folder.path) if self._watched else BY_ANOTHER_CLIPWATCH
        silent = self._silent_seconds()
        return Attached(
            run=self._name, process="silent" if silent else "running", silent=silent, unsteerable=unsteerable
        )

    def _silent_seconds(self) -> int:
        """For how long the process has written nothing, in steps of five seconds; 0 if that is no wonder."""
        silent = self._clock() - self._heard_at
        # An engine of an older version does not measure its resources, and is silent while it is paused.
        if silent < SILENT_AFTER or not (self._watched or self._shows_life):
            return 0
        return int(silent // _SILENCE_UNIT * _SILENCE_UNIT)

    def _lose(self, why: str) -> Iterator[Event]:
        """End the following, because the recording cannot be read any more."""
        self.lost = True
        what = f"the recording of {self._name} cannot be followed any more: {why}"
        self._attached = Attached(run=self._name, process="gone", unsteerable=f"{what}; attach to it again")
        yield self._attached
        yield Notice(text=what)

    # Notices

    def _wait(self, seconds: float | None) -> Iterator[Event]:
        """Send the next notice, if one comes within so many seconds (None: wait for it)."""
        try:
            text = self._inbox.get(timeout=seconds)
        except queue.Empty:
            return
        if text is not None:
            yield Notice(text=text)
        yield from self._waiting_notices()

    def _waiting_notices(self) -> Iterator[Event]:
        while not self._inbox.empty():
            if (text := self._inbox.get()) is not None:
                yield Notice(text=text)


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False
