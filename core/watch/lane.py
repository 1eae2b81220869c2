"""One watched loop: what happens between its steps and in them, and the events of it."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor
from torch.amp.grad_scaler import GradScaler

from ..engine.mailbox import Mailbox
from ..stream.builtin_experiments import ACCURACY
from ..stream.commands import LaneCommand
from ..stream.config import MOST
from ..stream.events import (
    ClipChanged,
    Evaluated,
    Event,
    LaneFailed,
    LaneStarted,
    LoopEnded,
    MetricAdded,
)
from ..stream.experiment_info import MetricInfo
from ..stream.rules import parse_rule
from .gradient_clippers import make_gradient_clipper
from .parameters import WatchedParameters
from .step_log import Number, StepLog
from .steering import Steering
from .user_warnings import warn
from .watched_run import Item, WatchedRun

# A screen is to see a fast loop move.
_SEND_SECONDS = 0.25
# Steps in one event at most, and steps that wait at most while the disk is behind.
_MOST_STEPS, _MOST_WAITING = 1000, 100_000


class WatchedLane:
    """The state of a watched loop. Called by its hooks and by the methods of `Watch`, on the thread that trains."""

    def __init__(
        self,
        name: str,
        parameters: WatchedParameters,
        *,
        rule: str | None,
        run: WatchedRun | None,
        mailbox: Mailbox[LaneCommand],
        scaler: GradScaler | None,
        measure_every: int,
        total_steps: int | None,
    ) -> None:
        self.name, self.rule, self.mailbox = name, rule, mailbox
        self.step = 0
        self.steering = Steering(name, mailbox, self._set_rule, self._reset_optimizer)
        self._parameters, self._run, self._scaler = parameters, run, scaler
        self._measure_every, self._total_steps = measure_every, total_steps
        self._clipper = make_gradient_clipper(parse_rule(rule) if rule else None, parameters)
        self._log = StepLog()
        self._sent = time.perf_counter()
        self._begun = False
        self._metrics: dict[str, str] = {}
        self._train_loss: Number = math.nan

    # In the order of a step.

    def between_steps(self) -> None:
        """Send what is due, and obey commands."""
        if not self._begun:
            self._begin()
        for event in self.steering.between_steps(self.step):
            self._send_steps()
            self._send(event)
        self._send_steps_if_due()
        self.show_problems()

    def gradients_ready(self) -> None:
        """Clip, and log the step."""
        self._log.add(self._clipper.clip(self._parameters.gradients(), 1.0))

    def after_step(self) -> None:
        """The optimizer has updated the parameters: the step is done."""
        self.step += 1
        for event in self.steering.step_done(self.step):
            self._send_steps()
            self._send(event)

    # What the loop gives.

    def give(self, loss: Tensor | float | None, metrics: Mapping[str, Tensor | float]) -> None:
        """Give the newest step its loss and other values."""
        if not len(self._log):
            return
        values = {self._series(name, of_step=True): _number(value) for name, value in metrics.items()}
        if loss is not None:
            values["losses"] = self._train_loss = _number(loss)
        self._log.give(values)
        self._send_steps_if_due()

    def evaluated(
        self, loss: Tensor | float, accuracy: Tensor | float | None, metrics: Mapping[str, Tensor | float]
    ) -> None:
        """Send the results of an evaluation."""
        if not self._begun:
            self._begin()
        self._send_steps()
        if accuracy is not None and "accuracy" not in self._metrics:
            self._add_metric("accuracy", ACCURACY, of_steps=False)
        self._send(
            Evaluated(
                lane=self.name,
                step=max(0, self.step - 1),
                loss=float(loss),
                accuracy=None if accuracy is None else float(accuracy),
                train_loss=float(self._train_loss),
                seconds=self._seconds,
                metrics={self._series(name, of_step=False): float(value) for name, value in metrics.items()},
            )
        )

    # Its end.

    def ended(self, reason: Literal["completed", "stopped"]) -> LoopEnded:
        """The event of the loop's end; everything before is sent."""
        self._finish()
        return LoopEnded(lane=self.name, step=self.step, reason=reason, seconds=self._seconds)

    def failed(self, cause: str) -> LaneFailed:
        """The event of a failure."""
        self._finish()
        return LaneFailed(lane=self.name, step=self.step, reason="error", cause=cause, seconds=self._seconds)

    def _finish(self) -> None:
        if not self._begun:
            self._begin()
        self._send_steps()

    def show_problems(self) -> None:
        """Warn of a recording that has stopped."""
        if self._run and (problem := self._run.take_problem()):
            warn(problem)

    @property
    def state(self) -> dict[str, Any]:
        """The step, the rule and its memory."""
        return {"step": self.step, "rule": self.rule, "clipper": self._clipper.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state`. The lane starts anew in the recording, at that step."""
        self._send_steps()
        self.step, self.rule = int(state["step"]), state["rule"]
        self._clipper = make_gradient_clipper(parse_rule(self.rule) if self.rule else None, self._parameters)
        self._clipper.restore(state["clipper"])
        self._begun = False

    # Commands.

    def _set_rule(self, rule: str) -> Event:
        previous = self.rule or "none"
        self._clipper, self.rule = make_gradient_clipper(parse_rule(rule), self._parameters), rule
        return ClipChanged(lane=self.name, step=self.step, rule=rule, previous=previous)

    def _reset_optimizer(self) -> None:
        self._parameters.reset_optimizer()

    # Events.

    @property
    def _seconds(self) -> float:
        return self._run.seconds if self._run else 0.0

    def _begin(self) -> None:
        self._begun = True
        self._send(
            LaneStarted(
                lane=self.name,
                step=self.step,
                rule=self.rule or "none",
                iterations=self._total_steps or MOST,
                parameters=sum(each.numel() for each in self._parameters.all),
                seconds=self._seconds,
            )
        )

    def _series(self, name: str, *, of_step: bool) -> str:
        """The series of a metric, which is announced when it is first given."""
        key = f"step {name}" if of_step else name
        if key not in self._metrics:
            series = name.replace("_", "-")
            if of_step and name == "accuracy":
                series = "train-accuracy"
            self._add_metric(key, MetricInfo(series, share=series == "train-accuracy"), of_steps=of_step)
        return self._metrics[key]

    def _add_metric(self, key: str, metric: MetricInfo, *, of_steps: bool) -> None:
        self._metrics[key] = metric.name
        self._send(MetricAdded(metric=metric, of_steps=of_steps))

    def _send(self, item: Item) -> None:
        if self._run:
            self._run.put(item)

    def _send_steps_if_due(self) -> None:
        if len(self._log) >= _MOST_STEPS or time.perf_counter() - self._sent > _SEND_SECONDS:
            if self._run and self._run.is_behind and len(self._log) < _MOST_WAITING:
                return
            self._send_steps()

    def _send_steps(self) -> None:
        self._sent = time.perf_counter()
        if (logged := self._log.take(self.name, self.step - 1)) is not None:
            self._send(logged.event)


def _number(value: Tensor | float) -> Number:
    if isinstance(value, Tensor) and not value.is_cpu:
        return value.detach().reshape(()).float().clone()
    return float(value)
