"""Batches as the assignment's `next_batch` gives them."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def seeded_generator(seed: int, purpose: str) -> torch.Generator:
    """A stream of random numbers for one purpose, independent of the streams for others under the same seed."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)


class Batches:
    """Walks shuffled orders; a batch across an epoch's end has the old order's rest and the new one's start."""

    def __init__(self, images: Tensor, labels: Tensor, generator: torch.Generator) -> None:
        self._images, self._labels, self._generator = images, labels, generator
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

    def next_batch(self, size: int) -> tuple[Tensor, Tensor]:
        """`size` images and labels, at most as many as there are."""
        end = self._next + size
        if end <= len(self._order):
            chosen = self._order[self._next : end]
            self._next = end
        else:
            rest = self._order[self._next :]
            self._order = self._shuffled()
            self._next = size - len(rest)
            chosen = torch.cat([rest, self._order[: self._next]])
        return self._images[chosen], self._labels[chosen]

    def _shuffled(self) -> Tensor:
        self._drawn_from = self._generator.get_state()
        return torch.randperm(len(self._labels), generator=self._generator).to(self._labels.device)
