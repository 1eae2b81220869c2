"""Softmax cross-entropy with its gradient, as functions that TorchScript can compile."""

import torch
from torch import Tensor


def cross_entropy_and_slope(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean softmax cross-entropy in nats of classes (batch,), and its gradient at the logits (batch, classes)."""
    batch = logits.size(0)
    log_p = torch.log_softmax(logits, 1)
    picked = labels[:, None]
    loss = -log_p.gather(1, picked).mean()
    minus_one = torch.full([batch, 1], -1.0, device=log_p.device, dtype=log_p.dtype)
    return loss, log_p.exp().scatter_add_(1, picked, minus_one).div_(batch)


def cross_entropy_and_predictions(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Mean softmax cross-entropy in nats, and the class of the largest logit (the first of equals), (batch,)."""
    loss = -torch.log_softmax(logits, 1).gather(1, labels[:, None]).mean()
    return loss, logits.argmax(1)
