"""What came of the comparisons that a sweep suggests; in words it is said by the reports."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..statistics.paired import RESAMPLES, Paired, holm, is_exploratory, is_measurable, paired
from ..stream.sweep_config import Setting
from ..stream.sweep_events import Results
from .pairs import pair_name, pairs


@dataclass(frozen=True)
class Comparison:
    """Two settings that differ along one axis, over the seeds both have completed.

    Accuracy in points, loss in nats; the p of each adjusted for all pairs that the axes suggest, compared yet or not.
    `left_out` counts the seeds on which one of the two diverged.
    """

    axis: str
    reference: Setting
    other: Setting
    accuracy: Paired
    loss: Paired
    accuracy_p: float
    loss_p: float
    left_out: int

    @property
    def measurable(self) -> bool:
        """Whether accuracy differs by the rule of `verdict`."""
        return is_measurable(self.accuracy, self.accuracy_p)

    @property
    def exploratory(self) -> bool:
        """Whether accuracy has too few seeds for a verdict."""
        return is_exploratory(self.accuracy, self.accuracy_p)

    @property
    def name(self) -> str:
        """What is compared, and what both have in common."""
        return pair_name(self.axis, self.reference, self.other)


@dataclass(frozen=True)
class Summary:
    """One setting: final accuracies by number of dead classes, and the figures of all its seeds."""

    setting: Setting
    accuracies: tuple[float, ...]
    losses: tuple[float, ...]
    dead: tuple[int, ...]
    diverged: int

    @property
    def by_dead(self) -> dict[int, tuple[float, ...]]:
        """Accuracies by how many classes are dead."""
        pairs = list(zip(self.dead, self.accuracies, strict=True))
        return {count: tuple(value for dead, value in pairs if dead == count) for count in sorted(Counter(self.dead))}

    @property
    def median_loss(self) -> float:
        """Loss of the middle seed, in nats."""
        return float(np.median(self.losses))

    @property
    def median_by_dead(self) -> dict[int, tuple[float, int]]:
        """Median accuracy, and how many seeds, by how many classes are dead."""
        return {dead: (float(np.median(values)), len(values)) for dead, values in self.by_dead.items()}

    @property
    def range(self) -> tuple[float, float, float]:
        """Median, smallest and largest accuracy."""
        return float(np.median(self.accuracies)), min(self.accuracies), max(self.accuracies)

    @property
    def mean_dead(self) -> float:
        """Dead classes on average."""
        return float(np.mean(self.dead))

    @property
    def dead_correlation(self) -> float | None:
        """Correlation of accuracy and dead classes across seeds."""
        if len(self.dead) < 3 or len(set(self.dead)) < 2 or len(set(self.accuracies)) < 2:
            return None
        return float(np.corrcoef(self.dead, self.accuracies)[0, 1])


def comparisons(results: Results, *, resamples: int = RESAMPLES) -> list[Comparison]:
    """Every pair that the axes suggest: along each axis each value against `none`, or else the first; all else equal.

    Fewer `resamples` give the intervals sooner and a little less exactly.
    """
    suggested = list(pairs(results.started.config))
    found = [
        (axis, reference, other, measured)
        for axis, reference, other in suggested
        if (measured := _measured(results, reference, other, len(suggested), resamples))
    ]
    accuracy_p = holm([accuracy.p for *_, (accuracy, _) in found], len(suggested))
    loss_p = holm([loss.p for *_, (_, loss) in found], len(suggested))
    return [
        Comparison(axis, reference, other, *measured, points_p, nats_p, _left_out(results, reference, other))
        for (axis, reference, other, measured), points_p, nats_p in zip(found, accuracy_p, loss_p, strict=True)
    ]


def summaries(results: Results) -> list[Summary]:
    """Every setting with at least one seed completed."""
    return [summary for setting in results.started.config.settings if (summary := _summary(results, setting))]


def _measured(
    results: Results, reference: Setting, other: Setting, number: int, resamples: int
) -> tuple[Paired, Paired] | None:
    first, second = results.figures(reference.number), results.figures(other.number)
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return None
    points = [[100 * side[seed].accuracy for seed in seeds] for side in (first, second)]
    losses = [[side[seed].loss for seed in seeds] for side in (first, second)]
    accuracy, loss = (paired(*values, comparisons=number, resamples=resamples) for values in (points, losses))
    return accuracy, loss


def _left_out(results: Results, reference: Setting, other: Setting) -> int:
    ended = [{seed for number, seed in results.replicas if number == one.number} for one in (reference, other)]
    compared = results.of(reference.number).keys() & results.of(other.number).keys()
    return len((ended[0] & ended[1]) - compared)


def _summary(results: Results, setting: Setting) -> Summary | None:
    figures = results.figures(setting.number)
    if not figures:
        return None
    number = sum(replica.setting == setting.number for replica in results.replicas.values())
    return Summary(
        setting=setting,
        accuracies=tuple(one.accuracy for one in figures.values()),
        losses=tuple(one.loss for one in figures.values()),
        dead=tuple(len(replica.dead) for replica in results.of(setting.number).values()),
        diverged=number - len(figures),
    )


def p_words(value: float) -> str:
    """A p to four places; a random test of 20,000 patterns says no more."""
    return f"{value:.4f}" if value >= 0.0001 else "<0.0001"
