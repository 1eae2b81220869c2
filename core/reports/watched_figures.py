"""The figures of a watched loop's loss and metrics."""

from __future__ import annotations

import numpy as np

from ..stream.experiment_info import MetricInfo
from ..stream.series import evaluated_values
from .drawing import add_legend, as_svg, drawing_style, line_style, new_axes
from .figures import mark_changes
from .gradient_figure import in_blocks
from .phrases import Words
from .run_summary import LaneSummary, RunSummary

# The most blocks of steps in a line with its band.
_BLOCKS = 120


def step_figure(run: RunSummary, words: Words, series: str, label: str, name: str) -> str:
    """A series of single steps: medians of blocks, in a band from the smallest to the largest value."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 2.6)
        curves = {}
        for lane in run.lanes:
            if not gives(lane, series) or lane.steps is None:
                continue
            steps, low, middle, high = in_blocks(lane.steps.steps, lane.steps.series[series], _BLOCKS)
            style = line_style(lane.number)
            axes.fill_between(steps, low, high, color=style["color"], alpha=0.2, linewidth=0)
            (curves[lane.name],) = axes.plot(steps, middle, **style, linewidth=1.4, markevery=max(1, len(steps) // 8))
        mark_changes(axes, run)
        axes.set_xlabel(words.plain("step"))
        axes.set_ylabel(label)
        add_legend(axes, list(curves.values()), list(curves))
        return as_svg(figure, name)


def evaluation_figure(run: RunSummary, words: Words, metric: MetricInfo, label: str, name: str) -> str:
    """A metric of the evaluations, each a point."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 2.6)
        curves = {}
        for lane in run.lanes:
            points = [(event.step, evaluated_values(event).get(metric.name, np.nan)) for event in lane.evaluations]
            if points:
                steps, values = zip(*points, strict=True)
                drawn = np.where(np.abs(values) < 1e300, values, np.nan)
                (curves[lane.name],) = axes.plot(steps, drawn, **line_style(lane.number), linewidth=1.4, markersize=3.5)
        mark_changes(axes, run)
        axes.set_xlabel(words.plain("step"))
        axes.set_ylabel(label)
        add_legend(axes, list(curves.values()), list(curves))
        return as_svg(figure, name)


def gives(lane: LaneSummary, series: str) -> bool:
    """Whether a loop gave this series at any step."""
    values = lane.steps.series.get(series) if lane.steps else None
    return values is not None and bool(np.isfinite(values).any())
