"""The figure of what the clip did: dead outputs over the steps, and where the gradients' components lie."""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING

from ..stream.measures import BIN_EDGES
from ..stream.rules import ValueClip, recorded_rule
from .drawing import add_legend, as_svg, drawn_as, line_look, new_axes
from .phrases import Words
from .story import RunStory

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def effect_figure(run: RunStory, words: Words, name: str) -> str:
    """Left the dead outputs of every lane, right the sizes of its raw gradient's components when last measured."""
    with drawn_as(name):
        figure, _ = new_axes(6.6, 2.7)
        figure.clear()
        left, right = figure.subplots(1, 2)
        _dead(left, run, words)
        _sizes(right, run, words)
        return as_svg(figure, name)


def _dead(axes: Axes, run: RunStory, words: Words) -> None:
    curves = []
    for number, lane in enumerate(run.lanes):
        steps = [event.step for event in lane.measured]
        dead = [len(event.dead_outputs) for event in lane.measured]
        sparse = max(1, len(steps) // 6)
        curves += axes.plot(steps, dead, **line_look(number), linewidth=1.5, markersize=4, markevery=sparse)
    axes.set_ylim(-0.2, 10.2)
    axes.set_xlabel(words.plain("step"))
    axes.set_ylabel(words.plain("dead_outputs"))
    add_legend(axes, curves, [lane.name for lane in run.lanes])


def _sizes(axes: Axes, run: RunStory, words: Words) -> None:
    edges = [log10(edge) for edge in BIN_EDGES]
    shown: list[int] = []
    for number, lane in enumerate(run.lanes):
        if not lane.measured:
            continue
        histogram, style = lane.measured[-1].total.histogram, line_look(number)
        shares = [count / max(1, histogram.finite) for count in histogram.counts]
        shown += [bin for bin, count in enumerate(histogram.counts) if count]
        axes.stairs(shares, edges, color=style["color"], linestyle=style["linestyle"], linewidth=1.5)
        for bound in _bounds(lane.rule):
            axes.axvline(log10(bound), color=style["color"], linewidth=1.0, linestyle=":")
    if shown:
        axes.set_xlim(edges[min(shown)] - 0.25, edges[max(shown) + 1] + 0.25)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(words.plain("size_of_component"))
    axes.set_ylabel(words.plain("share_of_components"))


def _bounds(rule: str) -> set[float]:
    """The sizes that a value rule lets through at most."""
    clip = recorded_rule(rule)
    sides = (clip.low, clip.high) if isinstance(clip, ValueClip) else ()
    return {abs(side) for side in sides if side}
