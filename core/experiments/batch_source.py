"""Batches by index from a dataset or from tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, TensorDataset, default_collate

from ..errors import BadInput

# How many examples of a dataset tell it from others.
_FIRST = 32

Collate = Callable[[list[Any]], Any]


class BatchSource:
    """Fetches the batch of some indices from one part of an experiment's data, on a device.

    Tensors are moved to the device once and indexed there. Anything else is fetched example by example and collated.
    """

    def __init__(self, data: Any, name: str, collate: Collate | None, device: torch.device) -> None:
        self._device, self._collate = device, collate or default_collate
        tensors = _tensors(data)
        self._tensors = [each.to(device) for each in tensors] if tensors and not collate else []
        self._is_single = isinstance(data, Tensor | np.ndarray)
        self._examples = TensorDataset(*tensors) if tensors and not self._is_single else data
        self._fetch_many = getattr(self._examples, "__getitems__", None)
        self._count = _length(self._examples, name)

    def __len__(self) -> int:
        return self._count

    def fetch(self, indices: Tensor) -> Any:
        """The batch of these indices, which are on the CPU."""
        if self._tensors:
            indices = indices.to(self._device)
            return self._tensors[0][indices] if self._is_single else tuple(each[indices] for each in self._tensors)
        numbers = indices.tolist()
        examples = self._fetch_many(numbers) if self._fetch_many else [self._examples[number] for number in numbers]
        return _moved(self._collate(examples), self._device)

    def add_to(self, digest: Any) -> None:
        """Add the tensors to a checksum, or the length and the first examples of a dataset."""
        digest.update(str(len(self)).encode())
        for part in self._tensors or _leaves(self.fetch(torch.arange(min(len(self), _FIRST)))):
            if isinstance(part, Tensor):
                digest.update(f"{part.dtype} {tuple(part.shape)}".encode())
                # Not every dtype has a counterpart in numpy.
                digest.update(part.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
            else:
                digest.update(repr(part).encode())


def _tensors(data: Any) -> list[Tensor]:
    """The tensors that the data consist of, or nothing if they are a dataset."""
    parts = data.tensors if isinstance(data, TensorDataset) else data if isinstance(data, tuple) else (data,)
    arrays = all(isinstance(part, Tensor | np.ndarray) for part in parts)
    return [torch.as_tensor(part) for part in parts] if arrays else []


def _length(data: Any, name: str) -> int:
    if isinstance(data, DataLoader | IterableDataset):
        raise BadInput(f"make_data: {name} is a {type(data).__name__}: give a map-style dataset or tensors")
    try:
        count = len(data)
    except TypeError:
        raise BadInput(f"make_data: {name} is a {type(data).__name__}, which has no length") from None
    if not count:
        raise BadInput(f"make_data: {name} is empty")
    return count


def _leaves(batch: Any) -> Iterator[Any]:
    """The tensors, numbers and texts of a batch."""
    if isinstance(batch, Mapping):
        batch = list(batch.values())
    if isinstance(batch, tuple | list):
        for each in batch:
            yield from _leaves(each)
    elif isinstance(batch, Tensor | int | float | str | bytes):
        yield batch


def _moved(batch: Any, device: torch.device) -> Any:
    """The batch with all its tensors on the device."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: _moved(value, device) for key, value in batch.items()}
    if isinstance(batch, tuple) and hasattr(batch, "_fields"):
        return type(batch)(*(_moved(each, device) for each in batch))
    if isinstance(batch, tuple | list):
        return type(batch)(_moved(each, device) for each in batch)
    return batch
