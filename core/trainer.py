"""A network in training, one step after the other; nothing about which network or data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor

from .batches import Batches
from .clipping import make_clipper
from .diagnosis import Diagnosis, Gradients
from .events import Evaluated, Event, LaneFailed, LaneFinished, NonfiniteFound
from .examination import Examination
from .firing import silent_outputs
from .layout import Layout
from .nonfinite import NonfiniteLedger, without_nonfinite
from .optimizers import Optimizer
from .rules import parse_rule
from .schedule import Schedule
from .stopwatch import Stopwatch

# Images at a time when all validation images are measured: what the processor's cache holds.
_CHUNK = 100


class Model(Protocol):
    """A network over one flat parameter vector; `gradient` is laid out alike and filled by `loss_and_gradient`."""

    parameters: Tensor
    gradient: Tensor

    @property
    def layout(self) -> Layout: ...

    @property
    def units(self) -> Mapping[str, int]: ...

    def loss_and_gradient(self, images: Tensor, labels: Tensor) -> float: ...

    def evaluate(self, images: Tensor, labels: Tensor) -> tuple[float, int]: ...

    def examine(self, images: Tensor, labels: Tensor) -> Examination: ...


@dataclass(frozen=True, kw_only=True)
class Data:
    """A lane's own walk through the data, and all validation images and labels for the end."""

    training: Batches
    validation: Batches
    all_validation: tuple[Tensor, Tensor]


class Trainer:
    """Trains a lane's `model` by `optimizer` under a clip `rule`; `step` is the number of steps done."""

    def __init__(
        self,
        name: str,
        rule: str,
        model: Model,
        optimizer: Optimizer,
        data: Data,
        schedule: Schedule,
        diagnosis: Diagnosis | None = None,
    ) -> None:
        self.name, self.step = name, 0
        self.watch = Stopwatch()
        self._model, self._optimizer, self._data, self._schedule = model, optimizer, data, schedule
        self._diagnosis = diagnosis
        self._nonfinite = NonfiniteLedger()
        self.clip_by(rule)

    @property
    def parameters(self) -> int:
        """How many there are."""
        return self._model.parameters.numel()

    def clip_by(self, rule: str) -> None:
        """Clip by this rule from now on; it remembers nothing of the steps before."""
        self.rule = rule
        self._clipper = make_clipper(parse_rule(rule), self._model.parameters, self._model.layout)
        if self._diagnosis and rule != "none":
            self._diagnosis.clips(self._optimizer)

    def reset_moments(self) -> None:
        """Let the optimizer begin anew."""
        self._optimizer.reset()
        if self._diagnosis:
            self._diagnosis.reset()

    def snapshot(self) -> dict[str, Any]:
        """A copy of where the lane stands between two steps."""
        training, validation = self._data.training.position, self._data.validation.position
        return {
            "step": self.step,
            "rule": self.rule,
            "parameters": self._model.parameters.clone(),
            "optimizer": dict(self._optimizer.state),
            "clipper": self._clipper.state,
            "nonfinite": self._nonfinite.state,
            "diagnosis": self._diagnosis.state if self._diagnosis else None,
            "training": list(training),
            "validation": list(validation),
            "training_seconds": self.watch.training_seconds,
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Stand where a snapshot of a lane of the same run was taken."""
        self.step = snapshot["step"]
        self.clip_by(snapshot["rule"])
        # Checkpoints from before there were rules that remember hold no more than the rule.
        self._clipper.restore(snapshot.get("clipper", {}))
        self._nonfinite = NonfiniteLedger(**snapshot.get("nonfinite", {}))
        self._model.parameters.copy_(snapshot["parameters"])
        self._optimizer.restore(snapshot["optimizer"])
        if self._diagnosis and snapshot.get("diagnosis"):
            self._diagnosis.restore(snapshot["diagnosis"], self._optimizer)
        self._data.training.go_to(tuple(snapshot["training"]))
        self._data.validation.go_to(tuple(snapshot["validation"]))
        self.watch.go_on_from(snapshot["training_seconds"])

    def train(self) -> Iterator[Event]:
        """One step, and an evaluation where one is due."""
        model = self._model
        train_loss = model.loss_and_gradient(*self._data.training.next_batch(self._schedule.batch_size))
        if not math.isfinite(train_loss) and self._schedule.nonfinite == "propagate":
            self._nonfinite.enter(model.gradient)
            yield self.failed("diverged", f"the training loss is {train_loss}")
            return
        clipped, engaged = self._clipper.clip(model.gradient, model.parameters)
        measuring = self._diagnosis and self.step % (self._schedule.eval_every * self._schedule.diagnose_every) == 0
        before = model.parameters.clone() if measuring else None
        if self._clipper.finite or not self._nonfinite.enter(model.gradient):
            self._optimizer.step(clipped)
            if self._diagnosis:
                self._diagnosis.stepped(model.gradient, engaged)
        else:
            yield from self._step_nonfinite(clipped)
            if self._schedule.nonfinite == "stop":
                return
        # A sum is finite exactly if its terms are (short of overflow), and thirty times cheaper than asking each.
        if not math.isfinite(model.parameters.sum().item()):
            yield self.failed("diverged", "a weight is no longer finite")
            return
        if self.step % self._schedule.eval_every == 0:
            gradients = None if before is None else Gradients(model.gradient, clipped, before, model.parameters)
            yield from self._evaluate(train_loss, gradients)
        self.step += 1

    def _step_nonfinite(self, clipped: Tensor) -> Iterator[Event]:
        """What is to be done about a gradient with NaN or infinity in it."""
        action, ledger = self._schedule.nonfinite, self._nonfinite
        if ledger.steps == 1:
            nan, infinite = ledger.nan, ledger.infinite
            yield NonfiniteFound(lane=self.name, step=self.step, nan=nan, infinite=infinite, action=action)
        match action:
            case "propagate":
                self._optimizer.step(clipped)
            case "skip":
                pass
            case "zero":
                raw = without_nonfinite(self._model.gradient)
                clipped, engaged = self._clipper.clip(raw, self._model.parameters)
                self._optimizer.step(clipped)
                if self._diagnosis:
                    self._diagnosis.stepped(raw, engaged)
            case "stop":
                yield self.failed("diverged", "the gradient is no longer finite, and the lane was to stop there")

    def _evaluate(self, train_loss: float, gradients: Gradients | None) -> Iterator[Event]:
        """Loss and accuracy, what they show of dead outputs, and of `gradients` what the clip did to them."""
        images, labels = self._data.validation.next_batch(self._schedule.eval_size)
        if self._diagnosis is None:
            yield self._evaluated(train_loss, *self._model.evaluate(images, labels))
            return
        found = self._model.examine(images, labels)
        yield self._evaluated(train_loss, found.loss, found.correct)
        yield from self._diagnosis.noted(self.step, found)
        if gradients:
            yield from self._diagnosis.measured(self.step, gradients, found, labels, self._nonfinite)

    def _evaluated(self, train_loss: float, loss: float, correct: int) -> Evaluated:
        return Evaluated(
            lane=self.name,
            step=self.step,
            loss=loss,
            accuracy=correct / self._schedule.eval_size,
            train_loss=train_loss,
            seconds=self.watch.seconds,
        )

    def finished(self, reason: Literal["completed", "stopped"]) -> LaneFinished:
        """Measure the network on all validation images."""
        training_seconds = self.watch.training_seconds
        images, labels = self._data.all_validation
        loss_sum, correct = 0.0, 0
        fired = []
        for chunk, answers in zip(images.split(_CHUNK), labels.split(_CHUNK), strict=True):
            found = self._model.examine(chunk, answers)
            loss_sum, correct = loss_sum + found.loss * len(answers), correct + found.correct
            fired.append(found.firing)
        return LaneFinished(
            lane=self.name,
            step=self.step,
            reason=reason,
            loss=loss_sum / len(labels),
            correct=correct,
            total=len(labels),
            seconds=self.watch.seconds,
            training_seconds=training_seconds,
            silent_outputs=silent_outputs(self._model.units, fired),
        )

    def failed(self, reason: Literal["diverged", "error"], cause: str) -> LaneFailed:
        """The event for the step under way, which could not be done."""
        return LaneFailed(lane=self.name, step=self.step, reason=reason, cause=cause, seconds=self.watch.seconds)
