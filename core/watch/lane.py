"""One watched loop: what happens between its steps and in them, and the events of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from ..engine.mailbox import Mailbox
from ..errors import BadInput
from ..optimizers.rate_factor import RateFactor
from ..stream.commands import LaneCommand
from ..stream.events import (
    ClipChanged,
    Diagnosed,
    Event,
    LaneFailed,
    LaneStarted,
    LearningRateChanged,
    LoopEnded,
    Notice,
    StepsSkipped,
)
from ..stream.limits import MOST
from ..stream.rules import parse_rule
from .audit import Audit
from .backward_gradients import BackwardGradients
from .gradient_clippers import Clipped, make_gradient_clipper
from .lane_sender import LaneSender
from .left_gradients import LeftGradients
from .loop_values import LoopValues
from .loss_scale import LossScale
from .measuring import Measures, Measuring
from .parameters import OTHER, WatchedParameters, why_not_clipped
from .steering import Commands, LoopSteering
from .step_log import LoopStepLog, Number
from .user_warnings import warn
from .watched_run import Item, WatchedRun

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
        self.steering = LoopSteering(name, commands, self._set_rule, self._set_rate, self._reset_optimizer)
        self._optimizer, self._rate = optimizer, RateFactor(optimizer)
        self._parameters, self._why_no_rule = parameters, why_no_rule
        self._measure_every, self._total_steps = measure_every, total_steps
        self._log = LoopStepLog(name)
        self._sender = LaneSender(run, self._log)
        self._clipper = make_gradient_clipper(parse_rule(rule) if rule else None, parameters)
        self._loss_scale = LossScale(optimizer, scaler)
        self._processes = processes
        self._backward = BackwardGradients(parameters.named(), processes=processes)
        self._audit = Audit(name)
        self._measuring = Measuring(parameters, optimizer, self._sender.notice)
        self._measuring.set_rule(rule)
        self._nonfinite = self._log.nonfinite
        self._begun = False
        self._values = LoopValues(name, self._sender.send)
        # Whether the loop gives its loss before `optimizer.step`; None until it has given one.
        self._gives_before: bool | None = None
        self._given_before: dict[str, Number] = {}
        self._has_given = self._known_to_train = False
        # What is logged of a step once the optimizer has done it.
        self._to_log: tuple[Clipped, Number, dict[str, Number]] | None = None
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
        # A step that raised is none.
        self._to_log = None
        # Before a pause: what has happened is not to wait for its end.
        self._sender.send_waiting()
        self._send_skipped()
        for event in self.steering.between_steps(self.step):
            self._sender.send_after_steps(event)
        self._sender.send_if_due()
        self._sender.show_problems()
        self._rate.apply()

    @torch.no_grad()
    def gradients_ready(self) -> None:
        """Measure, clip, and log the step."""
        # While the disk is behind, what is measured would fill the memory.
        measured = self.step % self._measure_every == 0 and not self._sender.is_behind
        scale, gradients = self._loss_scale.of_gradients, self._parameters.gradients()
        if self.rule and (measured or not self._rule_is_checked):
            self._require_clippable(gradients)
        # Reading the scale may wait for a GPU.
        comparison = self._backward.compare(self._loss_scale.of_loss if self._backward.measured else 1.0)
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
        self._to_log = clipped, overflowed, self._given_before
        self._given_before, self._known_to_train = {}, True
        if comparison is not None:
            engaged = (int(self._clipped_steps), self._known_steps) if self._known_steps else None
            self._sender.add(*self._audit.add(self.step, comparison, rule=bool(self.rule), engaged=engaged))

    def after_step(self) -> None:
        """The optimizer has updated the parameters: the step is done. Without gradients it is none."""
        self._rate.restore()
        if self._to_log is None:
            return
        clipped, overflowed, given = self._to_log
        self._log.add(self.step, clipped, overflowed)
        self._log.give(given)
        self._to_log, self._has_given = None, False
        if (measures := self._measuring.after_step()) is not None:
            self._sender.add(self._diagnosed(self.step, measures))
        self._backward.end_step()
        self.step += 1
        self._sender.add(*self.steering.step_done(self.step))
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
            self._sender.add(first)

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
            self._sender.send_after_steps(self._set_rule("none"))

    # What the loop gives.

    def give(self, loss: Tensor | float | None, metrics: Mapping[str, Tensor | float]) -> None:
        """Give the newest step its loss and other values. With several calls a step, the first one counts.

        A loop that calls it before its first `optimizer.step` does so at each step: its values wait for that step.
        """
        self._backward.look_again()
        if self._gives_before is None:
            self._gives_before = not self._known_to_train
        values = self._values.of_step(loss, metrics)
        if self._gives_before:
            self._given_before = values
        elif len(self._log) and not self._has_given:
            self._has_given = True
            self._log.give(values)
            self._sender.send_if_due(waiting=True)

    def evaluated(
        self, loss: Tensor | float, accuracy: Tensor | float | None, metrics: Mapping[str, Tensor | float]
    ) -> None:
        """Send the results of an evaluation, after the loss of the newest step if the loop has yet to give it."""
        if not self._begun:
            self._begin()
        self._sender.add(
            self._values.of_evaluation(max(0, self.step - 1), self._sender.seconds, loss, accuracy, metrics)
        )
        if self._has_given or self._gives_before is not False:
            self._sender.send_steps()

    # Its end.

    def show_problems(self) -> None:
        """Warn of a recording that has stopped."""
        self._sender.show_problems()

    def ended(self, reason: Literal["completed", "stopped"]) -> LoopEnded:
        """The event of the loop's end; everything before is sent."""
        self._finish()
        return LoopEnded(lane=self.name, step=self.step, reason=reason, seconds=self._sender.seconds)

    def failed(self, cause: str) -> LaneFailed:
        """The event of a failure; everything before is sent."""
        self._finish()
        return self.failure(cause)

    def failure(self, cause: str) -> LaneFailed:
        """The event alone, for a lane whose end cannot be sent."""
        return LaneFailed(lane=self.name, step=self.step, reason="error", cause=cause, seconds=self._sender.seconds)

    def _finish(self) -> None:
        try:
            if not self._begun:
                self._begin()
            self._sender.send_steps()
            self._send_skipped()
        finally:
            self._rate.recover()
            self._backward.close()
            self.steering.close()

    @property
    def changes_rate(self) -> bool:
        """Whether the loop's learning rates are multiplied."""
        return self._rate.factor != 1.0

    @property
    def state(self) -> dict[str, Any]:
        """The step, the rule and its memory, and what the loop's learning rates are multiplied by."""
        return {
            "step": self.step,
            "rule": self.rule,
            "clipper": self._clipper.state,
            "rate_factor": self._rate.factor,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state`. The lane starts anew in the recording, at that step.

        Raises some exception, and changes nothing, if it is not a state of a watch. Where no rule can clip, the lane
        only observes, and a warning says so.
        """
        step, rule, memory = int(state["step"]), state["rule"], state["clipper"]
        # States of older versions do not hold it.
        factor = float(state.get("rate_factor", 1.0))
        if step not in range(MOST + 1) or not (math.isfinite(factor) and factor > 0):
            raise BadInput(f"step {step}, factor of the learning rate {factor}")
        if rule and self._why_no_rule:
            warn(f"clipwatch does not clip by {rule}, as the checkpoint says, it only observes: {self._why_no_rule}")
            rule, memory = None, {}
        make_gradient_clipper(parse_rule(rule) if rule else None, self._parameters).restore(memory)
        self._sender.send_steps()
        self.step = step
        self._use_rule(rule)
        self._clipper.restore(memory)
        self._use_factor(factor)
        self._begun = False

    # Commands.

    def _set_rule(self, rule: str) -> Event:
        if rule != "none" and self._why_no_rule:
            return Notice(text=f"{self.name} cannot clip by {rule}: {self._why_no_rule}")
        previous = self.rule or "none"
        self._use_rule(None if rule == "none" else rule)
        return ClipChanged(lane=self.name, step=self.step, rule=rule, previous=previous)

    def _set_rate(self, rate: float) -> Event:
        previous = self._rate.base_rate
        if previous is None:
            return Notice(text=f"{self.name}: the optimizer has no learning rate to change")
        self._rate.set_rate(rate)
        return LearningRateChanged(lane=self.name, step=self.step, rate=rate, previous=previous)

    def _use_factor(self, factor: float) -> None:
        self._rate.recover()
        self._rate = RateFactor(self._optimizer, factor)

    def _use_rule(self, rule: str | None) -> None:
        self._clipper = make_gradient_clipper(parse_rule(rule) if rule else None, self._parameters)
        self.rule, self._rule_is_checked = rule, False
        # Whether clipping has engaged is counted anew.
        self._clipped_steps, self._known_steps = 0.0, 0
        self._measuring.set_rule(rule)
        if rule:
            # How the loop clips itself is measured only while no rule clips after it.
            self._backward.stop_following()
            self._left = None

    def _reset_optimizer(self) -> None:
        self._parameters.reset_optimizer()
        self._measuring.reset()

    # Events.

    def _begin(self) -> None:
        self._begun = True
        # The loop may have made a schedule since the watch began, which decides the first rate.
        self._use_factor(self._rate.factor)
        self._sender.send(
            LaneStarted(
                lane=self.name,
                step=self.step,
                rule=self.rule or "none",
                iterations=self._total_steps or MOST,
                parameters=sum(each.numel() for each in self._parameters.all),
                seconds=self._sender.seconds,
                learning_rate=self._rate.base_rate,
            )
        )
        if foreign := self._parameters.foreign:
            self._sender.notice(
                f"{foreign:,} of the {len(self._parameters.all):,} parameters of the optimizer are not the model's; "
                f"they are the layer {OTHER}"
            )

    def _send_skipped(self) -> None:
        """Send how many steps a GradScaler has skipped since the last one that was taken."""
        if skipped := self._loss_scale.skipped():
            self._sender.send(StepsSkipped(lane=self.name, step=self.step, count=skipped))
