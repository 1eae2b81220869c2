"""What one pass of images through a network shows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


class Examination(NamedTuple):
    """Mean loss in nats and right answers of a batch, the answers themselves, and which ReLU units fired at all."""

    loss: float
    correct: int
    answers: Tensor
    firing: NDArray[np.bool_]
