"""The reference for speed: plain eager PyTorch as a user would write it, one lane after the other."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from clipwatch.core.experiments.lenet.module import LeNetModule


def initial_network() -> LeNetModule:
    """The assignment's network with its initial weights, built of torch's layers."""
    model = LeNetModule()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.constant_(parameter, 0.1)
        else:
            nn.init.trunc_normal_(parameter, std=0.1, a=-0.2, b=0.2)
    return model


def batches(images: Tensor, labels: Tensor, size: int):
    """Endless shuffled batches."""
    while True:
        order = torch.randperm(len(labels))
        for start in range(0, len(order) - size + 1, size):
            indices = order[start : start + size]
            yield images[indices], labels[indices]


def train_lane(
    training: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
    bound: float | None,
    *,
    iterations: int = 1000,
    seed: int = 0,
) -> float:
    """Train one lane, evaluating 100 images every tenth step; return the last accuracy."""
    torch.manual_seed(seed)
    model = initial_network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, betas=(0.5, 0.999))
    training_batches, validation_batches = batches(*training, 8), batches(*validation, 100)
    accuracy = 0.0
    for step in range(iterations):
        images, labels = next(training_batches)
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        if bound is not None:
            nn.utils.clip_grad_value_(model.parameters(), bound)
        optimizer.step()
        if step % 10 == 0:
            images, labels = next(validation_batches)
            with torch.no_grad():
                logits = model(images)
                F.cross_entropy(logits, labels).item()
                accuracy = (logits.argmax(1) == labels).float().mean().item()
    return accuracy
