"""The embedded handwritten digits: 1,797 images of 8 by 8 pixels, used when there is no other data.

E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
https://doi.org/10.24432/C50P49 (CC BY 4.0). These are its 1,797 test images, as in scikit-learn's `load_digits`,
shuffled by `numpy.random.RandomState(1998).permutation(1797)`, because the original is sorted by writer.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .catalog import SIDE

ORIGIN = "embedded UCI digits (Alpaydin & Kaynak, 1998)"
VALIDATION = 300
_STORED = Path(__file__).parent / "embedded" / "digits.npz"
_SMALL_SIDE = 8
_SMALL_WHITE = 16
_WHITE = 255


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Images, uint8 (1797, 28, 28) from 0 to 255, and labels, int64 (1797,). All machines give the same bytes."""
    with np.load(_STORED) as stored:
        return enlarge(stored["images"]), stored["labels"].astype(np.int64)


def enlarge(images: np.ndarray) -> np.ndarray:
    """Scale images (n, 8, 8) from 0 to 16 to uint8 (n, 28, 28) from 0 to 255, by linear interpolation.

    All sums are integers below 2^24, which float32 represents exactly, so all machines give the same result.
    """
    weights = _interpolation()
    sums = weights @ images.astype(np.float32) @ weights.T
    white = _SMALL_WHITE * SIDE * SIDE
    return ((sums.astype(np.int32) * _WHITE + white // 2) // white).astype(np.uint8)


def _interpolation() -> np.ndarray:
    """Weights (28, 8): each row holds the shares of the small pixels in one large pixel, in 28ths."""
    large = np.arange(SIDE)
    # Pixel centres: (large + 1/2) · 8/28 - 1/2, in 28ths, clipped to the outermost small pixels' centres.
    position = np.clip((2 * large + 1) * _SMALL_SIDE // 2 - SIDE // 2, 0, (_SMALL_SIDE - 1) * SIDE)
    small = np.arange(_SMALL_SIDE)
    return np.maximum(0, SIDE - np.abs(position[:, None] - small * SIDE)).astype(np.float32)
