"""The figures of a comparison of runs: a metric of the evaluations of all lanes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..runs.compared import ComparedLane
from ..runs.event_table import EventTable
from ..stream.experiment_info import MetricInfo
from .drawing import TOP_OF_SHARES, add_legend, as_svg, drawing_style, line_style, new_axes
from .phrases import Words

# Evaluations in a moving average, and the most points of a line.
WINDOW, MOST_POINTS = 5, 500
# From this many times the median on, the largest value makes the scale logarithmic.
DECADES = 30

Floats = NDArray[np.float64]


def comparison_figure(
    lanes: Mapping[str, ComparedLane],
    tables: Mapping[int, EventTable],
    metric: MetricInfo,
    label: str,
    words: Words,
    name: str,
) -> str:
    """A line for each lane that has values, by its mark. `tables` are the events of the runs."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 3.4)
        curves = {}
        for mark, lane in lanes.items():
            steps, values = curve(tables[lane.run], lane, metric)
            if not np.isfinite(values).any():
                continue
            style = line_style(lane.number)
            every = max(1, len(steps) // 8)
            # The markers of the lanes are shifted, so that all are seen where lines coincide.
            first = lane.number * every // max(1, len(lanes)) % every
            (curves[mark],) = axes.plot(steps, values, **style, linewidth=1.5, markersize=4.0, markevery=(first, every))
        if metric.share:
            axes.set_ylim(0, TOP_OF_SHARES)
        elif _spans_decades([line.get_ydata() for line in curves.values()]):
            axes.set_yscale("log")
            label = words.plain("logarithmic", what=label)
        axes.set_xlabel(words.plain("step"))
        axes.set_ylabel(label)
        if curves:
            add_legend(axes, list(curves.values()), list(curves), most=6)
        return as_svg(figure, name)


def _spans_decades(lines: list[Floats]) -> bool:
    """Whether a linear scale would hide the small values: all are above 0, and the largest is much larger."""
    values = np.concatenate(lines) if lines else np.array([])
    values = values[np.isfinite(values)]
    return bool(len(values) and values.min() > 0 and values.max() > DECADES * np.median(values))


def curve(table: EventTable, lane: ComparedLane, metric: MetricInfo) -> tuple[NDArray[np.int64], Floats]:
    """Steps and averages of a lane's evaluations; a forked lane's begin with its parent's last one."""
    steps, values = _evaluations(table, lane.state.name, metric)
    values = _averages(values)
    if lane.state.parent and lane.state.forked_at is not None:
        before, of_parent = _evaluations(table, lane.state.parent, metric)
        count = int(np.searchsorted(before, lane.state.forked_at))
        steps = np.append(before[:count][-1:], steps)
        values = np.append(_averages(of_parent[:count])[-1:], values)
    stride = -(-len(steps) // MOST_POINTS) if len(steps) else 1
    return steps[::stride], values[::stride]


def _evaluations(table: EventTable, lane: str, metric: MetricInfo) -> tuple[NDArray[np.int64], Floats]:
    """The steps and values of a lane, each step once. What is beyond 1e300 cannot be drawn."""
    rows = table.evaluations.of(lane)
    steps, first = np.unique(table.evaluations.steps[rows], return_index=True)
    values = table.evaluations.values(metric.name)[rows][first]
    return steps, np.where(np.abs(values) < 1e300, values, np.nan)


def _averages(values: Floats) -> Floats:
    """Centred moving averages, of fewer values at the ends; NaN where one is missing."""
    if not len(values):
        return values
    kernel = np.ones(WINDOW)
    reach = WINDOW // 2
    sums = np.convolve(values, kernel)[reach : reach + len(values)]
    return sums / np.convolve(np.ones(len(values)), kernel)[reach : reach + len(values)]
