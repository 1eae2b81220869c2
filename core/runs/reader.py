"""A recording read back: its events, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from ..errors import BadInput
from ..files.atomic import open_regular
from ..stream.codec import UnknownEvent, decode_event, decode_events
from ..stream.config import from_options, read_toml
from ..stream.events import ClipChanged, Event, LaneExtended, MomentsReset, RunStarted
from .checksums import all_sealed
from .coherence import coherent
from .damage import Damage, DamagedLine, decode_sealed
from .event_table import EventRows, EventTable
from .folder import RunFolder

# Bytes decoded at a time: what the processor's cache holds of them is not fetched again.
_PART = 1 << 20


@dataclass(frozen=True)
class Recorded:
    """The events of a run in order; `damage` tells of lines left out; `whole_bytes` is where an unended line begins."""

    table: EventTable
    damage: tuple[str, ...]
    whole_bytes: int

    @cached_property
    def events(self) -> list[Event]:
        """The events one by one."""
        return self.table.all()

    @property
    def started(self) -> RunStarted:
        """How the run began."""
        return next(event for event in self.table.others if isinstance(event, RunStarted))

    def last_evaluated(self, lane: str) -> int:
        """The last step this lane was evaluated at, -1 if it never was."""
        evaluations = self.table.evaluations
        return int(evaluations.steps[evaluations.of(lane)].max(initial=-1))

    def interventions(self) -> list[ClipChanged | MomentsReset | LaneExtended]:
        """What was changed under way, in order."""
        return [event for event in self.table.others if isinstance(event, ClipChanged | MomentsReset | LaneExtended)]

    @property
    def seconds(self) -> float:
        """The newest time that any event tells, in seconds since the lanes started."""
        told = (getattr(event, "seconds", 0.0) for event in self.table.others)
        return max(*told, float(self.table.evaluations.seconds.max(initial=0.0)))


def read_recording(path: Path) -> Recorded:
    """Read a run's events; BadInput if the file cannot be read, is of another schema, or does not begin with a run.

    A last line without its end is what a killed writer leaves: it is left out and told. A damaged line elsewhere is
    left out and told with its number; how the run began, if it was in such a line, is taken from the files beside it.
    """
    reading = _Reading(path)
    try:
        with open_regular(path) as file:
            reading.read(file)
    except OSError as error:
        raise BadInput(f"recording {path}: {error.strerror}") from error
    table, wrong = reading.rows.table(), [*reading.damage.told()]
    if not any(isinstance(event, RunStarted) for event in table.others):
        beginning = _beginning(RunFolder(path.parent)) if wrong or len(table) else None
        if beginning is None:
            raise BadInput(f"recording {path}: holds no run" + (f"; {wrong[0]}" if wrong else ""))
        table = table.after(beginning)
        wrong.append(f"{path.name}: how the run began is taken from its manifest and settings")
    table, out_of_place = coherent(table)
    wrong += [f"{path.name}: {what}" for what in out_of_place]
    if reading.unended:
        wrong.append(f"{path.name}: the last line is incomplete and is left out")
    return Recorded(table, tuple(wrong), reading.whole_bytes)


def _beginning(folder: RunFolder) -> RunStarted | None:
    """What the first line of a recording said, None if the files beside it are damaged too."""
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
    )


class _Reading:
    """Takes a file in part by part: where something is wrong, only that part is read line by line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines = 0
        self.rows, self.damage = EventRows(), Damage(path.name)
        self.whole_bytes, self.unended = 0, False

    def read(self, file: BinaryIO) -> None:
        """To the end of the file, or to a line without its end."""
        while not self.unended and (part := file.read(_PART)):
            part += file.readline()
            whole = part[: part.rfind(b"\n") + 1]
            self.unended = len(whole) < len(part)
            self.rows.add(self._decoded(whole))
            self.whole_bytes += len(whole)
            self._lines += whole.count(b"\n")

    def _decoded(self, part: bytes) -> Sequence[Event]:
        if all_sealed(part):
            try:
                return decode_events(part)
            except BadInput:
                pass
        return list(self._line_by_line(part))

    def _line_by_line(self, part: bytes) -> Iterator[Event]:
        """The events of lines of which some are damaged."""
        for number, line in enumerate(part.split(b"\n")[:-1], self._lines + 1):
            try:
                yield decode_sealed(line, decode_event)
            except DamagedLine as error:
                self.damage.add(number, str(error))
            except UnknownEvent as error:
                self.damage.pass_over(str(error))
            except BadInput as error:
                raise BadInput(f"recording {self._path}, line {number}: {error}") from error
