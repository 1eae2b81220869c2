"""Pairs the measurements of each lane with those of the first one at the same step."""

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
        self._first = lanes[0]
        self._waiting: dict[tuple[str, str, int], P] = {}
        self._others = tuple(lanes[1:])
        self._lock = threading.Lock()

    def add(self, lane: str, step: int, point: P, size: int) -> Iterator[tuple[tuple[str, str], P]]:
        """Add a lane's point of `size` bytes; yield each pair of lanes that it completes, with the other's point."""
        partners = self._others if lane == self._first else (self._first,)
        with self._lock:
            found = {other: self._waiting.pop((other, lane, step), None) for other in partners}
            for other in (other for other, theirs in found.items() if theirs is None):
                self._waiting[lane, other, step] = point
            self._drop(max(1, min(MAX_WAITING, MAX_BYTES // size)))
        for other, theirs in found.items():
            if theirs is not None:
                yield (lane, other) if lane == self._first else (other, lane), theirs

    def _drop(self, most: int) -> None:
        """Drop the oldest points, so that each pair of lanes has at most so many."""
        while len(self._waiting) > most * max(1, len(self._others)):
            del self._waiting[next(iter(self._waiting))]
