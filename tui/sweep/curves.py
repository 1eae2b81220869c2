"""Accuracy in training as charts: each setting's median over its seeds, and the middle half of them as a band."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...core.stream.sweep_config import Setting, SweepConfig, axis_value
from ...core.stream.sweep_events import Results
from ...core.sweeps.pairs import common_name, pairs
from ..charts.chart import ChartLane, ChartSpec
from ..charts.curve import Curve
from ..style.theme import Theme

# Points along a band's edges, several for each column of any chart.
_EDGE_POINTS = 1200
# In one chart the bands of more settings than this would hide each other.
_TOGETHER = 4


@dataclass(frozen=True)
class Panel:
    """One chart's settings under a title; their `names` in it, without which they are as elsewhere on the screen."""

    title: str
    settings: tuple[Setting, ...]
    names: tuple[str, ...] = ()


def panels(config: SweepConfig) -> list[Panel]:
    """One for all settings, or, where they are many, one for each pair that differs along the first axis."""
    if len(config.settings) <= _TOGETHER:
        return [Panel("accuracy: median, middle half", config.settings)]
    found = list(pairs(config))
    return [
        Panel(
            common_name(axis, other) or "accuracy",
            (reference, other),
            tuple(axis_value(axis, setting.choice[axis]) for setting in (reference, other)),
        )
        for axis, reference, other in found
        if axis == found[0][0]
    ]


def curve_chart(results: Results, panel: Panel, width: int, height: int, theme: Theme) -> ChartSpec:
    """One panel's chart."""
    return ChartSpec(
        title=panel.title,
        width=width,
        height=height,
        lanes=tuple(_lanes(results, panel, theme)),
        first=0,
        last=max(setting.config.iterations for setting in results.started.config.settings),
        bounds=(0, 1),
        smoothing=0,
        palette=theme.palette,
        ascii=theme.ascii,
    )


def _lanes(results: Results, panel: Panel, theme: Theme) -> Iterator[ChartLane]:
    """Told apart by symbol and colour as elsewhere on the screen; those that have names, by these."""
    for place, setting in enumerate(panel.settings):
        median, band = quartile_curves(results, setting.number)
        yield ChartLane(panel.names[place] if panel.names else "", theme.lane_colour(place), median, band=band)


def quartile_curves(results: Results, setting: int) -> tuple[Curve, Curve]:
    """The median at each step that was measured, and the band: the quartiles in turn, a step after another."""
    by_step: dict[int, list[float]] = {}
    for replica in results.of(setting).values():
        for step, _, accuracy in replica.curve:
            by_step.setdefault(step, []).append(accuracy)
    median, band = Curve(), Curve()
    if not by_step:
        return median, band
    steps = sorted(by_step)
    low, middle, high = np.array([np.quantile(by_step[step], (0.25, 0.5, 0.75)) for step in steps]).T
    for step, value in zip(steps, middle.tolist(), strict=True):
        median.append(step, value)
    spacing = max(1, (steps[-1] - steps[0]) // _EDGE_POINTS)
    edge = np.arange(steps[0], steps[-1] + 1, spacing)
    band.extend(
        steps[0], spacing, np.where(np.arange(len(edge)) % 2, *(np.interp(edge, steps, y) for y in (high, low)))
    )
    return median, band
