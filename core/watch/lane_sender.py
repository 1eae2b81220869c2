"""Sends the events of one watched loop to its recording: its steps in groups, and after each what belongs to it."""

from __future__ import annotations

import time

from ..stream.events import Event, Notice
from .step_log import LoopStepLog
from .user_warnings import warn
from .watched_run import Item, WatchedRun

# A screen is to see a fast loop move.
_SEND_SECONDS = 0.25
# Steps in one event at most, and steps that wait at most while the disk is behind.
_MOST_STEPS, _MOST_WAITING = 1000, 10_000


class LaneSender:
    """Called on the thread that trains; nothing here waits for the disk. Without a run, nothing is recorded."""

    def __init__(self, run: WatchedRun | None, log: LoopStepLog) -> None:
        """`log` holds the steps that have not been sent."""
        self._run, self._log = run, log
        self._sent = time.perf_counter()
        # Events of the newest step, which wait until the loop has had the time to give its loss.
        self._of_step: list[Item] = []

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return self._run.seconds if self._run else 0.0

    @property
    def is_behind(self) -> bool:
        """Whether the disk is slower than the loop."""
        return self._run is not None and self._run.is_behind

    def send(self, item: Item) -> None:
        """Send at once."""
        if self._run:
            self._run.put(item)

    def notice(self, text: str) -> None:
        """Send a message at once."""
        self.send(Notice(text=text, level="info"))

    def add(self, *items: Item) -> None:
        """Send with the newest step, after it."""
        self._of_step += items

    def send_after_steps(self, event: Event) -> None:
        """Send all steps, then this event."""
        self.send_steps()
        self.send(event)

    def send_if_due(self, *, waiting: bool = False) -> None:
        """Send the steps if there are many, or the last ones were sent long ago; `waiting`: or if events wait."""
        is_due = len(self._log) >= _MOST_STEPS or time.perf_counter() - self._sent > _SEND_SECONDS
        if (is_due or (waiting and self._of_step)) and not (self.is_behind and len(self._log) < _MOST_WAITING):
            self.send_steps()

    def send_waiting(self) -> None:
        """Send the steps if events wait for them."""
        if self._of_step:
            self.send_steps()

    def send_steps(self) -> None:
        """Send all steps, and the events that wait."""
        self._sent = time.perf_counter()
        if (logged := self._log.take()) is not None:
            self.send(logged.events)
        for item in self._of_step:
            self.send(item)
        self._of_step = []

    def show_problems(self) -> None:
        """Warn of a recording that has stopped."""
        if self._run and (problem := self._run.take_problem()):
            warn(problem)
