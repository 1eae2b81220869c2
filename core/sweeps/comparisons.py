"""What came of the comparisons that a sweep suggests, and in a sentence what it means."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from ..verdict import ENOUGH, RESAMPLES, Paired, holm, is_measurable, paired
from .description import Setting, axis_value
from .pairs import pair_name, pairs
from .results import Results


@dataclass(frozen=True)
class Comparison:
    """Two settings that differ along one axis, over the seeds both have completed.

    Accuracy in points, loss in nats; the p of each adjusted for all comparisons of the sweep.
    """

    axis: str
    reference: Setting
    other: Setting
    accuracy: Paired
    loss: Paired
    accuracy_p: float
    loss_p: float

    @property
    def measurable(self) -> bool:
        """Whether accuracy differs by the rule of `verdict`."""
        return is_measurable(self.accuracy, self.accuracy_p)

    @property
    def name(self) -> str:
        """What is compared, and what both have in common."""
        return pair_name(self.axis, self.reference, self.other)

    @property
    def _subject(self) -> str:
        rule = self.other.choice.get("clip")
        if self.axis == "clip" and self.reference.choice["clip"] == "none":
            common = [axis_value(axis, value) for axis, value in self.other.choice.items() if axis != "clip"]
            return f"Clipping by {rule}" + (f" ({', '.join(common)})" if common else "")
        return self.name[:1].upper() + self.name[1:]

    @property
    def sentence(self) -> str:
        """What follows, in plain words."""
        found, (low, high) = self.accuracy, self.accuracy.interval
        subject = self._subject
        figures = f"{found.mean:+.2f} points of accuracy on average (95 % {low:+.2f} to {high:+.2f})"
        if found.exploratory:
            least = 2 / 2**found.n
            return (
                f"{subject}: exploratory. {found.n} seed{'s' if found.n > 1 else ''} can decide nothing, for even if"
                f" all agree, p is {least:.3g}; at least {ENOUGH} are needed."
            )
        p = p_words(self.accuracy_p)
        tested = f"p {p if p.startswith('<') else f'= {p}'} over {found.n} seeds"
        if self.measurable:
            return f"{subject} {self._verb} accuracy: {figures}, {tested}; better on {found.wins} of {found.n} seeds."
        return f"{subject}: no measurable difference: {figures}, {tested}. {_needed(found)}"

    @property
    def short(self) -> str:
        """The same in one line, for where the figures stand beside it."""
        if self.accuracy.exploratory:
            return f"{self._subject}: exploratory, under {ENOUGH} seeds"
        if self.measurable:
            return f"{self._subject} {self._verb} accuracy by {abs(self.accuracy.mean):.1f} points"
        return f"{self._subject}: no measurable difference"

    @property
    def _verb(self) -> str:
        return "raises" if self.accuracy.mean > 0 else "lowers"


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
    found = [
        (axis, reference, other, measured)
        for axis, reference, other in pairs(results.started.config)
        if (measured := _measured(results, reference, other, resamples))
    ]
    accuracy_p = holm([accuracy.p for *_, (accuracy, _) in found])
    loss_p = holm([loss.p for *_, (_, loss) in found])
    return [
        Comparison(axis, reference, other, *measured, *adjusted)
        for (axis, reference, other, measured), *adjusted in zip(found, accuracy_p, loss_p, strict=True)
    ]


def summaries(results: Results) -> list[Summary]:
    """Every setting with at least one seed completed."""
    return [summary for setting in results.started.config.settings if (summary := _summary(results, setting))]


def _measured(results: Results, reference: Setting, other: Setting, resamples: int) -> tuple[Paired, Paired] | None:
    first, second = results.of(reference.number), results.of(other.number)
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return None
    points = [[100 * (side[seed].accuracy or 0.0) for seed in seeds] for side in (first, second)]
    losses = [[side[seed].loss or 0.0 for seed in seeds] for side in (first, second)]
    return paired(*points, resamples=resamples), paired(*losses, resamples=resamples)


def _summary(results: Results, setting: Setting) -> Summary | None:
    replicas = list(results.of(setting.number).values())
    if not replicas:
        return None
    number = sum(replica.setting == setting.number for replica in results.replicas.values())
    return Summary(
        setting=setting,
        accuracies=tuple(replica.accuracy or 0.0 for replica in replicas),
        losses=tuple(replica.loss or 0.0 for replica in replicas),
        dead=tuple(len(replica.dead) for replica in replicas),
        diverged=number - len(replicas),
    )


def _needed(found: Paired) -> str:
    if found.needed is None:
        return "If there is one, no practicable number of seeds would show it."
    more = found.needed - found.n
    if more > 0:
        return f"To see a difference of this size four times out of five takes {found.needed:,} seeds, {more:,} more."
    return f"{found.needed:,} seeds would see a difference of this size four times out of five."


def p_words(value: float) -> str:
    """A p to four places; a random test of 20,000 patterns says no more."""
    return f"{value:.4f}" if value >= 0.0001 else "<0.0001"
