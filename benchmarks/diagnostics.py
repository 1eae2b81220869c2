"""The cost of the diagnostics: `python benchmarks/diagnostics.py [DIR]`; DIR holds the four MNIST files.

Runs with and without diagnostics take turns, so that other load on the machine affects both. Processor time varies less
than wall-clock time when other programs run at the same time.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from clipwatch.core.diagnostics.step_log import StepLog
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


@contextmanager
def no_step_log() -> Iterator[None]:
    """Train without the log of every step."""
    with patch.object(StepLog, "add", lambda *_: None), patch.object(StepLog, "take", lambda *_: None):
        yield


def main() -> None:
    """Print a table."""
    run()
    shares: dict[str, list[tuple[float, float]]] = {}
    bare: list[float] = []
    for _ in range(ROUNDS):
        without = run(diagnostics=False)
        bare.append(without[0])
        for every in EVERY:
            name = f"everything, measured at 1 evaluation in {every}"
            shares.setdefault(name, []).append(share(run(diagnose_every=every), without))
        with no_step_log():
            measured = run()
        name = "the log of every step, against the same without it"
        shares.setdefault(name, []).append(share(run(), measured))
    speed = f"{statistics.median(bare):,.0f} steps/s per lane without diagnostics"
    table = Table(title=f"{speed}; {ROUNDS} pairs: median (worst, best)")
    for heading in ("what", "share of steps per second", "by processor time"):
        table.add_column(heading)
    for name, found in shares.items():
        table.add_row(name, *(spread(list(column)) for column in zip(*found, strict=True)))
    Console(width=120).print(table)


def share(run: tuple[float, float], against: tuple[float, float]) -> tuple[float, float]:
    """Steps per second and processor time of a run, as shares of those without what it measures."""
    return run[0] / against[0], against[1] / run[1]


if __name__ == "__main__":
    main()
