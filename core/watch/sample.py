"""A fixed sample of the elements of all parameters, as flat float32 vectors by layer.

A model with many elements is measured by every k-th element of each tensor: the figures are shares, means, ratios and
angles, whose error at some hundred thousand elements lies far below what a chart shows, and measuring all of ten
million takes as long as several training steps. Of these elements alone, the counterfactual update is followed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import torch
from torch import Tensor

from ..experiments.layout import Layout

# Elements measured at most, about.
MOST_ELEMENTS = 1 << 17


class Sample:
    """Takes the same elements from any tensors of the parameters' shapes: gradients, values, an optimizer's state."""

    def __init__(self, parameters: Mapping[str, Tensor], layer: Callable[[str], str], most: int) -> None:
        by_layer: dict[str, list[str]] = {}
        for name in parameters:
            by_layer.setdefault(layer(name), []).append(name)
        self.parameters = [parameters[name] for names in by_layer.values() for name in names]
        self._ids = {id(each) for each in self.parameters}
        self.stride = max(1, math.ceil(sum(each.numel() for each in self.parameters) / most))
        self.sizes = [self._size(each) for each in self.parameters]
        self.layout = Layout(
            {layer: sum(self._size(parameters[name]) for name in names) for layer, names in by_layer.items()}, ()
        )
        ends = [len(names) for names in by_layer.values()]
        starts = [sum(ends[:place]) for place in range(len(ends))]
        self._layers = [slice(start, start + count) for start, count in zip(starts, ends, strict=True)]
        self._device = self.parameters[0].device if self.parameters else torch.device("cpu")

    def _size(self, tensor: Tensor) -> int:
        return math.ceil(tensor.numel() / self.stride)

    def take(self, tensors: Iterable[Tensor | None]) -> Tensor:
        """A new vector of the elements of these tensors, one for each of `parameters`. None counts as zeros."""
        parts = [
            torch.zeros(size, device=self._device) if each is None else self.part(each)
            for each, size in zip(tensors, self.sizes, strict=True)
        ]
        return torch.cat(parts) if parts else torch.zeros(0)

    def part(self, tensor: Tensor) -> Tensor:
        """The elements of one tensor, which may be a view of it."""
        return tensor.detach().reshape(-1)[:: self.stride].to(self._device, torch.float32)

    def present_gradients(self) -> list[Tensor | None]:
        """The gradient of each of `parameters`."""
        return [each.grad for each in self.parameters]

    def is_of_others(self, parameters: Collection[Tensor]) -> bool:
        """Whether it is of other parameters than these."""
        return {id(each) for each in parameters} != self._ids

    def views(self, flat: Tensor) -> list[Tensor]:
        """The parts of a vector of this sample, one for each of `parameters`."""
        return list(flat.split(self.sizes))

    def values(self) -> Tensor:
        """The elements of the present parameters."""
        return self.take(self.parameters)

    def by_layer(self, values: Sequence[float]) -> list[float]:
        """The mean of one value for each parameter, by layer and in total, weighted by the number of its elements."""
        sizes = [each.numel() for each in self.parameters]

        def mean(part: slice) -> float:
            weighted = zip(values[part], sizes[part], strict=True)
            return sum(value * size for value, size in weighted) / max(1, sum(sizes[part]))

        return [*map(mean, self._layers), mean(slice(None))]

    def norms(self, tensors: Iterable[Tensor | None]) -> Tensor:
        """The norms of all elements of these tensors, by layer and in total."""
        norms = torch.stack([self._norm(each) for each in tensors])
        return torch.stack([*(torch.linalg.vector_norm(norms[part]) for part in self._layers), norms.norm()])

    def _norm(self, tensor: Tensor | None) -> Tensor:
        if tensor is None:
            return torch.zeros((), device=self._device)
        precise = torch.float64 if tensor.dtype == torch.float64 else torch.float32
        return torch.linalg.vector_norm(tensor.detach(), dtype=precise).to(self._device, torch.float32)
