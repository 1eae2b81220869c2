"""Sorts the evaluations of concurrent lanes by step, then by lane."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator

from ...core.stream.events import Diagnosed, Evaluated


class OrderedEvaluations:
    """Holds each evaluation back until no lane can send an earlier one.

    With `measured_every`, an evaluation at a multiple of that many steps is followed by a measurement of the same step.
    """

    def __init__(self, lanes: tuple[str, ...], *, measured_every: int | None = None) -> None:
        self._rank = {lane: rank for rank, lane in enumerate(lanes)}
        self._last_step: dict[str, float] = dict.fromkeys(lanes, -1)
        # The count keeps repeated events in order, and events are never compared.
        self._held: list[tuple[int, int, bool, int, Evaluated | Diagnosed]] = []
        self._count = itertools.count()
        self._measured_every = measured_every

    def add(self, event: Evaluated | Diagnosed) -> Iterator[Evaluated | Diagnosed]:
        """Add an event; return the events that can be shown now."""
        is_measurement = isinstance(event, Diagnosed)
        rank = self._rank.setdefault(event.lane, len(self._rank))
        heapq.heappush(self._held, (event.step, rank, is_measurement, next(self._count), event))
        measurement_follows = not is_measurement and self._measured_every and event.step % self._measured_every == 0
        self._last_step[event.lane] = event.step - 0.5 if measurement_follows else event.step
        return self._ready()

    def begin(self, lane: str, step: int) -> None:
        """Note a new lane, which sends no event of an earlier step than this one."""
        self._rank.setdefault(lane, len(self._rank))
        self._last_step[lane] = step - 1

    def end(self, lane: str) -> Iterator[Evaluated | Diagnosed]:
        """Note that a lane sends no more events for now; return the events that can be shown."""
        self._last_step[lane] = math.inf
        return self._ready()

    def _ready(self) -> Iterator[Evaluated | Diagnosed]:
        complete = min(self._last_step.values())
        while self._held and self._held[0][0] <= complete:
            yield heapq.heappop(self._held)[-1]
