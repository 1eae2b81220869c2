"""Runs a lane to its end: an error becomes an event of this lane, and the other lanes go on."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from ..errors import one_line
from ..stream.events import Event, LaneFailed

if TYPE_CHECKING:
    from .checkpoint import AnyCheckpoint
    from .forked_lane import ForkedLane

    LaneItem = Event | AnyCheckpoint | ForkedLane

_log = logging.getLogger(__name__)


class RunningLane(Protocol):
    """A lane as the engine sees it: a `Trainer` in this process, or the connection to one in another.

    `run` takes a `CommandSource`.
    """

    name: str

    @property
    def step(self) -> int: ...

    @property
    def pace(self) -> float | None: ...

    def idle(self) -> AbstractContextManager[None]: ...

    def run(self, commands: Any, started: float) -> Iterator[LaneItem]: ...

    def logged_steps(self) -> Iterator[Event]: ...

    def failure_event(self, cause: str) -> LaneFailed: ...


def run_lane(lane: RunningLane, commands: Any, started: float) -> Iterator[LaneItem]:
    """The events and checkpoints of a lane, with its failure if it raises an error."""
    try:
        yield from lane.run(commands, started)
    except Exception as error:
        _log.debug("lane %s", lane.name, exc_info=True)
        # The failure must be reported even if the steps before it cannot be read any more.
        with contextlib.suppress(Exception):
            yield from lane.logged_steps()
        yield lane.failure_event(one_line(error))
