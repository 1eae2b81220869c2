"""Charts of training: the median of a measure over the seeds of each setting, with an interquartile band."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...core.stream.experiment_info import LOSS, MetricInfo
from ...core.stream.sweep_config import Setting, axis_value
from ...core.stream.sweep_events import Results, SweepStarted
from ...core.sweeps.pairs import common_name, pairs
from ..charts.chart_spec import ChartLane, ChartSpec
from ..charts.curve import Curve
from ..style.theme import Theme
from .measures import label

# Points along a band's edges: several for each column of a chart.
_EDGE_POINTS = 1200
# The most settings in one chart; more bands would hide each other.
_MAX_SETTINGS = 4


@dataclass(frozen=True)
class Panel:
    """The measure and the settings of a chart, its title and the `names` of its curves; not needed for all settings."""

    measure: MetricInfo
    title: str
    settings: tuple[Setting, ...]
    names: tuple[str, ...] = ()


def choices(started: SweepStarted) -> list[tuple[MetricInfo, ...]]:
    """What the charts can show: both measures if all settings fit into one chart, or one of them."""
    measures = tuple(dict.fromkeys((started.experiment.main, LOSS)))
    each = [(measure,) for measure in measures]
    return [measures, *each] if len(started.config.settings) <= _MAX_SETTINGS and len(measures) > 1 else each


def panels(started: SweepStarted, measure: MetricInfo) -> list[Panel]:
    """One panel for all settings, or, if there are many, one for each pair that differs along the first axis."""
    config, title = started.config, label(measure, started)
    if len(config.settings) <= _MAX_SETTINGS:
        return [Panel(measure, f"{title}, median and quartiles", config.settings)]
    config_pairs = list(pairs(config))
    return [
        Panel(
            measure,
            common_name(axis, other) or title,
            (reference, other),
            tuple(axis_value(axis, setting.choice[axis]) for setting in (reference, other)),
        )
        for axis, reference, other in config_pairs
        if axis == config_pairs[0][0]
    ]


def curve_chart(results: Results, panel: Panel, width: int, height: int, theme: Theme) -> ChartSpec:
    """The chart of a panel."""
    return ChartSpec(
        title=panel.title,
        width=width,
        height=height,
        lanes=tuple(_lanes(results, panel, theme)),
        first=0,
        last=max(setting.config.iterations for setting in results.started.config.settings),
        bounds=(0, 1) if panel.measure.share else None,
        smoothing=0,
        palette=theme.palette,
        ascii=theme.ascii,
    )


def _lanes(results: Results, panel: Panel, theme: Theme) -> Iterator[ChartLane]:
    """The curves of a panel. Colours go by position: in a panel of all settings they match the rest of the screen."""
    for index, setting in enumerate(panel.settings):
        median, band = quartile_curves(results, setting.number, panel.measure)
        yield ChartLane(panel.names[index] if panel.names else "", theme.lane_colour(index), median, band=band)


def quartile_curves(results: Results, setting: int, measure: MetricInfo) -> tuple[Curve, Curve]:
    """The median at each evaluated step, and a band: lower and upper quartile alternate from point to point."""
    by_step: dict[int, list[float]] = {}
    for replica in results.of(setting).values():
        for step, loss, main in replica.curve:
            if (value := loss if measure.name == LOSS.name else main) is not None:
                by_step.setdefault(step, []).append(value)
    median, band = Curve(), Curve()
    if not by_step:
        return median, band
    steps = sorted(by_step)
    spacing = max(1, (steps[-1] - steps[0]) // _EDGE_POINTS)
    edge = np.arange(steps[0], steps[-1] + 1, spacing)
    # Between infinite losses there is no quartile; the chart marks what is not finite.
    with np.errstate(invalid="ignore", over="ignore"):
        low, middle, high = np.array([np.quantile(by_step[step], (0.25, 0.5, 0.75)) for step in steps]).T
        edges = np.where(np.arange(len(edge)) % 2, *(np.interp(edge, steps, y) for y in (high, low)))
    for step, value in zip(steps, middle.tolist(), strict=True):
        median.append(step, value)
    band.extend(steps[0], spacing, edges)
    return median, band
