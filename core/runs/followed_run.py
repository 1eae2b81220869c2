"""A recorded run as it is read: its events so far in short, then those that another process appends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import BadInput, one_line
from ..stream.codec import UnknownEvent, decode_event
from ..stream.events import Event, LaneForked, ResourcesMeasured
from .damage import DamagedLine, decode_sealed
from .event_table import EventTable, Floats, Integers
from .folder import RunFolder
from .growing_file import FileLost, GrowingFile
from .reader import read_recording
from .timeline import Timeline


@dataclass(frozen=True, eq=False)
class LaneTimes:
    """When a lane's steps were done: `seconds` on the clock of its run at the ends of some `steps`, both ascending."""

    steps: Integers
    seconds: Floats


class FollowedRun:
    """The events of a run, read by one thread. `times`: those of the beginning by lane, which `begin` reads."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.times: dict[str, LaneTimes] = {}
        self.damage: tuple[str, ...] = ()
        # Why the recording cannot be read any more.
        self.lost = ""
        self._file: GrowingFile | None = None

    def begin(self, progress: Callable[[int], None] = lambda count: None) -> list[Event]:
        """The events so far, in short. `progress` gets the number of bytes read. Raises BadInput."""
        is_written = self.folder.is_being_written()
        recorded = read_recording(self.folder.events, growing=is_written, progress=progress)
        self.damage = recorded.damage
        self.times = lane_times(recorded.table)
        if is_written:
            try:
                self._file = GrowingFile(self.folder.events, recorded.whole_bytes)
            except OSError as error:
                self._lose(error)
        timeline = Timeline(recorded.table)
        return list(timeline.condensed(0, len(timeline)))

    def more(self) -> list[Event]:
        """The events that were appended since the last call; empty once the run is not written any more."""
        if self._file is None:
            return []
        is_written = self.folder.is_being_written()
        try:
            events = [event for line in self._file.lines() if (event := _decoded(line))]
        except (FileLost, BadInput, OSError) as error:
            self._lose(error)
            return []
        if not (events or is_written):
            self.close()
        return events

    @property
    def is_followed(self) -> bool:
        """Whether more events may come."""
        return self._file is not None

    def close(self) -> None:
        """Read no more."""
        if self._file:
            self._file.__exit__(None, None, None)
            self._file = None

    def _lose(self, error: Exception) -> None:
        self.lost = f"{self.folder.path.name} cannot be followed any more: {one_line(error)}"
        self.close()


def _decoded(line: bytes) -> Event | None:
    """The event of a line; None if it is damaged, or an event that this version does not know."""
    try:
        return decode_sealed(line, decode_event)
    except (DamagedLine, UnknownEvent):
        return None


def lane_times(table: EventTable) -> dict[str, LaneTimes]:
    """When the steps of each lane were done, from all events of the lane that have a time."""
    found: dict[str, list[tuple[Integers, Floats]]] = {}
    evaluations, logs = table.evaluations, table.step_logs
    for lane in evaluations.names:
        rows = evaluations.of(lane)
        found[lane] = [(evaluations.steps[rows] + 1, evaluations.seconds[rows])]
    for event in table.others:
        seconds, lane = getattr(event, "seconds", None), getattr(event, "lane", None)
        if lane is not None and isinstance(seconds, float):
            point = np.array([getattr(event, "step", 0)]), np.array([seconds])
            found.setdefault(lane, []).append(point)
    # A watched loop may have no evaluations: what its process uses is measured with a time.
    measured = [
        (place, event.seconds)
        for place, event in zip(table.other_places.tolist(), table.others, strict=True)
        if isinstance(event, ResourcesMeasured)
    ]
    for lane in logs.names if measured else ():
        if len(rows := logs.of(lane)):
            places, seconds = (np.array(part) for part in zip(*measured, strict=True))
            newest = np.searchsorted(logs.places[rows], places) - 1
            found.setdefault(lane, []).append((logs.steps[rows][newest[newest >= 0]] + 1, seconds[newest >= 0]))
    times = {lane: _ascending(points) for lane, points in found.items()}
    for event in table.others:
        if isinstance(event, LaneForked) and event.parent in times and event.lane in times:
            times[event.lane] = _joined(times[event.parent], event.step, times[event.lane])
    return times


def _joined(parent: LaneTimes, fork: int, own: LaneTimes) -> LaneTimes:
    """The times of a forked lane, after those of its parent up to the fork."""
    before = int(np.searchsorted(parent.steps, fork, "left"))
    steps, seconds = np.append(parent.steps[:before], own.steps), np.append(parent.seconds[:before], own.seconds)
    return LaneTimes(steps, np.maximum.accumulate(seconds))


def _ascending(points: list[tuple[Integers, Floats]]) -> LaneTimes:
    """The points by step, the first of each step. A time is never before that of an earlier step."""
    steps, seconds = (np.concatenate(parts) for parts in zip(*points, strict=True))
    steps, first = np.unique(steps, return_index=True)
    return LaneTimes(steps, np.maximum.accumulate(np.nan_to_num(seconds[first], posinf=0.0)))
