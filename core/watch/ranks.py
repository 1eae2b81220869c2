"""The processes that train one model together (DDP): which of them records. See `torch.distributed`."""

from __future__ import annotations

import torch.distributed


def rank() -> int:
    """The number of this process among those that train together; 0 if it trains alone."""
    return torch.distributed.get_rank() if _are_several() else 0


def processes() -> int:
    """How many processes train together."""
    return torch.distributed.get_world_size() if _are_several() else 1


def _are_several() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()
