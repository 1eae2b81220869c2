"""Makes a new run from a recorded one: its beginning, with new lanes that are to be forked where it ends.

The new recording is that of a run that was interrupted at this step, with a scheduled `Fork` for each new lane. Resume
it to train it.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from ..errors import BadInput, ClipwatchError
from ..files.paths import path_text
from ..stream.commands import Fork, LaneCommand, Stop
from ..stream.events import (
    CommandScheduled,
    Diagnosed,
    Evaluated,
    Event,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    LanesCompared,
    NonfiniteFound,
    Notice,
    OutputDied,
    OutputRevived,
    RecordingStopped,
    StepsTrained,
)
from ..stream.fork_events import ForkOrigin
from ..stream.lane_config import LaneConfig, require_fork
from ..stream.rules import require_known
from .event_table import EventTable
from .folder import RunFolder
from .lane_course import lane_rules
from .reader import Recorded, read_recording
from .recorder import Recorder
from .watched import require_own_training

# Events of a training step. All others are of the boundary before the step that they name.
_OfStep = (
    Evaluated | StepsTrained | Diagnosed | OutputDied | OutputRevived | LanesCompared | NonfiniteFound | LaneFailed
)


def fork_recorded(
    folder: RunFolder,
    *,
    at: int,
    lane: str | None = None,
    forks: Sequence[LaneConfig],
    home: Path,
    iterations: int | None = None,
) -> RunFolder:
    """A new run below `home` that continues `lane` of a recorded run (None: its first) and forks it after `at` steps.

    `forks` are the new lanes; of their own settings, only the learning rate may differ. `iterations`: the number of
    steps to train it to (None: as planned). Raises BadInput if the run cannot be forked there, and ClipwatchError if
    the new one cannot be written. What is wrong with the recording are notices of the new run.
    """
    recorded = read_recording(folder.events, growing=folder.is_being_written())
    require_own_training(folder.path, recorded.started, "fork")
    lane = recorded.started.config.lanes[0].name if lane is None else lane
    family = _family(recorded, lane)
    _require_step(recorded, lane, at)
    _require_lanes(forks, family)
    require_known(_rules(recorded, family, at))
    beginning = [*_beginning(recorded, family, at, path_text(Path(folder.path.name)), forks)]
    if iterations is not None:
        # Raises BadInput for a number that no run can have.
        msgspec.structs.replace(recorded.started.config, iterations=iterations)
    planned = Recorded(EventTable.of(beginning), (), 0).planned_iterations[lane]
    if (planned if iterations is None else iterations) <= at:
        raise BadInput(
            f"--iterations {iterations}: must be above the step of the fork, {at}"
            if iterations is not None
            else f"--at {at}: {lane} ends there, and a fork needs steps to train; add --iterations N"
        )
    child = _write(home, beginning)
    _copy_checkpoints(folder, child, family, at)
    return child


def _family(recorded: Recorded, lane: str) -> list[str]:
    """The lane and those that it was forked from, the first one first. Raises BadInput if there is no such lane."""
    lanes = [one.name for one in recorded.started.config.lanes]
    if lane not in lanes and lane not in recorded.forks:
        raise BadInput(f"no lane is named {lane!r}; the run has {', '.join([*lanes, *recorded.forks])}")
    family = [lane]
    while family[0] in recorded.forks:
        family.insert(0, recorded.forks[family[0]].parent)
    return family


def _require_step(recorded: Recorded, lane: str, at: int) -> None:
    """Raise BadInput if this is not a step of the lane."""
    if at < 0:
        raise BadInput(f"--at {at}: must be 0 or more")
    if lane in recorded.forks and at < (begin := recorded.forks[lane].step):
        raise BadInput(f"--at {at}: {lane} begins at step {begin}; fork {recorded.forks[lane].parent} instead")
    if at > (last := recorded.steps_done[lane]):
        raise BadInput(f"--at {at}: {lane} is recorded up to step {last}")


def _require_lanes(forks: Sequence[LaneConfig], family: Sequence[str]) -> None:
    """Raise BadInput if these cannot be the new lanes."""
    names = list(family)
    for fork in forks:
        require_fork(fork, names)
        names.append(fork.name)


def _rules(recorded: Recorded, family: Sequence[str], at: int) -> Iterator[str]:
    """The rules that are trained with up to this step."""
    for lane in family:
        rules = lane_rules(recorded, lane)
        yield from (rule for step, rule in zip(rules.steps, rules.values, strict=True) if step <= at)


def _beginning(
    recorded: Recorded, family: Sequence[str], at: int, run: str, forks: Sequence[LaneConfig]
) -> Iterator[Event]:
    """The events of these lanes up to a step, then the commands that fork the last of them."""
    started, lane = recorded.started, family[-1]
    config = msgspec.structs.replace(
        started.config, lanes=tuple(one for one in started.config.lanes if one.name == family[0])
    )
    origin = ForkOrigin(run=run, lane=lane, step=at)
    yield msgspec.structs.replace(started, config=config, time=time.time(), forked_from=origin)
    for problem in recorded.damage:
        yield Notice(text=f"{run}, which this run continues, is damaged, so the two may differ: {problem}")
    is_past = False
    for event in recorded.events:
        match event:
            case CommandScheduled(command=command) if not (is_past or isinstance(command, Fork)):
                is_ours = command.lane in (None, *family) and not _ends_lane(command, lane, at)
            case LanesCompared():
                is_ours = _is_before(event, at) and set(event.lanes).issubset(family)
            case LaneEvent():
                is_ours = _is_before(event, at) and event.lane in family and not _ends_lane(event, lane, at)
                is_past = is_past or (event.lane == lane and not _is_before(event, at))
            case _:
                is_ours = False
        if is_ours:
            yield event
    for fork in forks:
        command = Fork(lane=lane, name=fork.name, rule=fork.rule, learning_rate=fork.learning_rate, at_step=at)
        yield CommandScheduled(command=command)


def _ends_lane(item: LaneEvent | LaneCommand, lane: str, at: int) -> bool:
    """Whether this is the end of a lane at a step, or a command to stop it there. If it is forked there, it goes on."""
    if isinstance(item, Stop):
        return item.lane in (None, lane) and item.at_step == at
    return isinstance(item, LaneFinished) and (item.lane, item.step) == (lane, at)


def _is_before(event: LaneEvent | LanesCompared, at: int) -> bool:
    """Whether an event is sent before the step of this number is trained."""
    return event.step < at if isinstance(event, _OfStep) else event.step <= at


def _write(home: Path, events: Iterable[Event]) -> RunFolder:
    """Record these events as an interrupted run."""
    recorder, folder = Recorder(home), None
    for event in recorder.through(events):
        folder = recorder.folder or folder
        if isinstance(event, RecordingStopped):
            raise ClipwatchError(f"run folder {event.folder}: {event.cause}")
    assert folder
    return folder


def _copy_checkpoints(folder: RunFolder, child: RunFolder, family: Sequence[str], at: int) -> None:
    """Copy the checkpoints from which these lanes are trained to a step."""
    child.checkpoints.mkdir()
    for path in folder.checkpoints.glob("*.pt"):
        lane, _, step = path.stem.rpartition("-")
        if lane in family and step.isdecimal() and int(step) <= at:
            # A run under way replaces its checkpoints.
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(path, child.checkpoints / path.name)
