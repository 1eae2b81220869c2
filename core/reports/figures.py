"""The figures of a report of runs, as SVG. The same run gives the same bytes."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .drawing import add_legend, as_svg, drawing_style, line_style, new_axes
from .phrases import Words
from .run_summary import LaneSummary, RunSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINDOW = 5
_LN10 = math.log(10)


def loss_figure(run: RunSummary, words: Words, name: str) -> str:
    """Validation loss of every lane over the steps."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 3.1)
        _draw_chance_level(axes, _LN10, words.plain("chance_loss"), above=True)
        curves = [
            _curve(axes, number, lane, [event.loss for event in lane.evaluations])
            for number, lane in enumerate(run.lanes)
        ]
        _scale_losses(axes, [event.loss for lane in run.lanes for event in lane.evaluations])
        _label(axes, run, words, "loss", curves)
        return as_svg(figure, name)


def accuracy_figure(run: RunSummary, words: Words, name: str) -> str:
    """Validation accuracy of every lane over the steps, and its final accuracy with the 95 % interval."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 3.1)
        _draw_chance_level(axes, 0.1, words.plain("chance_accuracy"), above=False)
        curves = [
            _curve(axes, number, lane, [event.accuracy for event in lane.evaluations])
            for number, lane in enumerate(run.lanes)
        ]
        _draw_final_results(axes, run)
        axes.set_ylim(0, 1)
        _label(axes, run, words, "accuracy", curves)
        return as_svg(figure, name)


def overview_figure(runs: Sequence[RunSummary], words: Words, name: str) -> str:
    """The final accuracy of every lane with its 95 % interval, one row per run."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 1.1 + 0.32 * len(runs))
        bars: dict[str, Any] = {}
        for row, run in enumerate(runs):
            for number, lane in enumerate(run.lanes):
                _draw_interval(axes, lane, number, row + _offset(number, len(run.lanes), 0.3), bars)
        labels = [words.plain("run_label", number=n, seed=run.config.seed) for n, run in enumerate(runs, 1)]
        axes.set_yticks(range(len(runs)), labels)
        axes.set_ylim(len(runs) - 0.5, -0.5)
        axes.set_xlabel(words.plain("accuracy"))
        add_legend(axes, list(bars.values()), list(bars))
        return as_svg(figure, name)


def mark_changes(axes: Axes, run: RunSummary) -> None:
    """Draw a vertical line at every change mid-run."""
    for step in sorted({event.step for event in run.interventions}):
        axes.axvline(step, color="#333333", linewidth=0.8, linestyle=(0, (5, 3)))


def _curve(axes: Axes, number: int, lane: LaneSummary, values: list[float]) -> Any:
    steps, style = [event.step for event in lane.evaluations], line_style(number)
    axes.plot(steps, _finite_or_nan(values), color=style["color"], linewidth=0.7, alpha=0.4)
    spacing = max(1, len(steps) // 10)
    # The markers of each lane are shifted, so that both are visible if two lanes coincide.
    every = (number * spacing // 2 % spacing, spacing)
    (curve,) = axes.plot(steps, _smoothed(lane, values), **style, linewidth=1.7, markersize=4.5, markevery=every)
    return curve


def _finite_or_nan(values: list[float]) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values]


def _smoothed(lane: LaneSummary, values: list[float]) -> list[float]:
    """Moving averages, centred; shorter windows at the ends and at a change of rule; NaN if a value is not finite."""
    parts = [bisect_right(lane.changed_at, event.step) for event in lane.evaluations]
    reach = WINDOW // 2
    means: list[float] = []
    for i, part in enumerate(parts):
        near = range(max(0, i - reach), min(len(values), i + reach + 1))
        window = [values[j] for j in near if parts[j] == part]
        means.append(sum(window) / len(window))
    return _finite_or_nan(means)


def _draw_chance_level(axes: Axes, level: float, label: str, *, above: bool) -> None:
    axes.axhline(level, color="#666666", linewidth=0.8, linestyle=":")
    position: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    offset, valign = (2, "bottom") if above else (-2, "top")
    axes.annotate(label, (0.9, level), (0, offset), **position, ha="right", va=valign, fontsize=7.5, color="#555555")


def _draw_final_results(axes: Axes, run: RunSummary) -> None:
    span = max((lane.final.step for lane in run.lanes if lane.final), default=0)
    for number, lane in enumerate(run.lanes):
        if lane.final:
            _draw_interval(axes, lane, number, lane.final.step + span * (0.015 + 0.018 * number), {}, upright=True)


def _draw_interval(
    axes: Axes, lane: LaneSummary, number: int, place: float, bars: dict[str, Any], *, upright: bool = False
) -> None:
    if lane.final is None:
        return
    final, style = lane.final, line_style(number)
    reach = [[final.accuracy - final.low], [final.high - final.accuracy]]
    point = ([place], [final.accuracy]) if upright else ([final.accuracy], [place])
    yerr, xerr = (reach, None) if upright else (None, reach)
    bar = axes.errorbar(*point, yerr, xerr, fmt=style["marker"], color=style["color"], markersize=3.4, capsize=3.5)
    bars.setdefault(lane.name, bar)


def _offset(number: int, count: int, width: float) -> float:
    return width * (number / (count - 1) - 0.5) if count > 1 else 0.0


def _scale_losses(axes: Axes, losses: list[float]) -> None:
    """Scale from 0, or logarithmically if one lane's loss is so large that a linear scale would hide the others."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    if finite and min(finite) > 0 and max(finite) > 5 * _LN10:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    else:
        axes.set_ylim(bottom=0)


def _label(axes: Axes, run: RunSummary, words: Words, what: str, curves: list[Any]) -> None:
    mark_changes(axes, run)
    axes.set_xlabel(words.plain("step"))
    label = words.plain(what)
    axes.set_ylabel(words.plain("logarithmic", what=label) if axes.get_yscale() == "log" else label)
    add_legend(axes, curves, [lane.name for lane in run.lanes])
