"""What two lanes differ by, and which pairs are a comparison of clipping."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from test_state import LANE, RUN, folded

from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    ClipChanged,
    Event,
    LaneForked,
    LearningRateChanged,
    MomentsReset,
)
from clipwatch.core.stream.lane_differences import difference, lane_pairs, uses_adam
from clipwatch.core.stream.state import RunState

RULES = ("none", "norm:1", "value:0.5")
RATES = (0.1, 0.01)
END = 6


def run_of(*lanes: LaneConfig, events: tuple[Event, ...] = (), **settings: object) -> RunState:
    """A run of these lanes after these events."""
    config = RunConfig(lanes=lanes, learning_rate=0.01, **settings)  # pyright: ignore[reportArgumentType]
    starts = [
        msgspec.structs.replace(LANE, lane=lane.name, rule=lane.rule, learning_rate=config.for_lane(lane).learning_rate)
        for lane in lanes
    ]
    return folded(msgspec.structs.replace(RUN, config=config), *starts, *events)


def forked(name: str, parent: str, step: int, rule: str, rate: float = 0.01) -> LaneForked:
    return LaneForked(lane=name, step=step, parent=parent, rule=rule, learning_rate=rate, seconds=1.0)


def clip(lane: str, step: int, rule: str) -> ClipChanged:
    return ClipChanged(lane=lane, step=step, rule=rule, previous="none")


def rate(lane: str, step: int, value: float) -> LearningRateChanged:
    return LearningRateChanged(lane=lane, step=step, rate=value, previous=0.01)


PLAIN, PLAIN_TOO, BOUND = LaneConfig("plain", "none"), LaneConfig("too", "none"), LaneConfig("bound", "norm:1")


def test_lanes_that_differ_by_their_rules_are_a_comparison_of_clipping() -> None:
    found = difference(run_of(PLAIN, BOUND), "plain", "bound")
    assert found.compares_rules
    assert (found.settings, found.since) == (("rule",), 0)


def test_lanes_of_other_rates_optimizers_or_beta1_are_none() -> None:
    fast = LaneConfig("fast", "norm:1", learning_rate=0.1, optimizer="sgd")
    found = difference(run_of(PLAIN, fast), "plain", "fast")
    assert found.settings == ("rule", "learning_rate", "optimizer")
    assert not found.compares_rules
    eager = LaneConfig("eager", "norm:1", beta1=0.9)
    assert difference(run_of(PLAIN, eager), "plain", "eager").beside_rule == ("beta1",)
    # SGD has no beta1.
    assert difference(run_of(PLAIN, eager, optimizer="sgd"), "plain", "eager").compares_rules


def test_a_rate_of_its_own_that_is_that_of_the_run_is_no_difference() -> None:
    same = LaneConfig("same", "norm:1", learning_rate=0.01)
    assert difference(run_of(PLAIN, same), "plain", "same").compares_rules


def test_a_fork_keeps_the_rate_of_the_users_own_optimizer() -> None:
    run = run_of(PLAIN, LaneConfig("too", "none"), events=(forked("fork", "plain", 3, "norm:1"), rate("too", 4, 0.1)))
    own = msgspec.structs.replace(run, experiment=msgspec.structs.replace(run.experiment, own_optimizer=True))
    assert difference(own, "plain", "fork").compares_rules
    assert difference(own, "plain", "too").beside_rule == ("learning_rate",)


def test_a_planned_change_is_part_of_the_rule_and_another_one_is_not() -> None:
    warm = LaneConfig("warm", "norm:1", clip_at={300: "norm:5"})
    planned = run_of(PLAIN, warm, events=(clip("warm", 300, "norm:5"),))
    assert difference(planned, "plain", "warm").compares_rules
    steered = run_of(PLAIN, warm, events=(clip("warm", 300, "norm:5"), clip("warm", 400, "none")))
    assert difference(steered, "plain", "warm").changed == ("warm",)
    # A plan counts before its step has come.
    assert difference(run_of(BOUND, warm), "bound", "warm").compares_rules


def test_the_same_change_of_rate_in_both_lanes_leaves_the_rule_alone() -> None:
    both = run_of(PLAIN, BOUND, events=(rate("plain", 300, 0.1), rate("bound", 300, 0.1)))
    assert difference(both, "plain", "bound").compares_rules
    one = run_of(PLAIN, BOUND, events=(rate("plain", 300, 0.1),))
    found = difference(one, "plain", "bound")
    assert (found.settings, found.changed) == (("rule", "learning_rate"), ("plain",))


def test_a_fork_under_another_rule_and_its_parent_compare_from_the_fork_on() -> None:
    # What became of the parent before the fork belongs to both.
    before = (clip("plain", 100, "value:1"), MomentsReset(lane="plain", step=100), rate("plain", 200, 0.1))
    state = run_of(PLAIN, events=(*before, forked("twin", "plain", 300, "norm:1", 0.1)))
    found = difference(state, "plain", "twin")
    assert found.compares_rules
    assert found.since == 300


def test_a_fork_under_another_rate_is_no_comparison_of_clipping() -> None:
    state = run_of(PLAIN, events=(forked("twin", "plain", 300, "norm:1", 0.1),))
    assert difference(state, "plain", "twin").beside_rule == ("learning_rate",)
    state = run_of(PLAIN, events=(forked("twin", "plain", 300, "norm:1"), rate("plain", 400, 0.1)))
    assert difference(state, "plain", "twin").changed == ("plain",)


def reset(lane: str, step: int) -> MomentsReset:
    return MomentsReset(lane=lane, step=step)


def test_an_optimizer_that_is_reset_where_a_fork_begins_is_no_difference_of_rules() -> None:
    twin, other = forked("twin", "plain", 300, "norm:1"), forked("other", "plain", 300, "value:1")
    assert difference(run_of(PLAIN, events=(twin, reset("twin", 300))), "plain", "twin").changed == ("twin",)
    assert difference(run_of(PLAIN, events=(twin, reset("plain", 300))), "plain", "twin").changed == ("plain",)
    siblings = run_of(PLAIN, events=(twin, other, reset("twin", 300)))
    assert difference(siblings, "twin", "other").changed == ("twin",)
    # Before the fork it belongs to both, and after a reset of both they start alike.
    assert difference(run_of(PLAIN, events=(reset("plain", 300), twin)), "plain", "twin").compares_rules
    both = run_of(PLAIN, events=(twin, reset("plain", 300), reset("twin", 300)))
    assert difference(both, "plain", "twin").compares_rules


def test_a_fork_whose_optimizer_is_reset_with_its_rule_compares_with_its_siblings_only() -> None:
    forks = (forked("twin", "plain", 300, "norm:1"), forked("other", "plain", 300, "value:1"))
    state = run_of(PLAIN, events=forks, reset_moments=True)
    assert difference(state, "plain", "twin").changed == ("twin",)
    assert difference(state, "twin", "other").compares_rules


def test_two_forks_compare_if_they_start_at_the_same_step() -> None:
    forks = (forked("x", "plain", 300, "norm:1"), forked("y", "plain", 300, "value:1"))
    state = run_of(PLAIN, events=(*forks, forked("z", "plain", 400, "value:1")))
    assert difference(state, "x", "y").compares_rules
    assert not difference(state, "x", "z").compares_rules
    assert ("x", "y") in lane_pairs(state)
    assert ("x", "z") not in lane_pairs(state)


def test_a_fork_does_not_compare_with_a_lane_of_another_history() -> None:
    state = run_of(PLAIN, BOUND, events=(forked("twin", "plain", 300, "value:1"),))
    assert not difference(state, "bound", "twin").compares_rules
    # One that goes on as its parent does is its parent.
    state = run_of(PLAIN, BOUND, events=(forked("twin", "plain", 300, "none"),))
    assert difference(state, "bound", "twin").compares_rules
    assert difference(state, "plain", "twin").settings == ()


def test_a_change_that_a_resumed_run_recorded_again_counts_once() -> None:
    state = run_of(PLAIN, events=(rate("plain", 100, 0.1), rate("plain", 100, 0.1)))
    assert len(state.lanes["plain"].history) == 1


def test_a_rule_that_returns_within_one_step_is_the_one_that_holds() -> None:
    there_and_back = (clip("plain", 100, "norm:1"), clip("plain", 100, "none"), clip("plain", 100, "norm:1"))
    assert difference(run_of(PLAIN, PLAIN_TOO, events=there_and_back), "plain", "too").settings == ("rule",)


def test_whether_a_lane_uses_adam_is_its_own_matter() -> None:
    state = run_of(PLAIN, LaneConfig("slow", "none", optimizer="sgd"), events=(forked("twin", "slow", 3, "norm:1"),))
    assert [uses_adam(state, lane) for lane in state.lanes.values()] == [True, False, False]


# Any history, against lanes that are tried out step by step


@dataclass
class Tried:
    """A lane's rule and rate in each step, the steps since its optimizer's reset, when it changed, and its origin."""

    rules: list[str]
    rates: list[float]
    ages: list[int]
    changed: tuple[int, ...] = ()
    born: tuple[tuple[str, int], ...] = ()


@st.composite
def histories(draw: st.DrawFn) -> tuple[RunState, dict[str, Tried]]:
    lanes, events, with_rule = dict[str, Tried](), list[Event](), draw(st.booleans())
    configs = [
        LaneConfig(name, draw(st.sampled_from(RULES)), learning_rate=draw(st.sampled_from(RATES))) for name in "ab"
    ]
    for lane in configs:
        lanes[lane.name] = Tried([lane.rule] * END, [lane.learning_rate or 0.0] * END, list(range(END)))
    for step in sorted(draw(st.lists(st.integers(1, END - 1), max_size=5))):
        name, kind = draw(st.sampled_from(sorted(lanes))), draw(st.sampled_from(("rule", "rate", "reset", "fork")))
        lane, rule, new = lanes[name], draw(st.sampled_from(RULES)), draw(st.sampled_from(RATES))
        young = [*lane.ages[:step], *range(END - step)]
        if kind == "rule":
            events.append(msgspec.structs.replace(clip(name, step, rule), moments_reset=with_rule))
            lane.rules[step:] = [rule] * (END - step)
            lane.ages = young if with_rule else lane.ages
            lane.changed += (step,)
        elif kind == "reset":
            events.append(reset(name, step))
            lane.ages = young
            lane.changed += (step,)
        elif kind == "rate":
            events.append(rate(name, step, new))
            lane.rates[step:] = [new] * (END - step)
        else:
            child = f"{name}{len(lanes)}"
            events.append(forked(child, name, step, rule, new))
            rules, rates = [*lane.rules[:step], *[rule] * (END - step)], [*lane.rates[:step], *[new] * (END - step)]
            changed = lane.changed if lane.rules[step] == rule else (*lane.changed, step)
            ages = young if with_rule and lane.rules[step] != rule else [*lane.ages]
            born = (*lane.born, (name, step))
            lanes[child] = Tried(rules, rates, ages, changed, born)
    return run_of(*configs, events=tuple(events), reset_moments=with_rule), lanes


@given(histories())
def test_lanes_are_a_comparison_of_clipping_if_rules_alone_tell_their_steps_apart(
    history: tuple[RunState, dict[str, Tried]],
) -> None:
    state, lanes = history
    for one, other in combinations(lanes, 2):
        a, b, found = lanes[one], lanes[other], difference(state, one, other)
        assert ("rule" in found.settings) == (a.rules != b.rules)
        assert ("learning_rate" in found.settings) == (a.rates != b.rates)
        parted = _parted((*a.born, (one, END)), (*b.born, (other, END)))
        assert found.since == (parted or 0)
        # At the step at which they part a fork may change the rule; after it nothing does. Optimizers start alike.
        late = [step for lane in (a, b) for step in lane.changed if step > (parted or 0)]
        alone = a.rules != b.rules and a.rates == b.rates and a.ages[parted or 0] == b.ages[parted or 0]
        assert found.compares_rules == (alone and not late)


def _parted(one: tuple[tuple[str, int], ...], other: tuple[tuple[str, int], ...]) -> int | None:
    """The step at which two lines of descent, each of names and the step at which the next one begins, part."""
    steps = [min(step, also) for (name, step), (known, also) in zip(one, other, strict=False) if name == known]
    return steps[-1] if steps else None
