"""What the engine needs of a prepared run, whose lanes train in threads or in processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from ..stream.config import RunConfig
from ..stream.events import LaneForked
from ..training.forked_lane import ForkedLane
from ..training.lane_messages import Prepared
from ..training.lane_run import RunningLane


class PreparedLanes(Protocol):
    """The lanes of a run, ready to start, and how forks join them. Close it at the end.

    Each lane is run within a `lane_context`, in a thread of its own.
    """

    @property
    def prepared(self) -> Prepared: ...

    @property
    def lane_context(self) -> Callable[[], AbstractContextManager[Any]]: ...

    @property
    def lanes(self) -> Sequence[RunningLane]: ...

    def compare(self, event: LaneForked) -> None:
        """Compare a new lane with its parent from now on."""

    def fork(self, config: RunConfig, forked: ForkedLane) -> RunningLane:
        """A new lane, which is the only one of `config`. Called in its own thread; raises Cancelled or any error."""
        ...

    def close(self, *, kill: bool = False) -> None:
        """Wait until what the lanes train in has ended; with `kill`, end it."""
