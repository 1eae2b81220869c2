"""A recording played again as a stream of events, to whoever watches runs; a `Session` that trains nothing."""

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
    Sought,
)
from .mailbox import Mailbox

# Notices that wait to be read.
_MANY = 1000


class Replay:
    """Gives recorded events at their times, `speed` times as fast (None: at once), and obeys commands that fit.

    With `lasting` the end of the recording waits for a `Seek`, until `Stop` or `close`.
    """

    def __init__(self, name: str, table: EventTable, *, speed: float | None, lasting: bool) -> None:
        self._timeline, self._speed = Timeline(table), speed
        self._times = self._timeline.times
        self._mailbox = Mailbox[AnyCommand](lasting=lasting)
        self._told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._last_step = self._timeline.last_step
        self._started = ReplayStarted(run=name, last_step=self._last_step)
        self._lanes = self._timeline.lanes
        self._next, self._step, self._clock = 0, 0, 0.0
        self._paused_at: int | None = None
        self._asked_pace: SetPace | None = None

    def send(self, command: AnyCommand) -> None:
        """Ask for something, from any thread; the answer is an event, a `Notice` for what no recording can do."""
        if command.lane is not None or command.at_step is not None:
            self.tell(f"{type(command).__name__}: a recording is steered as a whole: leave lane and at_step out")
        elif not self._mailbox.put(command) and not isinstance(command, Stop):
            self.tell(_too_late(command))

    @property
    def behind(self) -> bool:
        """Whether more is to be told, or obeyed, than anybody takes at present."""
        return self._told.qsize() >= _MANY or self._mailbox.is_full

    def tell(self, text: str) -> None:
        """Put a `Notice` into the stream."""
        self._told.put(text)
        self._mailbox.wake()

    def close(self) -> None:
        """Say that no more commands will come."""
        self._mailbox.close()

    def run(self) -> Iterator[Event]:
        """The events, as they come due."""
        yield from self._play()
        for command in self._mailbox.end():
            if not isinstance(command, Stop):
                self.tell(_too_late(command))
        yield from self._notices()

    def _play(self) -> Iterator[Event]:
        before = time.perf_counter()
        while True:
            for command in self._mailbox.take(0, self._patience()):
                if isinstance(command, Stop):
                    return
                yield from self._obey(command)
            yield from self._notices()
            now = time.perf_counter()
            if not self._is_paused() and self._speed is not None:
                self._clock += (now - before) * self._speed
            before = now
            yield from self._due()
            if self._next == len(self._timeline) and not self._mailbox.lasting:
                return

    def _notices(self) -> Iterator[Event]:
        while not self._told.empty():
            yield Notice(text=self._told.get())

    def _is_paused(self) -> bool:
        return self._paused_at is not None and self._step >= self._paused_at

    def _patience(self) -> float | None:
        if self._next == len(self._timeline):
            return None if self._mailbox.lasting else 0
        if self._is_paused():
            return None
        if self._speed is None:
            return 0
        return min(LONGEST_GAP, max(0.0, (self._times[self._next] - self._clock) / self._speed))

    def _due(self) -> Iterator[Event]:
        """The events up to the clock, or up to where a pause was asked for."""
        while self._next < len(self._timeline) and not self._is_paused():
            if self._speed is not None and self._times[self._next] > self._clock and self._paused_at is None:
                return
            yield from self._advance()
            if self._is_paused():
                yield from self._paused()

    def _advance(self) -> Iterator[Event]:
        event, self._clock = self._timeline[self._next], max(self._clock, self._times[self._next])
        self._next += 1
        if isinstance(event, LaneEvent):
            self._step = max(self._step, event.step)
        yield event
        if isinstance(event, RunStarted):
            yield self._started

    def _paused(self) -> Iterator[Event]:
        for lane in self._lanes:
            yield LanePaused(lane=lane, step=self._step)

    def _paced(self) -> Iterator[Event]:
        """The pace that was asked for, if one was."""
        if self._asked_pace:
            for lane in self._lanes:
                yield PaceChanged(lane=lane, step=self._step, pace=self._asked_pace.pace)

    def _obey(self, command: AnyCommand) -> Iterator[Event]:
        match command:
            case Pause():
                self._paused_at = self._step
                yield from self._paused()
            case Resume():
                self._paused_at = None
                for lane in self._lanes:
                    yield LaneResumed(lane=lane, step=self._step)
            case StepOnce(count=count):
                self._paused_at = max(self._step, self._paused_at or 0) + count
                for lane in self._lanes:
                    yield LaneStepped(lane=lane, step=self._step, count=self._paused_at - self._step)
            case SetPace(pace=pace):
                self._asked_pace = command
                self._speed = None if pace is None else pace / self._recorded_pace()
                yield from self._paced()
            case Seek(step=step):
                yield from self._seek(min(max(0, step), self._last_step))
            case _:
                yield Notice(text=f"a recording cannot be changed: {type(command).__name__} is for runs under way")

    def _seek(self, step: int) -> Iterator[Event]:
        """The story up to this step, back from its beginning again."""
        before, self._next = self._next, self._timeline.after(step)
        last = self._timeline[self._next - 1]
        self._clock = float(self._times[self._next - 1])
        self._step = last.step if isinstance(last, LaneEvent) else step
        # Forward there is only the rest to tell.
        back = self._next <= before
        for event in self._timeline.condensed(0 if back else before, self._next):
            yield event
            if isinstance(event, RunStarted):
                yield self._started
        if back:
            # The story knows only of the pace that it was recorded at.
            yield from self._paced()
        if self._paused_at is not None:
            self._paused_at = self._step
            yield from self._paused()
        yield Sought(step=step)

    def _recorded_pace(self) -> float:
        """Steps a second as they were recorded, without the gaps that are skipped."""
        return max(1.0, self._last_step) / max(1e-3, float(self._times[-1]))


def _too_late(command: AnyCommand) -> str:
    return f"the replay has ended: {type(command).__name__} came too late for it"
