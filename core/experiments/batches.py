"""Shuffled batches, as the assignment's `next_batch` returns them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

# The number of batches whose indices are drawn at once.
_AHEAD = 64


def seeded_generator(seed: int, purpose: str) -> torch.Generator:
    """A random generator for one purpose. Under one seed, different purposes get independent numbers."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


class ShuffledIndices:
    """Endless indices below `count` on `device`: each epoch is a new permutation."""

    def __init__(self, count: int, generator: torch.Generator, device: torch.device) -> None:
        self._count, self._generator, self._device = count, generator, device
        self._order = self._shuffle()
        self._next = 0

    @property
    def position(self) -> tuple[Tensor, int]:
        """The generator's state before the current permutation was drawn, and the position in it."""
        return self._drawn_from, self._next

    def restore(self, position: tuple[Tensor, int]) -> None:
        """Go to a position that `position` returned."""
        state, self._next = position
        self._generator.set_state(state)
        self._order = self._shuffle()

    def take(self, size: int) -> Tensor:
        """The next `size` indices, at most `count`; they may span two permutations."""
        end = self._next + size
        if end <= self._count:
            indices = self._order[self._next : end]
            self._next = end
            return indices
        rest = self._order[self._next :]
        self._order = self._shuffle()
        self._next = size - len(rest)
        return torch.cat([rest, self._order[: self._next]])

    def _shuffle(self) -> Tensor:
        self._drawn_from = self._generator.get_state()
        return torch.randperm(self._count, generator=self._generator).to(self._device)


class Batches(ShuffledIndices):
    """Batches of shuffled images and labels."""

    def __init__(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        super().__init__(len(labels), generator, labels.device)
        self._images, self._labels = images, labels

    def next_batch(self, size: int) -> tuple[Tensor, Tensor]:
        """The next `size` images and labels, at most all of them."""
        indices = self.take(size)
        return self._images[indices], self._labels[indices]


class StackedBatches:
    """Batches of many replicas at once, each shuffled by its own generator; `size` is at most the number of images.

    The indices are drawn many batches ahead, because drawing those of thousands of replicas takes longer than a step.
    """

    def __init__(self, images: Tensor, labels: Tensor, generators: Sequence[torch.Generator], size: int) -> None:
        self._images, self._labels = images, labels
        self._indices = self._draw(generators, size)

    def next_batches(self) -> tuple[Tensor, Tensor]:
        """Images (replicas, size, ...) and labels (replicas, size)."""
        indices = next(self._indices)
        return self._images[indices], self._labels[indices]

    def skip(self) -> None:
        """Skip a batch of each replica."""
        next(self._indices)

    def _draw(self, generators: Sequence[torch.Generator], size: int) -> Iterator[Tensor]:
        count, device = len(self._labels), self._labels.device
        # The indices are drawn and stacked on the CPU, then copied to the device at once.
        replicas = [ShuffledIndices(count, generator, torch.device("cpu")) for generator in generators]
        ahead = min(_AHEAD, count // size)
        while True:
            yield from torch.stack([indices.take(ahead * size) for indices in replicas]).to(device).split(size, 1)
