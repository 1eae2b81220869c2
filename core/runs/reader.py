"""Reads a recording: its events, and what is wrong with the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from ..errors import BadInput
from ..files.atomic import open_regular
from ..stream.codec import UnknownEvent, decode_event, decode_events
from ..stream.config import from_options, read_toml
from ..stream.events import (
    Change,
    Diagnosed,
    Evaluated,
    Event,
    LaneEvent,
    LaneExtended,
    LaneFinished,
    LaneForked,
    LaneStarted,
    MetricAdded,
    RunFinished,
    RunStarted,
    StepsTrained,
)
from ..stream.experiment_info import ExperimentInfo
from .checksums import all_sealed
from .damage import Damage, DamagedLine, decode_sealed
from .event_table import EventRows, EventTable
from .folder import RunFolder
from .repair import coherent

# What happened to a lane mid-run by a command.
Intervention = Change | LaneExtended
# Bytes decoded at a time, small enough for the processor's cache.
_PART = 1 << 20


@dataclass(frozen=True)
class Recorded:
    """The events of a run in order. `damage`: a message per problem. `whole_bytes`: the size of all complete lines."""

    table: EventTable
    damage: tuple[str, ...]
    whole_bytes: int

    @cached_property
    def events(self) -> list[Event]:
        """All events."""
        return self.table.all()

    @property
    def started(self) -> RunStarted:
        """The event that the run began with."""
        return next(event for event in self.table.others if isinstance(event, RunStarted))

    @cached_property
    def experiment(self) -> ExperimentInfo:
        """What was trained, with the metrics that a watched loop added."""
        experiment = self.started.experiment
        for event in self.table.others:
            if isinstance(event, MetricAdded):
                experiment = experiment.with_metric(event.metric, of_steps=event.of_steps)
        return experiment

    @property
    def lanes(self) -> list[str]:
        """The names of all lanes: those of the configuration, forks, then others of which there are events."""
        configured = (lane.name for lane in self.started.config.lanes)
        others = (event.lane for event in self.table.others if isinstance(event, LaneEvent))
        return list(dict.fromkeys([*configured, *self.forks, *self.table.evaluations.names, *others]))

    @cached_property
    def forks(self) -> dict[str, LaneForked]:
        """The event of each forked lane by its name, in order."""
        return {event.lane: event for event in self.table.others if isinstance(event, LaneForked)}

    @cached_property
    def steps_done(self) -> dict[str, int]:
        """How many steps of each lane the recording covers."""
        done = dict.fromkeys(self.lanes, 0)
        for event in self.events:
            if isinstance(event, LaneEvent):
                step = event.step + isinstance(event, Evaluated | StepsTrained | Diagnosed)
                for lane in (event.lane, event.parent) if isinstance(event, LaneForked) else (event.lane,):
                    done[lane] = max(step, done.get(lane, 0))
        return done

    @cached_property
    def planned_iterations(self) -> dict[str, int]:
        """The number of steps that each lane was to do in all."""
        planned = {lane.name: self.started.config.iterations for lane in self.started.config.lanes}
        # Lanes that were stopped while others trained on: they end at that step.
        stopped: dict[str, int] = {}
        for event in self.table.others:
            match event:
                case LaneExtended() | LaneStarted():
                    planned[event.lane] = event.iterations
                    stopped.pop(event.lane, None)
                case LaneForked():
                    planned[event.lane] = planned[event.parent]
                case LaneFinished(reason="stopped"):
                    stopped[event.lane] = event.step
                case RunFinished():
                    stopped.clear()
                case _:
                    pass
        return {**planned, **stopped} if len(stopped) < len(planned) else planned

    def last_evaluated(self, lane: str) -> int:
        """The last step at which this lane was evaluated, -1 if it never was."""
        evaluations = self.table.evaluations
        return int(evaluations.steps[evaluations.of(lane)].max(initial=-1))

    def interventions(self) -> list[Intervention]:
        """The mid-run changes and forks, in order."""
        return [event for event in self.table.others if isinstance(event, Intervention)]

    @property
    def seconds(self) -> float:
        """The latest time of any event, in seconds since the lanes started."""
        seconds = (getattr(event, "seconds", 0.0) for event in self.table.others)
        return max(*seconds, float(self.table.evaluations.seconds.max(initial=0.0)))


def read_recording(
    path: Path, *, growing: bool = False, progress: Callable[[int], None] = lambda count: None
) -> Recorded:
    """Read a run's events. Raises BadInput if the file is unreadable, has another schema or holds no run.

    Skips damaged lines and reports their numbers; also a last line without its end, which a killed writer leaves. In a
    `growing` file that is no damage. If the line of `RunStarted` is damaged, the manifest and the settings beside the
    file replace it. `progress` is called with the number of bytes read so far.
    """
    reading = _Reading(path, progress)
    try:
        with open_regular(path) as file:
            reading.read(file)
    except OSError as error:
        raise BadInput(f"recording {path}: {error.strerror}") from error
    table, wrong = reading.rows.table(), [*reading.damage.messages()]
    if not any(isinstance(event, RunStarted) for event in table.others):
        beginning = _beginning(RunFolder(path.parent)) if wrong or len(table) else None
        if beginning is None:
            raise BadInput(f"recording {path}: holds no run" + (f"; {wrong[0]}" if wrong else ""))
        table = table.after(beginning)
        wrong.append(f"{path.name}: the run's start is read from its manifest and settings")
    table, out_of_place = coherent(table)
    wrong += [f"{path.name}: {what}" for what in out_of_place]
    if reading.unended and not growing:
        wrong.append(f"{path.name}: the last line is incomplete and is left out")
    return Recorded(table, tuple(wrong), reading.whole_bytes)


def _beginning(folder: RunFolder) -> RunStarted | None:
    """The `RunStarted` event from the files beside the recording, None if these are damaged too."""
    try:
        config, manifest = from_options(read_toml(folder.config)), folder.manifest()
    except BadInput:
        return None
    return RunStarted(
        config=config,
        dataset=manifest.dataset,
        device=manifest.device,
        versions=manifest.versions,
        time=manifest.started,
        experiment=manifest.experiment,
        watched=manifest.watched,
        forked_from=manifest.forked_from,
    )


class _Reading:
    """Reads a file in parts. Only a part with a problem is read line by line."""

    def __init__(self, path: Path, progress: Callable[[int], None]) -> None:
        self._path, self._progress = path, progress
        self._lines = 0
        self.rows, self.damage = EventRows(), Damage(path.name)
        self.whole_bytes, self.unended = 0, False

    def read(self, file: BinaryIO) -> None:
        """Read to the end of the file, or to a line without its end."""
        while not self.unended and (part := file.read(_PART)):
            part += file.readline()
            whole = part[: part.rfind(b"\n") + 1]
            self.unended = len(whole) < len(part)
            self.rows.add(self._decoded(whole))
            self.whole_bytes += len(whole)
            self._lines += whole.count(b"\n")
            self._progress(self.whole_bytes)

    def _decoded(self, part: bytes) -> Sequence[Event]:
        if all_sealed(part):
            try:
                return decode_events(part)
            except BadInput:
                pass
        return list(self._line_by_line(part))

    def _line_by_line(self, part: bytes) -> Iterator[Event]:
        """The events of a part with damaged lines."""
        for number, line in enumerate(part.split(b"\n")[:-1], self._lines + 1):
            try:
                yield decode_sealed(line, decode_event)
            except DamagedLine as error:
                self.damage.add(number, str(error))
            except UnknownEvent as error:
                self.damage.pass_over(str(error))
            except BadInput as error:
                raise BadInput(f"recording {self._path}, line {number}: {error}") from error
