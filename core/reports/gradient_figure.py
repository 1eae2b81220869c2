"""The figure of the gradient's norm over the steps, and below it of the share of it that was clipped."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..stream.rules import NoClip, NormClip, RecordedRule, SignClip, ValueClip, recorded_rule
from .drawing import add_legend, as_svg, drawing_style, line_style
from .figures import mark_changes
from .phrases import Words
from .run_summary import LaneSummary, RunSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# The most blocks of steps in the band of norms, and in lines.
_BAND, _LINE = 200, 60
_ROW_HEIGHTS = (2.5, 1.6)
# Draws a lane into a chart; returns its line for the legend.
Draw = Callable[["Axes", LaneSummary, Words], Any]


def gradient_figure(run: RunSummary, words: Words, name: str) -> str:
    """The norm before clipping, and below it the elements or steps clipped, as far as the lanes' rules clip these."""
    with drawing_style(name):
        rows: list[Draw] = [_draw_norms, *_rows_of_clipping(run)]
        heights = [_ROW_HEIGHTS[min(number, 1)] for number in range(len(rows))]
        figure, charts = _stacked(heights)
        for axes, draw in zip(charts, rows, strict=True):
            curves = {lane.name: draw(axes, lane, words) for lane in run.lanes}
            mark_changes(axes, run)
            if draw is _draw_norms:
                _scale_norms(axes, words)
                drawn = {name: curve for name, curve in curves.items() if curve}
                add_legend(axes, list(drawn.values()), list(drawn))
        charts[-1].set_xlabel(words.plain("step"))
        return as_svg(figure, name)


def _stacked(heights: list[float]) -> tuple[Any, list[Axes]]:
    """A figure with charts of these heights below each other, which share their steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.6, sum(heights) + 0.5), layout="constrained")
    charts = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)
    return figure, list(charts[:, 0])


def _rows_of_clipping(run: RunSummary) -> list[Draw]:
    """What there is to draw of what the rules clip: shares of elements, and of steps for rules that scale."""
    elements = any(lane.measured and _clips_elements(lane) for lane in run.lanes)
    steps = any(lane.steps and _scales(lane) for lane in run.lanes)
    return [_draw_elements] * elements + [_draw_steps] * steps


def _rules(lane: LaneSummary) -> list[RecordedRule]:
    """Every rule that the lane had and that clips."""
    rules = map(recorded_rule, (lane.rule, *lane.rules.values))
    return [rule for rule in rules if not isinstance(rule, NoClip)]


def _clips_elements(lane: LaneSummary) -> bool:
    return any(isinstance(rule, ValueClip | SignClip) for rule in _rules(lane))


def _scales(lane: LaneSummary) -> bool:
    """Whether a rule, or a watched loop of its own accord, scales the gradient."""
    if lane.watched and lane.steps is not None and lane.steps.clipped.any():
        return True
    return any(not isinstance(rule, ValueClip | SignClip) for rule in _rules(lane))


def _draw_norms(axes: Axes, lane: LaneSummary, words: Words) -> Any:
    """A line of medians in a band from the smallest to the largest norm, and the bounds of norm rules."""
    if lane.steps:
        steps, low, _, high = in_blocks(lane.steps.steps, lane.steps.norms, _BAND)
        axes.fill_between(steps, low, high, color=line_style(lane.number)["color"], alpha=0.2, linewidth=0)
        steps, _, middle, _ = in_blocks(lane.steps.steps, lane.steps.norms, _LINE)
    elif lane.measured:
        steps = np.array([event.step for event in lane.measured])
        middle = np.array([event.total.norm for event in lane.measured])
        middle = np.where(np.isfinite(middle), middle, np.nan)
    else:
        return None
    _draw_bounds(axes, lane)
    return _line(axes, lane, steps, middle)


def _line(axes: Axes, lane: LaneSummary, steps: NDArray[Any], values: NDArray[Any]) -> Any:
    style, spacing = line_style(lane.number), max(1, len(steps) // 10)
    # The markers of each lane are shifted, so that both are visible if two lanes coincide.
    every = (lane.number * spacing // 2 % spacing, spacing)
    return axes.plot(steps, values, **style, linewidth=1.3, markersize=4, markevery=every)[0]


def in_blocks(steps: NDArray[Any], values: NDArray[Any], count: int) -> tuple[NDArray[Any], ...]:
    """Middle step, minimum, median and maximum of at most `count` blocks of steps; NaN where no value is finite."""
    size = -(-len(steps) // count)
    parts = [values[at : at + size] for at in range(0, len(steps), size)]
    finite = [part[np.isfinite(part)] for part in parts]
    figures = [np.percentile(part, (0, 50, 100)) if len(part) else [np.nan] * 3 for part in finite]
    return (_middles(steps, size), *np.array(figures).T)


def _middles(steps: NDArray[Any], size: int) -> NDArray[Any]:
    """The middle step of each block of `size` steps."""
    firsts = np.arange(0, len(steps), size)
    return steps[(firsts + np.minimum(firsts + size, len(steps)) - 1) // 2]


def _draw_bounds(axes: Axes, lane: LaneSummary) -> None:
    """The bound of each norm rule, over the steps at which it held."""
    rules = zip(lane.rules.steps, lane.rules.values, strict=True)
    for (first, rule), (beyond, _) in pairwise([*rules, (lane.step, "")]):
        clip = recorded_rule(rule)
        if isinstance(clip, NormClip) and first < beyond:
            colour = line_style(lane.number)["color"]
            axes.plot([first, beyond], [clip.bound] * 2, color=colour, linestyle=":", linewidth=1.5)


def _scale_norms(axes: Axes, words: Words) -> None:
    """A logarithmic scale if any norm is above 0; a norm of 0 is below it."""
    from matplotlib.ticker import LogLocator, NullFormatter

    what = words.plain("gradient_norm")
    drawn = np.concatenate([np.ravel(line.get_ydata()) for line in axes.lines] or [np.array([])])
    if (drawn > 0).any():
        axes.set_yscale("log", nonpositive="clip")
        # Matplotlib's own labels are mathematics, which is not text in an SVG.
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        lowest, highest = axes.get_ylim()
        if highest < 1000 * lowest:
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        what = words.plain("logarithmic", what=what)
    axes.set_ylabel(what)


def _draw_elements(axes: Axes, lane: LaneSummary, words: Words) -> Any:
    axes.set_ylabel(words.plain("elements_clipped"))
    axes.set_ylim(-3, 103)
    if lane.measured and _clips_elements(lane):
        shares = np.array([100 * event.total.clipped_share for event in lane.measured])
        _line(axes, lane, np.array([event.step for event in lane.measured]), shares)


def _draw_steps(axes: Axes, lane: LaneSummary, words: Words) -> Any:
    axes.set_ylabel(words.plain("steps_clipped"))
    axes.set_ylim(-3, 103)
    if lane.steps and _scales(lane):
        size = -(-len(lane.steps.steps) // _LINE)
        firsts = np.arange(0, len(lane.steps.steps), size)
        counts = np.diff(np.append(firsts, len(lane.steps.steps)))
        shares = np.add.reduceat(lane.steps.clipped.astype(float), firsts) / counts
        _line(axes, lane, _middles(lane.steps.steps, size), 100 * shares)
