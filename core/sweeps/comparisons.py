"""The comparisons between the settings of a sweep, as numbers. The reports put them into words."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..statistics.paired import RESAMPLES, PairedDifferences, compare_paired, holm, is_exploratory, is_measurable
from ..stream.builtin_experiments import LENET
from ..stream.experiment_info import MetricInfo
from ..stream.sweep_config import Setting
from ..stream.sweep_events import Results
from .pairs import pair_name, pairs


@dataclass(frozen=True)
class Difference:
    """Two settings compared by one metric over the seeds for which both have it.

    A share is in percentage points, anything else in its own unit. `adjusted_p` is adjusted for all pairs of the sweep,
    including those that cannot be compared yet.
    """

    metric: MetricInfo
    paired: PairedDifferences
    adjusted_p: float

    @property
    def measurable(self) -> bool:
        """Whether the difference is measurable, see `statistics.paired`."""
        return is_measurable(self.paired, self.adjusted_p)

    @property
    def exploratory(self) -> bool:
        """Whether there are too few seeds to judge the difference."""
        return is_exploratory(self.paired, self.adjusted_p)

    @property
    def better(self) -> int | None:
        """The number of seeds on which the other setting is better; None if the metric does not say what is better."""
        if self.metric.lower_is_better is None:
            return None
        found = self.paired
        return found.n - found.wins - found.ties if self.metric.lower_is_better else found.wins


@dataclass(frozen=True)
class Comparison:
    """Two settings that differ along one axis, compared over the seeds that both have completed.

    `differences`: by metric, the most important first. `left_out`: the number of seeds on which one of the two
    diverged.
    """

    axis: str
    reference: Setting
    other: Setting
    differences: tuple[Difference, ...]
    left_out: int

    @property
    def main(self) -> Difference:
        """The difference in the most important metric."""
        return self.differences[0]

    @property
    def measurable(self) -> bool:
        """Whether the difference in the most important metric is measurable."""
        return self.main.measurable

    @property
    def exploratory(self) -> bool:
        """Whether there are too few seeds to judge the difference in the most important metric."""
        return self.main.exploratory

    @property
    def name(self) -> str:
        """The two values that are compared, and the values of the other axes."""
        return pair_name(self.axis, self.reference, self.other)


@dataclass(frozen=True)
class Summary:
    """The final figures of one setting over its completed seeds, in the order of the seeds.

    `metric`: the most important one. `values`: by the name of a metric or `loss`, NaN where a seed has none. `dead`:
    the number of dead outputs of each seed. `diverged`: the number of other seeds.
    """

    setting: Setting
    metric: MetricInfo
    values: dict[str, tuple[float, ...]]
    dead: tuple[int, ...]
    diverged: int

    @property
    def seeds(self) -> int:
        """The number of completed seeds."""
        return len(self.dead)

    @property
    def main(self) -> tuple[float, ...]:
        """The values of the most important metric."""
        return self.values[self.metric.name]

    def of(self, name: str) -> tuple[float, ...]:
        """The values of a metric or of the loss that are numbers."""
        return tuple(value for value in self.values[name] if math.isfinite(value))

    def median_of(self, name: str) -> float:
        """The median of a metric or of the loss; NaN if no seed has it."""
        values = self.of(name)
        return float(np.median(values)) if values else math.nan

    @property
    def range(self) -> tuple[float, float, float]:
        """Median, smallest and largest value of the most important metric; NaN if no seed has it."""
        values = self.of(self.metric.name) or (math.nan,)
        return float(np.median(values)), min(values), max(values)

    @property
    def solved(self) -> int | None:
        """The number of seeds that solved the task; None if the metric has no threshold for that."""
        return None if self.metric.solved_at is None else sum(map(self.metric.solves, self.main))

    @property
    def trained(self) -> int:
        """The number of seeds that were trained, those that diverged included."""
        return self.seeds + self.diverged

    @property
    def by_dead(self) -> dict[int, tuple[float, ...]]:
        """Values of the most important metric by the number of dead outputs."""
        pairs = list(zip(self.dead, self.main, strict=True))
        return {count: tuple(value for dead, value in pairs if dead == count) for count in sorted(Counter(self.dead))}

    @property
    def median_by_dead(self) -> dict[int, tuple[float, int]]:
        """Median of the most important metric and number of seeds, by the number of dead outputs."""
        return {dead: (float(np.median(values)), len(values)) for dead, values in self.by_dead.items()}

    @property
    def mean_dead(self) -> float:
        """Mean number of dead outputs."""
        return float(np.mean(self.dead))

    @property
    def can_die(self) -> bool:
        """Whether its outputs can die: those of LeNet with a ReLU on the logits."""
        return self.setting.config.settings.get("head") == "relu" and self.setting.config.experiment == LENET.info.name

    @property
    def dead_correlation(self) -> float | None:
        """Correlation of the most important metric and the number of dead outputs across seeds; None if undefined."""
        if len(self.dead) < 3 or len(set(self.dead)) < 2 or len(set(self.main)) < 2:
            return None
        return float(np.corrcoef(self.dead, self.main)[0, 1])


def comparisons(results: Results, *, resamples: int = RESAMPLES) -> list[Comparison]:
    """Compare the sweep's pairs: along each axis, every value against `none` or else the first value, all else equal.

    Fewer `resamples` compute the intervals faster and a little less exactly.
    """
    all_pairs = list(pairs(results.started.config))
    found = [_by_metric(results, reference, other, len(all_pairs), resamples) for _, reference, other in all_pairs]
    adjusted = {metric: _adjusted(found, metric, len(all_pairs)) for metric in results.started.metrics}
    return [
        Comparison(
            axis,
            reference,
            other,
            tuple(Difference(metric, paired, adjusted[metric][place]) for metric, paired in by_metric.items()),
            _left_out(results, reference, other),
        )
        for place, ((axis, reference, other), by_metric) in enumerate(zip(all_pairs, found, strict=True))
        if by_metric
    ]


def summaries(results: Results) -> list[Summary]:
    """Summaries of all settings that have completed at least one seed."""
    return [summary for setting in results.started.config.settings if (summary := _summary(results, setting))]


def _by_metric(
    results: Results, reference: Setting, other: Setting, number: int, resamples: int
) -> dict[MetricInfo, PairedDifferences]:
    """The differences in each metric that some seed has under both settings."""
    found: dict[MetricInfo, PairedDifferences] = {}
    for metric in results.started.metrics:
        first, second = (_values(results, setting, metric) for setting in (reference, other))
        if seeds := sorted(first.keys() & second.keys()):
            values = [[side[seed] for seed in seeds] for side in (first, second)]
            found[metric] = compare_paired(*values, comparisons=number, resamples=resamples)
    return found


def _values(results: Results, setting: Setting, metric: MetricInfo) -> dict[int, float]:
    """The values of a metric by seed, shares in percent, without those that are not finite."""
    scale = 100 if metric.share else 1
    values = {seed: scale * figures.of(metric.name) for seed, figures in results.figures(setting.number).items()}
    return {seed: value for seed, value in values.items() if math.isfinite(value)}


def _adjusted(found: list[dict[MetricInfo, PairedDifferences]], metric: MetricInfo, number: int) -> dict[int, float]:
    """The p of each pair that can be compared by this metric, adjusted for all pairs."""
    places = [place for place, by_metric in enumerate(found) if metric in by_metric]
    return dict(zip(places, holm([found[place][metric].p for place in places], number), strict=True))


def _left_out(results: Results, reference: Setting, other: Setting) -> int:
    ended = [{seed for number, seed in results.replicas if number == one.number} for one in (reference, other)]
    compared = results.of(reference.number).keys() & results.of(other.number).keys()
    return len((ended[0] & ended[1]) - compared)


def _summary(results: Results, setting: Setting) -> Summary | None:
    figures = results.figures(setting.number)
    if not figures:
        return None
    number = sum(replica.setting == setting.number for replica in results.replicas.values())
    metrics = results.started.metrics
    return Summary(
        setting=setting,
        metric=results.started.experiment.main,
        values={metric.name: tuple(one.of(metric.name) for one in figures.values()) for metric in metrics},
        dead=tuple(len(replica.dead) for replica in results.of(setting.number).values()),
        diverged=number - len(figures),
    )
