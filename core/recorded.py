"""A recording read back: its events, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .codec import decode_event, decode_events, is_sealed
from .config import from_options, read_toml
from .errors import BadInput
from .events import ClipChanged, Evaluated, Event, LaneExtended, MomentsReset, RunStarted
from .runs import RunFolder

# Bytes decoded at a time: what the processor's cache holds of them is not fetched again.
_PART = 1 << 20


@dataclass(frozen=True)
class Recorded:
    """The events of a run in order; `damage` tells of lines left out; `whole_bytes` is where an unended line begins."""

    events: list[Event]
    damage: tuple[str, ...]
    whole_bytes: int

    @property
    def started(self) -> RunStarted:
        """How the run began."""
        return next(event for event in self.events if isinstance(event, RunStarted))

    def last_evaluated(self, lane: str) -> int:
        """The last step this lane was evaluated at, -1 if it never was."""
        steps = (event.step for event in self.events if isinstance(event, Evaluated) and event.lane == lane)
        return max(steps, default=-1)

    def interventions(self) -> list[ClipChanged | MomentsReset | LaneExtended]:
        """What was changed under way, in order."""
        return [event for event in self.events if isinstance(event, ClipChanged | MomentsReset | LaneExtended)]

    @property
    def seconds(self) -> float:
        """The newest time that any event tells, in seconds since the lanes started."""
        return max((getattr(event, "seconds", 0.0) for event in self.events), default=0.0)


def read_recording(path: Path) -> Recorded:
    """Read a run's events; BadInput if the file cannot be read, is of another schema, or does not begin with a run.

    A last line without its end is what a killed writer leaves: it is left out and told. A damaged line elsewhere is
    left out and told with its number; how the run began, if it was in such a line, is taken from the files beside it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"recording {path}: {error.strerror}") from error
    whole = content.rfind(b"\n") + 1
    damage = [] if whole == len(content) else [f"{path.name}: the last line is incomplete and is left out"]
    events, wrong = _decoded(content[:whole], path)
    if not any(isinstance(event, RunStarted) for event in events):
        beginning = _beginning(RunFolder(path.parent)) if wrong else None
        if beginning is None:
            raise BadInput(f"recording {path}: holds no run" + (f"; {wrong[0]}" if wrong else ""))
        events.insert(0, beginning)
        wrong.append(f"{path.name}: how the run began is taken from its manifest and settings")
    return Recorded(events, (*wrong, *damage), whole)


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


def _decoded(content: bytes, path: Path) -> tuple[list[Event], list[str]]:
    """Part by part: where something is wrong, only that part is read line by line."""
    events: list[Event] = []
    wrong: list[str] = []
    start = lines = 0
    while start < len(content):
        end = content.rfind(b"\n", start, start + _PART) + 1 or content.find(b"\n", start) + 1
        part = content[start:end]
        try:
            events += decode_events(part)
        except BadInput:
            events += _line_by_line(part, lines, path, wrong)
        start, lines = end, lines + part.count(b"\n")
    return events, wrong


def _line_by_line(part: bytes, before: int, path: Path, wrong: list[str]) -> Iterator[Event]:
    """The events of lines of which some are damaged; `before` is the number of lines before them."""
    for number, line in enumerate(part.split(b"\n")[:-1], before + 1):
        try:
            event = decode_event(line)
        except BadInput as error:
            if is_sealed(line) and str(error).startswith("schema"):
                raise BadInput(f"recording {path}, line {number}: {error}") from error
            wrong.append(f"{path.name}: line {number} is damaged and is left out")
            continue
        if is_sealed(line):
            yield event
        else:
            wrong.append(f"{path.name}: line {number} is not as it was written and is left out")
