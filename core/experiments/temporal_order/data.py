"""The temporal order problem: a sequence's class is the order of two symbols that lie far apart.

S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997. Symbols 0 and 1 are the two
that count, symbols 2 to 5 only distract. One of the first two stands in the second tenth of the sequence and one in the
sixth; together they make one of four classes.
"""

from __future__ import annotations

import torch
from torch import Tensor

SYMBOLS, CLASSES = 6, 4
# The number of batches that are drawn at once: a draw takes several calls, each of which takes the interpreter lock.
_AHEAD = 16


def draw_sequences(count: int, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Symbols (count, length) and classes (count,), int64; `length` is at least 10."""

    def draw(low: int, high: int, columns: int) -> Tensor:
        return torch.randint(low, high, (count, columns), generator=generator)

    sequences = draw(2, SYMBOLS, length)
    places = torch.cat([draw(length // 10, length // 5, 1), draw(length // 2, 3 * length // 5, 1)], 1)
    pairs = draw(0, 2, 2)
    return sequences.scatter_(1, places, pairs), 2 * pairs[:, 0] + pairs[:, 1]


class NewSequences:
    """Endless batches of new sequences on `device`."""

    def __init__(self, length: int, size: int, generator: torch.Generator, device: torch.device) -> None:
        self._length, self._size = length, size
        self._generator, self._device = generator, device
        self._draw()

    @property
    def position(self) -> tuple[Tensor, int]:
        """The generator's state before the current sequences were drawn, and how many of their batches are used."""
        return self._drawn_from, self._used

    def restore(self, position: tuple[Tensor, int]) -> None:
        """Go to a position that `position` returned."""
        state, used = position
        self._generator.set_state(state)
        self._draw()
        self._used = used

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """Symbols (size, length) and classes (size,)."""
        if self._used == _AHEAD:
            self._draw()
        self._used += 1
        return self._batches[self._used - 1]

    def _draw(self) -> None:
        self._drawn_from, self._used = self._generator.get_state(), 0
        drawn = draw_sequences(_AHEAD * self._size, self._length, self._generator)
        sequences, classes = (tensor.to(self._device).split(self._size) for tensor in drawn)
        self._batches = list(zip(sequences, classes, strict=True))
