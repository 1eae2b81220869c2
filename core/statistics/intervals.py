"""Confidence intervals of proportions and medians."""

from __future__ import annotations

import math
from collections.abc import Sequence

_Z95 = 1.959963984540054


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (E. B. Wilson, JASA 22, 1927). `trials` is at least 1."""
    share, z2 = successes / trials, _Z95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = _Z95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    # The interval holds the share. At 0 and 1 the share is a bound, which rounding can miss.
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))


def difference_interval(one: tuple[int, int], other: tuple[int, int]) -> tuple[float, float]:
    """The 95 % interval of the difference of two independent proportions, `other` minus `one`: (successes, trials).

    R. G. Newcombe, Statistics in Medicine 17, 1998, method 10, which combines the two score intervals.
    """
    (p1, (low1, high1)), (p2, (low2, high2)) = ((k / n, wilson_interval(k, n)) for k, n in (one, other))
    down, up = math.hypot(p2 - low2, high1 - p1), math.hypot(high2 - p2, p1 - low1)
    return p2 - p1 - down, p2 - p1 + up


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """An interval of the median with a coverage of at least 95 %, for any distribution; unbounded below 6 values.

    Between two of the values in order (W. J. Conover, Practical Nonparametric Statistics, 1999, section 3.2), so
    infinite values are allowed.
    """
    from scipy.stats import binom

    rank = int(binom.ppf(0.025, len(values), 0.5))
    ordered = sorted(values)
    return (ordered[rank - 1], ordered[-rank]) if rank else (-math.inf, math.inf)
