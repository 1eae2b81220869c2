"""A rule in plain words, from long to short."""

from __future__ import annotations

import pytest

from clipwatch.core.stream.rules import MEANINGS, recorded_rule
from clipwatch.tui.text.number_format import symbols_in_ascii
from clipwatch.tui.text.rule_words import rule_words

WORDS = {
    "none": ("unclipped",),
    "value:0.001": ("clipped: every element within ±0.001", "value ±0.001", "±0.001"),
    "value:-0.001:0.002": (
        "clipped: every element from -0.001 to 0.002",
        "value -0.001 to 0.002",
        "-0.001 to 0.002",
    ),
    "value:-1:": ("clipped: every element at least -1", "value ≥ -1", "≥-1"),
    "value::0.1": ("clipped: every element at most 0.1", "value ≤ 0.1", "≤0.1"),
    "norm:1": ("clipped: norm at most 1", "norm 1"),
    "layer-norm:0.5": ("clipped: norm of each layer at most 0.5", "layer norm 0.5"),
    "agc:0.01": ("clipped: each unit to 0.01 of its weights' norm", "agc 0.01"),
    "autoclip:10": ("clipped: norm at most percentile 10 of those so far", "autoclip 10"),
    "zclip": ("clipped: norms more than 2.5 deviations above the mean", "zclip 2.5"),
    "sign": ("clipped: every element to its sign", "signs only"),
    "warp:9": ("warp:9",),
}


@pytest.mark.parametrize(("rule", "words"), WORDS.items())
def test_a_rule_says_what_it_does(rule: str, words: tuple[str, ...]) -> None:
    assert rule_words(recorded_rule(rule)) == words


def test_every_kind_of_rule_has_words() -> None:
    for rule in MEANINGS:
        assert rule_words(recorded_rule(rule))[0].startswith(("clipped: ", "unclipped"))


def test_a_changed_rule_says_since_when_and_drops_that_last() -> None:
    assert rule_words(recorded_rule("none"), 360) == ("unclipped since step 360", "unclipped since 360", "unclipped")
    assert rule_words(recorded_rule("value:0.001"), 1360) == (
        "clipped: every element within ±0.001 since step 1,360",
        "value ±0.001 since step 1,360",
        "±0.001 since 1,360",
        "±0.001",
    )


@pytest.mark.parametrize("rule", WORDS)
@pytest.mark.parametrize("since", [None, 0, 1360])
def test_forms_become_shorter_and_have_an_ascii_form(rule: str, since: int | None) -> None:
    forms = rule_words(recorded_rule(rule), since)
    lengths = [len(form) for form in forms]
    assert lengths == sorted(set(lengths), reverse=True)
    assert all(symbols_in_ascii(form).isascii() for form in forms)
