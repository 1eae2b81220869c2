"""The status line's messages about events."""

from __future__ import annotations

import msgspec
from measured import MEASURE, diagnosed
from test_state import EVALUATED, FINISHED, LANE, RUN

from clipwatch.core.stream.commands import Pause
from clipwatch.core.stream.config import DEFAULT_LANES, RunConfig
from clipwatch.core.stream.events import (
    ClipChanged,
    CommandScheduled,
    Event,
    LaneForked,
    LanePaused,
    LaneStepped,
    Notice,
    PaceChanged,
    RecordingStarted,
    ReplayStarted,
    SeekFinished,
)
from clipwatch.tui.text.status_messages import StatusMessage, kept_texts, status_message
from clipwatch.tui.view.run_view import RunView

OTHER = msgspec.structs.replace(LANE, lane="b")
CHANGE = ClipChanged(lane="a", step=12, rule="none", previous="value:0.001")


def message_of(*events: Event) -> StatusMessage | None:
    """The message about the last event."""
    view = RunView()
    for event in events:
        view.fold(event)
    return status_message(events[-1], view.state, kept_in=view.kept_in)


def texts(*events: Event) -> tuple[str, ...]:
    message = message_of(*events)
    assert message is not None
    return message.texts


def test_the_start_of_a_run_has_a_message_and_an_evaluation_has_none() -> None:
    assert texts(RUN, LANE) == ("Training with seed 0. Try c, d and space. ?: help", "Training with seed 0. ?: help")
    assert message_of(RUN, LANE, EVALUATED) is None


def test_a_fork_says_where_it_comes_from_by_the_names_on_the_screen() -> None:
    lanes = DEFAULT_LANES
    run = msgspec.structs.replace(RUN, config=RunConfig(lanes=lanes))
    starts = [msgspec.structs.replace(LANE, lane=lane.name) for lane in lanes]
    fork = LaneForked(lane="B+1", step=40, parent="clipped", rule="norm:1", learning_rate=0.01, seconds=1.0)
    assert texts(run, *starts, fork) == ("B+1, step 40: forked from B: clip norm:1, learning rate 0.01",)
    # Its start says no more, nor the pause that it has from its parent.
    begun = (fork, msgspec.structs.replace(LANE, lane="B+1", step=40))
    pauses = [LanePaused(lane=lane.name, step=40) for lane in lanes]
    assert message_of(run, *starts, *begun) is None
    assert message_of(run, *starts, *pauses, *begun, LanePaused(lane="B+1", step=40)) is None
    assert message_of(run, *starts, *begun, LaneStepped(lane="B+1", step=40, count=1)) is None
    assert texts(run, *starts, *begun, *pauses, LanePaused(lane="B+1", step=41)) == ("all lanes: paused",)


def test_a_restart_says_where_the_run_before_is_kept() -> None:
    folder = "/runs/20261128-120000-mnist-0"
    told = texts(RUN, LANE, RecordingStarted(folder=folder), msgspec.structs.replace(RUN, time=5.0), LANE)
    assert told[0] == f"Training with seed 0. The run before is kept in {folder}"
    assert told[2] == "Training with seed 0. Kept: 20261128-120000-mnist-0"
    assert len(told[2]) < 58
    assert kept_texts(folder)[0] == f"The run so far is kept in {folder}"
    assert kept_texts(None) == ("The run so far was not recorded.",)


def test_a_replay_says_what_it_replays_and_never_that_it_trains() -> None:
    replay = ReplayStarted(run="2026-run", last_step=100, speed=2.0)
    recorded = msgspec.structs.replace(RUN, time=1.7e9)
    assert message_of(recorded) is None
    first = texts(recorded, replay, LANE)[0]
    assert first.startswith("Replay of 2026-run, recorded 2023-11-1")
    assert "at 2 times the recorded speed" in first
    assert not any("raining" in text for text in texts(recorded, replay, LANE))
    # Its speed was changed by a key that has said so.
    assert message_of(recorded, replay, LANE, msgspec.structs.replace(replay, speed=4.0)) is None
    assert texts(recorded, replay, SeekFinished(step=30)) == ("step 30 of 100",)
    # It was recorded, or a key that has said what it does set it.
    assert message_of(recorded, replay, LANE, PaceChanged(lane="a", step=3, pace=None)) is None


def test_lanes_without_a_given_name_are_letters() -> None:
    run = msgspec.structs.replace(RUN, config=RunConfig(settings={"dataset": "digits"}))
    starts = [msgspec.structs.replace(LANE, lane=lane.name) for lane in run.config.lanes]
    change = ClipChanged(lane="clipped", step=12, rule="none", previous="value:0.001")
    assert texts(run, *starts, change)[0].startswith("B, step 12: clip value:0.001 -> none")
    scheduled = CommandScheduled(command=Pause(lane="clipped", at_step=500))
    assert texts(run, *starts, scheduled) == ("scheduled for step 500, lane B: pause",)
    notice = Notice(text="lane clipped has ended: SetClip came too late for it")
    assert texts(run, *starts, notice) == ("lane B has ended: SetClip came too late for it",)


def test_lanes_are_lettered_in_the_order_of_the_configuration() -> None:
    run = msgspec.structs.replace(RUN, config=RunConfig(settings={"dataset": "digits"}))
    late, early = (msgspec.structs.replace(LANE, lane=lane.name) for lane in run.config.lanes)
    assert texts(run, early, late, LanePaused(lane="clipped", step=3))[0].startswith("B, ")


def test_a_speed_limit_after_the_end_is_for_all_lanes_and_later() -> None:
    assert texts(RUN, LANE, FINISHED, PaceChanged(lane="a", step=100, pace=None)) == (
        "all lanes: full speed from the next step on (e: 1000 more steps · n: new seed)",
        "all lanes: full speed from the next step on",
    )


def test_no_loss_spike_is_promised_to_a_lane_whose_outputs_are_all_dead() -> None:
    nothing = msgspec.structs.replace(MEASURE, norm=0.0, clipped_norm=0.0)
    told = texts(RUN, LANE, diagnosed(step=10, total=nothing, dead=tuple(range(10))), CHANGE)
    assert "a rule changes nothing" in told[0]
    assert not any("spike" in text or "Adam" in text for text in told)


def test_the_end_has_a_message_once_all_lanes_have_ended() -> None:
    assert texts(RUN, LANE, FINISHED)[0] == "a 60 % (95 %: 23-88). d: why"
    both = texts(RUN, LANE, OTHER, FINISHED, msgspec.structs.replace(FINISHED, lane="b"))
    assert "S runs 32. d: why" in both[0]
    assert not any("e:" in text for text in both[1:])
    assert message_of(RUN, LANE, OTHER, FINISHED) is None


def test_a_warning_is_an_alert() -> None:
    assert message_of(Notice(text="so it is", level="info")) == StatusMessage(("so it is",))
    assert message_of(Notice(text="look")) == StatusMessage(("look",), alert=True)


def test_a_message_about_a_lane_names_it() -> None:
    assert texts(RUN, LANE, LanePaused(lane="a", step=3)) == ("a, step 3: paused",)


def test_an_event_of_all_active_lanes_is_reported_for_all() -> None:
    pause, other = LanePaused(lane="a", step=3), LanePaused(lane="b", step=4)
    assert texts(RUN, LANE, OTHER, pause) == ("a, step 3: paused",)
    assert texts(RUN, LANE, OTHER, pause, other) == ("all lanes: paused",)
    fast = [PaceChanged(lane=lane, step=3, pace=None) for lane in "ab"]
    assert texts(RUN, LANE, OTHER, *fast) == ("all lanes: full speed",)
    assert texts(RUN, LANE, OTHER, FINISHED, other) == ("b, step 4: paused",)


def test_the_end_of_a_recording_offers_no_training() -> None:
    end = texts(RUN, LANE, ReplayStarted(run="r", last_step=100), FINISHED)
    assert end[0] == "a 60 % (95 %: 23-88). End of the recording. <: back · q: quit"
    assert end[-1] == "End of the recording. <: back · q: quit"
    assert not any("S runs" in text or "e: " in text for text in end)


def test_after_a_change_of_rule_the_transient_is_explained_in_shorter_and_shorter_texts() -> None:
    long, short, shortest = texts(RUN, LANE, CHANGE)
    assert long.startswith("a, step 12: clip value:0.001 -> none. Adam's second moment adapts slowly")
    assert len(long) > len(short) > len(shortest)
    assert texts(RUN, LANE, msgspec.structs.replace(CHANGE, moments_reset=True)) == (
        "a, step 12: clip value:0.001 -> none, optimizer state reset",
    )
    sgd = msgspec.structs.replace(RUN, config=msgspec.structs.replace(RUN.config, optimizer="sgd"))
    assert len(texts(sgd, LANE, CHANGE)) == 1


def test_a_lane_that_has_ended_says_nothing_of_a_pause() -> None:
    assert message_of(RUN, LANE, FINISHED, LanePaused(lane="a", step=100)) is None
