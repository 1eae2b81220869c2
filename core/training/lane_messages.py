"""What a lane's process and the engine tell each other. This module does not import torch.

The engine sends `Assignment`, `LaneStart` and `Go`, then answers each `Ask` with the commands that are due. The process
sends stages and `Prepared` (the first lane only), `Ready`, then events and checkpoints in their order, and `Ended`; at
any time before `Ready` it may send `Failure` instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..errors import BadInput, ClipwatchError, one_line
from ..stream.events import DatasetInfo, Event

if TYPE_CHECKING:
    from ..diagnostics.lane_distance import Distance
    from .training_loop import Trainer


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What the run says of itself before its lanes start."""

    dataset: DatasetInfo
    device: str = "cpu"
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LaneStart:
    """A lane, the total number of its steps, and the encoded checkpoint that it starts from, if any."""

    lane: str
    iterations: int
    snapshot: bytes | None = None


class LaneSource(Protocol):
    """Makes the trainers of lanes that train in processes of their own. It is pickled to each of them.

    Raise a `ClipwatchError` for anything that the user can mend: its message is shown as it is.
    """

    def prepare(self, report: Callable[[Event], None]) -> Prepared:
        """Check the run, in the process of the first lane. `report` shows stages such as `reading mnist`."""
        ...

    def build(self, start: LaneStart, distance: Distance) -> Trainer:
        """Make a lane's trainer, in its process, which keeps what `prepare` left in this object."""
        ...


class Assignment(NamedTuple):
    """The work of a process. `prepares`: it prepares the run. `debug`: it sends tracebacks."""

    source: LaneSource
    prepares: bool
    debug: bool


class Ready(NamedTuple):
    """The trainer is made; `pace` is its speed limit."""

    pace: float | None


class Go(NamedTuple):
    """Train. `started`: the `time.perf_counter`, which is the same for all processes, at second 0 of the run."""

    started: float
    lasting: bool


class Ask(NamedTuple):
    """A call of `CommandSource.take`."""

    step: int
    timeout: float | None


class Measured(NamedTuple):
    """A lane's parameters and predictions at a step, as arrays."""

    step: int
    parameters: Any
    predictions: Any


class Traceback(NamedTuple):
    """The traceback of an error."""

    text: str


class Ended(NamedTuple):
    """The lane has ended, and its process is about to end."""


class Failure(NamedTuple):
    """An error before the lane started, as text: its type may come from a module that only the process has."""

    text: str
    is_input: bool
    traceback: str

    @classmethod
    def of(cls, error: Exception, traceback: str) -> Failure:
        """Describe an error for the engine."""
        return cls(one_line(error), isinstance(error, BadInput), traceback)

    def error(self) -> ClipwatchError:
        """The error to raise in the engine."""
        return (BadInput if self.is_input else ClipwatchError)(self.text)
