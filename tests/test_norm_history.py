"""The bounds of AutoClip and ZClip, worked out by hand and against numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipwatch.core.clipping.norm_history import NormBound, PercentileBound, SpikeBound

NORMS = st.lists(st.floats(0, 1e30), min_size=1, max_size=60)


def bounds(threshold: NormBound, *norms: float) -> list[float]:
    return [threshold.bound(norm) for norm in norms]


def test_percentiles_by_hand() -> None:
    # 4; then half way between 2 and 4; then the middle of 2, 4, 10; then between 2 and 4 of 1, 2, 4, 10.
    assert bounds(PercentileBound(50), 4, 2, 10, 1) == [4, 3, 4, 3]
    # A quarter of the way along 0, 10 is 2.5; along 0, 10, 20 the rank is 0.5.
    assert bounds(PercentileBound(25), 10, 0, 20) == [10, 2.5, 5]
    assert bounds(PercentileBound(0), 3, 1, 2) == [3, 1, 1]
    assert bounds(PercentileBound(100), 1, 3, 2) == [1, 3, 3]


@given(NORMS, st.floats(0, 100))
def test_percentiles_are_numpys(norms: list[float], percentile: float) -> None:
    ours = bounds(PercentileBound(percentile), *norms)
    for count, bound in enumerate(ours, 1):
        assert bound == pytest.approx(np.percentile(norms[:count], percentile), rel=1e-9, abs=1e-300)


def test_norms_that_are_not_finite_are_not_remembered() -> None:
    assert bounds(PercentileBound(50), math.inf, math.nan, 4, math.nan, 2, math.inf) == [math.inf, math.inf, 4, 4, 3, 3]
    spikes, others = SpikeBound(2.5), SpikeBound(2.5)
    regular = [1.0, 2.0] * 15
    bounds(spikes, math.nan, *regular[:10], math.inf, *regular[10:], math.nan, math.inf)
    bounds(others, *regular)
    assert spikes.state == others.state


def test_spikes_by_hand() -> None:
    threshold = SpikeBound(2.5)
    # 24 norms in pairs of 1 and 3, and a 2: mean 2, variance 24/25.
    assert bounds(threshold, *[1.0, 3.0] * 12, 2.0) == [math.inf] * 25
    assert (threshold.state["mean"], threshold.state["variance"]) == pytest.approx((2.0, 0.96))
    # z = (12 - 2) / 0.979797 = 10.206; the bound is 2 + 0.979797 * 6.25 / 10.206 = 2 + 0.96 * 0.625 = 2.6.
    assert threshold.bound(12.0) == pytest.approx(2.6, abs=1e-5)
    # Remembered is 2.6: mean 0.97 * 2 + 0.03 * 2.6 = 2.018, variance 0.97 * 0.96 + 0.03 * 0.582² = 0.94136.
    assert (threshold.state["mean"], threshold.state["variance"]) == pytest.approx((2.018, 0.9413617), abs=1e-6)
    # No spike, z = 1.01: mean 2.018 * 0.97 + 0.03 * 3 = 2.04746, variance 0.97 * 0.94136 + 0.03 * 0.95254².
    assert threshold.bound(3.0) == math.inf
    assert (threshold.state["mean"], threshold.state["variance"]) == pytest.approx((2.04746, 0.9403409), abs=1e-6)
    # A norm below is never bounded, however far.
    assert threshold.bound(0.0) == math.inf


def test_the_larger_the_spike_the_lower_its_bound() -> None:
    warmed = SpikeBound(2.5)
    bounds(warmed, *[1.0, 3.0] * 12, 2.0)
    found = []
    for norm in (5.0, 10.0, 100.0, 1e30, math.inf):
        again = SpikeBound(2.5)
        again.restore(warmed.state)
        found.append(again.bound(norm))
    assert found == sorted(found, reverse=True)
    assert found[0] < 5
    assert found[-1] == 2.0


def test_norms_that_are_all_zero_bound_nothing_but_what_follows() -> None:
    threshold = SpikeBound(2.5)
    assert bounds(threshold, *[0.0] * 30) == [math.inf] * 30
    assert threshold.bound(1.0) == 0.0
