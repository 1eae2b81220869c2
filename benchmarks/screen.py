"""The cost of the screen to training, and its response times: `python benchmarks/screen.py [DIR]`.

DIR holds the four MNIST files; without it the data set is found or downloaded as clipwatch does. It takes about seven
minutes. Runs with and without a screen take turns, so that other load on the machine affects both.
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

from clipwatch.tui.charts.chart import render_chart

SIZES = ((160, 45), (220, 60))
ROUNDS, ITERATIONS = 11, 3000
STARTS = 5
KEYS = 120
PACE = 300
EVENTS = 1_000_000
BENCHMARKS = Path(__file__).parent
# Four charts, which a terminal of 160x45 does not have by itself.
CHARTS = ("--charts", "loss,accuracy,grad-norm,clipped")
Figures = dict[str, str]


def screen_speed(size: tuple[int, int], options: Sequence[str]) -> float:
    """Steps per second of a lane with a screen, from the summary that it prints at the end."""
    with Pseudoterminal(size, [*CLIPWATCH, *options, "--quit-when-done"]) as terminal:
        seconds = re.findall(r"[\d,]+ in ([\d.]+) s", terminal.finish())
    return statistics.mean(ITERATIONS / float(one) for one in seconds)


def speeds(options: Sequence[str]) -> list[Figures]:
    """For each size, the speed with a screen as a share of that without: the median of pairs."""
    run = [*options, "--iterations", str(ITERATIONS), "--pace", "max"]
    screens = {size: partial(screen_speed, size, [*run, *CHARTS]) for size in SIZES}
    speed, found = shares(lambda: headless_speed(run), screens, ROUNDS)
    return [
        {
            "training without a screen, per lane": f"{speed:,.0f} steps/s",
            f"share with the screen (median of {ROUNDS} pairs)": f"{statistics.median(found[size]):.1%}",
            "  95 % interval of the median": interval(found[size]),
        }
        for size in SIZES
    ]


def first_frame(size: tuple[int, int], options: Sequence[str]) -> float:
    """Seconds from the start of the process to the title line."""
    with Pseudoterminal(size, [*CLIPWATCH, *options]) as terminal:
        return terminal.read_until(b"clipwatch")


def run_probed(size: tuple[int, int], options: Sequence[str], use: Callable[[Pseudoterminal], None]) -> dict[str, list]:
    """Run clipwatch with probes, call `use` on its terminal, and return the probes' data."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probe.json"
        with Pseudoterminal(size, [str(BENCHMARKS / "probe.py"), str(file), *options]) as terminal:
            use(terminal)
        return json.loads(file.read_text())


def press_keys(terminal: Pseudoterminal, keys: int = KEYS) -> list[float]:
    """Seconds from each of many keys, typed at random times, to its response on the screen."""
    waits, generator = [], random.Random(0)
    for number in range(keys):
        terminal.read_for(generator.uniform(0.04, 0.1))
        seen, answer = len(terminal.output), (b"Linear scales", b"Logarithmic scales")[number % 2 == 0]
        pressed = terminal.press("l")
        terminal.read_until(answer, since=seen)
        waits.append(time.perf_counter() - pressed)
    return waits


def measure_full_speed(size: tuple[int, int], options: Sequence[str]) -> Figures:
    """Response to keys, gaps of the event loop, and frames, while the lanes run at full speed."""
    waits: list[float] = []

    def use(terminal: Pseudoterminal) -> None:
        terminal.read_until(b"steps/s")
        waits.extend(press_keys(terminal))

    seen = run_probed(size, [*options, "--iterations", "1000000", "--pace", "max"], use)
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


def measure_below_full_speed(size: tuple[int, int], options: Sequence[str]) -> Figures:
    """The frames at a speed limit that leaves processor time unused."""

    def use(terminal: Pseudoterminal) -> None:
        terminal.read_until(b"steps/s")
        terminal.read_for(4)

    seen = run_probed(size, [*options, "--iterations", "1000000", "--pace", str(PACE)], use)
    frames = [frame for frame in seen["frames"] if frame["events"] and frame["charts"]]
    return {f"everything at a speed limit of {PACE}": rate(frames)}


def measure_flood(size: tuple[int, int]) -> Figures:
    """Memory and frames during a million events: late frames with charts against early ones."""
    engine = f"{sys.executable} {BENCHMARKS / 'flood.py'} {EVENTS}"
    seen = run_probed(size, ["--engine-command", engine, "--quit-when-done"], lambda terminal: str(terminal.finish()))
    frames = [frame for frame in seen["frames"] if frame["charts"]]
    early = [frame for frame in frames if EVENTS / 50 < frame["events"] < EVENTS / 10]
    late = [frame for frame in frames if frame["events"] > EVENTS * 0.9]
    before, after = (statistics.median(frame["seconds"] for frame in part) * 1e3 for part in (early, late))
    return {
        f"memory growth over {EVENTS:,} events": f"{frames[-1]['memory'] - early[0]['memory']:.1f} MB",
        "a frame with charts, early and late in them": f"{before:.1f} {after:.1f} ms",
    }


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def rate(frames: Sequence[dict[str, float]]) -> str:
    """Frames per second on average, and at the 95th percentile of the intervals."""
    intervals = [after["at"] - before["at"] for before, after in pairwise(frames)]
    return f"{1 / statistics.mean(intervals):.1f} Hz ({1 / percentile(intervals, 95):.1f})"


def measure(size: tuple[int, int], options: Sequence[str]) -> Figures:
    """All figures but the training's speed, for one size of the terminal."""
    width, height = size
    long = chart([curve(100_000, seed) for seed in (0, 1)], width // 2, round(height * 0.62) - 3)
    first = statistics.median(first_frame(size, options) for _ in range(STARTS))
    return {
        f"first frame (median of {STARTS})": f"{first:.2f} s",
        **measure_full_speed(size, options),
        **measure_below_full_speed(size, options),
        "a chart of 100,000 points per lane": f"{redraw(lambda: render_chart(long)):.1f} ms",
        **measure_flood(size),
    }


TARGETS = {
    "share": "94 %",
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
    """Print a table."""
    options = mnist_options()
    columns = [{**speed, **measure(size, options)} for size, speed in zip(SIZES, speeds(options), strict=True)]
    table = Table(title=f"The screen with both lanes on MNIST, {os.cpu_count()} cores; rates: mean (slowest 5 %)")
    table.add_column("what")
    for heading in (*("{}x{}".format(*size) for size in SIZES), "target"):
        table.add_column(heading, justify="right")
    for what in columns[0]:
        target = next((target for start, target in TARGETS.items() if what.startswith(start)), "")
        table.add_row(what, *(column[what] for column in columns), target)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
