"""The report's figures as SVG: the same bytes for the same run."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .drawing import add_legend, as_svg, drawn_as, line_look, new_axes
from .phrases import Words
from .story import LaneStory, RunStory

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINDOW = 5
_LN10 = math.log(10)


def loss_figure(run: RunStory, words: Words, name: str) -> str:
    """Validation loss of every lane over the steps."""
    with drawn_as(name):
        figure, axes = new_axes(6.6, 3.1)
        _guess(axes, _LN10, words.plain("chance_loss"), above=True)
        curves = [
            _curve(axes, number, lane, [event.loss for event in lane.evaluations])
            for number, lane in enumerate(run.lanes)
        ]
        _scale(axes, [event.loss for lane in run.lanes for event in lane.evaluations])
        _finish(axes, run, words, "loss", curves)
        return as_svg(figure, name)


def accuracy_figure(run: RunStory, words: Words, name: str) -> str:
    """Validation accuracy of every lane over the steps, and at the end that on the whole set with its interval."""
    with drawn_as(name):
        figure, axes = new_axes(6.6, 3.1)
        _guess(axes, 0.1, words.plain("chance_accuracy"), above=False)
        curves = [
            _curve(axes, number, lane, [event.accuracy for event in lane.evaluations])
            for number, lane in enumerate(run.lanes)
        ]
        _finals(axes, run)
        axes.set_ylim(0, 1)
        _finish(axes, run, words, "accuracy", curves)
        return as_svg(figure, name)


def overview_figure(runs: Sequence[RunStory], words: Words, name: str) -> str:
    """The final accuracy of every run and lane with its interval, a row a run."""
    with drawn_as(name):
        figure, axes = new_axes(6.6, 1.1 + 0.32 * len(runs))
        seen: dict[str, Any] = {}
        for row, run in enumerate(runs):
            for number, lane in enumerate(run.lanes):
                _interval(axes, lane, number, row + _aside(number, len(run.lanes), 0.3), seen)
        labels = [words.plain("run_label", number=n, seed=run.config.seed) for n, run in enumerate(runs, 1)]
        axes.set_yticks(range(len(runs)), labels)
        axes.set_ylim(len(runs) - 0.5, -0.5)
        axes.set_xlabel(words.plain("accuracy"))
        add_legend(axes, list(seen.values()), list(seen))
        return as_svg(figure, name)


def _curve(axes: Axes, number: int, lane: LaneStory, values: list[float]) -> Any:
    steps, look = [event.step for event in lane.evaluations], line_look(number)
    axes.plot(steps, _drawable(values), color=look["color"], linewidth=0.7, alpha=0.4)
    sparse = max(1, len(steps) // 10)
    # Each lane's markers begin elsewhere, so that lanes that coincide are both seen.
    every = (number * sparse // 2 % sparse, sparse)
    (curve,) = axes.plot(steps, _smoothed(lane, values), **look, linewidth=1.7, markersize=4.5, markevery=every)
    return curve


def _drawable(values: list[float]) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values]


def _smoothed(lane: LaneStory, values: list[float]) -> list[float]:
    """Means over the evaluations around each, fewer at the ends and at a change of rule; NaN where one is no number."""
    parts = [bisect_right(lane.changed_at, event.step) for event in lane.evaluations]
    reach = WINDOW // 2
    means: list[float] = []
    for i, part in enumerate(parts):
        near = range(max(0, i - reach), min(len(values), i + reach + 1))
        window = [values[j] for j in near if parts[j] == part]
        means.append(sum(window) / len(window))
    return _drawable(means)


def _guess(axes: Axes, level: float, label: str, *, above: bool) -> None:
    axes.axhline(level, color="#666666", linewidth=0.8, linestyle=":")
    place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    aside, valign = (2, "bottom") if above else (-2, "top")
    axes.annotate(label, (0.9, level), (0, aside), **place, ha="right", va=valign, fontsize=7.5, color="#555555")


def _finals(axes: Axes, run: RunStory) -> None:
    span = max((lane.final.step for lane in run.lanes if lane.final), default=0)
    for number, lane in enumerate(run.lanes):
        if lane.final:
            _interval(axes, lane, number, lane.final.step + span * (0.015 + 0.018 * number), {}, upright=True)


def _interval(
    axes: Axes, lane: LaneStory, number: int, place: float, seen: dict[str, Any], *, upright: bool = False
) -> None:
    if lane.final is None:
        return
    final, look = lane.final, line_look(number)
    reach = [[final.accuracy - final.low], [final.high - final.accuracy]]
    point = ([place], [final.accuracy]) if upright else ([final.accuracy], [place])
    up, across = (reach, None) if upright else (None, reach)
    bar = axes.errorbar(*point, up, across, fmt=look["marker"], color=look["color"], markersize=3.4, capsize=3.5)
    seen.setdefault(lane.name, bar)


def _aside(number: int, count: int, width: float) -> float:
    return width * (number / (count - 1) - 0.5) if count > 1 else 0.0


def _scale(axes: Axes, losses: list[float]) -> None:
    """From 0 on, or logarithmic where a lane ran away and a linear scale would show that alone."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    if finite and min(finite) > 0 and max(finite) > 5 * _LN10:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    else:
        axes.set_ylim(bottom=0)


def _finish(axes: Axes, run: RunStory, words: Words, what: str, curves: list[Any]) -> None:
    for step in sorted({event.step for event in run.interventions}):
        axes.axvline(step, color="#333333", linewidth=0.8, linestyle=(0, (5, 3)))
    axes.set_xlabel(words.plain("step"))
    label = words.plain(what)
    axes.set_ylabel(words.plain("logarithmic", what=label) if axes.get_yscale() == "log" else label)
    add_legend(axes, curves, [lane.name for lane in run.lanes])
