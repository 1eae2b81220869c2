"""The statistics of a sweep: against scipy and published examples, and honest in simulation."""

from __future__ import annotations

import itertools
import math
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from clipwatch.core.errors import ClipwatchError
from clipwatch.core.statistics import paired as verdict
from clipwatch.core.statistics.paired import (
    LEVEL,
    compare_paired,
    fewest_seeds,
    holm,
    is_exploratory,
    is_measurable,
    mean_interval,
    power,
    seeds_needed,
    sign_flip_p,
)

# Darwin's cross- and self-fertilised Zea mays, differences in eighths of an inch: Fisher's own example (1935).
DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], float)


def test_sign_flip_p_is_fishers_of_darwins_maize() -> None:
    p, exact = sign_flip_p(DARWIN)
    assert exact
    # Fisher counts 1,726 of 32,768 sign patterns on both sides: 5.267 %.
    assert p == 1726 / 32768


@pytest.mark.parametrize("n", [5, 9, 12])
def test_sign_flip_p_is_scipys(n: int) -> None:
    random = np.random.default_rng(n)
    a, b = random.normal(size=(2, n))
    library = stats.permutation_test(
        (a, b), lambda x, y, axis: np.mean(y - x, axis=axis), permutation_type="samples", n_resamples=np.inf
    )
    assert sign_flip_p(b - a)[0] == pytest.approx(library.pvalue, abs=1e-12)


def test_above_sixteen_seeds_p_is_drawn_and_near_the_exact_one() -> None:
    random = np.random.default_rng(3)
    differences = random.normal(0.4, 1, 17)
    p, exact = sign_flip_p(differences)
    signs = 1.0 - 2.0 * ((np.arange(2**17)[:, None] >> np.arange(17)) & 1)
    whole = (np.abs(signs @ differences) >= abs(differences.sum()) * (1 - 1e-12)).mean()
    assert not exact
    assert p == pytest.approx(whole, abs=4 * math.sqrt(whole * (1 - whole) / 20_000))


@pytest.mark.parametrize("comparisons", [900, 2000])
def test_a_drawn_p_can_pass_among_any_number_of_comparisons(comparisons: int) -> None:
    n = max(17, fewest_seeds(comparisons)) + 3
    found = compare_paired(np.zeros(n), 1 + np.arange(n) / 100, comparisons=comparisons, resamples=99)
    assert not found.exact
    assert is_measurable(found, holm([found.p], comparisons)[0])


@pytest.mark.parametrize("n", [7, 12, 18])
def test_sums_that_are_equal_but_for_rounding_are_equal(n: int) -> None:
    random = np.random.default_rng(n)
    signs = 1 - 2 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    for _ in range(20):
        # Right answers of 5,000, whose sums are exact; accuracies in points are not.
        right = random.integers(4000, 5000, n)
        other = right + random.integers(-3, 4, n)
        whole = (np.abs(signs @ (other - right)) >= abs((other - right).sum())).mean()
        p, exact = sign_flip_p(100 * (other / 5000) - 100 * (right / 5000))
        assert p == whole if exact else p == pytest.approx(whole, abs=5 * math.sqrt(0.25 / 20_000))


# Survival of mice after a test surgery, in days: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993.
MICE = np.array([94, 197, 16, 38, 99, 141, 23], float)


def test_interval_is_efrons_bca_of_all_resamples() -> None:
    sums = np.zeros(1)
    for _ in MICE:
        sums = np.add.outer(sums, MICE).ravel()
    assert len(sums) == 7**7

    def share(value: float) -> float:
        """Of all resamples, those with a smaller mean, ties counted half."""
        return float(((sums < value * 7).mean() + (sums <= value * 7).mean()) / 2)

    # The formulas of the book, section 14.3, of every resample there is instead of some that are drawn.
    normal, away = stats.norm, MICE.mean() - MICE
    bias, acceleration = normal.ppf(share(MICE.mean())), -(away**3).sum() / (6 * (away**2).sum() ** 1.5)
    places = [bias + normal.ppf(tail) for tail in (0.025, 0.975)]
    expected = [float(normal.cdf(bias + place / (1 - acceleration * place))) for place in places]
    (low, high), remark = mean_interval(MICE, resamples=99_999)
    assert remark == ""
    # Three standard errors of drawing; the percentiles 0.025 and 0.975 are 0.011 and 0.009 off.
    assert [share(low), share(high)] == pytest.approx(expected, abs=0.003)


@pytest.mark.parametrize(
    ("differences", "interval", "remark"),
    [
        ([1.5], (-math.inf, math.inf), "one seed has no interval"),
        ([2.0, 2.0, 2.0], (2.0, 2.0), "all differences are equal"),
        ([0.0] * 8, (0.0, 0.0), "all differences are equal"),
    ],
)
def test_an_interval_that_cannot_be_had_says_so(
    differences: list[float], interval: tuple[float, float], remark: str
) -> None:
    assert mean_interval(np.array(differences)) == (interval, remark)


def test_holm_is_the_papers_procedure() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005], 4) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([], 0) == []
    assert holm([0.9, 0.8], 2) == [1.0, 1.0]


def test_a_comparison_without_a_p_counts_as_one_that_shows_nothing() -> None:
    assert holm([0.01, 0.04, 0.03], 5) == holm([0.01, 0.04, 0.03, 1.0, 1.0], 5)[:3]


@pytest.mark.parametrize(("effect", "n", "expected"), [(0.5, 34, 0.8078), (0.8, 15, 0.8213), (0.2, 199, 0.8017)])
def test_power_is_that_of_published_tables(effect: float, n: int, expected: float) -> None:
    # G*Power 3.1, t test, difference between two dependent means, two-sided, 5 %.
    assert power(effect, n) == pytest.approx(expected, abs=0.002)


@pytest.mark.parametrize("effect", [4.2, 20, 1000])
def test_power_is_a_number_however_large_the_effect(effect: float) -> None:
    assert power(effect, 6) == pytest.approx(1)


def test_seeds_needed_is_the_least_number_with_that_power() -> None:
    random = np.random.default_rng(1)
    sample = random.normal(size=40)
    sample = (sample - sample.mean()) / sample.std(ddof=1) + 0.5
    assert seeds_needed(sample) == 34
    assert seeds_needed(np.zeros(10)) is None
    assert seeds_needed(np.full(10, 0.3)) == 6


def test_more_comparisons_need_more_seeds() -> None:
    sample = DARWIN[:12]
    needed = [seeds_needed(sample, comparisons) for comparisons in (1, 2, 4, 20, 100)]
    assert needed == sorted(set(needed))
    effect = sample.mean() / sample.std(ddof=1)
    assert power(effect, needed[3], LEVEL / 20) >= 0.8 > power(effect, needed[3] - 1, LEVEL / 20)
    assert [seeds_needed(np.full(10, 0.3), comparisons) for comparisons in (1, 4, 20)] == [6, 8, 10]


def test_what_is_described() -> None:
    found = compare_paired([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 5, 5, 7, 8, 8, 9])
    assert (found.n, found.mean, found.median, found.wins, found.ties) == (8, 1.25, 1.0, 7, 1)
    assert found.correlation == pytest.approx(np.corrcoef(range(1, 9), [2, 2, 5, 5, 7, 8, 8, 9])[0, 1])
    assert found.win_interval[0] < 7 / 8 < found.win_interval[1]
    assert compare_paired([1, 1], [2, 3]).correlation is None


@pytest.mark.parametrize(("comparisons", "fewest"), [(1, 6), (2, 7), (4, 8), (20, 10)])
def test_fewer_seeds_than_can_show_anything_are_exploratory(comparisons: int, fewest: int) -> None:
    assert fewest_seeds(comparisons) == fewest
    for n in (fewest - 1, fewest):
        found = compare_paired(np.zeros(n), 1 + np.arange(n) / 100, comparisons=comparisons, resamples=999)
        adjusted = holm([found.p], comparisons)[0]
        assert adjusted == found.smallest_p == comparisons * 2 / 2**n
        assert is_exploratory(found, adjusted) == (n < fewest)
        assert is_measurable(found, adjusted) == (n == fewest)


def test_what_holm_lets_through_after_others_is_not_exploratory() -> None:
    full = compare_paired(np.zeros(8), 1 + np.arange(8) / 100, comparisons=4)
    fewer = compare_paired(np.zeros(7), 1 + np.arange(7) / 100, comparisons=4)
    assert is_exploratory(fewer, fewer.smallest_p)
    adjusted = holm([full.p, full.p, full.p, fewer.p], 4)[3]
    assert is_measurable(fewer, adjusted)
    assert not is_exploratory(fewer, adjusted)


@pytest.mark.parametrize("n", [6, 9])
def test_the_sign_flip_test_is_exact(n: int) -> None:
    sizes = np.random.default_rng(n).exponential(size=n)
    signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    # Under the null hypothesis each of these samples is as likely as any other.
    found = np.array([sign_flip_p(sizes * pattern)[0] for pattern in signs])
    for level in np.unique(found):
        assert (found <= level).mean() == level
    assert 0 < (found < 0.05).mean() <= 0.05


def test_above_sixteen_seeds_its_level_is_kept_within_the_error_of_drawing() -> None:
    n, samples = 20, 400
    random = np.random.default_rng(n)
    sizes = random.exponential(size=n)
    found = np.array([sign_flip_p(sizes * random.choice([-1.0, 1.0], n))[0] for _ in range(samples)])
    assert (found < 0.05).mean() == pytest.approx(0.05, abs=3 * math.sqrt(0.05 * 0.95 / samples))


def test_at_most_a_twentieth_of_sweeps_without_a_difference_call_one() -> None:
    n = 7
    sizes = np.random.default_rng(11).exponential(size=(2, n))
    signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
    # Two comparisons: under the null hypothesis each pair of sign patterns is as likely as any other.
    first, second = (
        [compare_paired(np.zeros(n), one * row, comparisons=2, resamples=99) for row in signs] for one in sizes
    )
    called = 0
    for pair in itertools.product(first, second):
        adjusted = holm([found.p for found in pair], 2)
        called += any(map(is_measurable, pair, adjusted))
    assert 0.02 < called / 4**n <= 0.05


def test_intervals_cover_the_true_difference() -> None:
    random = np.random.default_rng(5)
    true = 2.0
    differences = random.normal(0, 5, (800, 48)) + random.choice([-8.0, 0.0, 8.0], (800, 48)) + true
    found = [mean_interval(sample, resamples=999)[0] for sample in differences]
    # Three standard errors of a share of 95 % among 800.
    assert np.mean([low <= true <= high for low, high in found]) == pytest.approx(0.95, abs=0.023)


def test_the_seeds_said_to_be_needed_have_that_power() -> None:
    random = np.random.default_rng(2)
    effect, n = 0.9, 12
    assert power(effect, n) >= 0.8 > power(effect, n - 1)
    seen = np.mean([sign_flip_p(sample)[0] < 0.05 for sample in random.normal(effect, 1, (400, n))])
    assert seen == pytest.approx(power(effect, n), abs=3 * math.sqrt(0.8 * 0.2 / 400))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("n", [8, 20])
def test_a_figure_that_is_no_number_is_never_compared(n: int, bad: float) -> None:
    reference, other = np.ones(n), np.linspace(2, 3, n)
    for one in (reference, other):
        one[3] = bad
        with pytest.raises(ClipwatchError, match="diverged"):
            compare_paired(reference, other)
        assert sign_flip_p(other - reference)[0] == 1.0
        one[3] = 1.0


def test_drawing_in_batches_changes_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    differences = np.random.default_rng(1).normal(0.3, 1, 40)
    signs = np.random.default_rng(0).integers(0, 2, (20_000, 40)) * 2.0 - 1.0
    reached = np.abs(signs @ differences) >= abs(differences.sum()) * (1 - 1e-12)
    at_once = float((1 + reached.sum()) / 20_001), mean_interval(differences)
    for size in (40, 40 * 7, 40 * 9_998):
        monkeypatch.setattr(verdict, "_AT_ONCE", size)
        assert (sign_flip_p(differences)[0], mean_interval(differences)) == at_once


def test_two_thousand_seeds_take_little_memory() -> None:
    differences = np.random.default_rng(1).normal(0.0, 1, 2000)
    tracemalloc.start()
    compare_paired(np.zeros(2000), differences)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6
