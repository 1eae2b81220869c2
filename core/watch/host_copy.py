"""A copy of a tensor on the CPU, which arrives from a GPU in the background."""

from __future__ import annotations

import torch
from torch import Tensor


class HostCopy:
    """Starts a copy without waiting for it. Nobody may change the tensor afterwards."""

    def __init__(self, tensor: Tensor) -> None:
        self._source, self._arrived = tensor, None
        if not tensor.is_cuda:
            self._host = tensor.cpu()
            return
        with torch.cuda.device(tensor.device):
            self._host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self._host.copy_(tensor, non_blocking=True)
            self._arrived = torch.cuda.Event()
            self._arrived.record()

    def wait(self) -> Tensor:
        """The copy, once it has arrived."""
        if self._arrived:
            self._arrived.synchronize()
        return self._host
