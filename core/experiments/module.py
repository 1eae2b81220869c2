"""A user's experiment as a lane trains it: any module over flat vectors, with its data and its loss."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ..errors import BadInput
from ..stream.events import LaneEvent
from ..stream.limits import MOST
from .batch_source import BatchSource
from .batches import ShuffledIndices, seeded_generator
from .experiment import Data, Experiment
from .flat_parameters import FlatParameters, same_bits
from .layout import Layout
from .seeding import seed_generators
from .user_code import user_code
from .workload import Evaluation

_CPU = torch.device("cpu")
_NEEDED: dict[type[Any], str] = {
    Data: "clipwatch.Data(training, validation)",
    Evaluation: "a clipwatch.Evaluation",
    nn.Module: "a torch.nn.Module",
}


class Sources(NamedTuple):
    """The training and validation data of an experiment, which its lanes share."""

    training: BatchSource
    validation: BatchSource

    def checksum(self, experiment: Experiment, seed: int) -> str:
        """The SHA-256 of the tensors; of other data that of their lengths and first examples."""
        digest = hashlib.sha256()
        with seeded_user_code(experiment.make_data, seed, "checksum"):
            self.training.add_to(digest)
            self.validation.add_to(digest)
        return digest.hexdigest()


@contextmanager
def seeded_user_code(called: Callable[..., Any], seed: int, purpose: str, number: int = 0) -> Iterator[None]:
    """Run a method of the user with seeded generators; its exceptions name their place in the user's file."""
    with user_code(called):
        seed_generators(seed, purpose, number)
        yield


def make_sources(experiment: Experiment, seed: int, device: torch.device) -> Sources:
    """The data that an experiment makes. Raises BadInput."""
    with seeded_user_code(experiment.make_data, seed, "data"):
        data = _checked(experiment.make_data(), Data, "make_data")
        return Sources(
            BatchSource(data.training, "training", data.collate, device),
            BatchSource(data.validation, "validation", data.collate, device),
        )


def make_model(
    experiment: Experiment, seed: int, layers: int, device: torch.device
) -> tuple[nn.Module, FlatParameters]:
    """The model that an experiment makes, as it is before the first step. Raises BadInput."""
    with seeded_user_code(experiment.make_model, seed, "model"):
        model = _checked(experiment.make_model(), nn.Module, "make_model").to(device)
        # A model that comes from elsewhere may be in evaluation mode. Modules that the user froze stay in it.
        if not model.training:
            model.train()
        return model, FlatParameters(model, layers)


def restore_buffers(model: nn.Module, buffers: Mapping[str, Tensor]) -> None:
    """Give a model these values of its buffers."""
    for name, value in buffers.items():
        owner, _, attribute = name.rpartition(".")
        module = model.get_submodule(owner)
        buffer = getattr(module, attribute)
        if buffer.shape == value.shape and buffer.dtype == value.dtype:
            buffer.copy_(value)
        else:
            setattr(module, attribute, value.to(buffer.device, copy=True))


class ModuleWorkload:
    """See `Workload`. Two workloads of one experiment and seed are bit-identical, in one process or in two.

    The random generators are seeded before each step and each evaluation. The state of a lane is its buffers and its
    position in the data: nothing random has to be kept.
    """

    def __init__(
        self,
        experiment: Experiment,
        sources: Sources,
        *,
        seed: int,
        batch_size: int,
        eval_size: int,
        layers: int = 1,
        device: torch.device = _CPU,
    ) -> None:
        """`layers`: the depth at which a module's path is cut to name a layer."""
        self.experiment, self.sources, self._seed = experiment, sources, seed
        self.model, self._flat = make_model(experiment, seed, layers, device)
        self.parameters, self.gradient = self._flat.parameters, self._flat.gradient
        self.gauge = ModuleGauge(self) if type(experiment).gauges is not Experiment.gauges else None
        with user_code(experiment.make_data):
            self._training_indices = _indices(sources.training, seed, "training batches")
            self._validation_indices = _indices(sources.validation, seed, "validation batches")
        self._batch_size, self._eval_size = batch_size, min(eval_size, len(sources.validation))

    @property
    def layout(self) -> Layout:
        """The layers and the tensors of the flat vectors."""
        return self._flat.layout

    def views(self, flat: Tensor) -> list[Tensor]:
        """The parts of a flat vector in the shapes and the order of `model.parameters()`, frozen ones left out."""
        return self._flat.views(flat)

    def loss_and_gradient(self, step: int) -> float:
        """Return the mean loss of the next training batch, and write its gradient into `gradient`."""
        with self._user_code(self.experiment.loss, "step", step), torch.enable_grad():
            self.gradient.zero_()
            loss = self.experiment.loss(self.model, self._next_batch())
            loss.backward()
            return loss.item()

    def require_usable_loss(self) -> list[str]:
        """Raise BadInput if the loss of the next batch has no dense gradient; name the parameters without one."""
        with self._user_code(self.experiment.loss, "step"), torch.enable_grad():
            return self._flat.without_gradient(self.experiment.loss(self.model, self._next_batch()))

    def evaluate(self, step: int) -> Evaluation:
        """Evaluate on the next validation batch."""
        self.require_views()
        with self._user_code(self.experiment.evaluate, "evaluation", step), self._evaluating():
            return self._evaluation(self._validation_indices.take(self._eval_size))

    def evaluate_all(self) -> Evaluation:
        """Evaluate on all validation data, `eval_size` examples at a time."""
        with self._user_code(self.experiment.evaluate, "evaluation of all"), self._evaluating():
            chunks = torch.arange(len(self.sources.validation)).split(self._eval_size)
            return _joined([self._evaluation(chunk) for chunk in chunks])

    def gauges(self) -> dict[str, float]:
        """What the experiment measures of the model, by name."""
        with self._user_code(self.experiment.gauges, "gauges"), torch.no_grad():
            return {name: float(value) for name, value in self.experiment.gauges(self.model).items()}

    def require_parameters(self, expected: Tensor) -> None:
        """Raise BadInput if the initial parameters are not these, which another model of the same seed had."""
        with user_code(self.experiment.make_model):
            if not same_bits(self.parameters, expected):
                raise BadInput(
                    "make_model gives other initial parameters when it is called again: "
                    "draw them from torch, numpy.random or random, which clipwatch has seeded"
                )

    def require_views(self) -> None:
        """Raise BadInput if code of the user has replaced a parameter's values or its gradient."""
        with user_code(self.experiment.loss):
            self._flat.require_views()

    @property
    def state(self) -> dict[str, Any]:
        """A copy of the buffers, and the positions in the training and the validation data."""
        return {
            "buffers": self._buffers(),
            "training": list(self._training_indices.position),
            "validation": list(self._validation_indices.position),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` returned."""
        restore_buffers(self.model, state["buffers"])
        self._training_indices.restore(tuple(state["training"]))
        self._validation_indices.restore(tuple(state["validation"]))

    def _user_code(self, called: Callable[..., Any], purpose: str, number: int = 0) -> Any:
        return seeded_user_code(called, self._seed, purpose, number)

    def _next_batch(self) -> Any:
        return self.sources.training.fetch(self._training_indices.take(self._batch_size))

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        """Evaluation mode without gradients. Afterwards the modes and the buffers are as before."""
        modes = [(module, module.training) for module in self.model.modules()]
        buffers = self._buffers()
        self.model.eval()
        try:
            with torch.no_grad():
                yield
        finally:
            for module, mode in modes:
                module.training = mode
            restore_buffers(self.model, buffers)

    def _buffers(self) -> dict[str, Tensor]:
        return {name: buffer.clone() for name, buffer in self.model.named_buffers()}

    def _evaluation(self, indices: Tensor) -> Evaluation:
        found = self.experiment.evaluate(self.model, self.sources.validation.fetch(indices))
        found = _checked(found, Evaluation, "evaluate")
        found = found if found.total else replace(found, total=len(indices))
        if found.total not in range(1, MOST + 1):
            raise BadInput(f"evaluate: total is {found.total!r:.50}: the number of examples is needed")
        if found.correct is not None and found.correct not in range(int(found.total) + 1):
            raise BadInput(f"evaluate: correct is {found.correct}: a number from 0 to total ({found.total}) is needed")
        return replace(
            found,
            # They may be booleans, or of numpy, which cannot be recorded.
            total=int(found.total),
            correct=None if found.correct is None else int(found.correct),
            predictions=_comparable(found.predictions),
        )


class ModuleGauge:
    """See `Gauge`: what an experiment's `gauges` measure."""

    def __init__(self, workload: ModuleWorkload) -> None:
        self._workload = workload
        self.state: dict[str, Any] = {}

    def add_evaluation(self, lane: str, step: int, evaluation: Evaluation) -> Iterator[LaneEvent]:
        """Gauges do not depend on evaluations."""
        return iter(())

    def read(self, evaluation: Evaluation) -> dict[str, Any]:
        """The `gauge` field of `Diagnosed`."""
        return {"gauge": self._workload.gauges()}

    def final(self, evaluation: Evaluation) -> dict[str, Any]:
        """A lane's last event holds no gauges."""
        return {}

    def restore(self, state: Any) -> None:
        """There is no state."""


def _indices(source: BatchSource, seed: int, purpose: str) -> ShuffledIndices:
    return ShuffledIndices(len(source), seeded_generator(seed, purpose), _CPU)


def _checked(value: Any, kind: type[Any], method: str) -> Any:
    if not isinstance(value, kind):
        raise BadInput(f"{method} returned {type(value).__name__}: {_NEEDED[kind]} is needed")
    return value


def _comparable(predictions: Any) -> Tensor | None:
    """Predictions in a form in which those of two processes are compared. Raises BadInput."""
    if predictions is None:
        return None
    if not isinstance(predictions, Tensor) or predictions.layout != torch.strided or not predictions.dim():
        raise BadInput("evaluate: predictions must be a dense tensor with one row for each example")
    # What numpy does not have.
    return predictions.float() if predictions.dtype == torch.bfloat16 else predictions


def _joined(evaluations: list[Evaluation]) -> Evaluation:
    """The evaluation of all examples: means weighted by the number of examples."""
    total = sum(each.total for each in evaluations)

    def mean(values: list[float]) -> float:
        return sum(value * each.total for value, each in zip(values, evaluations, strict=True)) / total

    correct = [each.correct for each in evaluations if each.correct is not None]
    predictions = [each.predictions for each in evaluations if each.predictions is not None]
    return Evaluation(
        loss=mean([each.loss for each in evaluations]),
        total=total,
        correct=sum(correct) if len(correct) == len(evaluations) else None,
        metrics={name: mean([each.metrics[name] for each in evaluations]) for name in evaluations[0].metrics},
        predictions=torch.cat(predictions) if len(predictions) == len(evaluations) else None,
    )
