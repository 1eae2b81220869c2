"""The protocol of what one lane trains: a network over flat vectors, with its data and its loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, SupportsFloat, TypeVar

from torch import Tensor

from ..errors import BadInput
from ..stream.events import LaneEvent
from .layout import Layout


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A network evaluated on a batch, or on all validation data.

    `loss` is the mean in nats, or whatever the experiment's loss is. `correct` is the number of correct predictions of
    `total` examples, None if the experiment does not count them. `total` is the length of the batch if the experiment
    does not say otherwise. `metrics` are further figures by name, means over the examples. `predictions` (examples,
    ...) tell how often two lanes predict the same. Numbers of torch and numpy become Python's.
    """

    loss: float
    total: int = 0
    correct: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    predictions: Tensor | None = None

    if TYPE_CHECKING:

        def __init__(
            self,
            *,
            loss: SupportsFloat,
            total: SupportsFloat = 0,
            correct: SupportsFloat | None = None,
            metrics: Mapping[str, SupportsFloat] | None = None,
            predictions: Tensor | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", _number("loss", self.loss))
        object.__setattr__(self, "total", _count("total", self.total))
        if self.correct is not None:
            object.__setattr__(self, "correct", _count("correct", self.correct))
        metrics = {name: _number(name, value) for name, value in (self.metrics or {}).items()}
        object.__setattr__(self, "metrics", metrics)

    @property
    def accuracy(self) -> float | None:
        """The share of correct predictions, None if they are not counted."""
        return None if self.correct is None else self.correct / self.total


def _number(name: str, value: Any) -> float:
    """A number of Python, which events hold, from one of torch or numpy. Raises BadInput if it is none."""
    if isinstance(value, Tensor) and value.numel() != 1:
        raise BadInput(f"Evaluation: {name} has shape {tuple(value.shape)}: a scalar is needed")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise BadInput(f"Evaluation: {name} is {value!r:.50}: a real number is needed") from None


def _count(name: str, value: Any) -> int:
    """A whole number, which may be written as a float: a sum of zeros and ones is one in torch."""
    number = _number(name, value)
    if not number.is_integer():
        raise BadInput(f"Evaluation: {name} is {number:g}: a whole number is needed")
    return int(number)


E = TypeVar("E", bound=Evaluation, contravariant=True)


class Gauge(Protocol[E]):
    """What an experiment measures of its own network: dead outputs, saturated units."""

    def add_evaluation(self, lane: str, step: int, evaluation: E) -> Iterator[LaneEvent]:
        """Record an evaluation; yield an event for each thing that happened."""
        ...

    def read(self, evaluation: E) -> dict[str, Any]:
        """The fields of `Diagnosed` that belong to the experiment, for the evaluation that was added last."""
        ...

    def final(self, evaluation: E) -> dict[str, Any]:
        """The fields of `LaneFinished` that belong to the experiment, for an evaluation on all validation data."""
        ...

    @property
    def state(self) -> Any: ...

    def restore(self, state: Any) -> None: ...


class Workload(Protocol):
    """What one lane trains. Lanes of a run have the same initial parameters and get the same batches.

    `parameters` and `gradient` are flat vectors of one `layout`. The workload owns the lane's position in the data.
    """

    parameters: Tensor
    gradient: Tensor

    @property
    def layout(self) -> Layout: ...

    @property
    def gauge(self) -> Gauge[Any] | None: ...

    def loss_and_gradient(self, step: int) -> float:
        """Return the mean loss of the next training batch, and write its gradient into `gradient`."""
        ...

    def evaluate(self, step: int) -> Evaluation:
        """Evaluate on the next validation batch."""
        ...

    def evaluate_all(self) -> Evaluation:
        """Evaluate on all validation data."""
        ...

    @property
    def state(self) -> dict[str, Any]:
        """A copy of what later steps depend on beside the parameters: tensors, numbers and strings by name."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` returned."""
        ...
