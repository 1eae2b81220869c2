"""A recording played again: the same events at their times, and commands that fit a recording."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import program
import pytest
import recordings
from test_state import EVALUATED, FINISHED, LANE, RUN

from clipwatch.core.engine.replay import Replay
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.timeline import LONGEST_GAP, SENT_SINGLY, Timeline
from clipwatch.core.stream.codec import decode_event, encode
from clipwatch.core.stream.commands import AnyCommand, Pause, Restart, Resume, Seek, SetClip, SetPace, StepOnce, Stop
from clipwatch.core.stream.events import (
    ClipChanged,
    Evaluated,
    Event,
    LaneEvent,
    LanePaused,
    LaneResumed,
    Notice,
    PaceChanged,
    ReplayStarted,
    RunStarted,
    SeekFinished,
    StepsTrained,
)
from clipwatch.core.stream.state import RunState, apply
from clipwatch.tui.cli.main import main
from clipwatch.tui.text.wording import log_line
from clipwatch.tui.view.run_view import RunView

STEPS = range(0, 100, 10)
STORY: list[Event] = [
    RUN,
    LANE,
    *(msgspec.structs.replace(EVALUATED, step=step, seconds=step / 1000) for step in STEPS),
    FINISHED,
]


def played(
    react: Callable[[Event], list[AnyCommand]] = lambda event: [],
    *first: AnyCommand,
    speed: float | None = None,
    lasting: bool = False,
) -> list[Event]:
    replay = Replay("story", EventTable.of(STORY), speed=speed, lasting=lasting)
    watchdog = threading.Timer(10, replay.close)
    watchdog.start()
    for command in first:
        replay.send(command)
    events = []
    for event in replay.run():
        events.append(event)
        for command in react(event):
            replay.send(command)
    watchdog.cancel()
    return events


def folded(events: list[Event]) -> RunState:
    state = RunState()
    for event in events:
        state = apply(state, event)
    return state


def recorded_part(events: list[Event]) -> list[Event]:
    return [event for event in events if event in STORY]


@pytest.mark.parametrize("speed", [None, 1.0, 20.0])
def test_every_event_comes_in_order_and_the_end_is_the_recordings(speed: float | None) -> None:
    events = played(speed=speed)
    assert recorded_part(events) == STORY
    assert [event for event in events if event not in STORY] == [ReplayStarted(run="story", last_step=100, speed=speed)]
    assert msgspec.structs.replace(folded(events), replay=None) == folded(STORY)


def test_a_pause_holds_the_story_and_steps_take_it_on() -> None:
    def once_each(event: Event) -> list[AnyCommand]:
        if isinstance(event, LanePaused):
            return [[StepOnce(count=20)], [Resume()]][min(1, next(pauses))]
        return []

    pauses = itertools.count()
    events = played(once_each, StepOnce(count=30))
    paused = [event.step for event in events if isinstance(event, LanePaused)]
    assert paused == [30, 50]
    before_first_pause = events[: events.index(LanePaused(lane="a", step=30))]
    assert [event.step for event in before_first_pause if isinstance(event, Evaluated)] == [0, 10, 20, 30]
    assert LaneResumed(lane="a", step=50) in events
    assert recorded_part(events) == STORY


def test_seeking_tells_the_story_again_up_to_that_step() -> None:
    ends = itertools.count()

    def seek_then_stop(event: Event) -> list[AnyCommand]:
        return [[Seek(step=40)], [Stop()]][next(ends)] if event == FINISHED else []

    events = played(seek_then_stop, lasting=True, speed=1000.0)
    second = [i for i, event in enumerate(events) if isinstance(event, RunStarted)][1]
    assert [event.step for event in events[second:] if isinstance(event, Evaluated)][:5] == [0, 10, 20, 30, 40]


def many(evaluations: int) -> list[Event]:
    """Two lanes with so many evaluations each, a step that is missing, one told twice and a loss that is no number."""
    happened: list[Event] = [RUN, LANE, msgspec.structs.replace(LANE, lane="b")]
    for step in range(0, evaluations * 10, 10):
        for lane in "ab":
            loss = float("nan") if step == 700 else step / 7
            told = msgspec.structs.replace(EVALUATED, lane=lane, step=step, loss=loss, seconds=step / 1e6)
            happened += [told] * (0 if step == 50 else 2 if step == 90 else 1)
        if step == 300:
            happened.append(ClipChanged(lane="a", step=step, rule="none", previous="value:0.001"))
    return [*happened, msgspec.structs.replace(FINISHED, step=evaluations * 10)]


def seen(events: list[Event], step: int) -> tuple[object, ...]:
    """What a screen that folded the events draws, and the newest lines of its logs."""
    view = RunView()
    for event in events:
        view.fold(event)
    curves = [curve for lane in view.lanes.values() for curve in (lane.loss, lane.series["accuracy"])]
    drawn = [[part.tolist() for part in vars(curve.columns(0, step, 90)).values()] for curve in curves]
    smooth = [np.round(curve.smoothed(0, step, 90, 0.6), 3).tolist() for curve in curves]
    lines = [[log_line(event, 80) for event in lane.unlogged[-SENT_SINGLY:]] for lane in view.lanes.values()]
    marks = [lane.changes for lane in view.lanes.values()]
    return str(drawn), str(smooth), lines, marks, msgspec.structs.replace(view.state, replay=None)


@pytest.mark.parametrize("path", [(25_000,), (30_000, 12_000), (11_000, 29_990), (5_000, 30_000, 20, 18_000)])
def test_a_screen_that_sought_shows_what_one_that_watched_shows(path: tuple[int, ...]) -> None:
    story = many(3000)
    replay = Replay("story", EventTable.of(story), speed=1.0, lasting=True)
    told = [event for step in path for event in replay._seek(step)]
    watched = [event for event in story if not isinstance(event, LaneEvent) or event.step <= path[-1]]
    assert seen(told, path[-1]) == seen(watched, path[-1])
    assert sum(isinstance(event, Evaluated) for event in told) <= 2 * SENT_SINGLY * len(path)
    assert [event.step for event in told if isinstance(event, SeekFinished)] == list(path)


def test_a_paused_story_stays_paused_where_it_was_sought() -> None:
    def seek(event: Event) -> list[AnyCommand]:
        if isinstance(event, LanePaused):
            return {30: [Seek(step=70)], 70: [Stop()]}[event.step]
        return []

    events = played(seek, StepOnce(count=30), lasting=True)
    assert [event.step for event in events if isinstance(event, LanePaused)] == [30, 70]
    assert folded(events).lanes["a"].step == 70
    assert folded(events).lanes["a"].status == "paused"


def test_a_command_is_obeyed_while_many_events_are_due() -> None:
    steps = [msgspec.structs.replace(EVALUATED, step=step) for step in range(2000)]
    replay = Replay("story", EventTable.of([*STORY[:2], *steps]), speed=None, lasting=False)
    pauses = []
    for event in replay.run():
        if event == steps[0]:
            replay.send(Pause())
        elif isinstance(event, LanePaused):
            pauses.append(event.step)
            replay.send(Stop())
    (paused,) = pauses
    assert paused < 200


def test_the_pace_is_set_in_steps_a_second() -> None:
    events = played(lambda event: [], SetPace(pace=None), speed=0.001)
    assert PaceChanged(lane="a", step=0, pace=None) in events
    assert recorded_part(events) == STORY


def test_a_pace_that_was_set_is_told_again_when_a_seek_tells_the_story_again() -> None:
    replay = Replay("story", EventTable.of(STORY), speed=1.0, lasting=True)
    asked = list(replay._obey(SetPace(pace=None)))
    back = list(replay._obey(Seek(step=30)))
    back += replay._obey(Seek(step=0))
    assert folded(back).lanes["a"].pace is None
    on = list(replay._obey(Seek(step=50)))
    assert asked[0] in back
    assert not any(isinstance(event, PaceChanged) for event in on)


def test_what_no_recording_can_do_is_told() -> None:
    events = played(lambda event: [], SetClip(rule="none"), Restart(), Pause(), Resume())
    told = [event.text for event in events if isinstance(event, Notice)]
    assert [text.split(": ")[1].split()[0] for text in told] == ["SetClip", "Restart"]
    assert recorded_part(events) == STORY


def test_long_gaps_are_not_waited_for() -> None:
    late = msgspec.structs.replace(EVALUATED, step=95, seconds=3600.0)
    replay = Replay("story", EventTable.of([*STORY[:-1], late]), speed=1.0, lasting=False)
    assert replay._times[-1] - replay._times[-2] == LONGEST_GAP


def test_a_log_of_steps_is_due_with_the_events_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    log = StepsTrained(
        lane=LANE.lane, step=50, losses=bytes(4), norms=bytes(4), clipped_norms=bytes(4), clipped=bytes(1)
    )
    alone = Timeline(EventTable.of(STORY)).times
    # An array that is not filled holds whatever was in its memory before.
    monkeypatch.setattr(np, "empty", lambda shape, *kind: np.full(shape, 10**6, *kind))
    times = Timeline(EventTable.of([*STORY[:7], log, *STORY[7:]])).times
    assert times.tolist() == [*alone[:7], alone[6], *alone[7:]]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A recorded run, and what it printed."""
    home = tmp_path_factory.mktemp("runs")
    done = program.call(*recordings.DIGITS, "--iterations", "30", "--runs-dir", str(home))
    return recordings.only_run(home), done.stdout


def test_the_program_prints_the_run_as_it_did(run: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    folder, printed = run
    assert main(["replay", str(folder), "--no-ui", "--speed", "max"]) == 0
    # The path is all that a longer line could be wrapped at.
    assert capsys.readouterr().out == printed


def test_a_damaged_recording_is_played_and_told(run: tuple[Path, str], tmp_path: Path, capsys) -> None:
    folder, _ = run
    content = (folder / "events.jsonl").read_bytes()
    (tmp_path / "events.jsonl").write_bytes(content[:-5])
    assert main(["replay", str(tmp_path), "--no-ui", "--speed", "max"]) == 0
    assert "incomplete" in capsys.readouterr().err


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf", "fast"])
def test_a_speed_that_is_none_is_refused(speed: str, run: tuple[Path, str], capsys) -> None:
    assert main(["replay", str(run[0]), "--no-ui", f"--speed={speed}"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_lanes_are_shown_side_by_side_however_far_one_was_ahead() -> None:
    ahead = [msgspec.structs.replace(event, lane="b") for event in STORY if isinstance(event, Evaluated)]
    replay = Replay("story", EventTable.of([RUN, LANE, *ahead, *STORY[2:]]), speed=None, lasting=False)
    steps = [event.step for event in replay.run() if isinstance(event, Evaluated)]
    assert steps == sorted(steps)


def test_the_end_of_a_seek_has_the_name_that_other_versions_know() -> None:
    line = encode(SeekFinished(step=3))
    assert b'"event":"Sought"' in line
    assert decode_event(line) == SeekFinished(step=3)
