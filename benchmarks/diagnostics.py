"""The cost of the diagnostics: `python benchmarks/diagnostics.py [DIR]`; DIR holds the four MNIST files.

Runs with and without diagnostics take turns, so that other load on the machine affects both. Processor time varies less
than wall-clock time when other programs run at the same time.
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
    """Steps per second of a lane, and processor seconds of the whole run."""
    data = {"dataset": "mnist", "data_dir": sys.argv[1]} if len(sys.argv) > 1 else {}
    started = time.process_time()
    config = RunConfig(iterations=ITERATIONS, **data, **settings)
    ends = [event for event in Engine(config).run() if isinstance(event, LaneFinished)]
    return statistics.mean(end.step / end.training_seconds for end in ends), time.process_time() - started


def spread(shares: list[float]) -> str:
    """Format the median, the worst and the best share."""
    return f"{statistics.median(shares):.1%} ({min(shares):.1%} {max(shares):.1%})"


def main() -> None:
    """Print a table."""
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
    speed = f"{statistics.median(bare):,.0f} steps/s per lane without diagnostics"
    title = f"{speed}; {ROUNDS} pairs: median (worst, best); target 95 %"
    table = Table(title=title)
    for heading in ("measured at", "share of steps per second", "by processor time"):
        table.add_column(heading)
    for every in EVERY:
        table.add_row(f"1 evaluation in {every}", spread(speeds[every]), spread(processor[every]))
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
