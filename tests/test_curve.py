"""Curves: nothing lost in columns, averages as defined, numbers that are not finite survived."""

from __future__ import annotations

import tracemalloc
from math import isfinite, isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipwatch.tui.charts.curve import Curve
from clipwatch.tui.charts.ema import BLOCK

FINITE = st.floats(-1e6, 1e6, width=32)
ANY = st.one_of(FINITE, st.sampled_from([nan, float("inf"), float("-inf")]))
FACTORS = st.sampled_from([0.0, 0.3, 0.6, 0.9, 0.99])


@st.composite
def series(draw: st.DrawFn, values: st.SearchStrategy[float] = ANY) -> list[tuple[int, float]]:
    """Points at regular, and now and then irregular, growing steps."""
    gap = draw(st.integers(1, 20))
    gaps = draw(st.lists(st.sampled_from([gap, gap, gap, 1, 7]), max_size=120))
    steps = np.cumsum([draw(st.integers(0, 50)), *gaps]).tolist()
    return [(step, draw(values)) for step in steps]


def curve_of(points: list[tuple[int, float]]) -> Curve:
    curve = Curve()
    for step, value in points:
        curve.append(step, value)
    return curve


def column_of(step: int, first: int, last: int, width: int) -> int:
    return width - 1 if step == last else (step - first) * width // (last - first)


windows = st.tuples(st.integers(-20, 600), st.integers(0, 2500), st.integers(1, 90))


@given(series(), windows)
def test_columns_are_the_extremes_of_their_points(
    points: list[tuple[int, float]], window: tuple[int, int, int]
) -> None:
    first, last, width = window[0], window[0] + window[1], window[2]
    columns = curve_of(points).columns(first, last, width)
    inside: list[list[float]] = [[] for _ in range(width)]
    for step, value in points:
        if first <= step <= last:
            inside[column_of(step, first, last, width)].append(value)
    for k, values in enumerate(inside):
        finite = [v for v in values if isfinite(v)]
        assert columns.broken[k] == (len(finite) < len(values))
        if finite:
            assert (columns.low[k], columns.high[k]) == (min(finite), max(finite))
        else:
            assert isnan(columns.low[k])
            assert isnan(columns.high[k])


@given(st.integers(0, 2**32), st.integers(0, 1500), st.integers(1, 1500), st.integers(1, 40))
def test_columns_of_a_growing_long_series_are_its_extremes(seed: int, first: int, span: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=1500)
    values[rng.random(1500) < 0.1] = nan
    curve = Curve()
    for length in (700, 1500):
        for step in range(len(curve), length):
            curve.append(step, float(values[step]))
        columns = curve.columns(first, first + span, width)
        for k in range(width):
            inside = [
                s for s in range(first, min(first + span + 1, length)) if column_of(s, first, first + span, width) == k
            ]
            finite = np.float32(values[inside])[np.isfinite(values[inside])]
            expected = (finite.min(), finite.max()) if len(finite) else (nan, nan)
            np.testing.assert_array_equal((columns.low[k], columns.high[k]), expected)


@given(st.integers(0, 49_999), st.integers(1, 300))
def test_a_spike_of_one_step_is_never_lost(spike: int, width: int) -> None:
    columns = SPIKED[spike % len(SPIKED)].columns(0, 49_999, width)
    assert np.nanmax(columns.high) == 9.0
    assert np.nanmin(columns.low) == 1.0


def spiked(at: int) -> Curve:
    return curve_of([(step, 9.0 if step == at else 1.0) for step in range(50_000)])


SPIKED = [spiked(at) for at in (0, 1, 24_999, 31_417, 49_998, 49_999)]


def naive_average(values: list[float], factor: float) -> float:
    mean, count = 0.0, 0
    for value in values:
        if isfinite(value):
            mean, count = factor * mean + (1 - factor) * value, count + 1
    return mean / (1 - factor**count) if count else nan


@given(series(), FACTORS, st.integers(1, 60), st.data())
def test_average_is_the_definition(
    points: list[tuple[int, float]], factor: float, width: int, data: st.DataObject
) -> None:
    curve, first, last = Curve(), points[0][0], points[-1][0]
    read_early = data.draw(st.integers(0, len(points) - 1))
    for index, (step, value) in enumerate(points):
        if index == read_early:
            curve.smoothed(first, last, width, factor)
        curve.append(step, value)
    smooth = curve.smoothed(first, last, width, factor)
    newest: dict[int, int] = {}
    for index, (step, _) in enumerate(points):
        newest[column_of(step, first, last, width) if last > first else width - 1] = index
    for k in range(width):
        values = [v for _, v in points[: newest[k] + 1]] if k in newest else []
        assert smooth[k] == pytest.approx(naive_average(values, factor), rel=1e-5, abs=1e-3, nan_ok=True)


def test_average_of_a_long_series_after_the_factor_changed() -> None:
    values = np.random.default_rng(0).normal(size=10 * BLOCK + 5).astype(np.float32).tolist()
    curve = curve_of(list(enumerate(values)))
    for factor in (0.9, 0.5, 0.9):
        assert curve.smoothed(0, len(values) - 1, 1, factor)[0] == pytest.approx(
            naive_average(values, factor), rel=1e-5
        )


def test_nan_leaves_the_average_as_it_was() -> None:
    curve = curve_of([(0, 1.0), (1, 3.0)])
    before = curve.smoothed(0, 1, 1, 0.5)[0]
    curve.append(2, nan)
    assert curve.smoothed(0, 2, 1, 0.5)[0] == before
    assert curve.broken(0, 2) == (1, 0)


@given(series(FINITE), st.integers(-10, 3000))
def test_nearest_is_the_closest_step(points: list[tuple[int, float]], step: int) -> None:
    assert curve_of(points).nearest(step) == min(points, key=lambda point: abs(point[0] - step))


def test_an_empty_curve_has_nothing() -> None:
    curve = Curve()
    assert curve.last is None
    assert curve.nearest(3) is None
    assert np.isnan(curve.columns(0, 100, 7).low).all()
    assert np.isnan(curve.smoothed(0, 100, 7, 0.9)).all()


@pytest.mark.parametrize("step", [4, 5])
def test_steps_must_grow(step: int) -> None:
    curve = curve_of([(5, 1.0)])
    with pytest.raises(ValueError, match=f"step {step} after step 5"):
        curve.append(step, 1.0)
    assert len(curve) == 1


def test_a_value_beyond_single_precision_stays_finite() -> None:
    assert curve_of([(0, 1e300)]).columns(0, 1, 1).high[0] == np.finfo(np.float32).max


def test_a_million_points_stay_below_eight_megabytes() -> None:
    values = [0.5] * 1_000_000
    tracemalloc.start()
    curve = Curve()
    for index, value in enumerate(values):
        curve.append(10 * index, value)
    curve.smoothed(0, 10_000_000, 160, 0.9)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(curve) == 1_000_000
    assert grown < 8_000_000
