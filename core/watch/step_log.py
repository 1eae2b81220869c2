"""Collects what every step gives, until an event is made of it; see `StepsTrained`.

Values on a GPU stay there. `take` starts one copy of all of them, and the thread that writes the events waits for it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..clipping.nonfinite import NonfiniteCounts
from ..stream.events import Event, NonfiniteFound, StepsSkipped, StepsTrained
from ..stream.measures import RECENT_STEPS
from .gradient_clippers import Clipped
from .host_copy import HostCopy

Number = float | Tensor
_OF_EACH_STEP = ("losses", "norms", "clipped_norms", "clipped", "overflowed")


class ClippedShares:
    """The share of steps at which the gradient was clipped. Only the thread that writes the events uses it."""

    def __init__(self) -> None:
        self._steps = self._clipped = 0
        self._recent: deque[int] = deque(maxlen=RECENT_STEPS)

    def add(self, clipped: bytes) -> None:
        """Add the steps of an event."""
        self._steps, self._clipped = self._steps + len(clipped), self._clipped + sum(clipped)
        self._recent.extend(clipped)

    @property
    def of_all(self) -> float:
        """Of all steps."""
        return self._clipped / self._steps if self._steps else 0.0

    @property
    def of_recent(self) -> float:
        """Of the last 100 steps."""
        return sum(self._recent) / len(self._recent) if self._recent else 0.0


@dataclass
class LoggedSteps:
    """Some steps of a lane. Their values arrive from a GPU while the loop trains on."""

    lane: str
    step: int
    series: dict[str, list[Number]]
    shares: ClippedShares
    nonfinite: NonfiniteCounts
    arriving: list[tuple[list[Tensor], HostCopy]]

    def events(self) -> list[Event]:
        """The events, as soon as all values have arrived."""
        arrived: dict[int, float] = {}
        for numbers, copy in self.arriving:
            arrived.update(zip(map(id, numbers), copy.wait().tolist(), strict=True))
        # A value above the range of float32 is infinity.
        with np.errstate(over="ignore"):
            rows = {
                name: np.array([arrived[id(each)] if isinstance(each, Tensor) else each for each in values], "<f4")
                for name, values in self.series.items()
            }
        skipped = rows.pop("overflowed") != 0
        # An optimizer that skips a step uses no gradient.
        rows["clipped_norms"][skipped] = 0.0
        clipped = ((rows.pop("clipped") != 0) & ~skipped).astype(np.uint8).tobytes()
        self.shares.add(clipped)
        steps = StepsTrained(
            lane=self.lane,
            step=self.step,
            losses=rows["losses"].tobytes(),
            norms=rows["norms"].tobytes(),
            clipped_norms=rows["clipped_norms"].tobytes(),
            clipped=clipped,
            metrics={name: row.tobytes() for name, row in rows.items() if name not in _OF_EACH_STEP},
        )
        events: list[Event] = [steps, *self._nonfinite_on_device(rows["norms"], skipped)]
        if count := int(skipped.sum()):
            events.append(StepsSkipped(lane=self.lane, step=self.step, count=count))
        return events

    def _nonfinite_on_device(self, norms: NDArray[np.float32], skipped: NDArray[np.bool_]) -> Iterator[Event]:
        """Count the gradients on a GPU with NaN or infinity, each as one element at least."""
        counted = [isinstance(each, Tensor) for each in self.series["norms"]] & ~skipped
        nan, infinite = int((np.isnan(norms) & counted).sum()), int((np.isinf(norms) & counted).sum())
        if not nan + infinite:
            return
        first = int(np.argmax(~np.isfinite(norms) & counted))
        if not self.nonfinite.steps:
            yield _nonfinite_found(self.lane, self.step + 1 - len(norms) + first, nan, infinite)
        _add(self.nonfinite, nan, infinite, steps=nan + infinite)


@dataclass
class LoopStepLog:
    """The steps of one lane since the last event."""

    lane: str
    nonfinite: NonfiniteCounts = field(default_factory=NonfiniteCounts)
    shares: ClippedShares = field(default_factory=ClippedShares)
    _series: dict[str, list[Number]] = field(default_factory=lambda: _empty())
    _count: int = 0
    _newest: int = -1

    def __len__(self) -> int:
        return self._count

    def add(self, step: int, clipped: Clipped, overflowed: Number) -> None:
        """Log a step; those between two `take` have consecutive numbers.

        `overflowed`: whether a fused optimizer has skipped it.
        """
        self._count, self._newest = self._count + 1, step
        values = (math.nan, clipped.norm, clipped.clipped_norm, clipped.changed, overflowed)
        for name, value in zip(_OF_EACH_STEP, values, strict=True):
            self._series[name].append(value.float() if isinstance(value, Tensor) else value)

    def give(self, values: Mapping[str, Number]) -> None:
        """Give the newest step a loss, as `losses`, and other values by series."""
        for name, value in values.items():
            row = self._series.setdefault(name, [])
            row.extend([math.nan] * (self._count - len(row)))
            row[-1] = _float32(value)

    def count_nonfinite(self, step: int, gradients: Sequence[Tensor]) -> NonfiniteFound | None:
        """Count NaN and infinity in gradients on the CPU; returns the event of the first ones."""
        nan, infinite = (sum(int(test(each).sum()) for each in gradients) for test in (torch.isnan, torch.isinf))
        is_first = not self.nonfinite.steps
        _add(self.nonfinite, nan, infinite, steps=1)
        return _nonfinite_found(self.lane, step, nan, infinite) if is_first else None

    def take(self) -> LoggedSteps | None:
        """All logged steps; None if there are none. The log is empty then."""
        if not self._count:
            return None
        for row in self._series.values():
            row.extend([math.nan] * (self._count - len(row)))
        by_device: dict[torch.device, list[Tensor]] = {}
        for row in self._series.values():
            for each in row:
                if isinstance(each, Tensor):
                    by_device.setdefault(each.device, []).append(each)
        arriving = [(numbers, HostCopy(torch.stack(numbers))) for numbers in by_device.values()]
        taken = LoggedSteps(self.lane, self._newest, self._series, self.shares, self.nonfinite, arriving)
        self._series, self._count = _empty(), 0
        return taken


def _add(counts: NonfiniteCounts, nan: int, infinite: int, *, steps: int) -> None:
    counts.nan, counts.infinite, counts.steps = counts.nan + nan, counts.infinite + infinite, counts.steps + steps


def _nonfinite_found(lane: str, step: int, nan: int, infinite: int) -> NonfiniteFound:
    return NonfiniteFound(lane=lane, step=step, nan=nan, infinite=infinite, action="propagate")


def _empty() -> dict[str, list[Number]]:
    return {name: [] for name in _OF_EACH_STEP}


def _float32(value: Number | bool) -> Number:
    return value.float() if isinstance(value, Tensor) else value
