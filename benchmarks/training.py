"""The speed of both lanes against plain eager PyTorch, which trains one after the other; start-up time and memory.

    python benchmarks/training.py [DIR]

DIR holds the four MNIST files; without it the data set is found or downloaded as clipwatch does.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from clipwatch.core.data.datasets import Dataset, load
from clipwatch.core.engine.engine import Engine
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import Evaluated, LaneFinished

ROUNDS = 5
TARGET = 2.5


def time_call(function: Callable[[], object]) -> float:
    """Wall-clock seconds of a call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def train_both_lanes(dataset: Dataset) -> float:
    """Seconds that the engine takes for both lanes, with all evaluations. Checks the events."""
    engine = Engine(RunConfig(settings={"dataset": "mnist"}), load=lambda *_args, **_options: dataset)
    events = list(engine.run())
    assert sum(isinstance(event, Evaluated) for event in events) == 200
    assert sum(isinstance(event, LaneFinished) for event in events) == 2
    return events[-1].seconds


def reference(dataset: Dataset) -> float:
    """Seconds that plain PyTorch takes for both lanes, with a thread for each core."""
    import torch
    from reference import train_lane

    tensors = [
        (torch.from_numpy(split.images)[:, None].float() / 255, torch.from_numpy(split.labels))
        for split in (dataset.training, dataset.validation)
    ]
    torch.set_num_threads(os.cpu_count() or 1)
    return time_call(lambda: [train_lane(*tensors, bound) for bound in (None, 0.001)])


def whole_process(arguments: list[str]) -> tuple[float, float, float]:
    """Seconds to the first line of output and to the end, and peak memory in MB, of one run of the program."""
    command = [sys.executable, "-c", "from clipwatch.tui.cli.main import main; raise SystemExit(main())", *arguments]
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    first = time.perf_counter() - start
    process.stdout.read()
    _, process.returncode, usage = os.wait4(process.pid, 0)
    return first, time.perf_counter() - start, usage.ru_maxrss / 1024


def measure_program(data_dir: str | None, table: Table) -> None:
    """Add rows on the whole program. Call it first, because a child's peak memory starts with that of its parent."""
    run = ["--no-ui", "--dataset", "mnist", *(["--data-dir", data_dir] if data_dir else [])]
    for flag in ("--help", "--version"):
        seconds = statistics.median(whole_process([flag])[1] for _ in range(ROUNDS))
        table.add_row(f"clipwatch {flag}", f"{seconds:.3f} s", "0.15 s")
    figures = zip(*(whole_process(run) for _ in range(3)), strict=True)
    first, total, peak = (statistics.median(column) for column in figures)
    table.add_row("first line of a warm headless run", f"{first:.2f} s", "3 s")
    table.add_row("whole headless run", f"{total:.2f} s", "")
    table.add_row("peak memory of a headless run", f"{peak:.0f} MB", "800 MB")


def measure_training(data_dir: str | None, table: Table) -> None:
    """Add rows on training both lanes, by clipwatch and by plain PyTorch in turn."""
    dataset = load("mnist", data_dir=data_dir, offline=False, report=lambda event: None)
    train_both_lanes(dataset)
    rounds = [(reference(dataset), train_both_lanes(dataset)) for _ in range(ROUNDS)]
    plain, ours = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(slow / fast for slow, fast in rounds)
    table.add_row("plain eager PyTorch, one lane after the other", f"{plain:.2f} s", "")
    table.add_row("clipwatch, both lanes at once", f"{ours:.2f} s", "")
    table.add_row(f"ratio (median of {ROUNDS} pairs)", f"{ratio:.2f}", f"{TARGET}")


def main() -> None:
    """Print a table."""
    data_dir = sys.argv[1] if len(sys.argv) > 1 else None
    title = f"Both lanes, 1000 steps, 100 evaluations each, MNIST, {os.cpu_count()} cores, torch {version('torch')}"
    table = Table(title=title)
    for heading in ("what", "measured", "target"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    measure_program(data_dir, table)
    measure_training(data_dir, table)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
