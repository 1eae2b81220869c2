"""The words for the transient after a change of rule, and how long it lasts."""

from __future__ import annotations

import math

import pytest

from clipwatch.core.stream.events import ClipChanged, MomentsReset
from clipwatch.tui.text.adam_memory import HALF_LIFE, memory_words, transients


def change(step: int, previous: str = "none", rule: str = "value:0.001", *, reset: bool = False) -> ClipChanged:
    return ClipChanged(lane="a", step=step, rule=rule, previous=previous, moments_reset=reset)


RESET = MomentsReset(lane="a", step=700)


def test_the_half_life_is_that_of_adams_second_moment() -> None:
    from clipwatch.core.optimizers.adam import BETA2

    assert round(math.log(0.5) / math.log(BETA2)) == HALF_LIFE


@pytest.mark.parametrize(
    ("previous", "rule", "long", "short"),
    [
        ("none", "value:0.001", "smaller steps for hundreds of steps", "smaller steps"),
        ("value:0.001", "none", "a few larger steps, often with a loss spike", "often a loss spike"),
        ("value:0.01", "value:0.001", "smaller steps", "smaller steps"),
        ("value:0.001", "value:0.01", "a loss spike", "often a loss spike"),
        ("norm:2", "norm:1", "smaller steps", "smaller steps"),
        ("norm:1", "norm:2", "a loss spike", "often a loss spike"),
        # Which of these clips more is unknown.
        ("value:0.001", "norm:1", "steps take time to adapt", "steps adapt slowly"),
        ("value:-0.001:0.1", "value:-1:0.001", "steps take time to adapt", "steps adapt slowly"),
        ("value::0.1", "value::0.01", "steps take time to adapt", "steps adapt slowly"),
    ],
)
def test_the_transient_is_explained_in_a_long_and_a_short_text(previous: str, rule: str, long: str, short: str) -> None:
    sentence, few = memory_words(change(300, previous, rule))
    assert "Adam's second moment adapts slowly (half-life 693 steps)" in sentence
    assert long in sentence
    assert few == f"{short} (Adam's half-life: 693 steps)"
    # It fits a line of 60 cells, beside a lane's name.
    assert len(few) < 49


def test_a_transient_lasts_one_half_life() -> None:
    assert transients([]) == []
    assert transients([change(300)]) == [(300, 993)]
    assert transients([change(0), change(2000)]) == [(0, 693), (2000, 2693)]


def test_overlapping_transients_are_one_interval() -> None:
    assert transients([change(300), change(400)]) == [(300, 1093)]


def test_a_reset_ends_the_transient() -> None:
    assert transients([change(300), RESET]) == [(300, 700)]
    assert transients([RESET]) == []
    assert transients([change(300), change(350, reset=True)]) == [(300, 350)]
    assert transients([change(300, reset=True)]) == []
    assert transients([change(300), RESET, change(700)]) == [(300, 1393)]
