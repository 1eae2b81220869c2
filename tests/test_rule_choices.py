"""The prompt for a clip rule: what it offers, completes and says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipwatch.core.stream.rules import MEANINGS, meaning, parse_rule
from clipwatch.tui.view.rule_choices import choices, completion, number_span, remark


def test_the_list_has_every_rule_and_ends_with_the_newest_used() -> None:
    rows = choices(["norm:5", "sign"])
    assert [row.rule for row in rows] == [*MEANINGS, "norm:5", "sign"]
    assert rows[-2].line == f"{'norm:5':<19} used before: scale the gradient down to an L2 norm of 5"
    assert len({row.line.index(MEANINGS[row.rule]) for row in rows[: len(MEANINGS)]}) == 1


@pytest.mark.parametrize(
    ("text", "history", "whole"),
    [
        ("v", [], "value:0.001"),
        ("norm:", [], "norm:1"),
        ("n", [], "none"),
        ("n", ["norm:5", "sign", "norm:2"], "norm:2"),
        ("norm:7", [], None),
        ("", ["norm:5"], None),
    ],
)
def test_what_is_typed_is_completed_from_the_newest_rule_used(text: str, history: list[str], whole: str | None) -> None:
    assert completion(text, history) == whole


@pytest.mark.parametrize(("rule", "number"), [("norm:1", "1"), ("value:-0.001:0.002", "-0.001:0.002"), ("sign", "")])
def test_the_number_of_a_rule_is_what_one_replaces(rule: str, number: str) -> None:
    start, end = number_span(rule)
    assert rule[start:end] == number


@given(st.text(max_size=12))
def test_every_text_is_a_rule_or_begins_one_or_is_wrong(text: str) -> None:
    said = remark(text, [])
    assert said.text.isprintable()
    if said.rule is not None:
        assert said.text == meaning(parse_rule(said.rule))
    elif text:
        assert said.is_error == (completion(text, []) is None)


def test_a_remark_does_not_repeat_what_is_typed() -> None:
    assert remark("valu:1", []) == ("not a rule; did you mean value:1?", None, True)
    assert remark("norm:-1", []) == ("the bound must be above 0", None, True)
    assert remark("value::3", []).text == "lower elements above 3 to it"
    assert remark("zcl", []) == ("tab: zclip", None, False)
