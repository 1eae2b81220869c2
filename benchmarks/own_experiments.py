"""The speed of a user's experiment against the same loop in plain PyTorch: `python benchmarks/own_experiments.py`.

A lane clips, evaluates and is diagnosed at the default cadence; the loop clips and evaluates as often. Both take turns,
so that other load on the machine affects both. Processor time varies less than wall-clock time when other programs run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from clipwatch.core.engine.mailbox import Mailbox
from clipwatch.core.experiments.preparation import prepare
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.training.preparation import lane_thread, prepare_trainers

TARGET = str(Path(__file__).parent / "own_perceptron.py")
ROUNDS, SECONDS = 5, 0.6
# Milliseconds of a step, about, the width of two hidden layers, and the size of a batch.
MODELS = ((1, 192, 32), (20, 512, 512), (20, 1700, 32))
OPTIMIZERS = ("the run's Adam", "torch's AdamW")

Times = tuple[float, float]


def timed(work: Callable[[], object]) -> Times:
    """Wall-clock and processor seconds."""
    wall, processor = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - wall, time.thread_time() - processor


def lane(config: RunConfig) -> Times:
    """The time of a lane's training, without its preparation."""
    (trainer,) = prepare_trainers(config, prepare(config, None, torch.device("cpu")), {}, {}, checkpoints=False)
    return timed(lambda: list(trainer.run(Mailbox(lasting=False), 0.0)))


def plain(config: RunConfig) -> Times:
    """The time of the same training in plain PyTorch."""
    workload: Any = prepare(config, None, torch.device("cpu")).make_workload()
    experiment, sources = workload.experiment, workload.sources
    model = experiment.make_model()
    optimizer = experiment.make_optimizer(list(model.parameters())) or torch.optim.Adam(
        model.parameters(), config.learning_rate
    )

    def evaluate(indices: torch.Tensor) -> float:
        model.eval()
        with torch.no_grad():
            loss = experiment.loss(model, sources.validation.fetch(indices)).item()
        model.train()
        return loss

    def train() -> None:
        order = torch.randperm(len(sources.training)).repeat(
            1 + config.iterations * config.batch_size // len(sources.training)
        )
        for step in range(config.iterations):
            batch = sources.training.fetch(order[step * config.batch_size :][: config.batch_size])
            optimizer.zero_grad()
            loss = experiment.loss(model, batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            loss.item()
            if step % config.eval_every == 0:
                evaluate(torch.arange(config.eval_size))
        evaluate(torch.arange(len(sources.validation)))

    with torch.enable_grad():
        return timed(train)


def config_of(width: int, batch_size: int, steps: int, optimizer: str, counterfactual: bool) -> RunConfig:
    """One lane that clips."""
    own = optimizer == OPTIMIZERS[1]
    return from_options(
        {
            "experiment": f"{TARGET}:{'OwnOptimizer' if own else 'Perceptron'}",
            "settings": {"width": width, "counterfactual": counterfactual},
            "lanes": {"clipped": "norm:1"},
            "iterations": steps,
            "batch_size": batch_size,
        }
    )


def shares(config: RunConfig) -> tuple[list[float], list[float], float]:
    """The lane's share of the plain loop's speed, by both clocks, and the milliseconds of a plain step."""
    pairs = [(plain(config), lane(config)) for _ in range(ROUNDS)]
    wall, processor = ([one[i] / other[i] for one, other in pairs] for i in (0, 1))
    return wall, processor, statistics.median(one[1] for one, _ in pairs) / config.iterations * 1000


def spread(found: list[float]) -> str:
    """Format the median, the worst and the best share."""
    return f"{statistics.median(found):.1%} ({min(found):.1%} {max(found):.1%})"


def main() -> None:
    """Print a table."""
    table = Table(title=f"One lane against the same loop in plain PyTorch; {ROUNDS} pairs: median (worst, best)")
    for heading in ("layers", "batch", "optimizer", "counterfactual", "ms a step", "share of the speed", "by CPU time"):
        table.add_column(heading)
    with lane_thread():
        for target, width, batch_size in MODELS:
            for optimizer in OPTIMIZERS:
                for counterfactual in (True, False):
                    config = config_of(width, batch_size, int(SECONDS * 1000 / target), optimizer, counterfactual)
                    wall, processor, milliseconds = shares(config)
                    on = "on" if counterfactual else "off"
                    figures = f"{milliseconds:.1f}", spread(wall), spread(processor)
                    print(width, batch_size, optimizer, on, *figures, flush=True)
                    table.add_row(f"2 x {width}", str(batch_size), optimizer, on, *figures)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
