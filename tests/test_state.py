"""The fold of events into what a run looks like now."""

from __future__ import annotations

from typing import get_args

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from measured import diagnosed
from test_codec import structs_of

from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    AnyEvent,
    ClipChanged,
    DatasetInfo,
    DownloadProgressed,
    Evaluated,
    Event,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStarted,
    LaneStepped,
    LoopAudited,
    Notice,
    PaceChanged,
    RunFinished,
    RunStarted,
    StageStarted,
)
from clipwatch.core.stream.lane_state import LaneState
from clipwatch.core.stream.state import RunState, apply

DATA = DatasetInfo(name="digits", origin="here", training=10, validation=5, checksum="0")
LANES = tuple(LaneConfig(name, "value:0.001") for name in "ab")
RUN = RunStarted(config=RunConfig(pace=50.0, lanes=LANES), dataset=DATA, device="cpu", versions={}, time=0.0)
LANE = LaneStarted(lane="a", step=0, rule="value:0.001", iterations=100, parameters=7, seconds=0.0)
EVALUATED = Evaluated(lane="a", step=30, loss=1.0, accuracy=0.5, train_loss=1.5, seconds=2.0)
FINISHED = LaneFinished(
    lane="a", step=100, reason="completed", loss=1.0, correct=3, total=5, seconds=9.0, training_seconds=8.0
)


def folded(*events: Event) -> RunState:
    state = RunState()
    for event in events:
        state = apply(state, event)
    return state


def lane(*events: Event) -> LaneState:
    return folded(RUN, LANE, *events).lanes["a"]


@given(st.lists(st.one_of([structs_of(kind) for kind in get_args(AnyEvent)]), max_size=12))
def test_any_events_in_any_order_fold_and_change_no_earlier_state(events: list[Event]) -> None:
    state = RunState()
    for event in events:
        before, written = state, repr(state)
        state = apply(state, event)
        assert repr(before) == written


def test_before_the_run_starts_there_is_its_preparation() -> None:
    progress = DownloadProgressed(file="images", received=1, total=2)
    state = folded(StageStarted(stage="downloading"), progress)
    assert (state.stage, state.download, state.lanes) == ("downloading", progress, {})
    assert folded(StageStarted(stage="downloading"), progress, RUN).download is None


def test_a_second_run_begins_anew() -> None:
    end = RunFinished(reason="stopped", seconds=3.0)
    assert folded(RUN, LANE, EVALUATED, FINISHED, end, RUN) == folded(RUN)


def test_a_lane_begins_with_the_runs_pace() -> None:
    assert (lane().status, lane().rule, lane().pace, lane().step) == ("training", "value:0.001", 50.0, 0)


def test_steps_are_counted_as_done() -> None:
    assert (lane(EVALUATED).step, lane(EVALUATED).latest) == (31, EVALUATED)


def test_a_changed_rule_is_remembered_and_marks_the_run() -> None:
    change = ClipChanged(lane="a", step=12, rule="none", previous="value:0.001")
    assert (lane(change).rule, lane(change).changed_at) == ("none", (12,))
    assert folded(RUN, LANE, change).changed_mid_run
    assert not folded(RUN, LANE).changed_mid_run


def test_statuses_follow_the_lane() -> None:
    paused, resumed = LanePaused(lane="a", step=3), LaneResumed(lane="a", step=3)
    assert lane(paused).status == "paused"
    assert lane(paused, resumed).status == "training"
    assert lane(paused, LaneStepped(lane="a", step=3, count=2)).status == "stepping"
    assert (lane(FINISHED).status, lane(FINISHED).ended) == ("completed", True)
    failed = LaneFailed(lane="a", step=5, reason="diverged", cause="nan", seconds=1.0)
    assert (lane(failed).status, lane(failed).failed) == ("failed", failed)


def test_a_pause_around_the_end_of_a_lane_does_not_outlive_it() -> None:
    paused, stepped = LanePaused(lane="a", step=100), LaneStepped(lane="a", step=100, count=1)
    extended = LaneExtended(lane="a", step=100, iterations=150)
    for asked in (paused, LaneResumed(lane="a", step=100), stepped):
        assert (lane(FINISHED, asked).status, lane(FINISHED, asked).ended) == ("completed", True)
        assert lane(FINISHED, asked, extended).status == "training"
        assert lane(asked, FINISHED, extended).status == "training"
    assert lane(paused, extended).status == "paused"


def test_an_extended_lane_trains_again() -> None:
    extended = lane(FINISHED, LaneExtended(lane="a", step=100, iterations=150))
    assert (extended.status, extended.iterations, extended.finished) == ("training", 150, None)


def test_pace_and_end_are_kept() -> None:
    assert lane(PaceChanged(lane="a", step=1, pace=None)).pace is None
    end = RunFinished(reason="stopped", seconds=3.0)
    assert folded(RUN, Notice(text="look"), end).finished == end


def test_events_of_unknown_lanes_are_left_alone() -> None:
    assert folded(RUN, EVALUATED).lanes == {}
    assert msgspec.structs.asdict(folded(RUN, EVALUATED)) == msgspec.structs.asdict(folded(RUN))


def test_a_finding_has_the_newest_share_of_clipped_steps() -> None:
    figures = {"bound": 1.0, "share": 0.35, "steps": 401.0}
    clips = LoopAudited(lane="a", step=400, finding="clips-norm", figures=figures)
    newer = diagnosed(lane="a", step=450, engaged=0.42)
    newest = msgspec.structs.replace(clips, step=450, figures={"bound": 1.0, "share": 0.42, "steps": 451.0})
    assert lane(clips, newer).audit["clips-norm"] == newest
    of_measured = msgspec.structs.replace(clips, figures={"bound": 1.0, "share": 0.35, "measured": 9.0})
    assert lane(of_measured, newer).audit["clips-norm"] == newest
    # Where only measured steps are known, no step counts as clipped.
    unknown = diagnosed(lane="a", step=450, engaged=0.0)
    assert lane(of_measured, unknown).audit["clips-norm"] == of_measured
