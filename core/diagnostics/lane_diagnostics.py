"""What a lane tells of itself at an evaluation besides loss and accuracy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..clipping.nonfinite import NonfiniteLedger
from ..experiments.examination import Examination
from ..optimizers.optimizer import Optimizer
from ..stream.events import Diagnosed, Event, OutputDied, OutputRevived
from .clip_effect import ClipEffect
from .dead_outputs import Firing
from .lane_distance import LaneDistance


class Gradients(NamedTuple):
    """One step's flat gradient, what the optimizer was given, and the parameters before and after.

    `used` is None if no step was taken, and `raw` itself where the rule changed nothing.
    """

    raw: Tensor
    used: Tensor | None
    before: Tensor
    after: Tensor


class Diagnosis:
    """One lane's measures, and what they remember from step to step."""

    def __init__(self, lane: str, effect: ClipEffect, firing: Firing, distance: LaneDistance) -> None:
        self._lane, self._effect, self._firing, self._distance = lane, effect, firing, distance
        self.clips, self.reset, self.stepped = effect.clips, effect.reset, effect.stepped

    def noted(self, step: int, found: Examination) -> Iterator[OutputDied | OutputRevived]:
        """Take in an evaluation; the outputs that have died or fire again."""
        for output, died in self._firing.note(found.firing):
            yield (OutputDied if died else OutputRevived)(lane=self._lane, step=step, output=output)

    def measured(
        self, step: int, gradients: Gradients, found: Examination, labels: Tensor, nonfinite: NonfiniteLedger
    ) -> Iterator[Event]:
        """What the clip did at the step under way; `found` is of the images with these labels, and noted."""
        total, layers = self._effect.measure(*gradients)
        yield Diagnosed(
            lane=self._lane,
            step=step,
            layers=layers,
            total=total,
            engaged=self._effect.engaged,
            engaged_recently=self._effect.engaged_recently,
            dead=self._firing.dead,
            dead_outputs=self._firing.dead_outputs,
            dead_share=_share(labels, self._firing.dead_outputs),
            nan=nonfinite.nan,
            infinite=nonfinite.infinite,
        )
        yield from self._distance.meet(self._lane, step, gradients.after, found.answers)

    @property
    def state(self) -> dict[str, Any]:
        """A copy of what later events depend on: numbers and tensors by name."""
        return {"effect": self._effect.state, "firing": self._firing.state}

    def restore(self, state: Mapping[str, Any], optimizer: Optimizer) -> None:
        """Go on from a `state`."""
        self._effect.restore(state["effect"], optimizer)
        self._firing.restore(state["firing"])


def _share(labels: Tensor, classes: tuple[int, ...]) -> float:
    if not classes:
        return 0.0
    counts = torch.bincount(labels, minlength=max(classes) + 1).tolist()
    return sum(counts[one] for one in classes) / len(labels)
