"""The cost of recording, and the time to open, seek and list long recordings.

    python benchmarks/recording.py [DIR]

DIR holds the four MNIST files; without it the data set is found or downloaded as clipwatch does.
"""

from __future__ import annotations

import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from flood import LANES, beginning, end
from headless import headless_speed, interval, mnist_options, shares
from pseudoterminal import CLIPWATCH, Pseudoterminal
from rich.console import Console
from rich.table import Table

from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.events import Evaluated, Event, RunFinished, RunStarted

PAIRS, ITERATIONS = 40, 2000
EVENTS, RUNS = 1_000_000, 1000
OPENINGS, SEEKS = 5, 20
SIZE = (160, 45)


def measure_cost(options: Sequence[str], folder: Path, table: Table) -> None:
    """Add rows on training with and without a recording, in turn."""
    run = [*options, "--iterations", str(ITERATIONS)]
    unrecorded, recorded = [*run, "--no-record"], [*run, "--runs-dir", str(folder)]
    others = {"recorded": lambda: headless_speed(recorded)}
    plain, found = shares(lambda: headless_speed(unrecorded), others, PAIRS)
    costs = [1 - share for share in found["recorded"]]
    table.add_row("training unrecorded, per lane", f"{plain:,.0f} steps/s", "")
    table.add_row(f"recording's cost (median of {PAIRS} pairs)", f"{statistics.median(costs):.1%}", "2 %")
    table.add_row("  95 % interval of the median", interval(costs), "")


def million_events() -> Iterator[Event]:
    """The events of a recording with a million evaluations whose numbers have all their digits."""
    generator, steps = random.Random(0), EVENTS // len(LANES)
    yield from beginning(steps)
    for step in range(steps):
        for lane in LANES:
            loss = 0.3 + 2 / (1 + step / 1000) + generator.random() / 10
            yield Evaluated(
                lane=lane,
                step=step,
                loss=loss,
                accuracy=generator.randrange(101) / 100,
                train_loss=loss + generator.random(),
                seconds=step / 1000 + generator.random() / 1000,
            )
    yield from (end(lane, steps) for lane in LANES)
    yield RunFinished(reason="completed", seconds=steps / 1000)


def replay(folder: Path) -> tuple[float, list[float]]:
    """Seconds from the program's start until the recording is shown, and from each key until its seek is shown.

    Each key seeks a twentieth of the recording forward or back.
    """
    steps, waits = EVENTS // len(LANES), []
    with Pseudoterminal(SIZE, [*CLIPWATCH, "replay", str(folder)]) as terminal:
        opened = terminal.read_until(f"/ {steps:,}".encode())
        terminal.press(" ")
        terminal.read_until(b" paused")
        # The pause takes effect after the step that is shown, so the position is read after a first seek.
        terminal.press(">")
        terminal.read_for(1.0)
        position = int(re.findall(rb"at step ([\d,]+):", terminal.output)[-1].replace(b",", b""))
        for number in range(SEEKS):
            forward = number < SEEKS * 3 // 4 - 1
            position += (1 if forward else -1) * (steps // 20)
            terminal.read_for(0.3)
            seen, pressed = len(terminal.output), terminal.press(">" if forward else "<")
            # The line with the difference of the lanes is painted together with the charts.
            terminal.read_until(f"at step {position:,}:".encode(), since=seen)
            waits.append(time.perf_counter() - pressed)
    return opened, waits


def measure_replay(folder: Path, table: Table) -> None:
    """Add rows on replaying a recording of a million events."""
    with (folder / "events.jsonl").open("wb") as file:
        file.writelines(seal(encode(event)) + b"\n" for event in million_events())
    opened, waits = zip(*(replay(folder) for _ in range(OPENINGS)), strict=True)
    keys = sorted(wait for one in waits for wait in one)
    table.add_row(
        f"opening {EVENTS:,} events in replay (median of {OPENINGS})", f"{statistics.median(opened):.2f} s", "2 s"
    )
    table.add_row(
        f"seeking in them, key to screen (median of {len(keys)})", f"{statistics.median(keys) * 1e3:.0f} ms", "100 ms"
    )
    table.add_row("  95th percentile", f"{keys[len(keys) * 95 // 100] * 1e3:.0f} ms", "100 ms")


def measure_list(folder: Path, table: Table) -> None:
    """Add a row on listing many runs."""
    started = next(event for event in beginning(10) if isinstance(event, RunStarted))
    for number in range(RUNS):
        run = msgspec.structs.replace(started, time=86400.0 * number)
        list(Recorder(folder).through([run, RunFinished(reason="completed", seconds=1.0)]))
    program = [sys.executable, *CLIPWATCH, "runs", "--runs-dir", str(folder)]
    seconds = []
    for _ in range(OPENINGS):
        start = time.perf_counter()
        lines = subprocess.run(program, stdout=subprocess.PIPE, check=True).stdout.splitlines()
        seconds.append(time.perf_counter() - start)
        assert len(lines) > RUNS
    table.add_row(
        f"clipwatch runs over {RUNS:,} runs (median of {OPENINGS})", f"{statistics.median(seconds):.2f} s", "1 s"
    )


def main() -> None:
    """Print a table."""
    options = mnist_options()
    table = Table(title=f"Recorded runs, {os.cpu_count()} cores")
    for heading in ("what", "measured", "target"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    with tempfile.TemporaryDirectory() as folder:
        parts = [Path(folder) / name for name in ("trained", "million", "listed")]
        for part in parts:
            part.mkdir()
        measure_cost(options, parts[0], table)
        measure_replay(parts[1], table)
        measure_list(parts[2], table)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
