"""Compares the screens of two versions of clipwatch: `python benchmarks/compare.py PYTHON PYTHON [ROUNDS]`.

Each PYTHON is an interpreter with clipwatch installed. They take turns drawing the events of two lanes at full speed,
so that other load on the machine affects both. On two cores, 1 % of a core is 0.5 % of the training speed.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

from pseudoterminal import CLIPWATCH, Pseudoterminal
from rich.console import Console
from rich.table import Table
from screen import BENCHMARKS, percentile, press_keys

SIZE = (160, 45)
KEYS, SECONDS = 40, 5
# Events per second of two lanes at 1000 steps per second that are evaluated every 10 steps.
RATE = 200
EVENTS = 16 * RATE
ROWS = ("processor time, % of a core", "written, KiB/s", "key to changed screen, p50, ms", "p95, ms")


def processor_seconds(process: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(python: str) -> list[float]:
    """The values of `ROWS`, first without keys, then with keys pressed."""
    # Both versions draw the events of the same program.
    engine = f"{sys.executable} {BENCHMARKS / 'flood.py'} {EVENTS} {RATE}"
    with Pseudoterminal(SIZE, [*CLIPWATCH, "--engine-command", engine], python) as terminal:
        terminal.read_until(b"steps/s")
        terminal.read_for(1)
        used, written, since = processor_seconds(terminal.process.pid), len(terminal.output), time.perf_counter()
        terminal.read_for(SECONDS)
        took = time.perf_counter() - since
        used, written = processor_seconds(terminal.process.pid) - used, len(terminal.output) - written
        waits = press_keys(terminal, KEYS)
    return [100 * used / took, written / took / 1024, *(1000 * percentile(waits, percent) for percent in (50, 95))]


def main() -> None:
    """Print a table with the median, smallest and largest value over all rounds."""
    pythons, rounds = sys.argv[1:3], int(sys.argv[3]) if len(sys.argv) > 3 else 5
    found: dict[str, list[list[float]]] = {python: [] for python in pythons}
    for turn in range(rounds):
        for python in pythons[:: -1 if turn % 2 else 1]:
            found[python].append(measure(python))
    table = Table("what", *pythons, title="{}x{}, {} rounds".format(*SIZE, rounds))
    for row, what in enumerate(ROWS):
        columns = [[one[row] for one in found[python]] for python in pythons]
        table.add_row(what, *(f"{statistics.median(one):.1f} ({min(one):.1f} to {max(one):.1f})" for one in columns))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
