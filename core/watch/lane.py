"""One watched loop: what happens between its steps and in them, and the events of it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from ..engine.mailbox import Mailbox
from ..errors import BadInput, one_line
from ..stream.builtin_experiments import ACCURACY
from ..stream.commands import LaneCommand
from ..stream.config import MOST
from ..stream.events import (
    ClipChanged,
    Diagnosed,
    Evaluated,
    Event,
    LaneFailed,
    LaneStarted,
    LoopEnded,
    MetricAdded,
    Notice,
    StepsSkipped,
)
from ..stream.experiment_info import MetricInfo
from ..stream.rules import parse_rule
from .audit import Audit
from .backward_gradients import BackwardGradients
from .gradient_clippers import Clipped, make_gradient_clipper
from .left_gradients import LeftGradients
from .loss_scale import LossScale
from .measuring import Measures, Measuring
from .metric_names import series_name
from .parameters import OTHER, WatchedParameters, why_not_clipped
from .steering import Commands, Steering
from .step_log import Number, StepLog
from .user_warnings import warn
from .watched_run import Item, WatchedRun

# A screen is to see a fast loop move.
_SEND_SECONDS = 0.25
# Steps in one event at most, and steps that wait at most while the disk is behind.
_MOST_STEPS, _MOST_WAITING = 1000, 100_000
# The first steps, of which more are audited than `measure_every` says.
_MOST_AT_FIRST = 20
# Two sums of the same squares, in another order, differ by less.
_ROUNDING = 1e-5


class WatchedLane:
    """The state of a watched loop. Called by its hooks and by the methods of `Watch`, on the thread that trains."""

    def __init__(
        self,
        name: str,
        parameters: WatchedParameters,
        optimizer: Optimizer,
        *,
        rule: str | None,
        why_no_rule: str | None,
        run: WatchedRun | None,
        mailbox: Mailbox[LaneCommand],
        commands: Commands,
        processes: int,
        scaler: GradScaler | None,
        measure_every: int,
        total_steps: int | None,
    ) -> None:
        self.name, self.rule, self.mailbox = name, rule, mailbox
        self.step = 0
        self.steering = Steering(name, commands, self._set_rule, self._reset_optimizer)
        self._parameters, self._run, self._why_no_rule = parameters, run, why_no_rule
        self._measure_every, self._total_steps = measure_every, total_steps
        self._clipper = make_gradient_clipper(parse_rule(rule) if rule else None, parameters)
        self._loss_scale = LossScale(optimizer, scaler)
        self._processes = processes
        self._backward = BackwardGradients(parameters.named(), processes=processes)
        self._audit = Audit(name)
        self._measuring = Measuring(parameters, optimizer, self._notice)
        self._measuring.set_rule(rule)
        self._log = StepLog(name)
        self._nonfinite = self._log.nonfinite
        self._sent = time.perf_counter()
        # Events of the newest step, which wait until the loop has had the time to give its loss.
        self._of_step: list[Item] = []
        self._begun = False
        # Whether the newest step in the log has used its gradients and has not ended yet.
        self._pending = False
        self._metrics: dict[str, str] = {}
        self._not_numbers: set[str] = set()
        self._train_loss: Number = math.nan
        # Whether the loop gives its loss before `optimizer.step`; None until it has given one.
        self._gives_before: bool | None = None
        self._given_before: dict[str, Number] = {}
        self._has_given = self._known_to_train = False
        self._clipped_steps: Number = 0.0
        self._known_steps = 0
        self._rule_is_checked = False
        self._left: LeftGradients | None = None
        self._begin_backward()

    # In the order of a step.

    def between_steps(self) -> None:
        """Send what is due, and obey commands."""
        if not self._begun:
            self._begin()
        self._drop_unfinished()
        self._send_skipped()
        for event in self.steering.between_steps(self.step):
            self._send_steps()
            self._send(event)
        self._send_steps_if_due()
        self.show_problems()

    @torch.no_grad()
    def gradients_ready(self) -> None:
        """Measure, clip, and log the step."""
        # While the disk is behind, what is measured would fill the memory.
        measured = self.step % self._measure_every == 0 and not (self._run and self._run.is_behind)
        scale, gradients = self._loss_scale.of_gradients, self._parameters.gradients()
        if self.rule and (measured or not self._rule_is_checked):
            self._require_clippable(gradients)
        comparison = self._backward.compare(self._loss_scale.of_loss)
        left = self._left if measured and not self.rule and self._backward.copied else None
        self._measuring.before_clip(measured, scale, left, self._loss_scale.of_loss if left else 1.0)
        overflowed = self._loss_scale.overflowed

        def about_to_clip(norm: Number) -> None:
            self._measuring.about_to_clip()
            self._count_nonfinite(norm, gradients, overflowed)

        clipped = self._clipper.clip(gradients, scale, about_to_clip)
        if clipped.changed is False:
            self._count_nonfinite(clipped.norm, gradients, overflowed)
        clipped = self._with_loops_own(clipped)
        self._measuring.after_clip(clipped.changed)
        self._pending = True
        self._log.add(clipped, overflowed)
        self._log.give(self._given_before)
        self._has_given, self._known_to_train = False, True
        if comparison is not None:
            engaged = (int(self._clipped_steps), self._known_steps) if self._known_steps else None
            self._of_step += self._audit.add(self.step, comparison, rule=bool(self.rule), engaged=engaged)

    def after_step(self) -> None:
        """The optimizer has updated the parameters: the step is done.

        A step within a step, as of an optimizer whose `step` calls that of its base class, is the same step.
        """
        if not self._pending:
            return
        self._pending, self._given_before = False, {}
        if (measures := self._measuring.after_step()) is not None:
            self._of_step.append(self._diagnosed(self.step, measures))
        self._backward.end_step()
        self.step += 1
        for event in self.steering.step_done(self.step):
            self._send_steps()
            self._send(event)
        self._begin_backward()

    def _begin_backward(self) -> None:
        """Let the next backward be seen, if its step is measured."""
        if self._parameters.count != self._backward.count:
            # The loop has added a group of parameters.
            self._backward.close()
            self._backward = BackwardGradients(self._parameters.named(), processes=self._processes)
            self._left = None
        if self._audit.clips and not self.rule and self._left is None:
            # How the loop clips itself is measured as a rule of ours would be.
            self._backward.follow_norm()
            self._left = LeftGradients(self._parameters.training())
            self._backward.copy_into(self._left.flat)
        # The hook that computes the norm at every step has to agree with a measured step first.
        unknown = self._left is not None and not self._known_steps and self.step < _MOST_AT_FIRST
        self._backward.begin_step(measured=self._audit.undecided or unknown or self.step % self._measure_every == 0)

    def _with_loops_own(self, clipped: Clipped) -> Clipped:
        """The norm before the clipping of the loop itself, where it is known."""
        before = None if self.rule else self._backward.norm_before()
        if before is not None:
            norm = before / self._loss_scale.of_loss
            clipped = Clipped(norm, clipped.clipped_norm, norm > clipped.clipped_norm * (1 + _ROUNDING))
        if self.rule or before is not None:
            self._clipped_steps = self._clipped_steps + clipped.changed
            self._known_steps += 1
        return clipped

    def _count_nonfinite(self, norm: Number, gradients: Sequence[Tensor], overflowed: Number) -> None:
        """Count NaN and infinity. On a GPU, the log counts the norms that show some."""
        if isinstance(norm, Tensor) or math.isfinite(norm) or overflowed != 0.0:
            return
        if first := self._log.count_nonfinite(self.step, gradients):
            self._of_step.append(first)

    def _diagnosed(self, step: int, measures: Callable[[], Measures]) -> Item:
        nonfinite, shares = self._nonfinite, self._log.shares

        def diagnosed() -> list[Event]:
            total, layers = measures()
            return [
                Diagnosed(
                    lane=self.name,
                    step=step,
                    layers=layers,
                    total=total,
                    engaged=shares.of_all,
                    engaged_recently=shares.of_recent,
                    nan=nonfinite.nan,
                    infinite=nonfinite.infinite,
                )
            ]

        return diagnosed

    def _require_clippable(self, gradients: Sequence[Tensor]) -> None:
        """Observe instead of clipping where a rule cannot clip."""
        self._rule_is_checked = True
        if cause := why_not_clipped(gradients):
            warn(f"clipwatch does not clip by {self.rule}, it only observes: {cause}")
            self._send(self._set_rule("none"))

    # What the loop gives.

    def give(self, loss: Tensor | float | None, metrics: Mapping[str, Tensor | float]) -> None:
        """Give the newest step its loss and other values. With several calls a step, the first one counts.

        A loop that calls it before its first `optimizer.step` does so at each step: its values wait for that step.
        """
        self._backward.look_again()
        if self._gives_before is None:
            self._gives_before = not self._known_to_train
        values = {self._series(name, of_step=True): self._number(name, value) for name, value in metrics.items()}
        if loss is not None:
            values["losses"] = self._train_loss = self._number("loss", loss)
        if self._gives_before:
            self._given_before = values
        elif len(self._log) and not self._has_given:
            self._has_given = True
            self._log.give(values)
            self._send_steps_if_due(bool(self._of_step))

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
                loss=float(self._number("loss", loss)),
                accuracy=None if accuracy is None else float(self._number("accuracy", accuracy)),
                train_loss=float(self._train_loss),
                seconds=self._seconds,
                metrics={
                    self._series(name, of_step=False): float(self._number(name, value))
                    for name, value in metrics.items()
                },
            )
        )

    def _number(self, name: str, value: Tensor | float) -> Number:
        """A value as a number. One that is on a GPU stays there."""
        try:
            value = value.detach() if isinstance(value, Tensor) else value
            if not isinstance(value, Tensor) or value.is_cpu or value.is_meta:
                return float(value)
            if value.is_complex():
                raise TypeError("it is complex")
            return value.reshape(()).float().clone()
        except Exception as error:
            if name not in self._not_numbers:
                self._not_numbers.add(name)
                warn(f"clipwatch records no {name} here: a number is needed ({one_line(error)})")
            return math.nan

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
        self._send_skipped()
        self._backward.close()
        self.steering.close()

    def show_problems(self) -> None:
        """Warn of a recording that has stopped."""
        if self._run and (problem := self._run.take_problem()):
            warn(problem)

    @property
    def state(self) -> dict[str, Any]:
        """The step, the rule and its memory."""
        return {"step": self.step, "rule": self.rule, "clipper": self._clipper.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state`. The lane starts anew in the recording, at that step.

        Raises some exception, and changes nothing, if it is not a state of a watch or its rule cannot clip here.
        """
        step, rule = int(state["step"]), state["rule"]
        if step not in range(MOST + 1):
            raise BadInput(f"step {step}")
        if rule and self._why_no_rule:
            raise BadInput(f"{self.name} cannot clip by {rule}: {self._why_no_rule}")
        clipper = make_gradient_clipper(parse_rule(rule) if rule else None, self._parameters)
        clipper.restore(state["clipper"])
        self._send_steps()
        self.step, self.rule, self._clipper = step, rule, clipper
        self._measuring.set_rule(rule)
        self._begun = False

    # Commands.

    def _set_rule(self, rule: str) -> Event:
        if rule != "none" and self._why_no_rule:
            return Notice(text=f"{self.name} cannot clip by {rule}: {self._why_no_rule}")
        previous = self.rule or "none"
        self._clipper = make_gradient_clipper(parse_rule(rule), self._parameters)
        self.rule = None if rule == "none" else rule
        self._rule_is_checked = False
        self._measuring.set_rule(self.rule)
        return ClipChanged(lane=self.name, step=self.step, rule=rule, previous=previous)

    def _reset_optimizer(self) -> None:
        self._parameters.reset_optimizer()
        self._measuring.reset()

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
        if foreign := self._parameters.foreign:
            self._notice(
                f"{foreign:,} of the {len(self._parameters.all):,} parameters of the optimizer are not the model's; "
                f"they are the layer {OTHER}"
            )

    def _series(self, name: str, *, of_step: bool) -> str:
        """The series of a metric, which is announced when it is first given."""
        key = f"step {name}" if of_step else name
        if key not in self._metrics:
            series = series_name(name, self._metrics.values(), of_step=of_step)
            self._add_metric(key, MetricInfo(series, share=series == "train-accuracy"), of_steps=of_step)
        return self._metrics[key]

    def _add_metric(self, key: str, metric: MetricInfo, *, of_steps: bool) -> None:
        self._metrics[key] = metric.name
        self._send(MetricAdded(metric=metric, of_steps=of_steps))

    def _send(self, item: Item) -> None:
        if self._run:
            self._run.put(item)

    def _send_skipped(self) -> None:
        """Send how many steps a GradScaler has skipped since the last one that was taken."""
        if skipped := self._loss_scale.skipped():
            self._send(StepsSkipped(lane=self.name, step=self.step, count=skipped))

    def _notice(self, text: str) -> None:
        self._send(Notice(text=text, level="info"))

    def _send_steps_if_due(self, due: bool = False) -> None:
        if due or len(self._log) >= _MOST_STEPS or time.perf_counter() - self._sent > _SEND_SECONDS:
            if self._run and self._run.is_behind and len(self._log) < _MOST_WAITING:
                return
            self._send_steps()

    def _drop_unfinished(self) -> None:
        """Forget a step that the optimizer has begun but not ended: an error or an interrupt has left it."""
        if self._pending:
            self._pending = False
            self._log.drop_newest()

    def _send_steps(self) -> None:
        self._drop_unfinished()
        self._sent = time.perf_counter()
        if (logged := self._log.take(self.step - 1)) is not None:
            self._send(logged.events)
        for item in self._of_step:
            self._send(item)
        self._of_step = []
