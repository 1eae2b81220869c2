"""Collects what every step gives, until an event is made of it; see `StepsTrained`.

Values on a GPU stay there. `take` starts one copy of all of them, and the thread that writes the events waits for it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..stream.events import StepsTrained
from ..stream.measures import RECENT_STEPS
from .gradient_clippers import Clipped

Number = float | Tensor


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
    copies: list[_Copy]

    def event(self) -> StepsTrained:
        """The event, as soon as all values have arrived."""
        arrived = {key: value for copy in self.copies for key, value in copy.values().items()}
        rows = {
            name: np.array([arrived[id(each)] if isinstance(each, Tensor) else each for each in values], "<f4")
            for name, values in self.series.items()
        }
        return StepsTrained(
            lane=self.lane,
            step=self.step,
            losses=rows.pop("losses").tobytes(),
            norms=rows.pop("norms").tobytes(),
            clipped_norms=rows.pop("clipped_norms").tobytes(),
            clipped=rows.pop("clipped").astype(np.uint8).tobytes(),
            metrics={name: row.tobytes() for name, row in rows.items()},
        )


class _Copy:
    """A copy of numbers from one device, in the background if the device can do that."""

    def __init__(self, numbers: list[Tensor]) -> None:
        self._numbers = numbers
        stacked = torch.stack(numbers)
        self._arrived: torch.cuda.Event | None = None
        if not stacked.is_cuda:
            self._host = stacked.cpu()
            return
        with torch.cuda.device(stacked.device):
            self._host = torch.empty(len(numbers), pin_memory=True)
            self._host.copy_(stacked, non_blocking=True)
            self._arrived = torch.cuda.Event()
            self._arrived.record()

    def values(self) -> dict[int, float]:
        if self._arrived:
            self._arrived.synchronize()
        return dict(zip(map(id, self._numbers), self._host.tolist(), strict=True))


@dataclass
class StepLog:
    """The steps of one lane since the last event."""

    _series: dict[str, list[Number]] = field(default_factory=dict[str, list[Any]])
    _count: int = 0

    def __len__(self) -> int:
        return self._count

    def add(self, clipped: Clipped) -> None:
        """Log a step."""
        self._count += 1
        values = {"losses": math.nan, "norms": clipped.norm, "clipped_norms": clipped.clipped_norm}
        for name, value in values.items():
            self._series.setdefault(name, []).append(_float32(value))
        self._series.setdefault("clipped", []).append(_float32(clipped.changed))

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
        taken = LoggedSteps(lane, step, self._series, [_Copy(numbers) for numbers in by_device.values()])
        self._series, self._count = {}, 0
        return taken


def _float32(value: Number | bool) -> Number:
    return value.float() if isinstance(value, Tensor) else value
