"""The forward and backward passes of an Elman network, written out by hand.

A time step of 20 sequences is two short operations, so autograd takes three times as long for bookkeeping as for
arithmetic. Here the states of all time steps lie in one tensor (time, batch, units), which each operation updates in
place. The gradients of the weights are then one matrix product over all time steps.

These are functions of torch operations that TorchScript can compile. Weights come in the order of `network.shapes`.
"""

import torch
from torch import Tensor

from ..cross_entropy import cross_entropy_and_slope


def states(sequences: Tensor, weights: list[Tensor]) -> Tensor:
    """The states (time, batch, units) after each of the symbols (batch, time)."""
    batch, length = sequences.size(0), sequences.size(1)
    # Rows that lie together in memory are copied five times as fast.
    inputs = (weights[0].t() + weights[2]).contiguous()
    result = inputs.index_select(0, sequences.t().reshape(-1)).view(length, batch, -1)
    steps = result.unbind(0)
    recurrent = weights[1].t()
    steps[0].tanh_()
    for t in range(1, length):
        steps[t].addmm_(steps[t - 1], recurrent).tanh_()
    return result


def logits(last_state: Tensor, weights: list[Tensor]) -> Tensor:
    """The logits (batch, classes) of the last states (batch, units)."""
    return torch.addmm(weights[4], last_state, weights[3].t())


def loss_and_gradient(sequences: Tensor, labels: Tensor, weights: list[Tensor], gradients: list[Tensor]) -> Tensor:
    """Mean softmax cross-entropy in nats of symbols (batch, time) and classes (batch,); fills `gradients`."""
    length, units = sequences.size(1), weights[1].size(0)
    outputs = states(sequences, weights)
    loss, slope = cross_entropy_and_slope(logits(outputs[-1], weights), labels)
    torch.mm(slope.t(), outputs[-1], out=gradients[3])
    torch.sum(slope, [0], out=gradients[4])

    # From the derivatives of tanh to the gradients before tanh, in place, from the last time step to the first.
    one = torch.ones([], dtype=outputs.dtype, device=outputs.device)
    slopes = torch.addcmul(one, outputs, outputs, value=-1.0)
    steps = slopes.unbind(0)
    steps[-1].mul_(torch.mm(slope, weights[3]))
    for t in range(length - 2, -1, -1):
        steps[t].mul_(torch.mm(steps[t + 1], weights[1]))

    torch.mm(slopes[1:].view(-1, units).t(), outputs[:-1].view(-1, units), out=gradients[1])
    symbols = torch.arange(weights[0].size(1), device=sequences.device)
    one_hot = (symbols.view(-1, 1) == sequences.t().reshape(-1)).to(slopes.dtype)
    # The transposed product takes a third of the time.
    gradients[0].copy_(torch.mm(one_hot, slopes.view(-1, units)).t())
    # Each time step has one symbol, so the sum over the symbols is that over time.
    torch.sum(gradients[0], [1], out=gradients[2])
    return loss


def logits_and_saturation(sequences: Tensor, weights: list[Tensor], level: float) -> tuple[Tensor, Tensor]:
    """The logits (batch, classes), and the share of the states of all time steps beyond `level` in magnitude."""
    results: list[Tensor] = []
    beyond = torch.zeros([], device=sequences.device)
    # A hundred sequences at a time, since the states of all of them may not fit the memory.
    for chunk in sequences.split(100):
        outputs = states(chunk, weights)
        results.append(logits(outputs[-1], weights))
        beyond += (outputs.abs() > level).sum()
    return torch.cat(results), beyond / (sequences.numel() * weights[1].size(0))
