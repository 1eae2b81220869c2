"""Bounds along 1-2-5, clipping on and off, and the paces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipwatch.core.stream.rules import ValueClip, parse_rule
from clipwatch.tui.view.clip_bounds import has_bound, stepped, toggled
from clipwatch.tui.view.ladder import LARGEST, SMALLEST
from clipwatch.tui.view.speed_limits import DEFAULT_PACE, PACES, next_pace

BOUNDS = st.floats(1e-14, 1e9)


def bound_after(bound: float, *directions: int) -> float:
    rule = ValueClip(-bound, bound)
    for direction in directions:
        rule = stepped(rule, direction)
    assert isinstance(rule, ValueClip)
    assert rule.high is not None
    assert rule.low == -rule.high
    return rule.high


def test_the_bounds_go_1_2_5_10() -> None:
    upwards = [bound_after(0.001, *[1] * steps) for steps in range(7)]
    assert upwards == [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1]
    downwards = [bound_after(0.001, *[-1] * steps) for steps in range(7)]
    assert downwards == [0.001, 0.0005, 0.0002, 0.0001, 0.00005, 0.00002, 0.00001]


@pytest.mark.parametrize(
    ("bound", "tighter", "looser"),
    [(0.003, 0.002, 0.005), (0.0099, 0.005, 0.01), (0.0101, 0.01, 0.02), (7.0, 5.0, 10.0)],
)
def test_a_bound_between_goes_to_the_nearest_on_its_way(bound: float, tighter: float, looser: float) -> None:
    assert (bound_after(bound, -1), bound_after(bound, 1)) == (tighter, looser)


@given(BOUNDS)
def test_tighter_is_never_looser_nor_looser_tighter(bound: float) -> None:
    assert bound_after(bound, -1) <= bound <= bound_after(bound, 1)


@pytest.mark.parametrize(
    ("start", "looser"),
    [
        ("norm:0.3", "norm:0.5"),
        ("value:-0.003:0.3", "value:-0.005:0.5"),
        ("autoclip:30", "autoclip:50"),
        ("layer-norm:0.3", "layer-norm:0.5"),
        ("agc:0.03", "agc:0.05"),
        ("zclip:3", "zclip:5"),
    ],
)
def test_the_bound_that_a_lane_began_with_is_a_stop(start: str, looser: str) -> None:
    first, other = parse_rule(start), parse_rule(looser)
    assert stepped(first, 1, first) == other
    assert stepped(other, -1, first) == first
    assert stepped(stepped(first, -1, first), 1, first) == first
    assert stepped(parse_rule("norm:500"), 1, parse_rule("norm:5000")) == parse_rule("norm:1000")
    assert stepped(parse_rule("sign"), 1, first) == parse_rule("sign")
    assert stepped(parse_rule("agc:0.5"), -1, parse_rule("norm:0.3")) == parse_rule("agc:0.2")


@given(st.floats(SMALLEST * 11, LARGEST / 11))
def test_there_and_back_is_where_one_was_on_the_ladder(bound: float) -> None:
    on_the_ladder = bound_after(bound, 1)
    assert bound_after(on_the_ladder, 1, -1) == on_the_ladder
    assert bound_after(on_the_ladder, -1, 1) == on_the_ladder


@given(st.floats(1e-9, 100.0), st.sampled_from([-1, 1]))
def test_every_bound_reached_has_one_digit(bound: float, direction: int) -> None:
    reached = bound_after(bound, direction)
    assert reached == float(f"{reached:.0e}")


def test_the_ends_of_the_ladder_stay() -> None:
    assert bound_after(LARGEST, 1) == LARGEST
    assert bound_after(SMALLEST, -1) == SMALLEST


def test_each_side_goes_its_way_and_a_free_side_stays_free() -> None:
    assert str(stepped(parse_rule("value:-0.001:0.02"), 1)) == "value:-0.002:0.05"
    assert str(stepped(parse_rule("value::0.02"), -1)) == "value::0.01"
    assert str(stepped(parse_rule("value:0:0.02"), -1)) == "value:0:0.01"


@pytest.mark.parametrize("rule", ["none", "sign", "zclip"])
def test_what_has_no_number_has_no_bound(rule: str) -> None:
    assert not has_bound(parse_rule(rule))
    assert stepped(parse_rule(rule), 1) == parse_rule(rule)


@pytest.mark.parametrize(
    ("rule", "tighter", "looser"),
    [
        ("norm:1", "norm:0.5", "norm:2"),
        ("layer-norm:0.3", "layer-norm:0.2", "layer-norm:0.5"),
        ("agc:0.01", "agc:0.005", "agc:0.02"),
        ("zclip:3", "zclip:2", "zclip:5"),
        ("autoclip:10", "autoclip:5", "autoclip:25"),
        ("autoclip:60", "autoclip:50", "autoclip:75"),
        ("autoclip:1", "autoclip:1", "autoclip:2"),
        ("autoclip:99", "autoclip:98", "autoclip:99"),
    ],
)
def test_every_rule_with_a_number_is_stepped(rule: str, tighter: str, looser: str) -> None:
    assert has_bound(parse_rule(rule))
    assert (str(stepped(parse_rule(rule), -1)), str(stepped(parse_rule(rule), 1))) == (tighter, looser)


@pytest.mark.parametrize("rule", ["norm:1", "agc:0.01", "autoclip:10", "zclip", "sign"])
def test_every_rule_is_switched_off_and_on(rule: str) -> None:
    assert toggled(parse_rule(rule), None) == "none"
    assert toggled(parse_rule("none"), rule) == rule


def test_clipping_goes_off_and_comes_back_as_it_was() -> None:
    assert toggled(parse_rule("value:0.005"), None) == "none"
    assert toggled(parse_rule("none"), "value:0.005") == "value:0.005"


def test_clipping_what_never_was_clipped_takes_the_assignments_rule() -> None:
    assert toggled(parse_rule("none"), None) == "value:0.001"
    assert toggled(parse_rule("none"), "none") == "value:0.001"


def test_paces_go_along_their_ladder_to_full_speed_and_back() -> None:
    pace, walked = PACES[0], []
    while pace is not None:
        walked.append(pace)
        pace = next_pace(pace, 1)
    assert walked == list(PACES)
    assert next_pace(None, 1) is None
    assert next_pace(None, -1) == PACES[-1]
    assert next_pace(None, -1, speed=43.0) == 40.0
    assert next_pace(None, -1, speed=0.5) == PACES[0]
    assert next_pace(PACES[0], -1) == PACES[0]
    assert DEFAULT_PACE in PACES


@given(st.floats(0.001, 1e6))
def test_faster_is_faster_and_slower_is_not(pace: float) -> None:
    faster, slower = next_pace(pace, 1), next_pace(pace, -1)
    assert faster is None or faster > pace
    assert slower is not None
    assert slower < pace or pace <= PACES[0]
