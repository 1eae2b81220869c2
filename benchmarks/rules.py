"""The cost of each clip rule and optimizer, in microseconds and as a share of a training step.

    python benchmarks/rules.py

In one thread, with gradients of LeNet's size; for each rule, a bound that clips them and one that does not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from importlib.metadata import version

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from clipwatch.core.clipping.clippers import make_clipper
from clipwatch.core.data.datasets import load
from clipwatch.core.experiments.batches import seeded_generator
from clipwatch.core.experiments.lenet import network as lenet
from clipwatch.core.optimizers.adam import Adam
from clipwatch.core.optimizers.sgd import MomentumSgd, Sgd
from clipwatch.core.stream.rules import parse_rule
from clipwatch.core.training.preparation import lane_thread

RULES = {
    "none": "none",
    "value:0.001": "value:1000",
    "norm:0.1": "norm:1000",
    "layer-norm:0.1": "layer-norm:1000",
    "agc:0.001": "agc:1000",
    "autoclip:10": "autoclip:100",
    "zclip:0.1": "zclip:1000",
    "sign": "sign",
}
ROUNDS, CALLS, WARM_UP = 7, 300, 100


def microseconds(function: Callable[[], object]) -> float:
    """Microseconds per call: the median of several rounds."""
    for _ in range(WARM_UP):
        function()
    return statistics.median(_round(function) for _ in range(ROUNDS))


def _round(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        function()
    return (time.perf_counter() - started) / CALLS * 1e6


def clipping(rule: str, parameters: Tensor, gradients: list[Tensor]) -> Callable[[], object]:
    """A function that clips the next of the gradients."""
    clipper = make_clipper(parse_rule(rule), parameters, lenet.LAYOUT)
    count = 0

    def clip() -> None:
        nonlocal count
        clipper.clip(gradients[count % len(gradients)], parameters)
        count += 1

    return clip


def main() -> None:
    """Print a table."""
    with lane_thread():
        parameters = lenet.initial_parameters(0.1, seeded_generator(0, "weights"))
        model = lenet.LeNet(parameters, "relu")
        digits = load("digits", data_dir=None, offline=True, report=lambda event: None).training
        images, labels = torch.from_numpy(digits.images[:8]), torch.from_numpy(digits.labels[:8])
        adam = Adam(parameters.clone(), learning_rate=0.001, beta1=0.5)
        model.loss_and_gradient(images, labels)
        # Several norms, so that rules that compare with earlier norms have something to clip.
        gradients = [model.gradient * size for size in (0.5, 1.0, 2.0, 1.5, 0.7)]

        def step() -> None:
            model.loss_and_gradient(images, labels)
            adam.step(model.gradient)

        whole = microseconds(step)
        table = Table(
            title=f"Clipping 61,706 elements, torch {version('torch')}; a step without clipping takes {whole:.0f} us"
        )
        for heading in ("rule or optimizer", "clipping", "of a step", "not clipping", "of a step"):
            table.add_column(heading, justify="left" if heading.startswith("rule") else "right")
        for binding, loose in RULES.items():
            costs = [microseconds(clipping(rule, parameters, gradients)) for rule in (binding, loose)]
            table.add_row(binding, *(f(cost) for cost in costs for f in (_us, lambda cost: f"{cost / whole:.1%}")))
        table.add_section()
        optimizers = {
            "adam": adam,
            "sgd": Sgd(parameters.clone(), learning_rate=0.001),
            "sgd-momentum": MomentumSgd(parameters.clone(), learning_rate=0.001),
        }
        for name, optimizer in optimizers.items():
            cost = microseconds(lambda optimizer=optimizer: optimizer.step(gradients[0]))
            table.add_row(name, _us(cost), f"{cost / whole:.1%}", "", "")
    Console(width=100).print(table)


def _us(cost: float) -> str:
    return f"{cost:.1f} us"


if __name__ == "__main__":
    main()
