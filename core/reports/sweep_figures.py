"""The figures of a sweep's report as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..sweeps.comparisons import Comparison, Summary
from ..sweeps.results import Results
from .drawing import add_legend, as_svg, drawn_as, line_look, new_axes


def distribution_figure(summaries: Sequence[Summary], name: str) -> str:
    """Every seed's final accuracy, a row a setting, shaded by how many classes are dead; a line at the median."""
    with drawn_as(name):
        figure, axes = new_axes(6.6, 0.9 + 0.55 * len(summaries))
        axes.set_axisbelow(True)
        points = None
        for row, summary in enumerate(summaries):
            aside = np.random.default_rng(row).uniform(-0.28, 0.28, len(summary.accuracies))
            points = axes.scatter(
                summary.accuracies, row + aside, c=summary.dead, vmin=0, vmax=10, cmap="viridis", s=13, linewidths=0
            )
            axes.plot([summary.range[0]] * 2, [row - 0.38, row + 0.38], color="#000000", linewidth=1.4)
        axes.set_yticks(range(len(summaries)), [summary.setting.name for summary in summaries])
        axes.set_ylim(len(summaries) - 0.5, -0.5)
        axes.set_xlim(0, 1)
        axes.set_xlabel("final validation accuracy")
        if points:
            figure.colorbar(points, ax=axes, label="dead classes", shrink=0.9)
        return as_svg(figure, name)


def difference_figure(compared: Sequence[Comparison], name: str) -> str:
    """Every paired difference as a dot, the mean with its interval above."""
    with drawn_as(name):
        figure, axes = new_axes(6.6, 0.9 + 0.6 * len(compared))
        axes.set_axisbelow(True)
        for row, comparison in enumerate(compared):
            found, look = comparison.accuracy, line_look(row)
            aside = np.random.default_rng(row).uniform(-0.05, 0.25, found.n)
            axes.scatter(found.differences, row + aside, s=9, color=look["color"], alpha=0.5, linewidths=0)
            low, high = found.interval
            reach = [[found.mean - low], [high - found.mean]] if math.isfinite(low) else None
            axes.errorbar([found.mean], [row - 0.2], xerr=reach, fmt="D", color="#000000", markersize=4, capsize=4)
        axes.axvline(0, color="#666666", linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(compared)), [comparison.name for comparison in compared])
        axes.set_ylim(len(compared) - 0.5, -0.5)
        axes.set_xlabel("difference in points of accuracy, seed by seed")
        return as_svg(figure, name)


def curve_figure(results: Results, numbers: Sequence[int], name: str) -> str:
    """Median and middle half of accuracy over the steps, and over it the curve of the first seed alone."""
    with drawn_as(name):
        figure, axes = new_axes(6.6, 3.1)
        settings = results.started.config.settings
        first = results.started.config.every_seed[0]
        handles, labels = [], []
        for place, number in enumerate(numbers):
            look, replicas = line_look(place), results.of(number)
            steps, low, middle, high = quartiles([replica.curve for replica in replicas.values()])
            axes.fill_between(steps, low, high, color=look["color"], alpha=0.18, linewidth=0)
            (line,) = axes.plot(steps, middle, color=look["color"], linestyle=look["linestyle"], linewidth=1.7)
            handles, labels = [*handles, line], [*labels, settings[number].name]
            if first in replicas:
                curve = replicas[first].curve
                xs, ys = [step for step, _, _ in curve], [accuracy for _, _, accuracy in curve]
                axes.plot(xs, ys, color=look["color"], linewidth=0.8, marker=look["marker"], markersize=3)
        axes.set_ylim(0, 1)
        axes.set_xlabel("step")
        axes.set_ylabel("validation accuracy")
        add_legend(axes, handles, labels)
        return as_svg(figure, name)


Points = Sequence[tuple[int, float, float]]


def quartiles(curves: Sequence[Points]) -> tuple[list[int], list[float], list[float], list[float]]:
    """Steps, and at each the quartiles of accuracy over the curves that have it."""
    by_step: dict[int, list[float]] = {}
    for curve in curves:
        for step, _, accuracy in curve:
            by_step.setdefault(step, []).append(accuracy)
    steps = sorted(by_step)
    low, middle, high = ([float(np.quantile(by_step[step], share)) for step in steps] for share in (0.25, 0.5, 0.75))
    return steps, low, middle, high
