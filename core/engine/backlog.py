"""The bounded queue of events and checkpoints between the lanes and the thread that reads them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Generic, TypeVar

T = TypeVar("T")
Waiting = Callable[[], AbstractContextManager[None]]

# The numbers of queued events and of queued checkpoints (about 1 MB each) at which lanes wait.
_MAX_EVENTS, _MAX_CHECKPOINTS = 2000, 8
# Seconds in which events collect. Each time the reader wakes, it takes a core from a lane and starts with a cold cache,
# so ten events at once cost little more than one.
_GATHER_SECONDS = 0.02


class Backlog(Generic[T]):
    """A queue in which only lanes wait for space; `put` returns at once and is safe in signal handlers."""

    def __init__(self, stopping: threading.Event) -> None:
        """Once `stopping` is set, lanes no longer wait."""
        self._queue: queue.SimpleQueue[T] = queue.SimpleQueue()
        self._checkpoint_space = threading.Semaphore(_MAX_CHECKPOINTS)
        self._stopping = stopping

    def put(self, item: T) -> None:
        """Add an item without waiting."""
        self._queue.put(item)

    @property
    def is_full(self) -> bool:
        """Whether lanes must wait before they add another event."""
        return self._queue.qsize() >= _MAX_EVENTS

    def put_event(self, item: T, waiting: Waiting = nullcontext) -> None:
        """Add an item once there is space for it; a wait is spent inside the context `waiting`."""
        self._wait(lambda: not self.is_full, waiting)
        self._queue.put(item)

    def put_checkpoint(self, item: T, waiting: Waiting = nullcontext) -> None:
        """Add a checkpoint once there is space for one. The reader must call `checkpoint_taken` after it."""
        self._wait(lambda: self._checkpoint_space.acquire(blocking=False), waiting)
        self._queue.put(item)

    def checkpoint_taken(self) -> None:
        """Make space for another checkpoint."""
        self._checkpoint_space.release()

    def get(self) -> T:
        """The next item. Waits 20 ms when the queue is empty, so that events arrive in groups."""
        if self._queue.empty():
            time.sleep(_GATHER_SECONDS)
        return self._queue.get()

    def _wait(self, has_space: Callable[[], bool], waiting: Waiting) -> None:
        if has_space():
            return
        with waiting():
            # Polls, because a reader that signals after each item would be slower.
            while not self._stopping.wait(_GATHER_SECONDS) and not has_space():
                pass
