"""Whether a recorded run comes out the same when it is trained again, its interventions at their steps included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from .codec import encode
from .commands import AnyCommand, Extend, ResetMoments, SetClip, Stop
from .config import RunConfig
from .events import (
    ClipChanged,
    Diagnosed,
    Evaluated,
    Event,
    LaneEvent,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LaneStarted,
    MomentsReset,
)
from .recorded import Recorded
from .resumption import settings


@dataclass(frozen=True)
class Verdict:
    """How many figures were compared, and the first that differs by lane: what was recorded and what came out.

    `missing` evaluations came out, but are not in the recording.
    """

    compared: int
    missing: int
    differences: tuple[tuple[str, int, str, str], ...]


def repetition(recorded: Recorded) -> tuple[RunConfig, list[AnyCommand]]:
    """The settings and commands that train the run again, at full speed."""
    started, config = recorded.started, settings(recorded)
    commands: list[AnyCommand] = []
    planned = {lane.name: started.config.iterations for lane in started.config.lanes}
    for event in recorded.events:
        if isinstance(event, ClipChanged):
            commands.append(SetClip(lane=event.lane, rule=event.rule, at_step=event.step))
        elif isinstance(event, MomentsReset):
            commands.append(ResetMoments(lane=event.lane, at_step=event.step))
        elif isinstance(event, LaneExtended | LaneStarted) and event.iterations > planned[event.lane]:
            # A lane that was resumed may have started with more to do.
            more = event.iterations - planned[event.lane]
            planned[event.lane] = event.iterations
            commands.append(Extend(lane=event.lane, iterations=more))
    return msgspec.structs.replace(config, pace=None), commands


def ends(recorded: Recorded) -> list[Stop]:
    """Stops where lanes ended, or were last heard of, short of the steps they were to have."""
    last: dict[str, int] = {}
    planned = {lane.name: recorded.started.config.iterations for lane in recorded.started.config.lanes}
    for event in recorded.events:
        match event:
            case Evaluated(lane=lane, step=step):
                last[lane] = max(step + 1, last.get(lane, 0))
            case LaneFinished(lane=lane, step=step):
                last[lane] = max(step, last.get(lane, 0))
            case LaneExtended(lane=lane, iterations=iterations) | LaneStarted(lane=lane, iterations=iterations):
                planned[lane] = iterations
            case _:
                pass
    return [Stop(lane=lane, at_step=step) for lane, step in last.items() if step < planned[lane]]


def compare(recorded: Recorded, again: Iterable[Event]) -> Verdict:
    """Compare the figures of two runs by lane, kind and step, bit for bit; a missing evaluation differs."""
    expected, found = dict(_figures(recorded.events)), dict(_figures(again))
    differences: dict[str, tuple[str, int, str, str]] = {}
    for key, before in expected.items():
        lane, kind, step = key
        after = found.get(key, "nothing")
        if after != before and (key in found or kind == Evaluated.__name__):
            differences.setdefault(lane, (lane, step, before, after))
    missing = sum(kind == Evaluated.__name__ for _, kind, _ in found.keys() - expected.keys())
    return Verdict(len(expected.keys() & found.keys()), missing, tuple(differences.values()))


def _figures(events: Iterable[Event]) -> Iterator[tuple[tuple[str, str, int], str]]:
    for event in events:
        if isinstance(event, LaneEvent) and isinstance(event, Evaluated | Diagnosed | LaneFinished | LaneFailed):
            figures = encode(_timeless(event)).decode()
            yield (event.lane, type(event).__name__, event.step), figures


def _timeless(event: Evaluated | Diagnosed | LaneFinished | LaneFailed) -> Event:
    """The event without its times, which are no figures of the training, and without what old recordings lack."""
    match event:
        case LaneFinished():
            return msgspec.structs.replace(event, seconds=0.0, training_seconds=0.0, silent_outputs=None)
        case Diagnosed():
            return event
        case Evaluated() | LaneFailed():
            return msgspec.structs.replace(event, seconds=0.0)
