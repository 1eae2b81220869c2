"""Collects what every step gives, until an event is made of it; see `StepsTrained`.

Values on a GPU stay there. `take` starts one copy of all of them, and the thread that writes the events waits for it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ..stream.events import Event, StepsSkipped, StepsTrained
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
    arriving: list[tuple[list[Tensor], HostCopy]]

    def events(self) -> list[Event]:
        """The events, as soon as all values have arrived."""
        arrived: dict[int, float] = {}
        for numbers, copy in self.arriving:
            arrived.update(zip(map(id, numbers), copy.wait().tolist(), strict=True))
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
            losses=rows.pop("losses").tobytes(),
            norms=rows.pop("norms").tobytes(),
            clipped_norms=rows.pop("clipped_norms").tobytes(),
            clipped=clipped,
            metrics={name: row.tobytes() for name, row in rows.items()},
        )
        count = int(skipped.sum())
        return [steps, StepsSkipped(lane=self.lane, step=self.step, count=count)] if count else [steps]


@dataclass
class StepLog:
    """The steps of one lane since the last event."""

    shares: ClippedShares = field(default_factory=ClippedShares)
    _series: dict[str, list[Number]] = field(default_factory=lambda: _empty())
    _count: int = 0

    def __len__(self) -> int:
        return self._count

    def add(self, clipped: Clipped, overflowed: Number) -> None:
        """Log a step. `overflowed`: whether a fused optimizer is about to skip it, which is then no step."""
        self._count += 1
        values = (math.nan, clipped.norm, clipped.clipped_norm, clipped.changed, overflowed)
        for name, value in zip(_OF_EACH_STEP, values, strict=True):
            self._series[name].append(_float32(value))

    def give(self, values: Mapping[str, Number]) -> None:
        """Give the newest step a loss, as `losses`, and other values by series."""
        for name, value in values.items():
            row = self._series.setdefault(name, [])
            row.extend([math.nan] * (self._count - len(row)))
            row[-1] = _float32(value)

    def take(self, lane: str, step: int) -> LoggedSteps | None:
        """All logged steps, of which `step` is the newest; None if there are none. The log is empty then."""
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
        taken = LoggedSteps(lane, step, self._series, self.shares, arriving)
        self._series, self._count = _empty(), 0
        return taken


def _empty() -> dict[str, list[Number]]:
    return {name: [] for name in _OF_EACH_STEP}


def _float32(value: Number | bool) -> Number:
    return value.float() if isinstance(value, Tensor) else value
