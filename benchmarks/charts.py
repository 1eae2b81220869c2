"""The cost of the charts: milliseconds per redraw, and the memory of long curves. `python benchmarks/charts.py`."""

from __future__ import annotations

import gc
import timeit
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np

from clipwatch.core.stream.measures import BINS
from clipwatch.tui.charts.chart import render_chart
from clipwatch.tui.charts.chart_spec import ChartLane, ChartSpec, Mark
from clipwatch.tui.charts.curve import Curve
from clipwatch.tui.charts.heat_map import render_heat_map
from clipwatch.tui.charts.heat_map_spec import Bound, HeatLane, HeatMapSpec

LENGTHS = (100, 100_000, 1_000_000)
SIZES = ((80, 20), (110, 26))
POINTS = 1_000_000
MEASUREMENTS = 10_000
MARKS = (Mark(3, 0, "none"), Mark(60, 1, "norm:1.0"))


def curve(length: int, seed: int) -> Curve:
    """A curve with noise that decays, with a value every 10 steps."""
    rng = np.random.default_rng(seed)
    values = 0.4 + 1.9 * np.exp(-4 * np.arange(length) / length) + rng.normal(0, 0.12, length)
    result = Curve()
    for index, value in enumerate(values.tolist()):
        result.append(10 * index, value)
    return result


def chart(curves: list[Curve], width: int, height: int) -> ChartSpec:
    """A chart of both lanes over all their steps, with marks and a cursor."""
    lanes = tuple(
        ChartLane(name, color, one)
        for name, color, one in zip(("unclipped", "clipped"), ("#7aa2f7", "#ff9e64"), curves, strict=True)
    )
    return ChartSpec("loss", width, height, lanes, 0, 10 * len(curves[0]), marks=MARKS, cursor=500)


def heat_map(measurements: int, width: int, height: int) -> HeatMapSpec:
    """A heat map of two lanes, one of them clipped, with a measurement every 10 steps."""
    rng, bins = np.random.default_rng(0), np.arange(BINS)
    steps = 10 * np.arange(measurements)
    counts = rng.poisson(6000 * np.exp(-(((bins - 24) / 5) ** 2)), (measurements, BINS))
    zeros = rng.poisson(9000, measurements)
    lanes = (
        HeatLane("A", "#7aa2f7", steps, counts, zeros),
        HeatLane("B", "#ff9e64", steps, counts, zeros, bounds=(Bound(0, -1e-3, 1e-3),)),
    )
    return HeatMapSpec("log10 |g|, share of elements", width, height, lanes, 0, 10 * measurements, cursor=500)


def redraw(render: Callable[[], object]) -> float:
    """Milliseconds per redraw: the best of several rounds, because other programs can only slow it down."""
    render()
    return min(timeit.repeat(render, number=10, repeat=10)) * 100


def memory() -> float:
    """Megabytes of a curve of a million points that was smoothed once."""
    values = np.random.default_rng(0).random(POINTS).tolist()
    gc.collect()
    tracemalloc.start()
    result = Curve()
    for index in range(POINTS):
        result.append(10 * index, values[index])
    result.smoothed(0, 10 * POINTS, 160, 0.9)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return grown / 1e6


def main() -> None:
    """Print the table."""
    print("points/lane   " + "".join(f"{f'{w}x{h}':>10}" for w, h in SIZES) + "   (ms per redraw, two lanes)")
    for length in LENGTHS:
        curves = [curve(length, seed) for seed in (0, 1)]
        times = [redraw(partial(render_chart, chart(curves, *size))) for size in SIZES]
        print(f"{length:>13,}" + "".join(f"{time:10.2f}" for time in times))
    times = [redraw(partial(render_heat_map, heat_map(MEASUREMENTS, *size))) for size in SIZES]
    print("heat map     " + "".join(f"{time:10.2f}" for time in times) + f"   ({MEASUREMENTS:,} measurements a lane)")
    print(f"{POINTS:,} points take {memory():.1f} MB in a curve")


if __name__ == "__main__":
    main()
