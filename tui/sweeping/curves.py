"""Accuracy in training as a chart: each setting's median over its seeds, and the middle half of them as a band."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...core.sweeps.results import Results
from ..charts.chart import ChartLane, ChartSpec
from ..charts.curve import Curve
from ..look import Look

# Points along a band's edges, several for each column of any chart.
_EDGE_POINTS = 1200
# With more settings than this their bands would hide each other.
_BANDS = 4


def curve_chart(results: Results, width: int, height: int, look: Look) -> ChartSpec:
    """The chart; its lanes are told apart by symbol and colour, as the settings are elsewhere on the screen."""
    settings = results.started.config.settings
    return ChartSpec(
        title="accuracy: median" + (", middle half" if len(settings) <= _BANDS else ""),
        width=width,
        height=height,
        lanes=tuple(_lanes(results, look)),
        first=0,
        last=max(setting.config.iterations for setting in settings),
        bounds=(0, 1),
        smoothing=0,
        palette=look.palette,
        ascii=look.ascii,
    )


def _lanes(results: Results, look: Look) -> Iterator[ChartLane]:
    settings = results.started.config.settings
    for setting in settings:
        median, band = quartile_curves(results, setting.number)
        colour = look.lane_colour(setting.number)
        yield ChartLane("", colour, median, band=band if len(settings) <= _BANDS else None)


def quartile_curves(results: Results, setting: int) -> tuple[Curve, Curve]:
    """The median at each step that was measured, and the band: the quartiles in turn, a step after another."""
    by_step: dict[int, list[float]] = {}
    for replica in results.of(setting).values():
        for step, _, accuracy in replica.curve:
            by_step.setdefault(step, []).append(accuracy)
    median, band = Curve(), Curve()
    if not by_step:
        return median, band
    steps = sorted(by_step)
    low, middle, high = np.array([np.quantile(by_step[step], (0.25, 0.5, 0.75)) for step in steps]).T
    for step, value in zip(steps, middle.tolist(), strict=True):
        median.append(step, value)
    spacing = max(1, (steps[-1] - steps[0]) // _EDGE_POINTS)
    for place, step in enumerate(range(steps[0], steps[-1] + 1, spacing)):
        band.append(step, float(np.interp(step, steps, (low, high)[place % 2])))
    return median, band
