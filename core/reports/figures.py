"""The figures of a report of runs, as SVG. The same run gives the same bytes."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..stream.builtin_experiments import BUILT_IN
from ..stream.experiment_info import LOSS, MetricInfo
from ..stream.series import evaluated_values
from .drawing import TOP_OF_SHARES, add_legend, as_svg, drawing_style, line_style, new_axes
from .metric_words import metric_name
from .phrases import Words
from .run_summary import LaneSummary, RunSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WINDOW = 5
# Steps and values of a curve.
_Points = list[tuple[int, float]]
# From this loss on, five times that of guessing among ten classes, the scale is logarithmic.
_LARGE_LOSS = 5 * math.log(10)


def loss_figure(run: RunSummary, words: Words, name: str) -> str:
    """Validation loss of every lane over the steps."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 3.1)
        if classes := _classes(run):
            chance = words.plain("chance_loss_of", classes=classes)
            _draw_chance_level(axes, math.log(classes), chance, above=True)
        curves = _draw_curves(axes, run, LOSS)
        _scale_losses(axes, [event.loss for lane in run.lanes for event in lane.evaluations])
        _label(axes, run, words, LOSS, curves)
        return as_svg(figure, name)


def metric_figure(run: RunSummary, words: Words, name: str) -> str:
    """The most important metric of every lane over the steps, and its final value with the 95 % interval."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 3.1)
        if (classes := _classes(run)) and run.experiment.main.name == "accuracy":
            chance = words.plain("chance_accuracy_of", share=f"{1 / classes:g}")
            _draw_chance_level(axes, 1 / classes, chance, above=False)
        curves = _draw_curves(axes, run, run.experiment.main)
        _draw_final_results(axes, run)
        if run.experiment.main.share:
            axes.set_ylim(0, TOP_OF_SHARES)
        _label(axes, run, words, run.experiment.main, curves)
        return as_svg(figure, name)


def overview_figure(runs: Sequence[RunSummary], words: Words, name: str) -> str:
    """The final metric of every lane with its 95 % interval, one row per run."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 1.1 + 0.32 * len(runs))
        bars: dict[str, Any] = {}
        for row, run in enumerate(runs):
            for number, lane in enumerate(run.lanes):
                place = row + _offset(number, len(run.lanes), 0.3)
                _draw_interval(axes, lane, number, place, shared_metric(runs), bars)
        labels = [words.plain("run_label", number=n, seed=run.config.seed) for n, run in enumerate(runs, 1)]
        axes.set_yticks(range(len(runs)), labels)
        axes.set_ylim(len(runs) - 0.5, -0.5)
        axes.set_xlabel(metric_name(shared_metric(runs), words))
        add_legend(axes, list(bars.values()), list(bars))
        return as_svg(figure, name)


def shared_metric(runs: Sequence[RunSummary]) -> MetricInfo:
    """The most important metric of all runs; the loss if they have different ones."""
    metrics = {run.experiment.main for run in runs}
    return metrics.pop() if len(metrics) == 1 else LOSS


def _classes(run: RunSummary) -> int | None:
    """The number of classes of a built-in experiment."""
    experiment = BUILT_IN.get(run.config.experiment)
    return experiment.classes if experiment else None


def mark_changes(axes: Axes, run: RunSummary) -> None:
    """Draw a vertical line at every change mid-run."""
    for step in sorted({event.step for event in run.interventions}):
        axes.axvline(step, color="#333333", linewidth=0.8, linestyle=(0, (5, 3)))


def marks_caption(run: RunSummary, words: Words) -> str:
    """What the vertical lines mean, if there are any."""
    if not run.interventions:
        return ""
    return words.plain("caption_marks_forks" if any(lane.parent for lane in run.lanes) else "caption_marks")


def _draw_curves(axes: Axes, run: RunSummary, metric: MetricInfo) -> list[Any]:
    """A raw and a smoothed curve of each lane; that of a fork begins on its parent's."""
    raw, smoothed = dict[str, _Points](), dict[str, _Points]()
    for lane in run.lanes:
        values = [evaluated_values(event).get(metric.name, math.nan) for event in lane.evaluations]
        steps = [event.step for event in lane.evaluations]
        raw[lane.name] = _branched(lane, list(zip(steps, _finite_or_nan(values), strict=True)), raw)
        smoothed[lane.name] = _branched(lane, list(zip(steps, _smoothed(lane, values), strict=True)), smoothed)
    return [_curve(axes, number, raw[lane.name], smoothed[lane.name]) for number, lane in enumerate(run.lanes)]


def _branched(lane: LaneSummary, points: _Points, drawn: Mapping[str, _Points]) -> _Points:
    """The points of a lane's curve, after the last one of its parent's before the fork."""
    before = [point for point in drawn.get(lane.parent or "", []) if point[0] < lane.forked_at]
    return [*before[-1:], *points]


def _curve(axes: Axes, number: int, raw: _Points, smoothed: _Points) -> Any:
    style, spacing = line_style(number), max(1, len(raw) // 10)
    steps = [step for step, _ in raw]
    axes.plot(steps, [value for _, value in raw], color=style["color"], linewidth=0.7, alpha=0.4)
    # The markers of each lane are shifted, so that both are visible if two lanes coincide.
    every = (number * spacing // 2 % spacing, spacing)
    values = [value for _, value in smoothed]
    (curve,) = axes.plot(steps, values, **style, linewidth=1.7, markersize=4.5, markevery=every)
    return curve


def _finite_or_nan(values: list[float]) -> list[float]:
    """The values that can be drawn: the width of an axis beyond 1e300 would overflow."""
    return [value if abs(value) < 1e300 else math.nan for value in values]


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
            place = lane.final.step + span * (0.015 + 0.018 * number)
            _draw_interval(axes, lane, number, place, run.experiment.main, {}, upright=True)


def _draw_interval(
    axes: Axes,
    lane: LaneSummary,
    number: int,
    place: float,
    metric: MetricInfo,
    bars: dict[str, Any],
    *,
    upright: bool = False,
) -> None:
    if lane.final is None:
        return
    style, (value,) = line_style(number), _finite_or_nan([lane.final.of_metric(metric)])
    interval = lane.final.interval_of(metric)
    reach = [[value - interval[0]], [interval[1] - value]] if interval else None
    point = ([place], [value]) if upright else ([value], [place])
    yerr, xerr = (reach, None) if upright else (None, reach)
    bar = axes.errorbar(*point, yerr, xerr, fmt=style["marker"], color=style["color"], markersize=3.4, capsize=3.5)
    bars.setdefault(lane.name, bar)


def _offset(number: int, count: int, width: float) -> float:
    return width * (number / (count - 1) - 0.5) if count > 1 else 0.0


def _scale_losses(axes: Axes, losses: list[float]) -> None:
    """Scale from 0, or logarithmically if one lane's loss is so large that a linear scale would hide the others."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    if finite and min(finite) > 0 and max(finite) > _LARGE_LOSS:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
    else:
        axes.set_ylim(bottom=0)


def _label(axes: Axes, run: RunSummary, words: Words, metric: MetricInfo, curves: list[Any]) -> None:
    mark_changes(axes, run)
    axes.set_xlabel(words.plain("step"))
    label = metric_name(metric, words)
    axes.set_ylabel(words.plain("logarithmic", what=label) if axes.get_yscale() == "log" else label)
    add_legend(axes, curves, [lane.name for lane in run.lanes])
