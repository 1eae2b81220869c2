"""Compares two settings by their paired differences over seeds, and classifies the result by a fixed rule.

A pair is the same seed under two settings, so effects of the seed cancel in the difference. A difference is measurable
if its sign-flip p, corrected by Holm for all comparisons, is below 0.05 and the bootstrap interval of its mean excludes
0. A comparison over fewer than `fewest_seeds` is exploratory, unless its corrected p is below 0.05.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ..errors import ClipwatchError
from .intervals import wilson_interval

Floats = NDArray[np.float64]

LEVEL = 0.05
POWER = 0.8
# Up to this many seeds, all 2^n sign patterns are tried.
EXACT = 16
# Above that, this many random patterns, but at least so many for each comparison: p is never below 1 / patterns, which
# must be small enough to pass Holm's correction.
_FLIPS, _FLIPS_EACH = 20_000, 40
# Sums that differ by less than this share of the sum of absolute differences count as equal. Accuracies are counts over
# a total, so many sums of their differences differ only by rounding.
_ROUNDING = 1e-9
RESAMPLES = 9_999
# Random numbers in memory at a time: 16 MB, of which a few copies exist at once.
_AT_ONCE = 2_000_000
_MOST_SEEDS = 100_000


@dataclass(frozen=True)
class PairedDifferences:
    """Differences (other minus reference) over n seeds, and their statistics.

    `comparisons`: the number of comparisons that this one belongs to. `interval`: 95 % interval of the mean; `remark`
    says why it is not a BCa interval, empty if it is. `exact`: whether p counts all sign patterns. `wins`, `ties`: the
    number of seeds with a difference above 0 and equal to 0. `correlation`: of the two settings across seeds. `needed`:
    see `seeds_needed`.
    """

    differences: tuple[float, ...]
    comparisons: int
    mean: float
    median: float
    interval: tuple[float, float]
    remark: str
    p: float
    exact: bool
    wins: int
    ties: int
    win_interval: tuple[float, float]
    correlation: float | None
    needed: int | None

    @property
    def n(self) -> int:
        """The number of seeds."""
        return len(self.differences)

    @property
    def smallest_p(self) -> float:
        """The smallest p that n seeds can give, adjusted for all comparisons. All differences then have one sign."""
        return min(1.0, self.comparisons * 2 / 2**self.n)


def compare_paired(
    reference: ArrayLike, other: ArrayLike, *, comparisons: int = 1, resamples: int = RESAMPLES
) -> PairedDifferences:
    """Compare two settings over the same seeds in the same order, at least one; `resamples` for the interval.

    Raises ClipwatchError if a figure is NaN or infinite: leave out seeds that diverged.
    """
    a, b = np.asarray(reference, np.float64), np.asarray(other, np.float64)
    differences = b - a
    if not np.isfinite(differences).all():
        raise ClipwatchError("a seed that diverged cannot be compared: its figures are not finite; leave it out")
    interval, remark = mean_interval(differences, resamples=resamples)
    wins, ties = int((differences > 0).sum()), int((differences == 0).sum())
    p, exact = sign_flip_p(differences, comparisons)
    return PairedDifferences(
        differences=tuple(differences.tolist()),
        comparisons=comparisons,
        mean=float(differences.mean()),
        median=float(np.median(differences)),
        interval=interval,
        remark=remark,
        p=p,
        exact=exact,
        wins=wins,
        ties=ties,
        win_interval=wilson_interval(wins, len(differences)),
        correlation=_correlation(a, b),
        needed=seeds_needed(differences, comparisons),
    )


def mean_interval(differences: Floats, *, resamples: int = RESAMPLES) -> tuple[tuple[float, float], str]:
    """The 95 % BCa bootstrap interval of the mean (B. Efron, JASA 82, 1987), and a remark if it is another."""
    if len(differences) < 2:
        return (-math.inf, math.inf), "one seed has no interval"
    if np.ptp(differences) == 0:
        return (float(differences[0]), float(differences[0])), "all differences are equal"
    for method, remark in (("BCa", ""), ("percentile", "no BCa interval exists; this is a percentile interval")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = stats.bootstrap(
                (differences,),
                np.mean,
                n_resamples=resamples,
                batch=_rows(len(differences)),
                method=method,
                rng=np.random.default_rng(0),
            ).confidence_interval
        if math.isfinite(found.low) and math.isfinite(found.high):
            return (float(found.low), float(found.high)), remark
    return (-math.inf, math.inf), "no interval could be found"


def sign_flip_p(differences: Floats, comparisons: int = 1) -> tuple[float, bool]:
    """Two-sided p of the mean under random signs of the differences, and whether it is exact.

    R. A. Fisher, The Design of Experiments, 1935, section 21. The null hypothesis is that each difference is equally
    likely to have either sign, as with two settings that do the same. Over all sign patterns p is then exact for every
    distribution: p <= x has probability x for every value x that p can take, and less for any other x. Above `EXACT`
    seeds, p is estimated from random sign patterns, the same ones in every call. The observed pattern counts as one of
    them, so p is never 0 (B. Phipson and G. K. Smyth, 2010). The standard error of this estimate is 0.0015 at p = 0.05.
    """
    n = len(differences)
    observed = abs(float(differences.sum())) - _ROUNDING * float(np.abs(differences).sum())
    if n <= EXACT:
        sums = np.zeros(1)
        for difference in differences:
            sums = np.concatenate((sums - difference, sums + difference))
        return _as_extreme(sums, observed) / 2**n, True
    flips, generator = max(_FLIPS, _FLIPS_EACH * comparisons), np.random.default_rng(0)
    extreme = 0
    for start in range(0, flips, _rows(n)):
        # The patterns do not depend on how many are drawn at a time.
        signs = generator.integers(0, 2, (min(_rows(n), flips - start), n)) * 2.0 - 1.0
        extreme += _as_extreme(signs @ differences, observed)
    return (1 + extreme) / (1 + flips), False


def _rows(n: int) -> int:
    """The number of rows of n numbers to draw at a time."""
    return max(1, _AT_ONCE // n)


def _as_extreme(sums: Floats, observed: float) -> int:
    """The number of sums whose absolute value is at least `observed`; all of them if `observed` is NaN."""
    return int((~(np.abs(sums) < observed)).sum())


def holm(values: Sequence[float], comparisons: int) -> list[float]:
    """Adjust values of p for the number of comparisons (S. Holm, Scand. J. Statist. 6, 1979).

    Comparisons without a value count as p = 1.
    """
    adjusted, least = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        least = max(least, min(1.0, (comparisons - rank) * values[place]))
        adjusted[place] = least
    return adjusted


def fewest_seeds(comparisons: int) -> int:
    """The smallest n at which differences of one sign reach significance: comparisons * 2 / 2^n < 0.05."""
    return math.ceil(math.log2(2 * comparisons / LEVEL))


def power(effect: float, n: int, level: float = LEVEL) -> float:
    """The power of a two-sided t test for a mean difference of `effect` standard deviations over n seeds.

    Leaves out rejections with the wrong sign: their probability is negligible, and scipy often returns NaN for it.
    """
    if n < 2:
        return 0.0
    limit = stats.t.ppf(1 - level / 2, n - 1)
    return float(stats.nct.sf(limit, n - 1, abs(effect) * math.sqrt(n)))


def seeds_needed(differences: Floats, comparisons: int = 1) -> int | None:
    """The number of seeds that detect a difference of the observed size with 80 % power, at least `fewest_seeds`.

    For several comparisons, the level is the one that Holm applies to the smallest p. None if the difference is 0, if
    there is only one seed, or if more than 100,000 seeds would be needed.
    """
    fewest, level = fewest_seeds(comparisons), LEVEL / comparisons
    spread = float(differences.std(ddof=1)) if len(differences) > 1 else 0.0
    mean = float(differences.mean())
    if spread == 0 or mean == 0:
        return fewest if mean and len(differences) > 1 else None
    effect = abs(mean) / spread
    low, high = fewest, fewest
    while power(effect, high, level) < POWER:
        low, high = high, high * 2
        if high > _MOST_SEEDS:
            return None
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if power(effect, middle, level) < POWER else (low, middle)
    return low


def is_measurable(comparison: PairedDifferences, adjusted: float) -> bool:
    """Whether the adjusted p is below 0.05 and the interval of the mean, which makes it stricter, excludes 0."""
    low, high = comparison.interval
    return adjusted < LEVEL and not low <= 0 <= high


def is_exploratory(comparison: PairedDifferences, adjusted: float) -> bool:
    """Whether a comparison has fewer than `fewest_seeds`, and its adjusted p is not below 0.05."""
    return comparison.smallest_p >= LEVEL and adjusted >= LEVEL


def _correlation(a: Floats, b: Floats) -> float | None:
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
