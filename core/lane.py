"""One training run as a generator of events: no threads, no printing, and nothing about which network or data."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor

from .batches import Batches
from .clipping import make_clipper
from .commands import Extend, LaneCommand, Pause, ResetMoments, Resume, SetClip, SetPace, StepOnce, Stop
from .diagnosis import Diagnosis, Gradients
from .events import (
    ClipChanged,
    Evaluated,
    Event,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStarted,
    LaneStepped,
    MomentsReset,
    NonfiniteFound,
    PaceChanged,
)
from .examination import Examination
from .firing import silent_outputs
from .layout import Layout
from .nonfinite import NonfiniteLedger, without_nonfinite
from .optimizers import Optimizer
from .pace import Pacer
from .rules import parse_rule

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


@dataclass(frozen=True)
class Kept:
    """What a lane needs to go on bit for bit from `step`: tensors, numbers and strings by name."""

    lane: str
    step: int
    snapshot: dict[str, Any]


class Control(Protocol):
    """Where a lane hears of commands, see `Mailbox`."""

    @property
    def lasting(self) -> bool: ...

    def take(self, step: int, timeout: float | None) -> Sequence[LaneCommand]: ...


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How much a lane trains, when it looks, how often it gives a `Kept` (None: never); sizes in images.

    What `diagnose_every`, `reset_moments` and `nonfinite` ask for is said in `RunConfig`.
    """

    iterations: int
    batch_size: int
    eval_every: int
    eval_size: int
    diagnose_every: int = 1
    pace: float | None = None
    checkpoint_every: int | None = None
    reset_moments: bool = False
    nonfinite: Literal["propagate", "skip", "zero", "stop"] = "propagate"


@dataclass(frozen=True, kw_only=True)
class Data:
    """A lane's own walk through the data, and all validation images and labels for the end."""

    training: Batches
    validation: Batches
    all_validation: tuple[Tensor, Tensor]


class Lane:
    """Trains `model` by `optimizer` under a clip rule; `step` is the number of steps done.

    `nonfinite` counts what its gradients held of NaN and infinity.
    """

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
        self._model, self._optimizer, self._data, self._schedule = model, optimizer, data, schedule
        self._diagnosis = diagnosis
        self.nonfinite = NonfiniteLedger()
        self._set_rule(rule)
        self._iterations = schedule.iterations
        self._pacer = Pacer(schedule.pace)
        self._paused = False
        self._steps_granted = 0
        self._finished = False
        self._kept_at = -1
        self._idle_seconds = 0.0
        self._seconds_before = 0.0

    @property
    def finished(self) -> bool:
        """Whether the lane has done its steps, or ended before."""
        return self._finished

    @property
    def pace(self) -> float | None:
        """The most steps a second, None for full speed."""
        return self._pacer.pace

    def snapshot(self) -> dict[str, Any]:
        """A copy of where the lane stands between two steps."""
        training, validation = self._data.training.position, self._data.validation.position
        return {
            "step": self.step,
            "rule": self._rule_text,
            "parameters": self._model.parameters.clone(),
            "optimizer": dict(self._optimizer.state),
            "clipper": self._clipper.state,
            "nonfinite": self.nonfinite.state,
            "diagnosis": self._diagnosis.state if self._diagnosis else None,
            "training": list(training),
            "validation": list(validation),
            "training_seconds": self._training_seconds(),
        }

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Stand where a snapshot of a lane of the same run was taken."""
        self.step = snapshot["step"]
        self._set_rule(snapshot["rule"])
        # Checkpoints from before there were rules that remember hold no more than the rule.
        self._clipper.restore(snapshot.get("clipper", {}))
        self.nonfinite = NonfiniteLedger(**snapshot.get("nonfinite", {}))
        self._model.parameters.copy_(snapshot["parameters"])
        self._optimizer.restore(snapshot["optimizer"])
        if self._diagnosis and snapshot.get("diagnosis"):
            self._diagnosis.restore(snapshot["diagnosis"], self._optimizer)
        self._data.training.go_to(tuple(snapshot["training"]))
        self._data.validation.go_to(tuple(snapshot["validation"]))
        self._seconds_before = snapshot["training_seconds"]

    def run(self, control: Control, started: float) -> Iterator[Event | Kept]:
        """Train to the end, obeying `control` at step boundaries; `started` is the clock's reading at second 0."""
        self._started, self._entered = started, time.perf_counter()
        yield LaneStarted(
            lane=self.name,
            step=self.step,
            rule=self._rule_text,
            iterations=self._iterations,
            parameters=self._model.parameters.numel(),
            seconds=self._seconds(),
        )
        while True:
            for command in self._commands(control):
                if isinstance(command, Stop):
                    if not self._finished:
                        yield from self._kept()
                        yield self._finish("stopped")
                    return
                yield self._obey(command)
            if self.step >= self._iterations and not self._finished:
                yield from self._kept()
                yield self._finish("completed")
                if not control.lasting:
                    return
            if self._is_idle() or self._pacer.patience() > 0:
                continue
            for event in self._train():
                yield event
                if isinstance(event, LaneFailed):
                    return
            if self._schedule.checkpoint_every and self.step % self._schedule.checkpoint_every == 0:
                yield from self._kept()
            if self.step == self._iterations:
                continue
            if self._paused and not self._steps_granted:
                yield self._paused_here()

    def _kept(self) -> Iterator[Kept]:
        if self._schedule.checkpoint_every and self._kept_at != self.step:
            self._kept_at = self.step
            yield Kept(self.name, self.step, self.snapshot())

    def failed(self, cause: str) -> LaneFailed:
        """The event for an error that was raised in the step under way."""
        return self._failed("error", cause)

    def _commands(self, control: Control) -> Sequence[LaneCommand]:
        """The commands due; waits for them while idle, and at most until the pace allows the next step otherwise."""
        if not self._is_idle():
            return control.take(self.step, self._pacer.patience())
        since = time.perf_counter()
        commands = control.take(self.step, None)
        self._idle_seconds += time.perf_counter() - since
        return commands

    def _is_idle(self) -> bool:
        return self._finished or (self._paused and not self._steps_granted)

    def _train(self) -> Iterator[Event]:
        """One step, and an evaluation where one is due."""
        model = self._model
        train_loss = model.loss_and_gradient(*self._data.training.next_batch(self._schedule.batch_size))
        if not math.isfinite(train_loss) and self._schedule.nonfinite == "propagate":
            self.nonfinite.enter(model.gradient)
            yield self._failed("diverged", f"the training loss is {train_loss}")
            return
        clipped, engaged = self._clipper.clip(model.gradient, model.parameters)
        measuring = self._diagnosis and self.step % (self._schedule.eval_every * self._schedule.diagnose_every) == 0
        before = model.parameters.clone() if measuring else None
        if self._clipper.finite or not self.nonfinite.enter(model.gradient):
            self._optimizer.step(clipped)
            if self._diagnosis:
                self._diagnosis.stepped(model.gradient, engaged)
        else:
            yield from self._step_nonfinite(clipped)
            if self._schedule.nonfinite == "stop":
                return
        # A sum is finite exactly if its terms are (short of overflow), and thirty times cheaper than asking each.
        if not math.isfinite(model.parameters.sum().item()):
            yield self._failed("diverged", "a weight is no longer finite")
            return
        if self.step % self._schedule.eval_every == 0:
            gradients = None if before is None else Gradients(model.gradient, clipped, before, model.parameters)
            yield from self._evaluate(train_loss, gradients)
        self.step += 1
        self._steps_granted = max(0, self._steps_granted - 1)
        self._pacer.stepped()

    def _step_nonfinite(self, clipped: Tensor) -> Iterator[Event]:
        """What is to be done about a gradient with NaN or infinity in it."""
        action, ledger = self._schedule.nonfinite, self.nonfinite
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
                yield self._failed("diverged", "the gradient is no longer finite, and the lane was to stop there")

    def _set_rule(self, rule: str) -> None:
        """Clip by this rule from now on; it remembers nothing of the steps before."""
        self._rule_text = rule
        self._clipper = make_clipper(parse_rule(rule), self._model.parameters, self._model.layout)
        if self._diagnosis and rule != "none":
            self._diagnosis.clips(self._optimizer)

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
            yield from self._diagnosis.measured(self.step, gradients, found, labels, self.nonfinite)

    def _evaluated(self, train_loss: float, loss: float, correct: int) -> Evaluated:
        return Evaluated(
            lane=self.name,
            step=self.step,
            loss=loss,
            accuracy=correct / self._schedule.eval_size,
            train_loss=train_loss,
            seconds=self._seconds(),
        )

    def _obey(self, command: LaneCommand) -> Event:
        """Do what is asked and say so."""
        at = {"lane": self.name, "step": self.step}
        match command:
            case SetClip(rule=rule):
                previous, reset = self._rule_text, self._schedule.reset_moments
                self._set_rule(rule)
                if reset:
                    self._reset_moments()
                return ClipChanged(**at, rule=rule, previous=previous, moments_reset=reset)
            case ResetMoments():
                self._reset_moments()
                return MomentsReset(**at)
            case Resume():
                self._paused, self._steps_granted = False, 0
                return LaneResumed(**at)
            case StepOnce(count=count):
                self._paused, self._steps_granted = True, count
                return LaneStepped(**at, count=count)
            case SetPace(pace=pace):
                self._pacer = Pacer(pace)
                return PaceChanged(**at, pace=pace)
            case Extend(iterations=more):
                self._iterations, self._finished = self._iterations + more, False
                return LaneExtended(**at, iterations=self._iterations)
            case Pause() | Stop():
                self._paused, self._steps_granted = True, 0
                return LanePaused(**at)

    def _reset_moments(self) -> None:
        self._optimizer.reset()
        if self._diagnosis:
            self._diagnosis.reset()

    def _finish(self, reason: Literal["completed", "stopped"]) -> LaneFinished:
        """Measure the network on all validation images."""
        training_seconds = self._training_seconds()
        self._finished = True
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
            seconds=self._seconds(),
            training_seconds=training_seconds,
            silent_outputs=silent_outputs(self._model.units, fired),
        )

    def _training_seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._entered - self._idle_seconds

    def _failed(self, reason: Literal["diverged", "error"], cause: str) -> LaneFailed:
        return LaneFailed(lane=self.name, step=self.step, reason=reason, cause=cause, seconds=self._seconds())

    def _paused_here(self) -> LanePaused:
        return LanePaused(lane=self.name, step=self.step)

    def _seconds(self) -> float:
        return time.perf_counter() - self._started
