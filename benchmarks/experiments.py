"""The speed of the built-in experiment temporal-order, as ratios within this run: `python benchmarks/experiments.py`.

A step is a batch of new sequences, the loss and its gradient, and an update by plain SGD, without evaluations. All
variants take turns, so that other load on the machine affects each of them.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F

from clipwatch.core.experiments.batches import seeded_generator
from clipwatch.core.experiments.layout import tensor_views
from clipwatch.core.experiments.temporal_order import network, passes
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


class Barrier(Protocol):
    """A barrier of threads or of processes."""

    def wait(self) -> Any: ...


def parameters(seed: int) -> Tensor:
    """A flat vector of initial parameters."""
    return initial_parameters(UNITS, 0.1, orthogonal=False, generator=seeded_generator(seed, "weights"))


def written_out(seed: int) -> Step:
    """A step of a lane as clipwatch trains it."""
    lane = TemporalOrder(
        ElmanNetwork(parameters(seed), UNITS), length=LENGTH, seed=seed, batch_size=BATCH, eval_size=100
    )
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


def train(make: Callable[[int], Step], seed: int, start: Barrier, end: Barrier) -> None:
    """Train a lane for `STEPS` steps between two barriers."""
    with lane_thread():
        step = make(seed)
        step()
        start.wait()
        for _ in range(STEPS):
            step()
        end.wait()


def in_threads(make: Callable[[int], Step], lanes: int) -> float:
    """Milliseconds for a step of each of the lanes, which run at once in a thread each."""
    barriers = threading.Barrier(lanes + 1), threading.Barrier(lanes + 1)
    return timed([threading.Thread(target=train, args=(make, seed, *barriers)) for seed in range(lanes)], *barriers)


def in_processes(make: Callable[[int], Step], lanes: int) -> float:
    """The same with a process for each lane, which share no interpreter lock."""
    context = multiprocessing.get_context("fork")
    barriers = context.Barrier(lanes + 1), context.Barrier(lanes + 1)
    return timed([context.Process(target=train, args=(make, seed, *barriers)) for seed in range(lanes)], *barriers)


def timed(workers: Sequence[threading.Thread | BaseProcess], start: Barrier, end: Barrier) -> float:
    """Milliseconds per step between the two barriers."""
    for worker in workers:
        worker.start()
    start.wait()
    since = time.perf_counter()
    end.wait()
    took = time.perf_counter() - since
    for worker in workers:
        worker.join()
    return 1000 * took / STEPS


def as_plain_functions(measure: Callable[[Callable[[int], Step], int], float], lanes: int) -> float:
    """Measure the passes without TorchScript."""
    compiled = network.loss_and_gradient
    network.loss_and_gradient = passes.loss_and_gradient
    try:
        return measure(written_out, lanes)
    finally:
        network.loss_and_gradient = compiled


VARIANTS: dict[str, Callable[[], float]] = {
    "autograd": lambda: in_threads(by_autograd, 1),
    "one lane": lambda: in_threads(written_out, 1),
    "two threads": lambda: in_threads(written_out, 2),
    "two processes": lambda: in_processes(written_out, 2),
    "one lane, no TorchScript": lambda: as_plain_functions(in_threads, 1),
    "two threads, no TorchScript": lambda: as_plain_functions(in_threads, 2),
}
# Ratios of milliseconds per step, and what each must be at least.
RATIOS = (
    ("speed of one lane against autograd", "autograd", "one lane", 1, "2.5"),
    ("steps of two threads against one lane", "one lane", "two threads", 2, "1.8"),
    ("the same of two processes, which is all that the machine can do", "one lane", "two processes", 2, ""),
    ("the same without TorchScript", "one lane, no TorchScript", "two threads, no TorchScript", 2, ""),
)


def spread(values: Sequence[float]) -> str:
    """The median, and the smallest and largest value."""
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def measure_temporal_order(table: Table) -> None:
    """Add rows on the passes written out by hand: against autograd, and two lanes against one."""
    found: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for turn in range(ROUNDS):
        for name in list(VARIANTS)[:: -1 if turn % 2 else 1]:
            found[name].append(VARIANTS[name]())
    for name, milliseconds in found.items():
        table.add_row(f"temporal-order, {name}: ms a step", spread(milliseconds), "")
    for title, slow, fast, lanes, target in RATIOS:
        table.add_row(title, spread([lanes * a / b for a, b in zip(found[slow], found[fast], strict=True)]), target)


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
