"""Compares the measurements of each lane with those of the first one, or of its parent, at the same step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from ..stream.events import LanesCompared, Notice

# Lanes that are more than this many measurements apart are not compared, because each waiting one holds a copy of the
# parameters; nor are those whose waiting measurements take more than so many bytes.
MAX_WAITING, MAX_BYTES = 64, 1 << 28

P = TypeVar("P")
_Pair = tuple[str, str]


class LanePairs(Generic[P]):
    """Thread-safe. The lane of a pair that reaches a step first leaves its point, in `_waiting` by lane and step.

    `compare` gives the figures of `LanesCompared` for the points of two lanes.
    """

    def __init__(self, lanes: Sequence[str], compare: Callable[[P, P], Mapping[str, Any]]) -> None:
        """Compare every lane with the first one."""
        self._waiting: dict[_Pair, dict[tuple[str, int], P]] = {(lanes[0], other): {} for other in lanes[1:]}
        self._compare, self._far_apart = compare, set[_Pair]()
        self._lock = threading.Lock()

    def add_fork(self, parent: str, lane: str) -> None:
        """Compare a new lane with its parent from now on."""
        with self._lock:
            self._waiting[parent, lane] = {}

    def add(self, lane: str, step: int, point: P, size: int) -> Iterator[LanesCompared | Notice]:
        """Add a lane's point of `size` bytes; yield the comparisons that it completes.

        A notice says once of a pair that its lanes are too far apart.
        """
        most = max(1, min(MAX_WAITING, MAX_BYTES // size))
        found: list[tuple[_Pair, P]] = []
        far_apart: list[str] = []
        with self._lock:
            for pair, waiting in self._waiting.items():
                if lane not in pair:
                    continue
                other = pair[1] if lane == pair[0] else pair[0]
                theirs = waiting.pop((other, step), None)
                if theirs is not None:
                    found.append((pair, theirs))
                    continue
                waiting[lane, step] = point
                if len(waiting) > most:
                    del waiting[next(iter(waiting))]
                    far_apart += [] if pair in self._far_apart else [other]
                    self._far_apart.add(pair)
        for pair, theirs in found:
            yield LanesCompared(step=step, lanes=pair, **self._compare(point, theirs))
        for other in far_apart:
            yield Notice(
                text=f"{lane} is more than {most} measurements ahead of {other}: their distance is not measured until"
                " they are closer together",
                level="info",
            )
