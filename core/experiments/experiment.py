"""The base class of a user's own experiment: a model, its data, its loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from ..errors import BadInput
from ..stream.experiment_info import MetricInfo
from .workload import Evaluation


@dataclass(frozen=True)
class Data:
    """What an experiment trains on and is evaluated on.

    Each is a map-style dataset, a tensor, or a tuple of tensors of the same length. Tensors are indexed by whole
    batches. With `collate`, a batch is what it makes of a list of examples, as in `DataLoader`.
    """

    training: Any
    validation: Any
    collate: Callable[[list[Any]], Any] | None = None


@dataclass(frozen=True)
class Experiment:
    """A model, its data and its loss. Make a subclass a frozen dataclass: its fields are the experiment's settings.

    A setting has a default, and is a bool, int, float, str or a `Literal` of them. `Annotated[int, "hidden units"]` or
    `field(default=64, metadata={"help": "hidden units"})` describes it.

    clipwatch seeds the global generators of torch, `numpy.random` and `random` before it makes the model, before each
    step and before each evaluation, so that all lanes get the same numbers. Draw random numbers from these, and keep
    what changes from step to step in parameters and buffers of the model: nothing else is in a checkpoint. clipwatch
    clears the gradients, too.

    `examples` says in the plural what the data consists of. `metrics` says how named figures are shown.
    """

    examples: ClassVar[str] = "examples"
    metrics: ClassVar[tuple[MetricInfo, ...]] = ()

    counterfactual: bool = field(
        default=True,
        kw_only=True,
        metadata={"help": "measure what the optimizer would have done unclipped, which costs one more update a step"},
    )

    def make_model(self) -> nn.Module:
        """The model, with float32 parameters."""
        raise BadInput(f"{type(self).__name__} defines no make_model")

    def make_data(self) -> Data:
        """The training and the validation data."""
        raise BadInput(f"{type(self).__name__} defines no make_data")

    def loss(self, model: nn.Module, batch: Any) -> Tensor:
        """The mean loss of a batch, a scalar."""
        raise BadInput(f"{type(self).__name__} defines no loss")

    def evaluate(self, model: nn.Module, batch: Any) -> Evaluation:
        """The evaluation of a batch. The model is in evaluation mode, and no gradient is computed."""
        return Evaluation(loss=self.loss(model, batch))

    def make_optimizer(self, parameters: list[nn.Parameter]) -> Optimizer | None:
        """An optimizer for these parameters, which have the order of `model.parameters()`; None: that of the run."""
        return None

    def make_schedule(self, optimizer: Optimizer) -> LRScheduler | None:
        """A schedule of the learning rate that advances with each step, or None."""
        return None

    def gauges(self, model: nn.Module) -> Mapping[str, float]:
        """Numbers to show of the model, by name. They are measured with the diagnostics."""
        return {}
