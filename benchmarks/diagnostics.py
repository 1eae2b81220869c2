"""What measuring the clip costs: `python benchmarks/diagnostics.py [DIR]`; DIR holds the four MNIST files.

Runs with and without diagnostics take turns, so that whatever else the machine does meets both. Processor time is
steadier than the clock where other programs run beside it.
"""

from __future__ import annotations

import statistics
import sys
import time

from rich.console import Console
from rich.table import Table

from clipwatch.core.engine.engine import Engine
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import LaneFinished

ROUNDS, ITERATIONS = 9, 2000
EVERY = (5, 1)


def run(**settings: object) -> tuple[float, float]:
    """Steps per second and lane, and processor seconds of the whole run."""
    place = {"dataset": "mnist", "data_dir": sys.argv[1]} if len(sys.argv) > 1 else {}
    started = time.process_time()
    config = RunConfig(iterations=ITERATIONS, **place, **settings)
    ends = [event for event in Engine(config).run() if isinstance(event, LaneFinished)]
    return statistics.mean(end.step / end.training_seconds for end in ends), time.process_time() - started


def spread(shares: list[float]) -> str:
    """Median, worst and best."""
    return f"{statistics.median(shares):.1%} ({min(shares):.1%} {max(shares):.1%})"


def main() -> None:
    """Print one table."""
    run()
    speeds: dict[int, list[float]] = {every: [] for every in EVERY}
    processor: dict[int, list[float]] = {every: [] for every in EVERY}
    bare: list[float] = []
    for _ in range(ROUNDS):
        speed, seconds = run(diagnostics=False)
        bare.append(speed)
        for every in EVERY:
            with_speed, with_seconds = run(diagnose_every=every)
            speeds[every].append(with_speed / speed)
            processor[every].append(seconds / with_seconds)
    title = f"{statistics.median(bare):,.0f} steps/s a lane without; {ROUNDS} pairs: median (worst, best); aim 95 %"
    table = Table(title=title)
    for heading in ("measured at", "steps per second kept", "by processor time"):
        table.add_column(heading)
    for every in EVERY:
        table.add_row(f"1 evaluation in {every}", spread(speeds[every]), spread(processor[every]))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
