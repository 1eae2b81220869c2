"""How much a lane trains, and when it evaluates and saves its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Intervals count steps; without `checkpoint_every` a trainer yields no checkpoints.

    `RunConfig` describes `diagnose_every`, `reset_moments` and `nonfinite`.
    """

    iterations: int
    eval_every: int
    diagnose_every: int = 1
    pace: float | None = None
    checkpoint_every: int | None = None
    reset_moments: bool = False
    nonfinite: Literal["propagate", "skip", "zero", "stop"] = "propagate"
