"""What paired differences say, and a plain sentence that follows from it by a stated rule.

Differences are of the same seed under two settings, so what the seed decides is left out of them. A difference is
called measurable if the sign-flip p, corrected by Holm for all comparisons, is below 0.05 and the bootstrap interval of
the mean leaves 0 out. One of fewer than `fewest_seeds` is exploratory, unless Holm lets it through after others.
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
# Up to this many seeds every one of the 2^n sign patterns is tried.
EXACT = 16
# Above that, how many are drawn; no fewer for each comparison than let p, which is never 0, pass Holm's correction.
_FLIPS, _FLIPS_EACH = 20_000, 40
# Sums that differ by less than this share of the sum of all sizes count as equal. Accuracies are counts over a total,
# so many sums of their differences are equal but for rounding.
_ROUNDING = 1e-9
RESAMPLES = 9_999
# Numbers drawn at a time: 16 MB, of which a few copies are held at once.
_AT_ONCE = 2_000_000
_MOST_SEEDS = 100_000


@dataclass(frozen=True)
class Paired:
    """Differences (other minus reference) over n seeds and what describes them; `interval` is of the mean, 95 %.

    It is one of so many `comparisons`. `exact`: whether p counts all sign patterns. `wins` are seeds with a difference
    above 0, `ties` those with none. `remark` says why an interval is not the usual one; `needed` is how many seeds
    would see a difference of this size four times out of five (None: it is 0, or beyond counting); `correlation` is
    that of the two settings across seeds.
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
        """How many seeds."""
        return len(self.differences)

    @property
    def least_p(self) -> float:
        """The p that agreement of all seeds would give, adjusted for all comparisons."""
        return min(1.0, self.comparisons * 2 / 2**self.n)


def paired(reference: ArrayLike, other: ArrayLike, *, comparisons: int = 1, resamples: int = RESAMPLES) -> Paired:
    """Compare two settings over the same seeds in the same order, at least one; `resamples` for the interval.

    ClipwatchError if a figure is NaN or infinite: a seed that diverged has no difference, and is to be left out.
    """
    a, b = np.asarray(reference, np.float64), np.asarray(other, np.float64)
    differences = b - a
    if not np.isfinite(differences).all():
        raise ClipwatchError("a seed that diverged cannot be compared: its figures are not finite; leave it out")
    interval, remark = mean_interval(differences, resamples=resamples)
    wins, ties = int((differences > 0).sum()), int((differences == 0).sum())
    p, exact = sign_flip_p(differences, comparisons)
    return Paired(
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
    """The 95 % BCa bootstrap interval of the mean (B. Efron, JASA 82, 1987), and a remark where there is none."""
    if len(differences) < 2:
        return (-math.inf, math.inf), "one seed has no interval"
    if np.ptp(differences) == 0:
        return (float(differences[0]), float(differences[0])), "all differences are equal"
    for method, remark in (("BCa", ""), ("percentile", "no BCa interval exists: a percentile interval")):
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
    """Two-sided p of the mean if each difference were as likely of either sign; and whether it is exact.

    R. A. Fisher, The Design of Experiments, 1935, section 21. Where a difference is as likely of either sign, as of two
    settings that do the same, the p of all patterns is exact, whatever the distribution: it is at most x with
    probability x for every x that it can take, and with less for any other. Above `EXACT` seeds random sign patterns
    are tried, always the same ones, the observed one among them, so that p is never 0 (B. Phipson and G. K. Smyth,
    2010): it is the exact p within a standard error of 0.0015 at 0.05. That `is_measurable` wants the interval to leave
    0 out, too, makes it only stricter.
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
        # The patterns are the same however many are drawn at a time.
        signs = generator.integers(0, 2, (min(_rows(n), flips - start), n)) * 2.0 - 1.0
        extreme += _as_extreme(signs @ differences, observed)
    return (1 + extreme) / (1 + flips), False


def _rows(n: int) -> int:
    """How many rows of n numbers to draw at a time."""
    return max(1, _AT_ONCE // n)


def _as_extreme(sums: Floats, observed: float) -> int:
    """How many of the sums are at least of this size; all if that is no number."""
    return int((~(np.abs(sums) < observed)).sum())


def holm(values: Sequence[float], comparisons: int) -> list[float]:
    """The values of p adjusted for being among so many comparisons (S. Holm, Scand. J. Statist. 6, 1979).

    Comparisons without a value count as if theirs were 1.
    """
    adjusted, least = [0.0] * len(values), 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        least = max(least, min(1.0, (comparisons - rank) * values[place]))
        adjusted[place] = least
    return adjusted


def fewest_seeds(comparisons: int) -> int:
    """The least n at which agreement of all seeds shows one difference among so many: their number x 2 / 2^n < 0.05."""
    return math.ceil(math.log2(2 * comparisons / LEVEL))


def power(effect: float, n: int, level: float = LEVEL) -> float:
    """The chance that a two-sided t test sees a mean difference of `effect` standard deviations in n seeds.

    The chance that it takes the sign for the other is left out: it has no weight, and scipy often has no number for it.
    """
    if n < 2:
        return 0.0
    limit = stats.t.ppf(1 - level / 2, n - 1)
    return float(stats.nct.sf(limit, n - 1, abs(effect) * math.sqrt(n)))


def seeds_needed(differences: Floats, comparisons: int = 1) -> int | None:
    """How many seeds in all see a difference of the size found with a power of 80 %, at least `fewest_seeds`.

    Among several comparisons the level is the one that Holm asks of the smallest p.
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


def is_measurable(comparison: Paired, adjusted: float) -> bool:
    """The rule that the sentences follow."""
    low, high = comparison.interval
    return adjusted < LEVEL and not low <= 0 <= high


def is_exploratory(comparison: Paired, adjusted: float) -> bool:
    """Whether there are fewer than `fewest_seeds`, and Holm does not let it through after others."""
    return comparison.least_p >= LEVEL and adjusted >= LEVEL


def _correlation(a: Floats, b: Floats) -> float | None:
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
