"""The speed of experiments other than LeNet, as ratios within this run.

    python benchmarks/experiments.py [temporal-order] [own] [lanes]

- `temporal-order`: a lane against autograd, and two lanes in threads against one. A step is a batch of new sequences,
  the loss and its gradient, and an update by plain SGD, without evaluations.
- `own`: one lane of a user's experiment against the same loop in plain PyTorch. A lane clips, evaluates, is diagnosed
  at the default cadence and recorded; the loop clips and evaluates as often.
- `lanes`: two lanes of a user's experiment in processes, at once against one after the other.

What is compared takes turns, so that other load on the machine affects all of it. Processor time varies less than
wall-clock time when other programs run.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

import msgspec
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional as F

from clipwatch.core.engine.engine import Engine
from clipwatch.core.engine.mailbox import Mailbox
from clipwatch.core.experiments.batches import seeded_generator
from clipwatch.core.experiments.layout import tensor_views
from clipwatch.core.experiments.preparation import prepare
from clipwatch.core.experiments.temporal_order import network, passes
from clipwatch.core.experiments.temporal_order.data import NewSequences
from clipwatch.core.experiments.temporal_order.network import ElmanNetwork, initial_parameters, shapes
from clipwatch.core.experiments.temporal_order.workload import TemporalOrder
from clipwatch.core.optimizers.sgd import Sgd
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import Event, LaneFailed, LaneFinished, RunStarted
from clipwatch.core.training.preparation import lane_thread, prepare_trainers

Row = tuple[str, str, str]
# temporal-order
ROUNDS, STEPS = 25, 100
UNITS, LENGTH, BATCH = 50, 20, 20
# Small enough that the units do not saturate, as arithmetic with denormal numbers would take longer.
LEARNING_RATE = 0.03
# A user's experiment: milliseconds of a step, about, the width of two hidden layers, and the size of a batch.
OWN = str(Path(__file__).parent / "own_perceptron.py")
MODELS = ((1, 192, 32), (20, 512, 512), (20, 1700, 32))
OWN_ROUNDS, OWN_SECONDS = 7, 0.6
# Lanes in processes.
EXAMPLE = str(Path(__file__).parents[1] / "examples" / "mlp_dropout.py")
LANE_ROUNDS, LANE_STEPS = 5, 2000

Step = Callable[[], None]
Times = tuple[float, float]


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


def measure_temporal_order() -> list[Row]:
    """The passes written out by hand: against autograd, and two lanes against one."""
    found: dict[str, list[float]] = {name: [] for name in VARIANTS}
    for turn in range(ROUNDS):
        for name in list(VARIANTS)[:: -1 if turn % 2 else 1]:
            found[name].append(VARIANTS[name]())
    rows: list[Row] = [(f"temporal-order, {name}: ms a step", spread(each), "") for name, each in found.items()]
    for title, slow, fast, lanes, target in RATIOS:
        rows.append((title, spread([lanes * a / b for a, b in zip(found[slow], found[fast], strict=True)]), target))
    return rows


# A user's experiment against a plain loop


def own_config(width: int, batch_size: int, steps: int, optimizer: str, counterfactual: bool) -> RunConfig:
    """One lane that clips. `optimizer` is the class of the experiment."""
    return from_options(
        {
            "experiment": f"{OWN}:{optimizer}",
            "settings": {"width": width, "counterfactual": counterfactual},
            "lanes": {"clipped": "norm:1"},
            "iterations": steps,
            "batch_size": batch_size,
        }
    )


def thread_times(work: Callable[[], object]) -> Times:
    """Wall-clock and processor seconds."""
    wall, processor = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - wall, time.thread_time() - processor


def lane_times(config: RunConfig) -> Times:
    """The times of a lane's training, recorded, without its preparation."""
    prepared = prepare(config, None, torch.device("cpu"))
    (trainer,) = prepare_trainers(config, prepared, {}, {}, checkpoints=False)
    started = RunStarted(
        config=config, dataset=prepared.dataset, device="cpu", versions={}, time=time.time(), experiment=prepared.info
    )

    def events() -> Iterator[Event]:
        yield started
        for item in trainer.run(Mailbox(lasting=False), 0.0):
            assert isinstance(item, Event)
            yield item

    with tempfile.TemporaryDirectory() as folder:
        return thread_times(lambda: list(Recorder(Path(folder)).through(events())))


def plain_times(config: RunConfig) -> Times:
    """The times of the same training in plain PyTorch."""
    workload: Any = prepare(config, None, torch.device("cpu")).make_workload()
    experiment, sources = workload.experiment, workload.sources
    model = experiment.make_model()
    optimizer = experiment.make_optimizer(list(model.parameters())) or torch.optim.Adam(
        model.parameters(), config.learning_rate
    )

    def evaluate(indices: Tensor) -> None:
        model.eval()
        with torch.no_grad():
            experiment.loss(model, sources.validation.fetch(indices)).item()
        model.train()

    def train() -> None:
        epochs = 1 + config.iterations * config.batch_size // len(sources.training)
        order = torch.randperm(len(sources.training)).repeat(epochs)
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
        return thread_times(train)


def measure_own() -> list[Row]:
    """A lane's share of a plain loop's speed."""
    rows: list[Row] = []
    with lane_thread():
        for milliseconds, width, batch_size in MODELS:
            # Whole cycles of the diagnostics, which measure every fiftieth step.
            steps = 50 * max(1, round(OWN_SECONDS * 1000 / milliseconds / 50))
            for optimizer, counterfactual in (("Perceptron", True), ("OwnOptimizer", True), ("OwnOptimizer", False)):
                config = own_config(width, batch_size, steps, optimizer, counterfactual)
                pairs = [(plain_times(config), lane_times(config)) for _ in range(OWN_ROUNDS)]
                step = statistics.median(one[1] for one, _ in pairs) / steps * 1000
                name = f"2 x {width}, batch {batch_size}, {optimizer}{'' if counterfactual else ', no counterfactual'}"
                target = "0.85" if milliseconds == 1 else "0.95"
                for i, clock in enumerate(("wall clock", "processor")):
                    shares = [one[i] / other[i] for one, other in pairs]
                    rows.append((f"{name}, {step:.1f} ms: share by {clock}", spread(shares), target))
    return rows


# Two lanes of a user's experiment in processes


def measure_lanes() -> list[Row]:
    """Two lanes at once against one after the other."""
    config = from_options({"experiment": EXAMPLE, "iterations": LANE_STEPS})
    each = [msgspec.structs.replace(config, lanes=(lane,)) for lane in config.lanes]
    rounds = [(run_times(config), *map(run_times, each)) for _ in range(LANE_ROUNDS)]
    wall, processor = ([(one[i] + other[i]) / both[i] for both, one, other in rounds] for i in (0, 1))
    return [
        ("two lanes in processes, against one after the other", spread(wall), "1.7"),
        ("the same by processor time, of which both need as much", spread(processor), ""),
    ]


def run_times(config: RunConfig) -> Times:
    """Seconds from the first step to the end of the last lane, and of processor time, without those of the start."""
    start = whole_run_times(msgspec.structs.replace(config, iterations=1))[1]
    seconds, processor = whole_run_times(config)
    return seconds, processor - start


def whole_run_times(config: RunConfig) -> Times:
    """The training time of a run, which is measured and whose events are read, and all of its processor time."""
    before, ends = used_seconds(), []
    for event in Engine(config).run():
        if isinstance(event, LaneFailed):
            raise SystemExit(event.cause)
        if isinstance(event, LaneFinished):
            ends.append(event.training_seconds)
    return max(ends), used_seconds() - before


def used_seconds() -> float:
    """Processor time of this process and of its children that have ended."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


PARTS = {"temporal-order": measure_temporal_order, "own": measure_own, "lanes": measure_lanes}


def main() -> None:
    """Print a table for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    for name in parser.parse_args().parts or PARTS:
        load = os.getloadavg()[0]
        title = f"{os.cpu_count()} cores with a load of {load:.1f}, torch {version('torch')}"
        table = Table(title=f"{title}: median (smallest to largest)")
        for heading in ("what", "measured", "target"):
            table.add_column(heading, justify="left" if heading == "what" else "right")
        for row in PARTS[name]():
            table.add_row(*row)
        Console(width=120).print(table)


if __name__ == "__main__":
    main()
