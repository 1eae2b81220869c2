"""What a report tells of a run, gathered from its events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from ..runs.reader import Recorded
from ..statistics.intervals import wilson_interval
from ..stream.config import RunConfig
from ..stream.events import (
    ClipChanged,
    Diagnosed,
    Evaluated,
    Event,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LaneStarted,
    MomentsReset,
    Notice,
)
from ..stream.state import RunState, apply

Status = Literal["completed", "stopped", "failed", "unfinished"]


@dataclass(frozen=True)
class Final:
    """A lane on the whole validation set after `step` steps; `low` and `high` are the 95 % Wilson interval."""

    step: int
    accuracy: float
    low: float
    high: float
    loss: float
    total: int
    seconds: float

    @classmethod
    def of(cls, event: LaneFinished) -> Final:
        """The same from the event, whose `total` is at least 1."""
        low, high = wilson_interval(event.correct, event.total)
        accuracy = event.correct / event.total
        return cls(event.step, accuracy, low, high, event.loss, event.total, event.training_seconds)

    def overlaps(self, other: Final) -> bool:
        """Whether the two intervals share a point."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True)
class LaneStory:
    """One lane: its rule at the start, the steps it changed at, each evaluation once in order, its end if any, what was
    measured in order, and the outputs that were silent on all validation images at its end."""

    name: str
    rule: str
    changed_at: tuple[int, ...]
    evaluations: tuple[Evaluated, ...]
    parameters: int | None
    step: int
    status: str
    final: Final | None
    failed: LaneFailed | None
    measured: tuple[Diagnosed, ...] = ()
    silent_outputs: tuple[int, ...] | None = None

    @property
    def figures(self) -> tuple[tuple[int, float, float], ...]:
        """Step, loss and accuracy of each evaluation."""
        return tuple((event.step, event.loss, event.accuracy) for event in self.evaluations)


@dataclass(frozen=True)
class RunStory:
    """One run under the name of its folder; `screen` is a picture of its screen (SVG)."""

    name: str
    recorded: Recorded
    status: Status
    lanes: tuple[LaneStory, ...]
    interventions: tuple[ClipChanged | MomentsReset | LaneExtended, ...]
    notices: tuple[str, ...]
    screen: str | None = None

    @property
    def config(self) -> RunConfig:
        """The settings it began with."""
        return self.recorded.started.config

    @property
    def pairs(self) -> tuple[tuple[LaneStory, LaneStory], ...]:
        """The lanes to compare: two with each other, more than two each with the first."""
        return tuple((a, b) for a, b in combinations(self.lanes, 2) if a is self.lanes[0])

    @property
    def is_clean(self) -> bool:
        """Whether every lane did all its steps, as many as the others, and nothing was changed under way."""
        return self.status == "completed" and not self.interventions and all(lane.final for lane in self.lanes)


def story(name: str, recorded: Recorded, screen: str | None = None) -> RunStory:
    """Fold a recording; lines that a resumed run wrote twice count once."""
    state = RunState()
    for event in recorded.events:
        state = apply(state, event)
    rules = {lane.name: lane.rule for lane in recorded.started.config.lanes}
    lanes = tuple(_lane(lane, rules.get(lane, ""), state, recorded.events) for lane in _names(rules, recorded.events))
    notices = dict.fromkeys(event.text for event in recorded.events if isinstance(event, Notice))
    interventions = tuple(dict.fromkeys(recorded.interventions()))
    return RunStory(name, recorded, _status(state), lanes, interventions, tuple(notices), screen)


def _names(rules: Iterable[str], events: list[Event]) -> list[str]:
    return list(dict.fromkeys((*rules, *(event.lane for event in events if isinstance(event, Evaluated)))))


def _lane(name: str, rule: str, state: RunState, events: list[Event]) -> LaneStory:
    mine = {event.step: event for event in events if isinstance(event, Evaluated) and event.lane == name}
    evaluations = tuple(mine[step] for step in sorted(mine))
    sizes = (event.parameters for event in events if isinstance(event, LaneStarted) and event.lane == name)
    parameters = next(sizes, None)
    known = state.lanes.get(name)
    if known is None:
        return LaneStory(name, rule, (), evaluations, parameters, max(mine, default=-1) + 1, "unfinished", None, None)
    final = Final.of(known.finished) if known.finished and known.finished.total else None
    status = known.status if known.ended else "unfinished"
    changed_at = tuple(sorted(set(known.changed_at)))
    watched = {event.step: event for event in events if isinstance(event, Diagnosed) and event.lane == name}
    measured = tuple(watched[step] for step in sorted(watched))
    silent = known.finished.silent_outputs if known.finished else None
    return LaneStory(
        name, rule, changed_at, evaluations, parameters, known.step, status, final, known.failed, measured, silent
    )


def _status(state: RunState) -> Status:
    # A resumed run has the end of its first part behind it: its lanes tell whether this is the end.
    if state.finished is None or not all(lane.ended for lane in state.lanes.values()):
        return "unfinished"
    return state.finished.reason
