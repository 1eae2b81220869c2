"""Going on with an interrupted run: what was recorded first, then the rest of the training, bit for bit."""

from __future__ import annotations

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
from ..stream.commands import LaneCommand, ResetMoments, SetClip
from ..stream.config import RunConfig
from ..stream.events import (
    ClipChanged,
    Diagnosed,
    Evaluated,
    Event,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LanesCompared,
    LaneStarted,
    MomentsReset,
    NonfiniteFound,
    Notice,
    OutputDied,
    OutputRevived,
    RunFinished,
    RunStarted,
)
from ..stream.rules import require_known

Snapshots = Mapping[str, Mapping[str, Any]]
_OnceAStep = Evaluated | Diagnosed | ClipChanged | MomentsReset | NonfiniteFound


@dataclass(frozen=True)
class Interrupted:
    """A run to go on with, the settings it goes on under, and how many steps each lane is to have in all."""

    folder: RunFolder
    recorded: Recorded
    config: RunConfig
    iterations: Mapping[str, int]

    @cached_property
    def diverged(self) -> Mapping[str, LaneFailed]:
        """The lanes that diverged, which they would do again; one that raised may fare better."""
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

    @cached_property
    def reached(self) -> Mapping[str, int]:
        """How many steps of every lane the recording knows of; what is asked now must not change them."""
        reached = {lane.name: self.recorded.last_evaluated(lane.name) + 1 for lane in self.config.lanes}
        for event in self.recorded.table.others:
            if isinstance(event, ClipChanged | MomentsReset):
                reached[event.lane] = max(reached[event.lane], event.step)
        return reached

    @property
    def is_done(self) -> bool:
        """Whether the lanes that have not diverged did all their steps, with every evaluation in the recording."""
        ended = {event.lane: event.step for event in self.recorded.table.others if isinstance(event, LaneFinished)}
        done = {lane: min(ended.get(lane, 0), self._evaluated(lane)) for lane in self.iterations}
        left = [lane for lane in self.iterations if lane not in self.diverged]
        return bool(left) and all(done[lane] >= self.iterations[lane] for lane in left)

    def snapshots(self, tell: list[str]) -> Snapshots:
        """The newest whole checkpoints of the lanes that train on; one without is told of, and starts over.

        None beyond the recording, whose last lines a dying machine may lose after a checkpoint is on disk.
        """
        from ..training.checkpoint import newest

        found: dict[str, Mapping[str, Any]] = {}
        for lane in self.config.lanes:
            if lane.name in self.diverged:
                continue
            snapshot = newest(self.folder.checkpoints, lane.name, tell.append, up_to=self._evaluated(lane.name))
            if snapshot is None:
                tell.append(f"{lane.name} has no checkpoint and trains again from the start")
            else:
                found[lane.name] = snapshot
        return found

    def _evaluated(self, lane: str) -> int:
        """The step at which the next evaluation is missing: all before it are recorded."""
        last = self.recorded.last_evaluated(lane)
        return 0 if last < 0 else last + self.config.eval_every

    def commands(self, snapshots: Snapshots) -> list[LaneCommand]:
        """The changes recorded after the checkpoints, to be made again at their steps, and what is still scheduled."""
        changed: list[LaneCommand] = [
            SetClip(lane=change.lane, rule=change.rule, at_step=change.step)
            if isinstance(change, ClipChanged)
            else ResetMoments(lane=change.lane, at_step=change.step)
            for change in self.recorded.events
            if isinstance(change, ClipChanged | MomentsReset)
            and change.step >= snapshots.get(change.lane, {"step": 0})["step"]
        ]
        due = (*changed, *still_scheduled(self.recorded))
        return [command for command in due if command.lane not in self.diverged]

    def continued(self, live: Iterable[Event]) -> Iterator[Event]:
        """Of the events of the training that goes on, those that are not recorded yet.

        A lane that is stopped before it has come where the recording ends leaves it as it is.
        """
        # A count, for what is recorded may be followed, at the same step, by another of its kind.
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
                # A restart: nothing of that run is recorded.
                yield event
                break
            if isinstance(event, LaneFinished) and event.step < self.reached[event.lane]:
                yield _notice(
                    f"{event.lane} was stopped at step {event.step}, before step {self.reached[event.lane]}, up to "
                    "which it is recorded: nothing of it has changed"
                )
            elif identity and known[identity]:
                known[identity] -= 1
            else:
                yield event
        yield from live


def interrupted(folder: RunFolder, iterations: int | None) -> Interrupted:
    """The run in a folder, to go on to `iterations` steps (None: as many as planned); BadInput if it cannot.

    The folder is claimed before: what is read must be all that there is when the run goes on.
    """
    recorded = read_recording(folder.events)
    steps = [event.step + 1 for event in recorded.events if isinstance(event, Evaluated)]
    if iterations is not None and iterations < max(steps, default=0):
        raise BadInput(f"iterations {iterations}: the run has done {max(steps)} steps already")
    wanted = {lane: iterations or planned for lane, planned in planned_iterations(recorded).items()}
    config = msgspec.structs.replace(settings(recorded), iterations=max(wanted.values()))
    return Interrupted(folder, recorded, config, wanted)


def planned_iterations(recorded: Recorded) -> dict[str, int]:
    """How many steps each lane was to have in the end."""
    planned = {lane.name: recorded.started.config.iterations for lane in recorded.started.config.lanes}
    # Those that were stopped while others trained on, as far as they were to come.
    stopped: dict[str, int] = {}
    for event in recorded.table.others:
        match event:
            case LaneExtended() | LaneStarted():
                planned[event.lane] = event.iterations
                stopped.pop(event.lane, None)
            case LaneFinished(reason="stopped"):
                stopped[event.lane] = event.step
            case RunFinished():
                stopped.clear()
            case _:
                pass
    return {**planned, **stopped} if len(stopped) < len(planned) else planned


def settings(recorded: Recorded) -> RunConfig:
    """The settings to train a recorded run again with: what auto chose is chosen; BadInput if a rule is not known."""
    started = recorded.started
    changed = (event.rule for event in recorded.table.others if isinstance(event, ClipChanged))
    require_known(chain((lane.rule for lane in started.config.lanes), changed))
    return msgspec.structs.replace(started.config, dataset=started.dataset.name)


def changes(before: RunStarted, again: RunStarted) -> Iterator[str]:
    """What is other than when a run was recorded and may show in its last bits; ClipwatchError if the data is."""
    if again.dataset.checksum != before.dataset.checksum:
        raise ClipwatchError(
            f"{again.dataset.name} from {again.dataset.origin} is other data than the run was recorded with"
        )
    was, now = ({"device": run.device, **run.versions} for run in (before, again))
    changed = ", ".join(f"{name} {was.get(name)} -> {what}" for name, what in now.items() if was.get(name) != what)
    if changed:
        yield f"other than recorded: {changed}; the last bits may differ"


def _notice(text: str) -> Notice:
    return Notice(text=text)


def _identity(event: Event) -> tuple[object, ...] | None:
    """What names an event of a step, which training the step again tells again; None for others."""
    match event:
        case OutputDied() | OutputRevived():
            return type(event), event.lane, event.step, event.output
        case LanesCompared():
            return type(event), event.lanes, event.step
        case _ if isinstance(event, _OnceAStep):
            return type(event), event.lane, event.step
        case _:
            return None
