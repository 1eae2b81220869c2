"""The embedded digits as tensors, for a first experiment of one's own that needs no other data."""

from __future__ import annotations

import torch

from ..data.digits import VALIDATION, read_digits
from .experiment import Data


def digits() -> Data:
    """1,497 training and 300 validation images, float32 (n, 1, 28, 28) from 0 to 1, with labels, int64 (n,)."""
    images, labels = map(torch.from_numpy, read_digits())
    images = images.unsqueeze(1) / 255
    return Data(
        training=(images[VALIDATION:], labels[VALIDATION:]), validation=(images[:VALIDATION], labels[:VALIDATION])
    )
