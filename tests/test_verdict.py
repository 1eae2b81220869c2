"""The verdict on a run that has ended, and what it says one seed is worth."""

from __future__ import annotations

import msgspec
import pytest
from measured import UNTOUCHED, diagnosed
from test_state import FINISHED, LANE, RUN, folded

from clipwatch.core.statistics.intervals import difference_interval
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import ClipChanged, Event, LaneFailed, LaneForked, LanesCompared, MomentsReset
from clipwatch.core.stream.state import RunState
from clipwatch.tui.text.verdict import verdict

NAMES = ("unclipped", "clipped", "third", "fourth")
FAILED = LaneFailed(lane="clipped", step=212, reason="diverged", cause="the training loss is nan", seconds=1.0)
CHANGED = ClipChanged(lane="clipped", step=360, rule="none", previous="value:0.001")


def ended(*correct: int | None, total: int = 5000, events: tuple[Event, ...] = (), key: str = "S") -> tuple[str, ...]:
    """The verdict on lanes with so many correct images each, None for a lane that diverged."""
    lanes = tuple(LaneConfig(name, "value:0.001") for name in NAMES[: len(correct)])
    run = msgspec.structs.replace(RUN, config=RunConfig(settings={"dataset": "digits"}, lanes=lanes))
    starts = [msgspec.structs.replace(LANE, lane=lane.name) for lane in lanes]
    ends = [
        msgspec.structs.replace(FAILED, lane=lane.name)
        if count is None
        else msgspec.structs.replace(FINISHED, lane=lane.name, correct=count, total=total)
        for lane, count in zip(lanes, correct, strict=True)
    ]
    return verdict(folded(run, *starts, *events, *ends), sweep_key=key)


def test_two_networks_that_differ() -> None:
    assert ended(3850, 2550)[0] == (
        "A 77 % (95 %: 76-78), B 51 % (50-52): these two networks differ. "
        "One seed says nothing about clipping: S runs 32."
    )


def test_two_networks_that_do_not_differ_measurably_have_a_decimal_more() -> None:
    first = ended(3850, 3840)[0]
    assert first.startswith("A 77.0 % (95 %: 75.8-78.1), B 76.8 % (75.6-77.9): these two networks do not differ")


def test_few_images_do_not_tell_networks_apart() -> None:
    assert "do not differ measurably" in ended(77, 70, total=100)[0]
    assert "networks differ." in ended(77, 51, total=100)[0]


def test_identical_lanes_are_called_identical() -> None:
    calm = [diagnosed(lane, total=UNTOUCHED, dead=(), engaged=0.0) for lane in NAMES[:2]]
    same = LanesCompared(step=50, lanes=NAMES[:2], distance=0.0, disagreement=0.0)
    assert "these two networks are identical." in ended(3850, 3850, events=(*calm, same))[0]


@pytest.mark.parametrize("change", [CHANGED, MomentsReset(lane="clipped", step=360)])
def test_a_change_mid_run_is_said(change: Event) -> None:
    first, *_ = texts = ended(3850, 2550, events=(change,))
    assert first.endswith(
        "B changed mid-run: this is not a comparison of clipping. S trains the rules at the start with 32 seeds."
    )
    assert "mid-run" not in ended(3850, 2550)[0]
    for width in range(58, 160):
        assert "mid-run" in next(text for text in texts if len(text) <= width)


def test_lanes_that_failed_are_named() -> None:
    assert ended(3850, None)[0].startswith("A 77 % (95 %: 76-78), B diverged at step 212. One seed says nothing")
    assert ended(None, None)[0].startswith("A diverged at step 212, B diverged at step 212. One seed")


def test_of_more_than_two_lanes_the_highest_and_the_lowest_are_named() -> None:
    assert ended(3850, 2550, 4000)[0].startswith(
        "of 3 lanes, third 80 % (95 %: 79-81) is highest, B 51 % (50-52) lowest. One seed says nothing"
    )
    assert "; 1 failed. " in ended(3850, None, 4000, 4500)[0]


def test_one_lane_is_compared_with_nothing() -> None:
    assert ended(3850) == ("A 77 % (95 %: 76-78)", "A 77 % (76-78)", "A 77 %")


def test_without_the_key_none_is_named() -> None:
    for texts in (ended(3850, 2550, key=""), ended(3850, 2550, key="", events=(CHANGED,))):
        assert not any("32" in text or "S" in text.replace("One S", "") for text in texts)
    assert ended(3850, 2550, key="")[0].endswith("One seed says nothing about clipping.")


@pytest.mark.parametrize(
    ("width", "words"), [(78, "One seed says nothing about clipping: S runs 32."), (58, "S: 32 seeds")]
)
def test_narrow_screens_have_a_verdict_too(width: int, words: str) -> None:
    text = next(text for text in ended(3850, 2550) if len(text) <= width)
    assert text.startswith("A 77 %")
    assert "differ" in text
    assert words in text


def test_the_interval_of_a_difference_is_newcombes() -> None:
    # R. G. Newcombe, Statistics in Medicine 17, 1998, table II, comparison (a): 56/70 and 48/80.
    low, high = difference_interval((48, 80), (56, 70))
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def compared(*lanes: LaneConfig, events: tuple[Event, ...] = (), width: int = 1000) -> str:
    """The longest verdict of this width on lanes that have ended."""
    run = msgspec.structs.replace(RUN, config=RunConfig(settings={"dataset": "digits"}, lanes=lanes))
    starts = [msgspec.structs.replace(LANE, lane=lane.name, rule=lane.rule) for lane in lanes]
    names = [*(lane.name for lane in lanes), *(event.lane for event in events if isinstance(event, LaneForked))]
    ends = [msgspec.structs.replace(FINISHED, lane=name, correct=3000, total=5000) for name in names]
    texts = verdict(folded(run, *starts, *events, *ends), sweep_key="S")
    return next(text for text in texts if len(text) <= width)


PLAIN, CLIPPED = LaneConfig("unclipped", "none"), LaneConfig("clipped", "norm:1")
FAST = LaneConfig("fast", "norm:1", learning_rate=0.01, optimizer="sgd")


def forked(rule: str, rate: float = 0.001) -> LaneForked:
    return LaneForked(lane="twin", step=300, parent="unclipped", rule=rule, learning_rate=rate, seconds=1.0)


def test_lanes_that_differ_by_more_than_their_rules_are_not_called_a_comparison_of_clipping() -> None:
    assert compared(PLAIN, FAST).endswith(
        "A and fast differ by learning rate and optimizer, so they are not a comparison of clipping. S: 32 seeds"
    )
    assert compared(PLAIN, FAST, width=100).endswith(". Not a comparison of clipping.")
    assert "clipping. S" not in compared(PLAIN, CLIPPED)


def test_a_third_lane_that_differs_by_more_leaves_the_other_two_a_comparison() -> None:
    text = compared(PLAIN, CLIPPED, FAST)
    assert "A and fast differ by learning rate and optimizer, so they are not a comparison of clipping." in text


def test_a_fork_under_another_rule_is_worth_as_much_as_a_lane_of_its_own() -> None:
    assert compared(PLAIN, events=(forked("norm:1"),)).endswith(
        "One seed says nothing about clipping: S trains the rules at the start with 32 seeds."
    )
    other = compared(PLAIN, events=(forked("norm:1", 0.01),))
    assert "A and twin differ by learning rate, so they are not a comparison of clipping." in other


def test_a_planned_change_of_rule_is_no_change_mid_run() -> None:
    warm = LaneConfig("clipped", "norm:1", clip_at={300: "norm:5"})
    change = ClipChanged(lane="clipped", step=300, rule="norm:5", previous="norm:1")
    assert "One seed says nothing about clipping" in compared(PLAIN, warm, events=(change,))
    again = ClipChanged(lane="clipped", step=400, rule="none", previous="norm:5")
    assert "B changed mid-run" in compared(PLAIN, warm, events=(change, again))


def test_a_change_of_one_lane_leaves_a_fork_and_its_parent_a_comparison() -> None:
    change = msgspec.structs.replace(CHANGED, rule="none", previous="norm:1")
    assert "B changed mid-run: only the other lanes compare rules." in compared(
        PLAIN, CLIPPED, events=(forked("norm:1"), change)
    )
    assert "B changed mid-run: this is not a comparison of clipping." in compared(PLAIN, CLIPPED, events=(change,))


def ended_lanes(*lanes: tuple[LaneConfig, int]) -> RunState:
    """A run whose lanes have ended with so many correct images each."""
    run = msgspec.structs.replace(
        RUN, config=RunConfig(settings={"dataset": "digits"}, lanes=tuple(lane for lane, _ in lanes))
    )
    starts = [msgspec.structs.replace(LANE, lane=lane.name, rule=lane.rule) for lane, _ in lanes]
    ends = [msgspec.structs.replace(FINISHED, lane=lane.name, correct=count, total=1000) for lane, count in lanes]
    return folded(run, *starts, *ends)


TWO_RATES = (
    (LaneConfig("unclipped", "none"), 950),
    (LaneConfig("clipped", "norm:1"), 945),
    (LaneConfig("fast", "none", learning_rate=0.01), 100),
    (LaneConfig("saved", "norm:1", learning_rate=0.01), 960),
)


def test_pairs_of_lanes_at_the_same_rate_are_named_with_their_results_before_what_is_no_comparison() -> None:
    texts = verdict(ended_lanes(*TWO_RATES), sweep_key="S")
    assert texts[0].startswith(
        "at learning rate 0.001: A 95 % (93-96), B 94 % (93-96): these two networks do not differ "
        "measurably; at learning rate 0.01: fast 10 % (8-12), saved 96 % (95-97): these two networks differ. "
        "A and fast differ by learning rate"
    )
    narrow = next(text for text in texts if len(text) <= 125)
    assert narrow.startswith("A 95 %, B 94 %: they do not differ measurably; fast 10 %, saved 96 %: they differ. Not")


def test_highest_and_lowest_lane_are_not_shown_to_differ_if_their_intervals_overlap() -> None:
    for text in ended(970, 960, 965, total=1000):
        assert "not shown to differ" in text
    assert "shown" not in ended(970, 510, 965, total=1000)[0]


def test_a_pair_of_which_one_lane_diverged_is_named_too() -> None:
    lanes = tuple(lane for lane, _ in TWO_RATES)
    run = msgspec.structs.replace(RUN, config=RunConfig(settings={"dataset": "digits"}, lanes=lanes))
    starts = [msgspec.structs.replace(LANE, lane=lane.name, rule=lane.rule) for lane in lanes]
    ends = [msgspec.structs.replace(FINISHED, lane=lane, correct=950, total=1000) for lane in ("unclipped", "saved")]
    failed = [msgspec.structs.replace(FAILED, lane=lane) for lane in ("clipped", "fast")]
    first = verdict(folded(run, *starts, *ends, *failed), sweep_key="S")[0]
    assert "at learning rate 0.01: fast diverged at step 212, saved 95 % (93-96). A and fast" in first
    assert "these two" not in first
