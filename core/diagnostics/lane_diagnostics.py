"""The diagnostics of one lane: the events of an evaluation besides its loss and accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..clipping.nonfinite import NonfiniteCounts
from ..experiments.model import Evaluation
from ..optimizers.optimizer import Optimizer
from ..stream.events import Diagnosed, Event, OutputDied, OutputRevived, StepsTrained
from .clip_effect import ClipEffect
from .dead_outputs import DeadUnits
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


class LaneDiagnostics:
    """Measures one lane, and holds the state of the measurements between steps."""

    def __init__(
        self, lane: str, effect: ClipEffect, dead_units: DeadUnits, distance: Distance, step_log: StepLog
    ) -> None:
        self._lane, self._effect, self._dead_units, self._distance = lane, effect, dead_units, distance
        self._step_log = step_log
        self.start_counterfactual, self.reset_counterfactual = effect.start_counterfactual, effect.reset_counterfactual
        self.add_step, self.log_step = effect.add_step, step_log.add

    @property
    def step_log_is_full(self) -> bool:
        """Whether `logged_steps` must be called before the next step is logged."""
        return self._step_log.is_full

    def logged_steps(self) -> Iterator[StepsTrained]:
        """The event for the steps that were logged since the last one, if there are any."""
        if event := self._step_log.take(self._lane):
            yield event

    def add_evaluation(self, step: int, evaluation: Evaluation) -> Iterator[OutputDied | OutputRevived]:
        """Record which units were active; yield an event for each output that died or recovered."""
        for output, died in self._dead_units.add(evaluation.active):
            yield (OutputDied if died else OutputRevived)(lane=self._lane, step=step, output=output)

    def measure(
        self, step: int, measured: MeasuredStep, evaluation: Evaluation, labels: Tensor, nonfinite: NonfiniteCounts
    ) -> Iterator[Event]:
        """Measure the effect of the clip rule at this step, and the distance between lanes.

        `evaluation` is of the images with these labels. Call `add_evaluation` with it first.
        """
        total, layers = self._effect.measure(*measured)
        yield Diagnosed(
            lane=self._lane,
            step=step,
            layers=layers,
            total=total,
            engaged=self._effect.share_clipped,
            engaged_recently=self._effect.recent_share_clipped,
            dead=self._dead_units.counts,
            dead_outputs=self._dead_units.outputs,
            dead_share=_share(labels, self._dead_units.outputs),
            nan=nonfinite.nan,
            infinite=nonfinite.infinite,
        )
        yield from self._distance.add(self._lane, step, measured.after, evaluation.predictions)

    @property
    def state(self) -> dict[str, Any]:
        """A copy of what later events depend on: numbers and tensors by name."""
        return {"effect": self._effect.state, "firing": self._dead_units.state}

    def restore(self, state: Mapping[str, Any], optimizer: Optimizer) -> None:
        """Set the state to one that `state` returned."""
        self._effect.restore(state["effect"], optimizer)
        self._dead_units.restore(state["firing"])


def _share(labels: Tensor, classes: tuple[int, ...]) -> float:
    """The share of labels that are one of these classes."""
    if not classes:
        return 0.0
    counts = torch.bincount(labels, minlength=max(classes) + 1).tolist()
    return sum(counts[one] for one in classes) / len(labels)
