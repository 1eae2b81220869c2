"""The rules that a lane was trained with."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from ..stream.events import ClipChanged, Event, LaneForked, LaneStarted


@dataclass(frozen=True)
class LaneRules:
    """The rules of a lane: `rules[k]` holds from step `steps[k]` on."""

    steps: tuple[int, ...]
    rules: tuple[str, ...]

    def at(self, step: int) -> str:
        """The rule of this step; nothing before the first."""
        place = bisect_right(self.steps, step)
        return self.rules[place - 1] if place else ""


NO_RULES = LaneRules((), ())


def lane_rules(events: Iterable[Event], lane: str) -> LaneRules:
    """The rules of a lane, from its start or its fork, and its changes."""
    found = {
        event.step: event.rule
        for event in events
        if isinstance(event, LaneStarted | LaneForked | ClipChanged) and event.lane == lane
    }
    steps = sorted(found)
    return LaneRules(tuple(steps), tuple(found[step] for step in steps))
