"""The rules and the learning rates that a lane was trained with, over its steps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..stream.events import ClipChanged, LaneEvent, LaneForked, LaneStarted, LearningRateChanged
from ..stream.state import configured_rate
from .reader import Recorded

T = TypeVar("T")


@dataclass(frozen=True)
class LaneCourse(Generic[T]):
    """The values of a lane's setting: `values[k]` holds from step `steps[k]` on."""

    steps: tuple[int, ...]
    values: tuple[T, ...]

    @classmethod
    def of(cls, found: Mapping[int, T]) -> LaneCourse[T]:
        """From values by step, in any order."""
        steps = sorted(found)
        return cls(tuple(steps), tuple(found[step] for step in steps))

    def at(self, step: int) -> T | None:
        """The value in this step; None before the first."""
        place = bisect_right(self.steps, step)
        return self.values[place - 1] if place else None


NO_RULES = LaneCourse[str]((), ())


def lane_rules(recorded: Recorded, lane: str) -> LaneCourse[str]:
    """The rules of a lane, from its start or its fork, and its changes."""
    events = (event for event in recorded.table.others if isinstance(event, LaneStarted | LaneForked | ClipChanged))
    return LaneCourse.of({event.step: event.rule for event in events if event.lane == lane})


def lane_rates(recorded: Recorded, lane: str) -> LaneCourse[float]:
    """The learning rates of a lane, before any schedule; empty if they are not known."""
    events = (event for event in recorded.table.others if isinstance(event, LaneEvent) and event.lane == lane)
    return LaneCourse.of({event.step: rate for event in events if (rate := _rate(recorded, event)) is not None})


def _rate(recorded: Recorded, event: LaneEvent) -> float | None:
    """The learning rate from this event on. Recordings of older versions do not say with which one a lane starts."""
    match event:
        case LearningRateChanged(rate=rate):
            return rate
        case LaneStarted(learning_rate=None, step=0):
            return configured_rate(recorded.started, event.lane)
        case LaneStarted(learning_rate=rate):
            return rate
        case _:
            return None
