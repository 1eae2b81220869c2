"""The gain from TorchScript for two lanes in two threads: `python benchmarks/threads.py`, also on free-threaded Python.

A step is LeNet's passes on a batch of 8 and Adam's update, without evaluations. Each lane has its thread.
"""

from __future__ import annotations

import statistics
import sys
import sysconfig
import threading
import time
from collections.abc import Callable

import torch

from clipwatch.core.experiments.lenet import network as lenet
from clipwatch.core.experiments.lenet import passes as lenet_passes
from clipwatch.core.optimizers.adam import Adam

ROUNDS, STEPS = 7, 300
PASSES = {"TorchScript": lenet.loss_and_gradient, "plain functions": lenet_passes.loss_and_gradient}


def lane(seed: int) -> Callable[[], None]:
    """A function that trains a lane for `STEPS` steps."""
    generator = torch.Generator().manual_seed(seed)
    model = lenet.LeNet(lenet.initial_parameters(0.1, generator), "linear")
    optimizer = Adam(model.parameters, learning_rate=1e-3, beta1=0.9)
    images = torch.randint(0, 256, (8, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.randint(0, 10, (8,), generator=generator)

    def train() -> None:
        torch.set_num_threads(1)
        with torch.no_grad():
            for _ in range(STEPS):
                model.loss_and_gradient(images, labels)
                optimizer.step(model.gradient)

    return train


def measure(lanes: int) -> tuple[float, float]:
    """Steps per second of each lane, and milliseconds of processor time per step."""
    threads = [threading.Thread(target=lane(seed)) for seed in range(lanes)]
    wall, used = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return STEPS / (time.perf_counter() - wall), 1000 * (time.process_time() - used) / (STEPS * lanes)


def main() -> None:
    """Print a line for each variant, with the median, the smallest and the largest speed."""
    free = sysconfig.get_config_var("Py_GIL_DISABLED")
    print(f"Python {sys.version.split()[0]}{', free-threaded' if free else ''}, torch {torch.__version__}")
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for variant, passes in PASSES.items():
            lenet.loss_and_gradient = passes
            for lanes in (1, 2):
                found.setdefault((variant, lanes), []).append(measure(lanes))
    for (variant, lanes), figures in found.items():
        speeds, used = zip(*figures, strict=True)
        print(f"{variant:>16}, lanes: {lanes}: {statistics.median(speeds):6.0f} steps/s per lane", end=" ")
        print(f"({min(speeds):.0f} to {max(speeds):.0f}), {statistics.median(used):.2f} ms of processor time per step")


if __name__ == "__main__":
    main()
