"""What a sweep compares, as text: the experiment's first metric, and the loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ...core.stream.experiment_info import LOSS, MetricInfo
from ...core.stream.sweep_events import SweepStarted
from ..text.number_format import size
from .dot_plots import Axis


def label(measure: MetricInfo, started: SweepStarted) -> str:
    """The name of a measure; the loss of built-in experiments is a cross-entropy in nats."""
    return "loss (nats)" if measure.name == LOSS.name and started.experiment.file is None else measure.words


def unit(measure: MetricInfo, started: SweepStarted) -> str:
    """The measure of a difference in brief: `accuracy, pp`, `loss, nats`."""
    if measure.name == LOSS.name and started.experiment.file is None:
        return "loss, nats"
    return f"{measure.words}, pp" if measure.share else measure.words


def median_and_range(measure: MetricInfo, values: tuple[float, float, float], digits: int) -> str:
    """`0.853 (0.79-0.91)`; `digits` of the range of a share."""
    median, low, high = values
    if measure.share:
        return f"{median:.3f} ({low:.{digits}f}-{high:.{digits}f})"
    return f"{size(median)} ({size(low)}-{size(high)})"


def signed(measure: MetricInfo, value: float, digits: int = 1) -> str:
    """A difference: `digits` after the point for percentage points, otherwise 3 significant ones."""
    return f"{value:+.{digits}f}" if measure.share else f"{value:+.3g}"


def value_axis(measure: MetricInfo, values: Iterable[float], width: int) -> Axis:
    """An axis for all of these values: shares have the whole of theirs."""
    if measure.share:
        return Axis(0.0, 1.0, width)
    found = list(values)
    low, high = min(found, default=0.0), max(found, default=1.0)
    margin = abs(low) / 10 or 1.0
    return Axis(low, high, width) if low < high else Axis(low - margin, high + margin, width)


def difference_axis(measure: MetricInfo, values: Sequence[float], width: int) -> Axis:
    """An axis with 0 in its middle, of at least one percentage point for shares."""
    reach = max(map(abs, values), default=0.0)
    reach = max(1.0, reach) if measure.share else reach or 1.0
    return Axis(-reach, reach, width)


def ruler_digits(measure: MetricInfo, axis: Axis, of_share: int) -> int:
    """The digits after the point of a ruler's numbers: those `of_share`, or two significant ones."""
    largest = max(abs(axis.low), abs(axis.high))
    return of_share if measure.share else min(9, max(0, 1 - math.floor(math.log10(largest or 1.0))))
