"""The speed of a sweep on a GPU: by size of a stack, as a share of what the chip can do, and as a whole.

    python benchmarks/sweep_gpu.py [DIR]

DIR holds the four MNIST files; without it the data set is found or downloaded as clipwatch does.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from clipwatch.core.data.datasets import Dataset, load
from clipwatch.core.experiments.lenet.network import PARAMETERS
from clipwatch.core.experiments.preparation import tensors
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.stacked.passes import fusing_problem
from clipwatch.core.sweeps.stacked.replicas import Stack
from clipwatch.core.sweeps.units import Unit
from clipwatch.core.training.preparation import lane_thread

AXES = {"clip": ["none", "value:0.001"], "head": ["relu", "linear"]}
SIZES = (64, 256, 1024, 2048, 4096, 8192)
SEEDS = 1024
TARGET = 300_000
# Enough steps for batches to be drawn twice.
BATCH, STEPS = 8, 128
GPU = torch.device("cuda")

# Floating-point operations in the matrix products of one replica's step. A convolution is a product of 6x6 windows at
# 14x14 and 5x5 positions with four kernels per feature; the first one needs no gradient of its input.
PRODUCTS = 2 * BATCH * (2 * 196 * 36 * 24 + 3 * 25 * 216 * 64 + 3 * (400 * 120 + 120 * 84 + 84 * 10))


def traffic(shared: int) -> int:
    """Bytes that one replica's step reads and writes, where `shared` replicas train on the same batch."""
    # Both passes read the weights and write the gradient, half of the gradients are clipped, Adam uses four vectors.
    vectors = PARAMETERS * (3 + 1 + 7)
    # Windows are written and read twice, the response is written and read in both passes.
    first = BATCH * 196 * (36 * 3 // shared + 24 * 4 + 6 * 6)
    second = BATCH * 25 * (216 * 3 + 64 * 5 + 16 * 6 + 216 * 2) + BATCH * 196 * 6 * 2
    return 4 * (vectors + first + second)


def seconds(operation: Callable[[], object], repeats: int) -> float:
    """Seconds per call over `repeats` calls, after a warm-up."""
    for _ in range(3):
        operation()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        operation()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / repeats


def ceilings() -> tuple[float, float]:
    """Floating-point operations per second of a large matrix product, and bytes per second of a large copy."""
    side = 8192
    square = torch.randn(side, side, device=GPU)
    arithmetic = 2 * side**3 / seconds(lambda: square @ square, 5)
    long = torch.randn(2**29, device=GPU)
    other = torch.empty_like(long)
    return arithmetic, 2 * long.nbytes / seconds(lambda: other.copy_(long), 20)


def speed_of_a_stack(base: RunConfig, dataset: Dataset, replicas: int, *, fused: bool) -> float:
    """Replica-steps per second, with drawing of batches and without evaluations."""
    config = sweep_config(base, AXES, 1, ())
    unit = Unit(number=0, settings=config.settings, seeds=tuple(range(replicas // len(config.settings))))
    with lane_thread():
        stack = Stack(unit, tensors(dataset.training, GPU), tensors(dataset.validation, GPU), fused=fused)
        return replicas / seconds(stack.train_step, STEPS)


def sweep(base: RunConfig, table: Table) -> None:
    """Add rows on a whole sweep."""
    config = sweep_config(base, AXES, SEEDS, ())
    with tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        arrivals = [time.perf_counter() for e in Sweep(config, Path(home)).run() if isinstance(e, ReplicaFinished)]
        elapsed = time.perf_counter() - start
    trained = config.replicas * config.base.iterations
    table.add_row(f"a sweep of {config.replicas:,} replicas, from start to end", f"{elapsed:.1f} s", "", "")
    table.add_row("  replica-steps per second", f"{trained / elapsed:,.0f}", "", "")
    table.add_row("  first results after", f"{arrivals[0] - start:.1f} s", "", "")


def main() -> None:
    """Print a table."""
    data_dir = sys.argv[1] if len(sys.argv) > 1 else None
    base = RunConfig(
        settings={"dataset": "mnist"}, data_dir=data_dir, diagnostics=False, device="cuda", batch_size=BATCH
    )
    dataset = load("mnist", data_dir=data_dir, offline=False, report=lambda event: None)
    why_not = fusing_problem(GPU)
    arithmetic, bandwidth = ceilings()
    title = f"A sweep on MNIST, batches of {BATCH}, one {torch.cuda.get_device_name()}, torch {version('torch')}"
    table = Table(title=title)
    table.add_column("what")
    for heading in ("measured", "arithmetic", "bandwidth"):
        table.add_column(heading, justify="right")
    table.add_row(
        "the chip: a large product, a large copy",
        "",
        f"{arithmetic / 1e12:.1f} TFLOP/s",
        f"{bandwidth / 1e12:.2f} TB/s",
    )
    for fused in (False, True) if why_not is None else (False,):
        for replicas in SIZES:
            rate = speed_of_a_stack(base, dataset, replicas, fused=fused)
            kernels = "Triton kernels" if fused else "torch's operations"
            shares = (f"{rate * PRODUCTS / arithmetic:.0%}", f"{rate * traffic(len(AXES) * 2) / bandwidth:.0%}")
            # Torch's operations move more bytes than `traffic` counts, so no shares are given for them.
            table.add_row(f"a stack of {replicas:,}, {kernels}", f"{rate:,.0f} /s", *(shares if fused else ("", "")))
    sweep(base, table)
    Console(width=110).print(table)
    print(f"target: {TARGET:,} replica-steps per second" + (f"; kernels do not compile: {why_not}" if why_not else ""))


if __name__ == "__main__":
    main()
