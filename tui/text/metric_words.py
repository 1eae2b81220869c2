"""The values of an experiment's metrics and gauges as text."""

from __future__ import annotations

from ...core.statistics.intervals import wilson_interval
from ...core.stream.builtin_experiments import ACCURACY
from ...core.stream.events import LaneFinished
from ...core.stream.experiment_info import LOSS, ExperimentInfo, MetricInfo
from .number_format import share, size

# From here on a difference is written as a power of ten.
_LARGE = 1e4


def value_words(info: MetricInfo, value: float) -> str:
    """A result: 3 decimals of a share, 4 of a loss, a whole number for counts, otherwise 4 significant digits."""
    if info.name == LOSS.name:
        return f"{value:.4f}"
    return f"{value:,.0f}" if info.counts else f"{value:.3f}" if info.share else size(value, 4)


def figure(info: MetricInfo, value: float) -> str:
    """The name of a metric with a result: `accuracy 0.853`."""
    return f"{info.words} {value_words(info, value)}"


def short_name(info: MetricInfo) -> str:
    """The name where room is scarce: `acc`; only accuracy has a shorter one."""
    return "acc" if info.name == ACCURACY.name else info.words


def difference_words(info: MetricInfo, value: float) -> str:
    """A difference with its sign: `+0.12`."""
    digits = 0 if info.counts else 2 if info.share else 3
    return f"{value:+.{digits}f}" if abs(value) < _LARGE else f"{value:+.2e}"


def gauge_value(info: MetricInfo, value: float | None) -> str:
    """What a gauge shows: percent for a share, a whole number for counts, otherwise 3 significant digits."""
    if info.share:
        return share(value)
    return f"{value:,.0f}" if info.counts and value is not None else size(value)


def accuracy_interval(end: LaneFinished, info: MetricInfo) -> tuple[float, float] | None:
    """The 95 % interval of an accuracy; other metrics have none."""
    return None if info.name != ACCURACY.name or end.correct is None else wilson_interval(end.correct, end.total)


def log_widths(experiment: ExperimentInfo) -> tuple[int, int]:
    """The cells of an evaluation's line in full, at a million steps, and of its short form."""
    full = 37 + sum(len(info.words) + 11 for info in experiment.metrics)
    main = experiment.main
    return full, 17 if main is LOSS else 23 + len(short_name(main))
