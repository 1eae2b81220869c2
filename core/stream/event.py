"""The base of all events, and the bounds of their numbers."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .limits import MOST

# No run produces values outside these bounds, so a line that holds one is damaged.
Step = Annotated[int, msgspec.Meta(ge=0, le=2 * MOST)]
Count = Annotated[int, msgspec.Meta(ge=1, le=2 * MOST)]
Bytes = Annotated[int, msgspec.Meta(ge=0, le=2 * MOST)]
# Seconds since 1970, up to the end of the year 9998, which calendars can show in every time zone.
Time = Annotated[float, msgspec.Meta(ge=0, lt=253370764800)]


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="event", tag=True):
    """Base of all events."""


class LaneEvent(Event, frozen=True, kw_only=True):
    """Base of the events of one lane at one step."""

    lane: str
    step: Step
