"""The diagnostics of one lane: the events of an evaluation besides its loss and accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from torch import Tensor

from ..clipping.nonfinite import NonfiniteCounts
from ..experiments.workload import Evaluation, Gauge
from ..optimizers.optimizer import Optimizer
from ..stream.events import Diagnosed, Event, LaneEvent, StepsTrained
from .clip_effect import ClipEffect
from .lane_distance import Distance
from .step_log import StepLog


class MeasuredStep(NamedTuple):
    """The flat tensors of one training step: the raw gradient, the one that was used, parameters before and after.

    `used` is None if no step was taken, and `raw` itself if the rule changed nothing.
    """

    raw: Tensor
    used: Tensor | None
    before: Tensor
    after: Tensor
    learning_rate: float


class LaneDiagnostics:
    """Measures one lane, and holds the state of the measurements between steps."""

    def __init__(
        self, lane: str, effect: ClipEffect, gauge: Gauge[Any] | None, distance: Distance, step_log: StepLog
    ) -> None:
        self._lane, self._effect, self._gauge, self._distance = lane, effect, gauge, distance
        self._step_log = step_log
        self.start_counterfactual, self.reset_counterfactual = effect.start_counterfactual, effect.reset_counterfactual
        self.set_counterfactual_rate = effect.set_counterfactual_rate
        self.add_step, self.log_step = effect.add_step, step_log.add

    @property
    def step_log_is_full(self) -> bool:
        """Whether `logged_steps` must be called before the next step is logged."""
        return self._step_log.is_full

    def logged_steps(self) -> Iterator[StepsTrained]:
        """The event for the steps that were logged since the last one, if there are any."""
        if event := self._step_log.take(self._lane):
            yield event

    def add_evaluation(self, step: int, evaluation: Evaluation) -> Iterator[LaneEvent]:
        """Record an evaluation; yield what the experiment's gauge found to have happened."""
        if self._gauge:
            yield from self._gauge.add_evaluation(self._lane, step, evaluation)

    def measure(
        self, step: int, measured: MeasuredStep, evaluation: Evaluation, nonfinite: NonfiniteCounts
    ) -> Iterator[Event]:
        """Yield the effect of the clip rule at this step, and the distance between lanes.

        Call `add_evaluation` with the evaluation first.
        """
        total, layers = self._effect.measure(*measured)
        yield Diagnosed(
            lane=self._lane,
            step=step,
            layers=layers,
            total=total,
            engaged=self._effect.share_clipped,
            engaged_recently=self._effect.recent_share_clipped,
            nan=nonfinite.nan,
            infinite=nonfinite.infinite,
            **(self._gauge.read(evaluation) if self._gauge else {}),
        )
        yield from self._distance.add(self._lane, step, measured.after, evaluation.predictions)

    @property
    def state(self) -> dict[str, Any]:
        """A copy of what later events depend on: numbers and tensors by name."""
        return {"effect": self._effect.state, "firing": self._gauge.state if self._gauge else None}

    def restore(self, state: Mapping[str, Any], optimizer: Optimizer) -> None:
        """Set the state to one that `state` returned."""
        self._effect.restore(state["effect"], optimizer)
        if self._gauge:
            self._gauge.restore(state["firing"])
