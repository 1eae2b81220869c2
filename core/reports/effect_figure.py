"""The figure of a gauge over the steps, and of the distribution of gradient elements."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

from ..stream.experiment_info import MetricInfo
from ..stream.measures import BIN_EDGES
from ..stream.rules import ValueClip, recorded_rule
from .drawing import add_legend, as_svg, drawing_style, line_style, new_axes
from .metric_words import metric_name
from .phrases import Words
from .run_summary import DEAD_OUTPUTS, RunSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def effect_figure(run: RunSummary, words: Words, name: str) -> str:
    """Left: the first gauge of every lane, if there is one. Right: the raw gradient's elements, last measured."""
    with drawing_style(name):
        figure, _ = new_axes(6.6, 2.7)
        figure.clear()
        *left, right = figure.subplots(1, 2 if run.gauges else 1, squeeze=False)[0]
        for axes in left:
            _plot_gauge(axes, run, run.gauges[0], words)
        _plot_element_sizes(right, run, words)
        return as_svg(figure, name)


def _plot_gauge(axes: Axes, run: RunSummary, gauge: MetricInfo, words: Words) -> None:
    curves = []
    for number, lane in enumerate(run.lanes):
        points = lane.of_gauge(gauge)
        steps, values = [step for step, _ in points], [value for _, value in points]
        spacing = max(1, len(steps) // 6)
        curves += axes.plot(steps, values, **line_style(number), linewidth=1.5, markersize=4, markevery=spacing)
    if gauge.name == DEAD_OUTPUTS:
        axes.set_ylim(-0.2, 10.2)
    elif gauge.share:
        axes.set_ylim(-0.02, 1.02)
    axes.set_xlabel(words.plain("step"))
    axes.set_ylabel(metric_name(gauge, words))
    add_legend(axes, curves, [lane.name for lane in run.lanes])


def _plot_element_sizes(axes: Axes, run: RunSummary, words: Words) -> None:
    edges = [log10(edge) for edge in BIN_EDGES]
    shown: list[int] = []
    for number, lane in enumerate(run.lanes):
        if not lane.measured:
            continue
        histogram, style = lane.measured[-1].total.histogram, line_style(number)
        shares = [count / max(1, histogram.finite) for count in histogram.counts]
        shown += [bin for bin, count in enumerate(histogram.counts) if count]
        axes.stairs(shares, edges, color=style["color"], linestyle=style["linestyle"], linewidth=1.5)
        for bound in _bounds(lane.rule):
            axes.axvline(log10(bound), color=style["color"], linewidth=1.0, linestyle=":")
    if shown:
        axes.set_xlim(edges[min(shown)] - 0.25, edges[max(shown) + 1] + 0.25)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(words.plain("element_size"))
    axes.set_ylabel(words.plain("share_of_elements"))


def _bounds(rule: str) -> set[float]:
    """The absolute values of a value rule's bounds; empty for other rules."""
    clip = recorded_rule(rule)
    sides = (clip.low, clip.high) if isinstance(clip, ValueClip) else ()
    return {abs(side) for side in sides if side}
