"""What the screen costs the training, and how quickly it answers: `python benchmarks/screen.py [DIR]`.

DIR holds the four MNIST files; without it the data set is found or fetched as clipwatch does. It takes about seven
minutes. Runs without a screen and with one take turns, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

from charts import chart, curve, redraw
from headless import headless_speed, interval, mnist_options, shares
from pseudoterminal import CLIPWATCH, Pseudoterminal
from rich.console import Console
from rich.table import Table

SIZES = ((160, 45), (220, 60))
ROUNDS, ITERATIONS = 11, 3000
STARTS = 5
KEYS = 120
PACE = 300
EVENTS = 1_000_000
HERE = Path(__file__).parent
Figures = dict[str, str]


def screen_speed(size: tuple[int, int], options: Sequence[str]) -> float:
    """Steps per second and lane under a screen, from the summary that it leaves behind."""
    with Pseudoterminal(size, [*CLIPWATCH, *options, "--quit-when-done"]) as terminal:
        seconds = re.findall(r"[\d,]+ in ([\d.]+) s", terminal.finish())
    return statistics.mean(ITERATIONS / float(one) for one in seconds)


def speeds(options: Sequence[str]) -> list[Figures]:
    """For every size the share of the training's speed that is kept, as a median of pairs."""
    run = [*options, "--iterations", str(ITERATIONS), "--pace", "max"]
    screens = {size: partial(screen_speed, size, run) for size in SIZES}
    alone, kept = shares(lambda: headless_speed(run), screens, ROUNDS)
    return [
        {
            "training without a screen, each lane": f"{alone:,.0f} steps/s",
            f"kept under the screen (median of {ROUNDS} pairs)": f"{statistics.median(kept[size]):.1%}",
            "  95 % interval of the median": interval(kept[size]),
        }
        for size in SIZES
    ]


def first_frame(size: tuple[int, int], options: Sequence[str]) -> float:
    """Seconds from the start of the process to the title line."""
    with Pseudoterminal(size, [*CLIPWATCH, *options]) as terminal:
        return terminal.read_until(b"clipwatch")


def probed(size: tuple[int, int], options: Sequence[str], use: Callable[[Pseudoterminal], None]) -> dict[str, list]:
    """What the instruments saw of a run that was used so."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probe.json"
        with Pseudoterminal(size, [str(HERE / "probe.py"), str(file), *options]) as terminal:
            use(terminal)
        return json.loads(file.read_text())


def press_keys(terminal: Pseudoterminal, keys: int = KEYS) -> list[float]:
    """Seconds from each of many keys, typed at odd moments, to the words on the screen that answer it."""
    waits, odd = [], random.Random(0)
    for number in range(keys):
        terminal.read_for(odd.uniform(0.04, 0.1))
        seen, answer = len(terminal.output), (b"linear scale", b"logarithmic scale")[number % 2 == 0]
        pressed = terminal.press("l")
        terminal.read_until(answer, since=seen)
        waits.append(time.perf_counter() - pressed)
    return waits


def at_full_speed(size: tuple[int, int], options: Sequence[str]) -> Figures:
    """Keys, the loop's gaps and the frames while the lanes run as fast as they can."""
    waits: list[float] = []

    def use(terminal: Pseudoterminal) -> None:
        terminal.read_until(b"steps/s")
        waits.extend(press_keys(terminal))

    seen = probed(size, [*options, "--iterations", "1000000", "--pace", "max"], use)
    gaps = [after - before for before, after in pairwise(seen["beats"])]
    frames = [frame for frame in seen["frames"] if frame["events"]]
    took = frames[-1]["at"] - frames[0]["at"]
    return {
        "key to changed screen, p50": f"{percentile(waits, 50) * 1e3:.0f} ms",
        "key to changed screen, p95": f"{percentile(waits, 95) * 1e3:.0f} ms",
        "key to changed screen, p99": f"{percentile(waits, 99) * 1e3:.0f} ms",
        "longest gap in the screen's loop": f"{max(gaps) * 1e3:.0f} ms",
        "log panes at full speed": rate(frames),
        "charts at full speed": rate([frame for frame in frames if frame["charts"]]),
        "processor time of the screen": f"{(frames[-1]['cpu'] - frames[0]['cpu']) / took:.1%} of a core",
    }


def below_full_speed(size: tuple[int, int], options: Sequence[str]) -> Figures:
    """The frames at a pace that leaves room."""

    def use(terminal: Pseudoterminal) -> None:
        terminal.read_until(b"steps/s")
        terminal.read_for(4)

    seen = probed(size, [*options, "--iterations", "1000000", "--pace", str(PACE)], use)
    frames = [frame for frame in seen["frames"] if frame["events"] and frame["charts"]]
    return {f"everything at pace {PACE}": rate(frames)}


def under_a_flood(size: tuple[int, int]) -> Figures:
    """Memory and frames while a million events come in: late frames against early ones, all with charts."""
    engine = f"{sys.executable} {HERE / 'flood.py'} {EVENTS}"
    seen = probed(size, ["--engine-command", engine, "--quit-when-done"], lambda terminal: str(terminal.finish()))
    frames = [frame for frame in seen["frames"] if frame["charts"]]
    early = [frame for frame in frames if EVENTS / 50 < frame["events"] < EVENTS / 10]
    late = [frame for frame in frames if frame["events"] > EVENTS * 0.9]
    before, after = (statistics.median(frame["seconds"] for frame in part) * 1e3 for part in (early, late))
    return {
        f"memory grown over {EVENTS:,} events": f"{frames[-1]['memory'] - early[0]['memory']:.1f} MB",
        "a frame with charts near their beginning and end": f"{before:.1f} {after:.1f} ms",
    }


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many per cent do not exceed."""
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def rate(frames: Sequence[dict[str, float]]) -> str:
    """Frames per second, and as many as the slowest twentieth of their distances would make."""
    distances = [after["at"] - before["at"] for before, after in pairwise(frames)]
    return f"{1 / statistics.mean(distances):.1f} Hz ({1 / percentile(distances, 95):.1f})"


def measure(size: tuple[int, int], options: Sequence[str]) -> Figures:
    """Everything but the training's speed, in one terminal size."""
    width, height = size
    long = chart([curve(100_000, seed) for seed in (0, 1)], width // 2, round(height * 0.62) - 3)
    first = statistics.median(first_frame(size, options) for _ in range(STARTS))
    return {
        f"first frame (median of {STARTS})": f"{first:.2f} s",
        **at_full_speed(size, options),
        **below_full_speed(size, options),
        "a chart of 100,000 points a lane": f"{redraw(long):.1f} ms",
        **under_a_flood(size),
    }


TARGETS = {
    "kept": "95 %",
    "first frame": "0.5 s",
    "key to changed screen, p95": "50 ms",
    "key to changed screen, p99": "100 ms",
    "longest gap": "150 ms",
    "log panes": "5 Hz",
    "charts": "3 Hz",
    "everything": "10 Hz",
    "a chart": "10 ms",
    "memory": "20 MB",
    "a frame with": "the same",
}


def main() -> None:
    """Print one table."""
    options = mnist_options()
    columns = [{**speed, **measure(size, options)} for size, speed in zip(SIZES, speeds(options), strict=True)]
    table = Table(title=f"The screen over both lanes on MNIST, {os.cpu_count()} cores; rates: mean (slowest twentieth)")
    table.add_column("what")
    for heading in (*("{}x{}".format(*size) for size in SIZES), "promised"):
        table.add_column(heading, justify="right")
    for what in columns[0]:
        target = next((target for start, target in TARGETS.items() if what.startswith(start)), "")
        table.add_row(what, *(column[what] for column in columns), target)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
