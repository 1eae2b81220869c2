"""The prompt for a fork: the names it offers, what it completes, and what it says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipwatch.core.errors import BadInput
from clipwatch.core.stream.lane_config import LaneConfig, is_lane_name
from clipwatch.tui.view.fork_choices import ForkField, ForkParent, default_name
from clipwatch.tui.view.rule_choices import completed, number_to_replace, with_rule

PARENT = ForkParent("B", "value:0.001", 0.001)
FIELD = ForkField(PARENT, {"A", "B", "clipped"})


@given(st.from_regex(r"[\w.+-]{1,24}", fullmatch=True), st.integers(0, 12))
def test_the_name_offered_is_a_free_name_of_a_lane(parent: str, forks: int) -> None:
    taken = {parent}
    for _ in range(forks):
        name = default_name(parent, taken)
        assert is_lane_name(name)
        assert name not in taken
        taken.add(name)


def test_forks_are_numbered_and_long_names_cut() -> None:
    assert [default_name("B", {"B", "B+1"}), default_name("B+1", {"B", "B+1"})] == ["B+2", "B+1+1"]
    assert default_name("a" * 24, ()) == "a" * 22 + "+1"


@pytest.mark.parametrize(
    ("text", "lane"),
    [
        ("B+1=norm:1", LaneConfig("B+1", "norm:1")),
        ("hot=norm:1,lr=0.01", LaneConfig("hot", "norm:1", learning_rate=0.01)),
        ("norm:1,lr=0.01", LaneConfig("B+1", "norm:1", learning_rate=0.01)),
        ("norm:1,learning-rate=0.01", LaneConfig("B+1", "norm:1", learning_rate=0.01)),
        ("none", LaneConfig("B+1", "none")),
        # What was offered is still there when another name is typed.
        ("B+1=late=norm:1", LaneConfig("late", "norm:1")),
        ("B+1=late=norm:1,lr=0.01", LaneConfig("late", "norm:1", learning_rate=0.01)),
        # Without a rule, that of the parent.
        ("slow=,lr=0.1", LaneConfig("slow", "value:0.001", learning_rate=0.1)),
        (",lr=0.1", LaneConfig("B+1", "value:0.001", learning_rate=0.1)),
        ("lr=0.1", LaneConfig("B+1", "value:0.001", learning_rate=0.1)),
        ("B+1=lr=.1", LaneConfig("B+1", "value:0.001", learning_rate=0.1)),
        ("lr=norm:1", LaneConfig("lr", "norm:1")),
    ],
)
def test_a_text_is_a_lane(text: str, lane: LaneConfig) -> None:
    assert FIELD.read(text) == lane


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A=none", "there is a lane of this name already; use another name"),
        ("a lane=none", "lane name 'a lane': 1 to 24 letters"),
        ("B+1=none,lr=fast", "learning-rate 'fast': not a number"),
        ("B+1=none,beta1=0.5", "a fork keeps its parent's optimizer; only rule and lr can differ"),
        ("B+1=none,lr", "'lr' is not a setting"),
        ("B+1=nothing", "clip rule 'nothing'"),
    ],
)
def test_a_wrong_text_is_refused_in_one_line(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=re.escape(words)) as error:
        FIELD.read(text)
    assert "\n" not in str(error.value)
    assert FIELD.remark(text, []).rule is None


def test_the_rate_of_a_lane_whose_rate_is_unknown_stays() -> None:
    unknown = ForkField(ForkParent("B", "none", None), ())
    assert unknown.remark("none,lr=0.1", []).text == "the learning rate of B is unknown, so lr cannot be set"
    assert completed("none,", unknown, []) is None


@pytest.mark.parametrize(
    ("text", "words", "is_error"),
    [
        ("B+1=value:0.001", "as B: clamp each element to [-0.001, 0.001]", False),
        ("B+1=norm:2,lr=0.01", "scale the gradient down to an L2 norm of 2, learning rate 0.01", False),
        ("B+1=nor", "tab: norm:1", False),
        ("B+1=norm:1,l", "tab: lr=0.001", False),
        ("B+1=norm:0", "the bound must be above 0", True),
        ("A=nor", "there is a lane of this name already; use another name", True),
    ],
)
def test_what_is_typed_is_explained_completed_or_refused(text: str, words: str, is_error: bool) -> None:
    said = FIELD.remark(text, [])
    assert (said.text, said.is_error) == (words, is_error)


@given(st.text(max_size=20))
def test_any_text_gets_one_line(text: str) -> None:
    said = FIELD.remark(text, [])
    assert said.text.isprintable()
    assert (said.rule is None) or FIELD.read(text).rule == said.rule


@pytest.mark.parametrize(
    ("text", "whole", "number"),
    [("B+1=nor", "B+1=norm:1", "1"), ("B+1=sign,", "B+1=sign,lr=0.001", "0.001"), ("zcl", "zclip", "")],
)
def test_the_last_part_is_completed_and_its_number_is_what_one_replaces(text: str, whole: str, number: str) -> None:
    assert completed(text, FIELD, []) == whole
    start, end = number_to_replace(whole, FIELD)
    assert whole[start:end] == number


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("B+1=value:0.001", "as B, with B's planned rules: clamp"),
        ("B+1=value:0.001,lr=0.1", "with B's planned rules: clamp"),
        ("B+1=norm:2", "without B's planned rules: scale"),
    ],
)
def test_it_is_said_whether_a_fork_takes_the_rules_planned_for_its_parent(text: str, words: str) -> None:
    planned = ForkField(ForkParent("B", "value:0.001", 0.001, has_plans=True), {"A", "B"})
    assert planned.remark(text, []).text.startswith(words)


def test_a_rule_of_the_list_keeps_the_name_and_the_rate() -> None:
    assert with_rule("hot=norm:1,lr=0.01", "sign", FIELD) == "hot=sign,lr=0.01"
