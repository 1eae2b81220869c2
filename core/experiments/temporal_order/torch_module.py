"""The Elman network as a plain `torch.nn.Module`, with the same parameters and names as `temporal_order.network`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .data import CLASSES, SYMBOLS


class ElmanModule(nn.Module):
    """Logits (batch, 4) of symbols (batch, time), int64 from 0 to 5."""

    def __init__(self, units: int = 50) -> None:
        super().__init__()
        self.input = nn.Linear(SYMBOLS, units, bias=False)
        self.recurrent = nn.Linear(units, units)
        self.output = nn.Linear(units, CLASSES)

    def forward(self, sequences: Tensor) -> Tensor:
        inputs = self.input.weight.t()[sequences]
        state = inputs.new_zeros(len(sequences), self.recurrent.in_features)
        for each in inputs.unbind(1):
            state = torch.tanh(each + self.recurrent(state))
        return self.output(state)
