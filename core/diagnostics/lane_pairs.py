"""Pairs the measurements of each lane with those of the first one, or of its parent, at the same step."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

# Lanes that are more than this many measurements apart are not compared, because each waiting one holds a copy of the
# parameters; nor are those whose waiting measurements take more than so many bytes.
MAX_WAITING, MAX_BYTES = 64, 1 << 28

P = TypeVar("P")


class LanePairs(Generic[P]):
    """Thread-safe. The lane that reaches a step first leaves its point, in `_waiting` by (lane, other lane, step)."""

    def __init__(self, lanes: Sequence[str]) -> None:
        """Compare every lane with the first one."""
        self._pairs = [(lanes[0], other) for other in lanes[1:]]
        self._waiting: dict[tuple[str, str, int], P] = {}
        self._lock = threading.Lock()

    def add_fork(self, parent: str, lane: str) -> None:
        """Compare a new lane with its parent from now on."""
        with self._lock:
            self._pairs.append((parent, lane))

    def add(self, lane: str, step: int, point: P, size: int) -> Iterator[tuple[tuple[str, str], P]]:
        """Add a lane's point of `size` bytes; yield each pair of lanes that it completes, with the other's point."""
        found: list[tuple[tuple[str, str], P]] = []
        with self._lock:
            for pair in self._pairs:
                if lane in pair:
                    other = pair[1] if lane == pair[0] else pair[0]
                    theirs = self._waiting.pop((other, lane, step), None)
                    if theirs is None:
                        self._waiting[lane, other, step] = point
                    else:
                        found.append((pair, theirs))
            self._drop(max(1, min(MAX_WAITING, MAX_BYTES // size)))
        yield from found

    def _drop(self, most: int) -> None:
        """Drop the oldest points, so that each pair of lanes has at most so many."""
        while len(self._waiting) > most * max(1, len(self._pairs)):
            del self._waiting[next(iter(self._waiting))]
