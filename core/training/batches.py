"""Batches as the assignment's `next_batch` gives them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

# Batches whose places are drawn at once.
_AHEAD = 64


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
    """The next batches of many walks at once; `size` is at most the number of images.

    The places are drawn many batches ahead: to ask thousands of walks takes longer than a step.
    """

    def __init__(self, images: Tensor, labels: Tensor, generators: Sequence[torch.Generator], size: int) -> None:
        self._images, self._labels = images, labels
        self._places = self._drawn(generators, size)

    def next_batches(self) -> tuple[Tensor, Tensor]:
        """Images (walks, size, ...) and labels (walks, size)."""
        chosen = next(self._places)
        return self._images[chosen], self._labels[chosen]

    def skip(self) -> None:
        """Go on as `next_batches` does."""
        next(self._places)

    def _drawn(self, generators: Sequence[torch.Generator], size: int) -> Iterator[Tensor]:
        count, place = len(self._labels), self._labels.device
        # Drawn where they are put together.
        walks = [Walk(count, generator, torch.device("cpu")) for generator in generators]
        ahead = min(_AHEAD, count // size)
        while True:
            yield from torch.stack([walk.take(ahead * size) for walk in walks]).to(place).split(size, 1)
