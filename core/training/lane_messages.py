"""What a lane's process and the engine send each other. This module does not import torch.

The engine sends an `Assignment`, a `LaneStart` and `Go`, then answers each `Ask` with the commands that are due. The
process sends stages and `Prepared` (the first lane only), `Ready`, then events, checkpoints and forks in their order,
and `Ended`. Before `Ready` it may send a `Failure` instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import BadInput, ClipwatchError, one_line
from ..stream.config import RunConfig
from ..stream.events import DatasetInfo
from ..stream.experiment_info import ExperimentInfo, Value
from .forked_lane import ForkedLane


class Prepared(NamedTuple):
    """What a run says of itself before its lanes start. `settings` are all those of its experiment."""

    experiment: ExperimentInfo
    settings: dict[str, Value]
    dataset: DatasetInfo
    device: str
    notices: tuple[str, ...] = ()


class Assignment(NamedTuple):
    """The run. `prepares`: this process checks and describes it. `debug`: it sends tracebacks.

    `variants` are settings of the experiment for other runs of a sweep, which are checked, too.
    """

    config: RunConfig
    checkpoints: bool
    prepares: bool
    debug: bool
    variants: Sequence[Mapping[str, Value]] = ()


class LaneStart(NamedTuple):
    """A lane, the total number of its steps, and the encoded checkpoint or the fork that it starts from, if any."""

    lane: str
    iterations: int
    snapshot: bytes | None = None
    forked: ForkedLane | None = None


class Ready(NamedTuple):
    """The trainer is made."""


class Go(NamedTuple):
    """Train. `started`: the `time.perf_counter`, which is the same for all processes, at second 0 of the run."""

    started: float
    lasting: bool


class Ask(NamedTuple):
    """A call of `CommandSource.take`."""

    step: int
    timeout: float | None


class Measured(NamedTuple):
    """A lane's parameters at a step, and its predictions if there are any, as arrays."""

    step: int
    parameters: Any
    predictions: Any


class Traceback(NamedTuple):
    """The traceback of an error, for `--debug`."""

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
