"""Batches as the assignment's `next_batch` gives them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor


def seeded_generator(seed: int, purpose: str) -> torch.Generator:
    """A stream of random numbers for one purpose, independent of the streams for others under the same seed."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


class Walk:
    """Walks shuffled orders of the places 0 to `count` - 1, which lie on `device`."""

    def __init__(self, count: int, generator: torch.Generator, device: torch.device) -> None:
        self._count, self._generator, self._device = count, generator, device
        self._order = self._shuffled()
        self._next = 0

    @property
    def position(self) -> tuple[Tensor, int]:
        """Where the walk stands: the generator's state before the current order was drawn, and the place in it."""
        return self._drawn_from, self._next

    def go_to(self, position: tuple[Tensor, int]) -> None:
        """Stand where `position` was taken."""
        state, self._next = position
        self._generator.set_state(state)
        self._order = self._shuffled()

    def take(self, size: int) -> Tensor:
        """The next `size` places, at most as many as there are; across an order's end its rest and the next's start."""
        end = self._next + size
        if end <= self._count:
            chosen = self._order[self._next : end]
            self._next = end
            return chosen
        rest = self._order[self._next :]
        self._order = self._shuffled()
        self._next = size - len(rest)
        return torch.cat([rest, self._order[: self._next]])

    def _shuffled(self) -> Tensor:
        self._drawn_from = self._generator.get_state()
        return torch.randperm(self._count, generator=self._generator).to(self._device)


class Batches(Walk):
    """The images and labels at the places of a walk."""

    def __init__(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        super().__init__(len(labels), generator, labels.device)
        self._images, self._labels = images, labels

    def next_batch(self, size: int) -> tuple[Tensor, Tensor]:
        """`size` images and labels, at most as many as there are."""
        chosen = self.take(size)
        return self._images[chosen], self._labels[chosen]


class SideBySide:
    """The `next_batch(size)` of many walks at once; places are drawn some batches ahead, for that costs each walk."""

    _AHEAD = 64

    def __init__(self, images: Tensor, labels: Tensor, generators: Sequence[torch.Generator], size: int) -> None:
        self._images, self._labels, self._size = images, labels, size
        # Where the places of all walks are put together.
        here = torch.device("cpu")
        self._walks = [Walk(len(labels), generator, here) for generator in generators]
        self._ahead = min(self._AHEAD, len(labels) // size)
        self._drawn: list[Tensor] = []

    def next_batches(self) -> tuple[Tensor, Tensor]:
        """Images (walks, size, ...) and labels (walks, size)."""
        chosen = self._places()
        return self._images[chosen], self._labels[chosen]

    def skip(self) -> None:
        """Go on as `next_batches` does."""
        self._places()

    def _places(self) -> Tensor:
        if not self._drawn:
            places = torch.stack([walk.take(self._ahead * self._size) for walk in self._walks])
            self._drawn = list(places.to(self._labels.device).split(self._size, 1))[::-1]
        return self._drawn.pop()
