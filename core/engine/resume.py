"""Resumes an interrupted run from its checkpoints. The result is bit for bit that of an uninterrupted run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import msgspec

from ..errors import BadInput, ClipwatchError
from ..runs.folder import RunFolder
from ..runs.reader import Recorded, read_recording
from ..runs.scheduled_commands import still_scheduled
from ..runs.watched import require_own_training
from ..stream.commands import Fork, LaneCommand, ResetMoments, SetClip, SetLearningRate, planned_changes
from ..stream.config import RunConfig, with_dataset
from ..stream.events import (
    Change,
    ClipChanged,
    CommandScheduled,
    Diagnosed,
    Evaluated,
    Event,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LanesCompared,
    LaneStarted,
    LearningRateChanged,
    MomentsReset,
    NonfiniteFound,
    Notice,
    OutputDied,
    OutputRevived,
    RunStarted,
    StepsTrained,
)
from ..stream.rules import require_known
from .resumption import Resumption, all_lanes

Snapshots = Mapping[str, Mapping[str, Any]]
_OnceAStep = Evaluated | StepsTrained | Diagnosed | Change | NonfiniteFound


@dataclass(frozen=True)
class InterruptedRun:
    """A recorded run to resume, the settings to resume it with, and the total number of steps of each lane."""

    folder: RunFolder
    recorded: Recorded
    config: RunConfig
    iterations: Mapping[str, int]

    @cached_property
    def diverged(self) -> Mapping[str, LaneFailed]:
        """The lanes that diverged, which would diverge again. Lanes that raised an error are not among them."""
        found: dict[str, LaneFailed] = {}
        for event in self.recorded.table.others:
            match event:
                case LaneFailed(lane=lane, reason="diverged"):
                    found[lane] = event
                case LaneStarted(lane=lane):
                    found.pop(lane, None)
                case _:
                    pass
        return found

    @property
    def is_done(self) -> bool:
        """Whether no lane has a step left to do, all evaluations are recorded, and no new lane is scheduled."""
        ended = {event.lane: event.step for event in self.recorded.table.others if isinstance(event, LaneFinished)}
        done = {lane: min(ended.get(lane, 0), self._first_unrecorded(lane)) for lane in self.iterations}
        left = [lane for lane in self.iterations if lane not in self.diverged]
        forks = [command for command in still_scheduled(self.recorded) if isinstance(command, Fork)]
        return (
            bool(left)
            and all(done[lane] >= self.iterations[lane] for lane in left)
            and not any(fork.lane in left and (fork.at_step or 0) <= self.iterations[fork.lane] for fork in forks)
        )

    def snapshots(self, tell: list[str]) -> Snapshots:
        """The newest whole checkpoint of each lane that continues; `tell` gets a message for a lane that has none.

        Checkpoints beyond the recording are not used: a crash of the machine can lose its last lines after a checkpoint
        was written.
        """
        from ..training.checkpoint import newest, remove_others

        found: dict[str, Mapping[str, Any]] = {}
        folder, forks = self.folder.checkpoints, self.recorded.forks
        # Lanes from which others must be forked again, each with the newest step of a checkpoint that will do.
        needed: dict[str, int] = {}
        if not self.recorded.damage:
            remove_others(folder, self.iterations)
        # A lane comes before those that are forked from it.
        for lane in reversed(tuple(self.iterations)):
            if lane in self.diverged and lane not in needed:
                continue
            since, before = forks[lane].step if lane in forks else 0, needed.get(lane, math.inf)
            snapshot = newest(folder, lane, tell.append, up_to=self._first_unrecorded(lane), since=since, before=before)
            if snapshot is not None:
                found[lane] = snapshot
            elif lane in forks:
                parent = forks[lane].parent
                tell.append(f"{lane} has no checkpoint and is forked from {parent} again")
                newest_step = since - self._changes_after(forks[lane])
                needed[parent] = min(newest_step, needed.get(parent, newest_step))
            else:
                tell.append(f"{lane} has no checkpoint{_by(before)} and trains again from the start")
        return {lane: found[lane] for lane in self.iterations if lane in found}

    def _changes_after(self, fork: LaneForked) -> bool:
        """Whether the parent of a fork was changed later at the same step: a checkpoint of it may hold the change."""
        events = self.recorded.table.others
        later = (event for event in events[events.index(fork) :] if isinstance(event, Change))
        return any((event.lane, event.step) == (fork.parent, fork.step) for event in later)

    def _first_unrecorded(self, lane: str) -> int:
        """The step of the first evaluation that is not recorded."""
        last, every = self.recorded.last_evaluated(lane), self.config.eval_every
        if last < 0 and lane in self.recorded.forks:
            return math.ceil(self.recorded.forks[lane].step / every) * every
        return 0 if last < 0 else last + every

    def _forked_again(self, snapshots: Snapshots) -> list[LaneForked]:
        """The forks of which nothing is left to continue from."""
        again: list[LaneForked] = []
        for event in reversed(self.recorded.forks.values()):
            is_needed = event.lane not in self.diverged or any(event.lane == other.parent for other in again)
            if event.lane not in snapshots and is_needed:
                again.append(event)
        return again[::-1]

    def resumption(self, tell: list[str]) -> Resumption:
        """How the run continues; `tell` gets a message for each lane that has lost its state."""
        snapshots = self.snapshots(tell)
        trained = {name for event in self._forked_again(snapshots) for name in (event.lane, event.parent)}
        return Resumption(
            snapshots=snapshots,
            seconds=self.recorded.seconds,
            iterations=self.iterations,
            commands=self.commands(snapshots),
            recorded={lane: self.recorded.steps_done[lane] for lane in self.iterations},
            diverged={lane: event for lane, event in self.diverged.items() if lane not in trained},
            forks=tuple(self.recorded.forks.values()),
        )

    def commands(self, snapshots: Snapshots) -> list[LaneCommand]:
        """Commands that repeat the changes recorded after the checkpoints, and those that are still scheduled."""
        again = self._forked_again(snapshots)
        trained = {name for event in again for name in (event.lane, event.parent)}
        changed = [
            repeated(change)
            for change in self.recorded.events
            if isinstance(change, Change)
            and (
                change in again
                if isinstance(change, LaneForked)
                else change.step >= snapshots.get(change.lane, {"step": 0})["step"]
            )
        ]
        due = (*changed, *still_scheduled(self.recorded), *self._unscheduled_changes())
        # Lanes that diverged, and those that were to be forked from them.
        ended = {lane for lane in self.diverged if lane not in trained}
        left: list[LaneCommand] = []
        for command in due:
            if command.lane not in ended:
                left.append(command)
            elif isinstance(command, Fork):
                ended.add(command.name)
        return left

    def _unscheduled_changes(self) -> Iterator[LaneCommand]:
        """The planned changes of a run that was interrupted before it recorded that they are scheduled."""
        scheduled = [event.command for event in self.recorded.table.others if isinstance(event, CommandScheduled)]
        for lane in all_lanes(self.config, self.recorded.forks.values()).values():
            for command in planned_changes([lane]):
                if command not in scheduled and (command.at_step or 0) >= self.recorded.steps_done[lane.name]:
                    yield command

    def unrecorded_events(self, live: Iterable[Event]) -> Iterator[Event]:
        """Those of the resumed run's events that are not recorded yet.

        A lane that is stopped before it reaches the end of the recording adds nothing to it.
        """
        # Counted, because a step may have several events with the same identity, not all of them recorded.
        known = Counter(map(_identity, self.recorded.events))
        live = iter(live)
        for event in live:
            if isinstance(event, RunStarted):
                yield from map(_notice, changes(self.recorded.started, event))
                break
            yield event
        for event in live:
            identity = _identity(event)
            if isinstance(event, RunStarted):
                # A restart: no event of the next run is recorded.
                yield event
                break
            if isinstance(event, LaneFinished) and event.step < (last := self.recorded.steps_done.get(event.lane, 0)):
                yield _notice(
                    f"{event.lane} was stopped at step {event.step}, but is recorded up to step {last}; the recording"
                    " is unchanged"
                )
            elif identity and known[identity]:
                known[identity] -= 1
            else:
                yield event
        yield from live


def read_interrupted(folder: RunFolder, iterations: int | None) -> InterruptedRun:
    """Read a run to resume to `iterations` steps (None: as planned). Raises BadInput if it cannot be resumed.

    Acquire the folder's lock first, so that nobody writes to the run after it is read.
    """
    recorded = read_recording(folder.events)
    require_own_training(folder.path, recorded.started, "continue")
    steps = [event.step + 1 for event in recorded.events if isinstance(event, Evaluated)]
    if iterations is not None and iterations < max(steps, default=0):
        raise BadInput(f"iterations {iterations}: the run has done {max(steps)} steps already")
    totals = {lane: iterations or planned for lane, planned in recorded.planned_iterations.items()}
    config = msgspec.structs.replace(settings(recorded), iterations=max(totals.values()))
    return InterruptedRun(folder, recorded, config, totals)


def repeated(change: Change) -> LaneCommand:
    """The command that makes a recorded change again."""
    match change:
        case ClipChanged():
            return SetClip(lane=change.lane, rule=change.rule, at_step=change.step)
        case LearningRateChanged():
            return SetLearningRate(lane=change.lane, rate=change.rate, at_step=change.step)
        case MomentsReset():
            return ResetMoments(lane=change.lane, at_step=change.step)
        case LaneForked(rule=rule, learning_rate=rate):
            return Fork(lane=change.parent, name=change.lane, rule=rule, learning_rate=rate, at_step=change.step)


def settings(recorded: Recorded) -> RunConfig:
    """The settings for training a recorded run again; `auto` is resolved. Raises BadInput for an unknown rule."""
    started = recorded.started
    changed = (event.rule for event in recorded.table.others if isinstance(event, ClipChanged | LaneForked))
    require_known(chain((lane.rule for lane in started.config.lanes), changed))
    return with_dataset(started.config, started.dataset.name)


def changes(before: RunStarted, again: RunStarted) -> Iterator[str]:
    """Describe differences from the recorded run's device and versions. Raises ClipwatchError if the data differs."""
    if again.dataset.checksum != before.dataset.checksum:
        raise ClipwatchError(
            f"{again.dataset.name} from {again.dataset.origin} differs from the data that the run was recorded with"
        )
    recorded, present = ({"device": run.device, **run.versions} for run in (before, again))
    changed = ", ".join(
        f"{name} {recorded.get(name)} -> {value}" for name, value in present.items() if recorded.get(name) != value
    )
    if changed:
        yield f"changed since the recording: {changed}; the last bits may differ"


def _by(step: float) -> str:
    """Which checkpoints were looked for."""
    return "" if step == math.inf else f" of step {step:.0f} or before"


def _notice(text: str) -> Notice:
    return Notice(text=text)


def _identity(event: Event) -> tuple[object, ...] | None:
    """A key for an event that training its step again repeats; None for other events."""
    match event:
        case OutputDied() | OutputRevived():
            return type(event), event.lane, event.step, event.output
        case LanesCompared():
            return type(event), event.lanes, event.step
        case _ if isinstance(event, _OnceAStep):
            return type(event), event.lane, event.step
        case _:
            return None
