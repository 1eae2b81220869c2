"""LeNet as a plain `torch.nn.Module`, with the same parameters and names as `lenet.network`."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F


class LeNetModule(nn.Module):
    """Logits (batch, 10) of images (batch, 1, 28, 28) in [0, 1]."""

    def __init__(self, head: Literal["relu", "linear"] = "relu") -> None:
        super().__init__()
        self._relu_head = head == "relu"
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(images)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        logits = self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))
        return F.relu(logits) if self._relu_head else logits
