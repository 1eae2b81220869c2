"""A network in training, one step after the other; nothing about which network or data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from torch import Tensor

from ..clipping.clippers import make_clipper
from ..clipping.nonfinite import NonfiniteLedger, without_nonfinite
from ..diagnostics.dead_outputs import silent_outputs
from ..diagnostics.lane_diagnostics import Diagnosis, Gradients
from ..experiments.examination import Examination
from ..experiments.layout import Layout
from ..optimizers.optimizer import Optimizer
from ..stream.events import Evaluated, Event, LaneFailed, LaneFinished, NonfiniteFound
from ..stream.rules import parse_rule
from .batches import Batches
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


class Update(NamedTuple):
    """What a step is made of: a flat gradient, what the optimizer is given, and whether the rule made another of it."""

    raw: Tensor
    used: Tensor
    engaged: bool


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
        model, schedule = self._model, self._schedule
        train_loss = model.loss_and_gradient(*self._data.training.next_batch(schedule.batch_size))
        update = self._clipped(model.gradient)
        if not self._clipper.finite and self._nonfinite.enter(model.gradient):
            if self._nonfinite.steps == 1:
                yield self._nonfinite_found()
            update = self._instead(update)
        if cause := self._cause_to_fail(train_loss, update):
            yield self.failed("diverged", cause)
            return
        measuring = self._diagnosis and self.step % (schedule.eval_every * schedule.diagnose_every) == 0
        before = model.parameters.clone() if measuring else None
        if update:
            self._optimizer.step(update.used)
            if self._diagnosis:
                self._diagnosis.stepped(update.raw, update.engaged)
        # A sum is finite exactly if its terms are (short of overflow), and thirty times cheaper than asking each.
        if not math.isfinite(model.parameters.sum().item()):
            yield self.failed("diverged", "a weight is no longer finite")
            return
        if self.step % schedule.eval_every == 0:
            gradients = None if before is None else self._gradients(update, before)
            yield from self._evaluate(train_loss, gradients)
        self.step += 1

    def _clipped(self, gradient: Tensor) -> Update:
        return Update(gradient, *self._clipper.clip(gradient, self._model.parameters))

    def _instead(self, update: Update) -> Update | None:
        """What the optimizer is given instead of a gradient with NaN or infinity in it, None if it takes no step."""
        match self._schedule.nonfinite:
            case "propagate":
                return update
            case "zero":
                return self._clipped(without_nonfinite(update.raw))
            case "skip" | "stop":
                return None

    def _cause_to_fail(self, train_loss: float, update: Update | None) -> str | None:
        """Why the lane takes no further step."""
        match self._schedule.nonfinite:
            case "propagate" if not math.isfinite(train_loss):
                return f"the training loss is {train_loss}"
            case "stop" if update is None:
                return "the gradient is no longer finite, and the lane was to stop there"
            case _:
                return None

    def _nonfinite_found(self) -> NonfiniteFound:
        ledger, action = self._nonfinite, self._schedule.nonfinite
        return NonfiniteFound(lane=self.name, step=self.step, nan=ledger.nan, infinite=ledger.infinite, action=action)

    def _gradients(self, update: Update | None, before: Tensor) -> Gradients:
        """What the step under way was: the gradient itself where the rule changed nothing of what the step took."""
        raw = self._model.gradient
        used = None if update is None else update.used if update.engaged else raw
        return Gradients(raw, used, before, self._model.parameters)

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

    def finished(self, reason: Literal["completed", "stopped"]) -> LaneFinished | LaneFailed:
        """Measure the network on all validation images; one without a finite loss has diverged."""
        training_seconds = self.watch.training_seconds
        images, labels = self._data.all_validation
        loss_sum, correct = 0.0, 0
        fired = []
        for chunk, answers in zip(images.split(_CHUNK), labels.split(_CHUNK), strict=True):
            found = self._model.examine(chunk, answers)
            loss_sum, correct = loss_sum + found.loss * len(answers), correct + found.correct
            fired.append(found.firing)
        if not math.isfinite(loss_sum):
            return self.failed("diverged", f"the loss on all validation images is {loss_sum}")
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
