"""The figures of the report of a sweep, as SVG."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..stream.builtin_experiments import LENET
from ..stream.experiment_info import LOSS
from ..stream.sweep_config import Setting, Value
from ..stream.sweep_events import Curve, Results
from ..sweeps.comparisons import Comparison, Summary
from .drawing import TOP_OF_SHARES, as_svg, drawing_style, line_style, new_axes, new_grid
from .metric_words import metric_name, quantity
from .phrases import Words
from .sweep_words import pair_words, setting_words, value_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def distribution_figure(summaries: Sequence[Summary], words: Words, name: str) -> str:
    """Every seed's final value, one row per setting, and a bar at the median. Dead outputs have colours by number."""
    metric, shades = summaries[0].metric, _shades() if any(summary.can_die for summary in summaries) else []
    with drawing_style(name):
        figure, axes = new_axes(6.6, 0.8 + 0.36 * len(summaries))
        axes.set_axisbelow(True)
        for row, summary in enumerate(summaries):
            offset = np.random.default_rng(row).uniform(-0.28, 0.28, summary.seeds)
            colours = [shades[dead] for dead in summary.dead] if shades else line_style(row)["color"]
            axes.scatter(_finite_or_nan(summary.main), row + offset, c=colours, s=13, linewidths=0)
            axes.plot([summary.range[0]] * 2, [row - 0.38, row + 0.38], color="#000000", linewidth=1.4)
        axes.set_yticks(range(len(summaries)), [setting_words(summary.setting, words) for summary in summaries])
        axes.set_ylim(len(summaries) - 0.5, -0.5)
        if metric.share:
            # Room for the dots at 0 and 1.
            axes.set_xlim(-0.01, 1.01)
        axes.set_xlabel(words.plain("sweep_final_accuracy", metric=metric_name(metric, words)))
        if shades:
            _add_shades(axes, summaries, shades, words)
        return as_svg(figure, name)


def _add_shades(axes: Axes, summaries: Sequence[Summary], shades: Sequence[str], words: Words) -> None:
    seen = sorted({dead for summary in summaries for dead in summary.dead})
    handles = [axes.scatter([], [], color=shades[dead], s=13, linewidths=0) for dead in seen]
    title = words.plain("sweep_dead_outputs")
    axes.legend(handles, map(str, seen), title=title, loc="center left", bbox_to_anchor=(1, 0.5), ncols=2)


def _finite_or_nan(values: Sequence[float]) -> list[float]:
    return [value if math.isfinite(value) else math.nan for value in values]


def difference_figure(compared: Sequence[Comparison], words: Words, name: str) -> str:
    """Every paired difference as a dot, and above the dots their mean with its 95 % interval."""
    with drawing_style(name):
        figure, axes = new_axes(6.6, 0.6 + 0.42 * len(compared))
        axes.set_axisbelow(True)
        for row, comparison in enumerate(compared):
            found, style = comparison.main.paired, line_style(row)
            offset = np.random.default_rng(row).uniform(-0.05, 0.25, found.n)
            axes.scatter(found.differences, row + offset, s=9, color=style["color"], alpha=0.5, linewidths=0)
            low, high = found.interval
            reach = [[found.mean - low], [high - found.mean]] if math.isfinite(low) else None
            axes.errorbar([found.mean], [row - 0.2], xerr=reach, fmt="D", color="#000000", markersize=4, capsize=4)
        axes.axvline(0, color="#666666", linewidth=0.8, linestyle=":")
        _name_rows(axes, [_two_lines(pair_words(comparison, words)) for comparison in compared])
        axes.set_ylim(len(compared) - 0.5, -0.5)
        compared_by = quantity(compared[0].main.metric, words)
        axes.set_xlabel(words.plain("sweep_difference_axis", metric=compared_by))
        return as_svg(figure, name)


def curve_figure(results: Results, compared: Sequence[Comparison], words: Words, name: str) -> str:
    """The most important metric over the steps: median and middle half of all seeds, and the curve of the first seed.

    There is one chart for each comparison along the first axis, because more than two bands would hide each other.
    """
    config, metric = results.started.config, results.started.experiment.main
    axis = compared[0].axis if compared else next(iter(config.axes))
    panels = [(_two_lines(pair_words(one, words)), (one.reference, one.other)) for one in compared if one.axis == axis]
    with drawing_style(name):
        figure, charts = new_grid(6.6, 2.3, len(panels) or 1)
        lines: dict[Value, Any] = {}
        for axes, (title, settings) in zip(charts, panels or [("", config.settings)], strict=True):
            for setting in settings:
                value = setting.choice[axis]
                lines[value] = _curves(axes, results, setting, config.axes[axis].index(value))
            axes.set_title(title, fontsize=7.5)
            if metric.share:
                axes.set_ylim(0, TOP_OF_SHARES)
        figure.supxlabel(words.plain("step"), fontsize=9)
        validation = words.plain("sweep_validation_accuracy", metric=metric_name(metric, words))
        figure.supylabel(validation, fontsize=9)
        labels = [value_words(axis, value, words) for value in lines]
        figure.legend(lines.values(), labels, loc="outside upper left", ncols=4)
        return as_svg(figure, name)


def _curves(axes: Axes, results: Results, setting: Setting, number: int) -> Any:
    """Draw one setting's curves in line style `number`; return the median line for the legend."""
    style = line_style(number)
    curves = {seed: _points(results, replica.curve) for seed, replica in results.of(setting.number).items()}
    first = results.started.config.every_seed[0]
    steps, low, middle, high = quartiles(list(curves.values()))
    axes.fill_between(steps, low, high, color=style["color"], alpha=0.18, linewidth=0)
    (line,) = axes.plot(steps, middle, color=style["color"], linestyle=style["linestyle"], linewidth=1.7)
    if curves.get(first):
        axes.plot(
            *zip(*curves[first], strict=True), color=style["color"], linewidth=0.8, marker=style["marker"], markersize=3
        )
    return line


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Label the rows. Each line is a separate text: only these stay right-aligned in any font of the reader."""
    axes.set_yticks(range(len(names)), [""] * len(names))
    for row, name in enumerate(names):
        lines = name.split("\n")
        places = [("bottom", 1), ("top", -1)] if len(lines) > 1 else [("center", 0)]
        for line, (side, up) in zip(lines, places, strict=True):
            options = {"xycoords": axes.get_yaxis_transform(), "xytext": (-6, up), "textcoords": "offset points"}
            axes.annotate(line, (0, row), ha="right", va=side, annotation_clip=False, **options)


def _two_lines(pair: str) -> str:
    """The name of a comparison, with the part in brackets on a second line."""
    return re.sub(r" ?([(\N{FULLWIDTH LEFT PARENTHESIS}])", r"\n\1", pair, count=1)


def _shades() -> list[str]:
    """A colour for each number of dead outputs, from dark to light."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    outputs = LENET.classes
    return [to_hex(colormaps["viridis"](dead / outputs)) for dead in range(outputs + 1)]


Points = Sequence[tuple[int, float]]


def _points(results: Results, curve: Sequence[Curve]) -> Points:
    """The steps and values of the most important metric on a curve."""
    is_loss = results.started.experiment.main == LOSS
    points = ((step, loss if is_loss else value) for step, loss, value in curve)
    return [(step, value) for step, value in points if value is not None and math.isfinite(value)]


def quartiles(curves: Sequence[Points]) -> tuple[list[int], list[float], list[float], list[float]]:
    """Steps, and at each step the three quartiles of the values of the curves that have a point there."""
    by_step: dict[int, list[float]] = {}
    for curve in curves:
        for step, value in curve:
            by_step.setdefault(step, []).append(value)
    steps = sorted(by_step)
    low, middle, high = ([float(np.quantile(by_step[step], share)) for step in steps] for share in (0.25, 0.5, 0.75))
    return steps, low, middle, high
