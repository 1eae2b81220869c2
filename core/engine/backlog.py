"""A bounded queue of events and snapshots between the lanes and whoever reads them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar

T = TypeVar("T")
Waiting = Callable[[], AbstractContextManager[None]]

# How many events may wait before the lanes wait, too; and how many snapshots, of about a megabyte each.
_EVENTS, _SNAPSHOTS = 2000, 8
# Seconds in which events gather. Whoever reads them takes a core from a lane each time it wakes, and finds nothing in
# the cache: ten events together cost little more than one.
_GATHERING = 0.02


class Backlog(Generic[T]):
    """A queue in which only what a lane tells waits for room: `put` returns at once, from signal handlers too."""

    def __init__(self, given_up: threading.Event) -> None:
        """Once `given_up` is set nobody waits for room any more."""
        self._queue: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._snapshots = threading.Semaphore(_SNAPSHOTS)
        self._given_up = given_up

    def put(self, item: T) -> None:
        """Add an item without waiting."""
        self._queue.put(item)

    @property
    def is_full(self) -> bool:
        """Whether there is no room for another event."""
        return self._queue.qsize() >= _EVENTS

    def put_event(self, item: T, waiting: Waiting = nullcontext) -> None:
        """Add an item once there is room for it; if that takes time, it is spent in `waiting`."""
        self._wait(lambda: not self.is_full, waiting)
        self._queue.put(item)

    def put_snapshot(self, item: T, waiting: Waiting = nullcontext) -> None:
        """The same of something large; whoever takes it says so by `took_snapshot`."""
        self._wait(lambda: self._snapshots.acquire(blocking=False), waiting)
        self._queue.put(item)

    def took_snapshot(self) -> None:
        """Make room for another."""
        self._snapshots.release()

    def get(self) -> T:
        """The next item. Waits 20 ms when the queue is empty, so that events arrive in groups."""
        if self._queue.empty():
            time.sleep(_GATHERING)
        return self._queue.get()

    def _wait(self, has_room: Callable[[], bool], waiting: Waiting) -> None:
        if has_room():
            return
        with waiting():
            # Asked now and then: a reader that told of room each time it takes something would be slower for it.
            while not self._given_up.wait(_GATHERING) and not has_room():
                pass
