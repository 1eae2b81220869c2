"""The speed of a sweep, against the same training runs one after the other with `--no-ui` at full speed.

    python benchmarks/sweep.py [DIR]

These runs are recorded, printed and diagnosed, as the program does. They are also measured without all of that.

DIR holds the four MNIST files; without it the data set is found or downloaded as clipwatch does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import msgspec
import torch
from pseudoterminal import CLIPWATCH
from rich.console import Console
from rich.table import Table

from clipwatch.core.data.datasets import Dataset, load
from clipwatch.core.engine.engine import Engine
from clipwatch.core.experiments.preparation import tensors
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.reader import read_recording
from clipwatch.core.stream.config import RunConfig, with_settings
from clipwatch.core.stream.events import LaneFinished, RunFinished, RunStarted
from clipwatch.core.stream.sweep_config import SweepConfig, sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, SweepStarted
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.stacked.replicas import Stack
from clipwatch.core.sweeps.units import Unit
from clipwatch.core.training.preparation import lane_thread

AXES = {"clip": ["none", "value:0.001"], "head": ["relu", "linear"]}
TARGET = 2.0
SEEDS = 32
SIZES = (1, 4, 16, 64, 256)


def time_program(base: RunConfig, seeds: int) -> float:
    """Milliseconds per replica-step of successive `clipwatch --no-ui` runs, without their start-up."""
    seconds, steps = 0.0, 0
    data = ["--data-dir", os.path.abspath(base.data_dir)] if base.data_dir else []
    for seed in range(seeds):
        for head in AXES["head"]:
            with tempfile.TemporaryDirectory() as home:
                images = ["--dataset", str(base.settings["dataset"]), *data]
                run = [sys.executable, *CLIPWATCH, "--no-ui", *images, "--runs-dir", home]
                subprocess.run([*run, "--seed", str(seed), "--head", head], stdout=subprocess.PIPE, check=True)
                (path,) = Path(home).iterdir()
                events = read_recording(RunFolder(path).events).events
            steps += sum(event.step for event in events if isinstance(event, LaneFinished))
            seconds += sum(event.seconds for event in events if isinstance(event, RunFinished))
    return 1000 * seconds / steps


def time_engine(base: RunConfig, dataset: Dataset, seeds: int) -> float:
    """Milliseconds per replica-step of successive runs of two lanes in the engine, with their evaluations."""
    seconds, steps = 0.0, 0
    for seed in range(seeds):
        for head in AXES["head"]:
            config = with_settings(msgspec.structs.replace(base, seed=seed), head=head)
            for event in Engine(config, load=lambda *_given, **_options: dataset).run():
                if isinstance(event, RunStarted):
                    began = time.perf_counter()
                elif isinstance(event, LaneFinished):
                    steps += event.step
            seconds += time.perf_counter() - began
    return 1000 * seconds / steps


def time_sweep(config: SweepConfig) -> tuple[float, float]:
    """Milliseconds per replica-step after the first results, and seconds until the first result."""
    arrivals: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        began = time.perf_counter()
        for event in Sweep(config, Path(home)).run():
            if isinstance(event, SweepStarted):
                began_training = time.perf_counter()
            elif isinstance(event, ReplicaFinished):
                arrivals.append(time.perf_counter())
    # The first results are not timed, because their training overlaps the start of the workers.
    first = max(1, sum(at - arrivals[0] < 1.0 for at in arrivals))
    cost = 1000 * (arrivals[-1] - arrivals[first - 1]) / (len(arrivals) - first) / config.base.iterations
    assert began_training >= began
    return cost, arrivals[0] - began


def time_stack(base: RunConfig, dataset: Dataset, replicas: int) -> float:
    """Milliseconds per replica-step of one stack on one core, without evaluations."""
    config = sweep_config(base, AXES if replicas >= 4 else {"clip": ["none"]}, 1, ())
    seeds = tuple(range(replicas // len(config.settings)))
    place = torch.device("cpu")
    steps = max(3, 400 // replicas)
    with lane_thread():
        unit = Unit(number=0, settings=config.settings, seeds=seeds)
        stack = Stack(unit, tensors(dataset.training, place), tensors(dataset.validation, place))
        for _ in range(3):
            stack.train_step()
        rounds = []
        for _ in range(3):
            began = time.perf_counter()
            for _ in range(steps):
                stack.train_step()
            rounds.append(time.perf_counter() - began)
    return 1000 * min(rounds) / steps / replicas


def main() -> None:
    """Print a table."""
    data_dir = sys.argv[1] if len(sys.argv) > 1 else None
    # Without diagnostics, which a sweep does not measure.
    base = RunConfig(settings={"dataset": "mnist"}, data_dir=data_dir, diagnostics=False)
    dataset = load("mnist", data_dir=data_dir, offline=False, report=lambda event: None)
    cores = os.cpu_count() or 1
    table = Table(title=f"A sweep on MNIST, 1000 steps a replica, {cores} cores, torch {version('torch')}")
    for heading in ("what", "measured", "target"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    time_engine(base, dataset, 1)
    before = time_program(base, 3), time_engine(base, dataset, 3)
    stacked, first = time_sweep(sweep_config(base, AXES, SEEDS, ()))
    after = time_program(base, 3), time_engine(base, dataset, 3)
    runs, bare = (sum(times) / 2 for times in zip(before, after, strict=True))
    table.add_row("clipwatch --no-ui, two lanes, one after the other", f"{runs:.3f} ms per replica-step", "")
    table.add_row("  without recording, printing and diagnostics", f"{bare:.3f} ms per replica-step", "")
    table.add_row("sweep, with final evaluations and curves", f"{stacked:.3f} ms per replica-step", "")
    table.add_row("ratio", f"{runs / stacked:.2f}", f"{TARGET}")
    table.add_row("  to runs without recording, printing and diagnostics", f"{bare / stacked:.2f}", "")
    table.add_row("first results after", f"{first:.1f} s", "10 s")
    for replicas in SIZES:
        cost = time_stack(base, dataset, replicas)
        table.add_row(f"one core, a stack of {replicas}, only steps", f"{cost:.3f} ms per replica-step", "")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
