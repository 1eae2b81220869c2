"""The speed of the built-in experiment temporal-order, as ratios within this run: `python benchmarks/experiments.py`.

A step is a batch of new sequences, the loss and its gradient, and an update by plain SGD, without evaluations. All
variants take turns, so that other load on the machine affects each of them.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable
from importlib.metadata import version

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F

from clipwatch.core.experiments.batches import seeded_generator
from clipwatch.core.experiments.layout import tensor_views
from clipwatch.core.experiments.temporal_order.data import NewSequences
from clipwatch.core.experiments.temporal_order.network import ElmanNetwork, initial_parameters, shapes
from clipwatch.core.experiments.temporal_order.workload import TemporalOrder
from clipwatch.core.optimizers.sgd import Sgd
from clipwatch.core.training.preparation import lane_thread

ROUNDS, STEPS = 25, 100
UNITS, LENGTH, BATCH = 50, 20, 20
# Small enough that the units do not saturate, as arithmetic with denormal numbers would take longer.
LEARNING_RATE = 0.03
Step = Callable[[], None]


def parameters(seed: int) -> Tensor:
    """A flat vector of initial parameters."""
    return initial_parameters(UNITS, 0.1, orthogonal=False, generator=seeded_generator(seed, "weights"))


def written_out(seed: int) -> Step:
    """A step of a lane as clipwatch trains it."""
    network = ElmanNetwork(parameters(seed), UNITS)
    lane = TemporalOrder(network, length=LENGTH, seed=seed, batch_size=BATCH, eval_size=100)
    optimizer = Sgd(lane.parameters, learning_rate=LEARNING_RATE)

    def step() -> None:
        lane.loss_and_gradient(0)
        optimizer.step(lane.gradient)

    return step


def by_autograd(seed: int) -> Step:
    """The same step in plain PyTorch."""
    tensors = [view.clone().requires_grad_() for view in tensor_views(parameters(seed), shapes(UNITS)).values()]
    inputs, recurrent, bias, outputs, output_bias = tensors
    batches = NewSequences(LENGTH, BATCH, seeded_generator(seed, "training sequences"), torch.device("cpu"))

    def step() -> None:
        sequences, labels = batches.next_batch()
        with torch.enable_grad():
            seen = F.embedding(sequences.t(), inputs.t()) + bias
            state = torch.tanh(seen[0])
            for t in range(1, LENGTH):
                state = torch.tanh(torch.addmm(seen[t], state, recurrent.t()))
            loss = F.cross_entropy(torch.addmm(output_bias, state, outputs.t()), labels)
            loss.backward()
        loss.item()
        for tensor in tensors:
            assert tensor.grad is not None
            tensor.sub_(tensor.grad, alpha=LEARNING_RATE)
            tensor.grad = None

    return step


def seconds_per_step(make: Callable[[int], Step], lanes: int) -> float:
    """Seconds for a step of each of the lanes, which run at once in a thread each."""
    start, end = threading.Barrier(lanes + 1), threading.Barrier(lanes + 1)

    def train(seed: int) -> None:
        with lane_thread():
            step = make(seed)
            step()
            start.wait()
            for _ in range(STEPS):
                step()
        end.wait()

    threads = [threading.Thread(target=train, args=(seed,)) for seed in range(lanes)]
    for thread in threads:
        thread.start()
    start.wait()
    since = time.perf_counter()
    end.wait()
    took = time.perf_counter() - since
    for thread in threads:
        thread.join()
    return took / STEPS


def spread(values: list[float], scale: float = 1) -> str:
    """The median, and the smallest and largest value."""
    return (
        " ".join(
            f"{scale * value:.2f}{mark}"
            for value, mark in ((statistics.median(values), ""), (min(values), " to"), (max(values), ""))
        ).replace(" ", " (", 1)
        + ")"
    )


def measure_temporal_order(table: Table) -> None:
    """Add rows on the passes written out by hand: against autograd, and two lanes against one."""
    variants = {"autograd": (by_autograd, 1), "one": (written_out, 1), "two": (written_out, 2)}
    found: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(ROUNDS):
        for name in list(variants)[:: -1 if turn % 2 else 1]:
            found[name].append(seconds_per_step(*variants[name]))
    against_autograd = [slow / fast for slow, fast in zip(found["autograd"], found["one"], strict=True)]
    two_against_one = [2 * one / two for one, two in zip(found["one"], found["two"], strict=True)]
    table.add_row("temporal-order: a step by autograd, one lane, ms", spread(found["autograd"], 1000), "")
    table.add_row("written out, one lane, ms", spread(found["one"], 1000), "")
    table.add_row("written out, each of two lanes in two threads, ms", spread(found["two"], 1000), "")
    table.add_row("speed of one lane against autograd", spread(against_autograd), "2.5")
    table.add_row("steps of two lanes in two threads against one lane's", spread(two_against_one), "1.8")


def main() -> None:
    """Print a table."""
    cores = os.cpu_count()
    table = Table(title=f"{cores} cores, torch {version('torch')}: median (smallest to largest) of {ROUNDS} rounds")
    for heading in ("what", "measured", "target"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    measure_temporal_order(table)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
