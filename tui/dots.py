"""Lines drawn into the dots of braille characters, or with one character a cell: a few array operations a line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Cells = NDArray[np.uint32]
BRAILLE = 0x2800
SPACE = 32
# The bit of each dot of a braille character, by row and column.
_BITS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.uint32)


def plot(
    columns: NDArray[np.int64],
    places: NDArray[np.float64],
    joined: NDArray[np.bool_],
    size: tuple[int, int],
    glyph: str,
) -> Cells:
    """Points, joined to their predecessor where `joined`, on width by height cells → (height, width) code points.

    `columns` are columns of dots (of cells for a glyph other than `braille`), `places` 0 at the bottom edge to 1 at the
    top. Cells without a dot are blank.
    """
    width, height = size
    across, down = (2, 4) if glyph == "braille" else (1, 1)
    dots = np.zeros((height * down, width * across), np.bool_)
    if len(columns):
        rows = np.minimum(((1 - places) * len(dots)).astype(np.int64), len(dots) - 1)
        dots[_between(columns, rows, joined)] = True
    if glyph != "braille":
        return np.where(dots, np.uint32(ord(glyph)), np.uint32(SPACE))
    return BRAILLE + np.einsum("idjc,dc->ij", dots.reshape(height, down, width, across), _BITS, dtype=np.uint32)


def _between(
    columns: NDArray[np.int64], rows: NDArray[np.int64], joined: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of every dot on the way from each point's predecessor to the point, or of the point alone."""
    across, down = np.diff(columns, prepend=columns[:1]), np.diff(rows, prepend=rows[:1])
    steps = np.where(joined, np.maximum(abs(across), abs(down)), 0)
    ends = np.cumsum(steps + 1)
    point = np.repeat(np.arange(len(columns)), steps + 1)
    # Counted backwards from the point, so that a point without a predecessor is its own only dot.
    back = (ends[point] - 1 - np.arange(ends[-1])) / np.maximum(steps[point], 1)
    return tuple(np.rint(at[point] - by[point] * back).astype(np.int64) for at, by in ((rows, down), (columns, across)))
