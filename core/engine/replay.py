"""Replays a recording as a stream of events; has the methods of a `Session`, but trains nothing."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator

from ..runs.event_table import EventTable
from ..runs.timeline import LONGEST_GAP, Timeline
from ..stream.commands import AnyCommand, Pause, Resume, Seek, SetPace, StepOnce, Stop
from ..stream.events import (
    Event,
    LaneEvent,
    LanePaused,
    LaneResumed,
    LaneStepped,
    Notice,
    PaceChanged,
    ReplayStarted,
    RunStarted,
    SeekFinished,
)
from .mailbox import Mailbox

# Events sent before the replay listens to commands again, which matters where many are due, as without a speed limit.
_MOST_AT_ONCE = 100
# The number of unread notices at which the replay accepts no more commands for a while.
_MAX_NOTICES = 1000


class Replay:
    """Yields recorded events at their times, `speed` times as fast (None: at once), and obeys the commands that apply.

    With `lasting` it waits for a `Seek` at the end of the recording, until `Stop` or `close`.
    """

    def __init__(self, name: str, table: EventTable, *, speed: float | None, lasting: bool) -> None:
        self._timeline, self._speed = Timeline(table), speed
        self._times = self._timeline.times
        self._mailbox = Mailbox[AnyCommand](lasting=lasting)
        self._notice_texts: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._last_step = self._timeline.last_step
        self._name = name
        self._next, self._step, self._clock = 0, 0, 0.0
        self._paused_at: int | None = None
        self._pace_command: SetPace | None = None

    @property
    def _lanes(self) -> list[str]:
        """The lanes that have started so far."""
        return self._timeline.lanes_before(self._next)

    @property
    def _started(self) -> ReplayStarted:
        return ReplayStarted(run=self._name, last_step=self._last_step, speed=self._speed)

    def send(self, command: AnyCommand) -> None:
        """Send a command, from any thread; an event reports its effect, or a `Notice` that a replay cannot do it."""
        if command.lane is not None or command.at_step is not None:
            self.tell(
                f"{type(command).__name__}: a replay has no single lanes or scheduled steps: leave out lane and at_step"
            )
        elif not self._mailbox.put(command) and not isinstance(command, Stop):
            self.tell(_too_late(command))

    @property
    def behind(self) -> bool:
        """Whether too many notices or commands wait."""
        return self._notice_texts.qsize() >= _MAX_NOTICES or self._mailbox.is_full

    def tell(self, text: str) -> None:
        """Put a `Notice` into the stream."""
        self._notice_texts.put(text)
        self._mailbox.wake()

    def close(self) -> None:
        """Announce that no more commands will come."""
        self._mailbox.close()

    def run(self) -> Iterator[Event]:
        """Yield the events at their times."""
        yield from self._play()
        for command in self._mailbox.end():
            if not isinstance(command, Stop):
                self.tell(_too_late(command))
        yield from self._notices()

    def _play(self) -> Iterator[Event]:
        before = time.perf_counter()
        while True:
            for command in self._mailbox.take(0, self._seconds_to_wait()):
                if isinstance(command, Stop):
                    return
                yield from self._obey(command)
            yield from self._notices()
            now = time.perf_counter()
            if not self._is_paused() and self._speed is not None:
                self._clock += (now - before) * self._speed
            before = now
            yield from self._due_events()
            if self._next == len(self._timeline) and not self._mailbox.lasting:
                return

    def _notices(self) -> Iterator[Event]:
        while not self._notice_texts.empty():
            yield Notice(text=self._notice_texts.get())

    def _is_paused(self) -> bool:
        return self._paused_at is not None and self._step >= self._paused_at

    def _seconds_to_wait(self) -> float | None:
        if self._next == len(self._timeline):
            return None if self._mailbox.lasting else 0
        if self._is_paused():
            return None
        if self._speed is None:
            return 0
        return min(LONGEST_GAP, max(0.0, (self._times[self._next] - self._clock) / self._speed))

    def _due_events(self) -> Iterator[Event]:
        """The next few of the events up to the clock, or up to the step of a pause."""
        for _ in range(_MOST_AT_ONCE):
            if self._next == len(self._timeline) or self._is_paused():
                return
            if self._speed is not None and self._times[self._next] > self._clock and self._paused_at is None:
                return
            yield from self._advance()
            if self._is_paused():
                yield from self._pause_events()

    def _advance(self) -> Iterator[Event]:
        event, self._clock = self._timeline[self._next], max(self._clock, self._times[self._next])
        self._next += 1
        if isinstance(event, LaneEvent):
            self._step = max(self._step, event.step)
        yield event
        if isinstance(event, RunStarted):
            yield self._started

    def _pause_events(self) -> Iterator[Event]:
        for lane in self._lanes:
            yield LanePaused(lane=lane, step=self._step)

    def _pace_events(self) -> Iterator[Event]:
        """A `PaceChanged` for each lane if a `SetPace` was sent."""
        if self._pace_command:
            for lane in self._lanes:
                yield PaceChanged(lane=lane, step=self._step, pace=self._pace_command.pace)

    def _obey(self, command: AnyCommand) -> Iterator[Event]:
        match command:
            case Pause():
                self._paused_at = self._step
                yield from self._pause_events()
            case Resume():
                self._paused_at = None
                for lane in self._lanes:
                    yield LaneResumed(lane=lane, step=self._step)
            case StepOnce(count=count):
                self._paused_at = max(self._step, self._paused_at or 0) + count
                for lane in self._lanes:
                    yield LaneStepped(lane=lane, step=self._step, count=self._paused_at - self._step)
            case SetPace(pace=pace):
                self._pace_command = command
                self._speed = None if pace is None else pace / self._recorded_pace()
                yield self._started
                yield from self._pace_events()
            case Seek(step=step):
                yield from self._seek(min(max(0, step), self._last_step))
            case _:
                yield Notice(text=f"a recording cannot be changed: {type(command).__name__} works only in a live run")

    def _seek(self, step: int) -> Iterator[Event]:
        """The events up to this step; going back, from the start of the recording again."""
        before, self._next = self._next, self._timeline.after(step)
        last = self._timeline[self._next - 1]
        self._clock = float(self._times[self._next - 1])
        self._step = last.step if isinstance(last, LaneEvent) else step
        # Going forward, only the events in between are sent.
        goes_back = self._next <= before
        for event in self._timeline.condensed(0 if goes_back else before, self._next):
            yield event
            if isinstance(event, RunStarted):
                yield self._started
        if goes_back:
            # The recording contains only the speed limits that were set in the run.
            yield from self._pace_events()
        if self._paused_at is not None:
            self._paused_at = self._step
            yield from self._pause_events()
        yield SeekFinished(step=step)

    def _recorded_pace(self) -> float:
        """Steps per second in the recording, without the gaps that are skipped."""
        return max(1.0, self._last_step) / max(1e-3, float(self._times[-1]))


def _too_late(command: AnyCommand) -> str:
    return f"the replay has ended: {type(command).__name__} came too late for it"
