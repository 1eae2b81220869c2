"""How a lane is to train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How much a lane trains, when it looks, how often it gives a `Kept` (None: never); sizes in images.

    What `diagnose_every`, `reset_moments` and `nonfinite` ask for is said in `RunConfig`.
    """

    iterations: int
    batch_size: int
    eval_every: int
    eval_size: int
    diagnose_every: int = 1
    pace: float | None = None
    checkpoint_every: int | None = None
    reset_moments: bool = False
    nonfinite: Literal["propagate", "skip", "zero", "stop"] = "propagate"
