"""How far a run is that is being written: its manifest is older than its events."""

from __future__ import annotations

import os

from ..errors import BadInput
from ..files.atomic import open_regular
from ..stream.codec import decode_event
from ..stream.events import LaneEvent
from .folder import RunFolder

# The end of the events in which the newest step is looked for.
_END_BYTES = 1 << 18


def newest_steps(folder: RunFolder) -> dict[str, int]:
    """The step of the newest event of each lane that has one near the end; none if the file cannot be read."""
    try:
        with open_regular(folder.events) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _END_BYTES))
            lines = file.read().split(b"\n")
    except OSError:
        return {}
    found: dict[str, int] = {}
    for line in reversed(lines):
        try:
            event = decode_event(line)
        except BadInput:
            continue
        if isinstance(event, LaneEvent):
            found.setdefault(event.lane, event.step)
    return found
