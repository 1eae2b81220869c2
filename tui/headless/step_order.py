"""Evaluations of lanes that run side by side, put in order of step and then of lane."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator

from ...core.stream.events import Diagnosed, Evaluated


class OrderedEvaluations:
    """Holds an evaluation back until no lane can still send an earlier one.

    With `measured_every`, evaluations at multiples of so many steps have a measurement after them, to be shown under
    them.
    """

    def __init__(self, lanes: tuple[str, ...], *, measured_every: int | None = None) -> None:
        self._rank = {lane: rank for rank, lane in enumerate(lanes)}
        self._last_step: dict[str, float] = dict.fromkeys(lanes, -1)
        # The count keeps what is told twice in order.
        self._held: list[tuple[int, int, bool, int, Evaluated | Diagnosed]] = []
        self._count = itertools.count()
        self._measured_every = measured_every

    def add(self, event: Evaluated | Diagnosed) -> Iterator[Evaluated | Diagnosed]:
        """What can be shown now that this is known."""
        second = isinstance(event, Diagnosed)
        rank = self._rank.setdefault(event.lane, len(self._rank))
        heapq.heappush(self._held, (event.step, rank, second, next(self._count), event))
        more = not second and self._measured_every and event.step % self._measured_every == 0
        self._last_step[event.lane] = event.step - 0.5 if more else event.step
        return self._ready()

    def end(self, lane: str) -> Iterator[Evaluated | Diagnosed]:
        """What can be shown now that this lane sends no more for the time being."""
        self._last_step[lane] = math.inf
        return self._ready()

    def _ready(self) -> Iterator[Evaluated | Diagnosed]:
        behind = min(self._last_step.values())
        while self._held and self._held[0][0] <= behind:
            yield heapq.heappop(self._held)[-1]
