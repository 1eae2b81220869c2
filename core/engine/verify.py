"""Verifies a recorded run: trains it again, with its interventions at their steps, and compares the figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..runs.event_table import EventTable, StepLogs
from ..runs.lane_steps import LaneSteps, lane_steps
from ..runs.reader import Recorded
from ..stream.codec import encode
from ..stream.commands import Stop
from ..stream.config import RunConfig
from ..stream.events import (
    Change,
    Diagnosed,
    Evaluated,
    Event,
    LaneEvent,
    LaneFailed,
    LaneFinished,
)
from .resume import repeated, settings
from .resumption import Resumption


@dataclass(frozen=True)
class Verdict:
    """How many events were compared, and the first difference of each lane: (lane, step, recorded, found).

    `missing` counts evaluations that the recording lacks.
    """

    compared: int
    missing: int
    differences: tuple[tuple[str, int, str, str], ...]


def repetition(recorded: Recorded) -> tuple[RunConfig, Resumption]:
    """The settings and commands that train the run again, without a speed limit, to the step where each lane ended."""
    config = settings(recorded)
    commands = [repeated(event) for event in recorded.table.others if isinstance(event, Change)]
    again = Resumption(iterations=recorded.planned_iterations, commands=[*commands, *_ends(recorded)])
    return msgspec.structs.replace(config, pace=None), again


def _ends(recorded: Recorded) -> Iterator[Stop]:
    """A stop for each lane whose recording ends before its planned number of steps."""
    # These are not stopped, so that they fail again.
    failed = {event.lane for event in recorded.table.others if isinstance(event, LaneFailed)}
    for lane, total in recorded.planned_iterations.items():
        if lane not in failed and (step := recorded.steps_done[lane]) < total:
            yield Stop(lane=lane, at_step=step)


def compare(recorded: Recorded, again: Iterable[Event]) -> Verdict:
    """Compare two runs' events by lane, kind and step, bit for bit. A missing evaluation or failure is a difference."""
    again = list(again)
    expected, found = dict(_figures(recorded.events)), dict(_figures(again))
    differences: dict[str, tuple[str, int, str, str]] = {}
    for key, before in expected.items():
        lane, kind, step = key
        after = found.get(key, "nothing")
        if after != before and (key in found or kind in (Evaluated.__name__, LaneFailed.__name__)):
            differences.setdefault(lane, (lane, step, before, after))
    steps, different = _compared_steps(recorded.table.step_logs, EventTable.of(again).step_logs)
    for lane, step, before, after in different:
        if lane not in differences or step < differences[lane][1]:
            differences[lane] = (lane, step, before, after)
    missing = sum(kind == Evaluated.__name__ for _, kind, _ in found.keys() - expected.keys())
    return Verdict(len(expected.keys() & found.keys()) + steps, missing, tuple(differences.values()))


def _compared_steps(recorded: StepLogs, again: StepLogs) -> tuple[int, list[tuple[str, int, str, str]]]:
    """How many logged steps both runs have, and the first that differs in each lane."""
    count, different = 0, []
    for lane in recorded.names:
        before, after = lane_steps(recorded, lane), lane_steps(again, lane)
        steps, at_before, at_after = np.intersect1d(before.steps, after.steps, return_indices=True)
        count += len(steps)
        one, other = _values(before)[at_before], _values(after)[at_after]
        # Bits are compared, since NaN is not equal to itself.
        if len(rows := np.flatnonzero((one.view(np.int32) != other.view(np.int32)).any(axis=1))):
            first = rows[0]
            different.append((lane, int(steps[first]), _step_text(one[first]), _step_text(other[first])))
    return count, different


def _values(steps: LaneSteps) -> NDArray[np.float32]:
    """For each step a row of training loss, ‖g‖, ‖ĝ‖ and 1 if it was clipped."""
    return np.stack([steps.losses, steps.norms, steps.clipped_norms, steps.clipped], axis=1, dtype=np.float32)


def _step_text(row: NDArray[np.float32]) -> str:
    loss, norm, clipped_norm, clipped = row.tolist()
    return f"training loss {loss}, gradient norm {norm} -> {clipped_norm}, clipped: {'yes' if clipped else 'no'}"


def _figures(events: Iterable[Event]) -> Iterator[tuple[tuple[str, str, int], str]]:
    for event in events:
        if isinstance(event, LaneEvent) and isinstance(event, Evaluated | Diagnosed | LaneFinished | LaneFailed):
            figures = encode(_timeless(event)).decode()
            yield (event.lane, type(event).__name__, event.step), figures


def _timeless(event: Evaluated | Diagnosed | LaneFinished | LaneFailed) -> Event:
    """The event without wall-clock times, without fields that old recordings lack, and without who ended a lane.

    A lane that was stopped ends at the same step as planned when it is trained again.
    """
    match event:
        case LaneFinished():
            return msgspec.structs.replace(
                event, reason="completed", seconds=0.0, training_seconds=0.0, silent_outputs=None
            )
        case Diagnosed():
            return event
        case Evaluated() | LaneFailed():
            return msgspec.structs.replace(event, seconds=0.0)
