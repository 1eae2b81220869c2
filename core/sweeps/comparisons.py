"""The comparisons between the settings of a sweep, as numbers. The reports put them into words."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..statistics.paired import RESAMPLES, PairedDifferences, compare_paired, holm, is_exploratory, is_measurable
from ..stream.sweep_config import Setting
from ..stream.sweep_events import Results
from .pairs import pair_name, pairs


@dataclass(frozen=True)
class Comparison:
    """Two settings that differ along one axis, compared over the seeds that both have completed.

    Accuracy is in percentage points, loss in nats. Each p is adjusted for all pairs of the sweep, including those that
    cannot be compared yet. `left_out` counts the seeds on which one of the two diverged.
    """

    axis: str
    reference: Setting
    other: Setting
    accuracy: PairedDifferences
    loss: PairedDifferences
    accuracy_p: float
    loss_p: float
    left_out: int

    @property
    def measurable(self) -> bool:
        """Whether the difference in accuracy is measurable, see `statistics.paired`."""
        return is_measurable(self.accuracy, self.accuracy_p)

    @property
    def exploratory(self) -> bool:
        """Whether there are too few seeds to judge the difference in accuracy."""
        return is_exploratory(self.accuracy, self.accuracy_p)

    @property
    def name(self) -> str:
        """The two values that are compared, and the values of the other axes."""
        return pair_name(self.axis, self.reference, self.other)


@dataclass(frozen=True)
class Summary:
    """The final figures of one setting over its seeds. `dead` holds the number of dead outputs of each seed."""

    setting: Setting
    accuracies: tuple[float, ...]
    losses: tuple[float, ...]
    dead: tuple[int, ...]
    diverged: int

    @property
    def by_dead(self) -> dict[int, tuple[float, ...]]:
        """Accuracies by the number of dead outputs."""
        pairs = list(zip(self.dead, self.accuracies, strict=True))
        return {count: tuple(value for dead, value in pairs if dead == count) for count in sorted(Counter(self.dead))}

    @property
    def median_loss(self) -> float:
        """Median loss in nats."""
        return float(np.median(self.losses))

    @property
    def median_by_dead(self) -> dict[int, tuple[float, int]]:
        """Median accuracy and number of seeds, by the number of dead outputs."""
        return {dead: (float(np.median(values)), len(values)) for dead, values in self.by_dead.items()}

    @property
    def range(self) -> tuple[float, float, float]:
        """Median, smallest and largest accuracy."""
        return float(np.median(self.accuracies)), min(self.accuracies), max(self.accuracies)

    @property
    def mean_dead(self) -> float:
        """Mean number of dead outputs."""
        return float(np.mean(self.dead))

    @property
    def dead_correlation(self) -> float | None:
        """Correlation of accuracy and number of dead outputs across seeds; None if it is undefined."""
        if len(self.dead) < 3 or len(set(self.dead)) < 2 or len(set(self.accuracies)) < 2:
            return None
        return float(np.corrcoef(self.dead, self.accuracies)[0, 1])


def comparisons(results: Results, *, resamples: int = RESAMPLES) -> list[Comparison]:
    """Compare the sweep's pairs: along each axis, every value against `none` or else the first value, all else equal.

    Fewer `resamples` compute the intervals faster and a little less exactly.
    """
    all_pairs = list(pairs(results.started.config))
    found = [
        (axis, reference, other, differences)
        for axis, reference, other in all_pairs
        if (differences := _differences(results, reference, other, len(all_pairs), resamples))
    ]
    accuracy_p = holm([accuracy.p for *_, (accuracy, _) in found], len(all_pairs))
    loss_p = holm([loss.p for *_, (_, loss) in found], len(all_pairs))
    return [
        Comparison(axis, reference, other, *differences, accuracy_p, loss_p, _left_out(results, reference, other))
        for (axis, reference, other, differences), accuracy_p, loss_p in zip(found, accuracy_p, loss_p, strict=True)
    ]


def summaries(results: Results) -> list[Summary]:
    """Summaries of all settings that have completed at least one seed."""
    return [summary for setting in results.started.config.settings if (summary := _summary(results, setting))]


def _differences(
    results: Results, reference: Setting, other: Setting, number: int, resamples: int
) -> tuple[PairedDifferences, PairedDifferences] | None:
    first, second = results.figures(reference.number), results.figures(other.number)
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return None
    points = [[100 * side[seed].of("accuracy") for seed in seeds] for side in (first, second)]
    losses = [[side[seed].loss for seed in seeds] for side in (first, second)]
    accuracy, loss = (compare_paired(*values, comparisons=number, resamples=resamples) for values in (points, losses))
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
        accuracies=tuple(one.of("accuracy") for one in figures.values()),
        losses=tuple(one.loss for one in figures.values()),
        dead=tuple(len(replica.dead) for replica in results.of(setting.number).values()),
        diverged=number - len(figures),
    )
