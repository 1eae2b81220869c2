"""Evaluations of lanes that run side by side, put in order of step and then of lane."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator

from ..core.events import Evaluated


class OrderedEvaluations:
    """Holds an evaluation back until no lane can still send an earlier one."""

    def __init__(self, lanes: tuple[str, ...]) -> None:
        self._rank = {lane: rank for rank, lane in enumerate(lanes)}
        self._last_step: dict[str, float] = dict.fromkeys(lanes, -1)
        self._held: list[tuple[int, int, Evaluated]] = []

    def add(self, event: Evaluated) -> Iterator[Evaluated]:
        """The evaluations that can be shown now that this one is known."""
        heapq.heappush(self._held, (event.step, self._rank[event.lane], event))
        self._last_step[event.lane] = event.step
        return self._ready()

    def end(self, lane: str) -> Iterator[Evaluated]:
        """The evaluations that can be shown now that this lane sends none for the time being."""
        self._last_step[lane] = math.inf
        return self._ready()

    def _ready(self) -> Iterator[Evaluated]:
        behind = min(self._last_step.values())
        while self._held and self._held[0][0] <= behind:
            yield heapq.heappop(self._held)[2]
