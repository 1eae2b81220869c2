"""The status line's messages about events."""

from __future__ import annotations

import msgspec
from test_state import EVALUATED, FINISHED, LANE, RUN

from clipwatch.core.stream.events import ClipChanged, Event, LanePaused, Notice, PaceChanged, ReplayStarted
from clipwatch.tui.text.status_messages import StatusMessage, status_message
from clipwatch.tui.view.run_view import RunView

OTHER = msgspec.structs.replace(LANE, lane="b")
CHANGE = ClipChanged(lane="a", step=12, rule="none", previous="value:0.001")


def message_of(*events: Event) -> StatusMessage | None:
    """The message about the last event."""
    view = RunView()
    for event in events:
        view.fold(event)
    return status_message(events[-1], view.state)


def texts(*events: Event) -> tuple[str, ...]:
    message = message_of(*events)
    assert message is not None
    return message.texts


def test_the_start_of_a_run_has_a_message_and_an_evaluation_has_none() -> None:
    assert "Training with seed" in texts(RUN)[0]
    assert message_of(RUN, LANE, EVALUATED) is None


def test_the_end_has_a_message_once_all_lanes_have_ended() -> None:
    assert "Finished." in texts(RUN, LANE, FINISHED)[0]
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
    assert end == ("End of the recording. <: back · q: quit",)


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
