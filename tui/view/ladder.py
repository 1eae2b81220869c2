"""The series 1, 2, 5, 10, 20, ..., along which keys move clip bounds and learning rates."""

from __future__ import annotations

import math

_MANTISSAS = (1, 2, 5)
SMALLEST, LARGEST = 1e-10, 1e3


def next_size(size: float, direction: int, start: float | None = None) -> float:
    """The next number of the series above (1) or below (-1) a positive number; beyond its ends the number itself.

    `start` is one more number of the series: where the keys began, so that they can go back.
    """
    following = _next(size, direction)
    low, high = sorted((size, following))
    return start if start is not None and low < start < high else following


def _next(size: float, direction: int) -> float:
    if not (size < LARGEST if direction > 0 else size > SMALLEST):
        return size
    power = math.floor(math.log10(size) + 1e-9)
    series = [mantissa * 10.0**p for p in (power - 1, power, power + 1) for mantissa in _MANTISSAS]
    if direction > 0:
        target = min(step for step in series if step > size * (1 + 1e-9))
    else:
        target = max(step for step in series if step < size * (1 - 1e-9))
    target = min(LARGEST, max(SMALLEST, target))
    # Rounding through text makes 10 * 0.0001 exactly 0.001.
    return float(f"{target:.1g}")
