"""The screen of one clipwatch against another's: `python benchmarks/compare.py PYTHON PYTHON [ROUNDS]`.

Each PYTHON is an interpreter with a clipwatch installed. Both draw what two lanes at full speed say, in turn, so that
whatever else the machine does meets both. On two cores, one per cent of a core is half a per cent of the training.
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
from screen import HERE, percentile, press_keys

SIZE = (160, 45)
KEYS, SECONDS = 40, 5
# Two lanes of a thousand steps a second, evaluated at every tenth.
RATE = 200
EVENTS = 16 * RATE
ROWS = ("processor time, % of a core", "written, KiB/s", "key to changed screen, p50, ms", "p95, ms")


def processor_seconds(process: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def figures(python: str) -> list[float]:
    """Those of `ROWS`: first nobody types, then somebody does."""
    engine = f"{python} {HERE / 'flood.py'} {EVENTS} {RATE}"
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
    """Print one table: medians over all rounds, and the smallest and largest."""
    pythons, rounds = sys.argv[1:3], int(sys.argv[3]) if len(sys.argv) > 3 else 5
    found: dict[str, list[list[float]]] = {python: [] for python in pythons}
    for turn in range(rounds):
        for python in pythons[:: -1 if turn % 2 else 1]:
            found[python].append(figures(python))
    table = Table("what", *pythons, title="{}x{}, {} rounds".format(*SIZE, rounds))
    for row, what in enumerate(ROWS):
        columns = [[one[row] for one in found[python]] for python in pythons]
        table.add_row(what, *(f"{statistics.median(one):.1f} ({min(one):.1f} to {max(one):.1f})" for one in columns))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
