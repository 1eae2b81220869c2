"""A run that another process trains, followed as its recording grows."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_loop import FakeLoop

from clipwatch.core.engine.following import BY_ANOTHER_CLIPWATCH, ENDED, SILENT_AFTER, Follower
from clipwatch.core.errors import BadInput
from clipwatch.core.runs import control_file, growing_file
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.timeline import SENT_SINGLY
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.commands import Extend, Pause, Restart, Seek, SetClip, Stop
from clipwatch.core.stream.events import (
    Attached,
    Evaluated,
    EvaluatedEarlier,
    Event,
    LaneStarted,
    LoopEnded,
    Notice,
    RunFinished,
    RunStarted,
    StepsTrained,
)
from clipwatch.core.stream.state import RunState, apply

Events = Iterator[Event]


class Clock:
    """A clock that stands still until it is set. It starts at the time of the files that are written now."""

    def __init__(self, path: Path) -> None:
        self.now = path.stat().st_mtime

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[FakeLoop]:
    loop = FakeLoop(tmp_path)
    yield loop
    loop.die()


def follower_of(folder: RunFolder, *, lasting: bool = False, clock: Callable[[], float] | None = None) -> Follower:
    """A follower that looks often, and gives up before the test would hang."""
    follower = Follower(folder, lasting=lasting, clock=clock or Clock(folder.path), poll=0.001)
    watchdog = threading.Timer(20, follower.send, [Stop()])
    watchdog.daemon = True
    watchdog.start()
    return follower


def until(events: Events, kind: type[Event], **fields: object) -> list[Event]:
    """The events up to the first of this kind with these fields."""
    found = []
    for event in events:
        found.append(event)
        if isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items()):
            return found
    raise AssertionError(f"no {kind.__name__} with {fields} in {found}")


def folded(events: list[Event]) -> RunState:
    state = RunState()
    for event in events:
        state = apply(state, event)
    return state


def texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


def test_what_is_appended_arrives_in_order_until_the_run_has_ended(loop: FakeLoop) -> None:
    loop.train(10)
    events = follower_of(loop.folder).run()
    seen = until(events, StepsTrained)
    assert isinstance(seen[0], RunStarted)
    assert Attached(run="loop-run", process="running") in seen
    loop.train(5)
    loop.evaluate(1.5, seconds=3.0)
    seen += until(events, Evaluated)
    loop.end()
    seen += list(events)
    assert [event.step for event in seen if isinstance(event, StepsTrained)] == [9, 14]
    state = folded(seen)
    assert state.lanes["loop"].ended
    assert state.finished
    assert (state.attached and state.attached.process) == "ended"
    assert texts(seen) == []


def test_many_events_before_are_sent_in_short(loop: FakeLoop) -> None:
    for number in range(300):
        loop.train(10)
        loop.evaluate(3 - number / 300, seconds=float(number))
    loop.end()
    seen = list(follower_of(loop.folder).run())
    assert sum(isinstance(event, Evaluated) for event in seen) == SENT_SINGLY
    assert sum(isinstance(event, StepsTrained) for event in seen) == 1
    assert sum(isinstance(event, EvaluatedEarlier) for event in seen) == 1
    assert folded(seen).lanes["loop"].step == 3000


def test_half_a_line_waits_for_its_end(loop: FakeLoop) -> None:
    line = seal(encode(Notice(text="whole"))) + b"\n"
    loop.append(line[:20])
    events = follower_of(loop.folder).run()
    seen = until(events, Attached)
    loop.append(line[20:])
    seen += until(events, Notice)
    assert texts(seen) == ["whole"]


def test_damaged_lines_are_left_out_and_told(loop: FakeLoop) -> None:
    events = follower_of(loop.folder).run()
    until(events, Attached)
    loop.append(b"\xff\xfe\n" + seal(encode(Notice(text="a")))[:-3] + b"\n")
    loop.append(seal(b'{"v":1,"event":"LoopDanced","lane":"loop"}') + b"\n")
    loop.train(1)
    seen = until(events, StepsTrained)
    loop.end()
    seen += list(events)
    assert len(texts(seen)) == 2
    assert any("2 lines are damaged and left out" in text or "1 line is damaged" in text for text in texts(seen))
    assert any("'LoopDanced' events are from another version" in text for text in texts(seen))


def test_a_follower_that_lasts_waits_after_the_end_and_ends_when_asked(loop: FakeLoop) -> None:
    loop.end()
    follower = follower_of(loop.folder, lasting=True)
    events = follower.run()
    until(events, Attached, process="ended", unsteerable=ENDED)
    until(events, RunFinished)
    follower.send(Pause())
    assert texts(until(events, Notice)) == [f"Pause: {ENDED}"]
    follower.close()
    assert list(events) == []


def test_stop_ends_the_following_and_not_the_loop(loop: FakeLoop) -> None:
    follower = follower_of(loop.folder, lasting=True)
    events = follower.run()
    until(events, Attached)
    follower.send(Stop())
    list(events)
    assert loop.heard() == []


def test_a_killed_process_is_told_from_one_that_ended(loop: FakeLoop) -> None:
    loop.train(40)
    events = follower_of(loop.folder).run()
    until(events, StepsTrained)
    loop.train(2)
    loop.die()
    seen = list(events)
    assert [event.process for event in seen if isinstance(event, Attached)][-1] == "gone"
    assert [event.step for event in seen if isinstance(event, StepsTrained)] == [41]
    (text,) = texts(seen)
    assert text.startswith("the process that trained this run has gone")
    assert text.endswith("its last step was 41")


def test_all_that_a_killed_process_wrote_is_read(loop: FakeLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it wrote more than the follower reads at a time."""
    monkeypatch.setattr(growing_file, "_PART", 1000)
    loop.train(1)
    events = follower_of(loop.folder).run()
    until(events, StepsTrained)
    for _ in range(30):
        loop.train(1)
    loop.die()
    seen = list(events)
    assert [event.step for event in seen if isinstance(event, StepsTrained)] == list(range(1, 31))
    assert [text.rsplit(" ", 1)[1] for text in texts(seen)] == ["30"]


def test_a_run_killed_before_is_told_once(loop: FakeLoop) -> None:
    loop.train(3)
    loop.append(b'{"v":1,"event":"Eval')
    loop.die()
    seen = list(follower_of(loop.folder).run())
    assert {event.process for event in seen if isinstance(event, Attached)} == {"gone"}
    incomplete, gone = texts(seen)
    assert "the last line is incomplete" in incomplete
    assert gone.endswith("its last step was 2")


def test_a_process_that_writes_nothing_has_given_no_sign_of_life(loop: FakeLoop) -> None:
    clock = Clock(loop.folder.events)
    follower = follower_of(loop.folder, lasting=True, clock=clock)
    events = follower.run()
    until(events, Attached, process="running")
    clock.now += SILENT_AFTER + 3
    until(events, Attached, process="silent", silent=15)
    clock.now += 5
    until(events, Attached, process="silent", silent=20)
    loop.measure(40.0)
    until(events, Attached, process="running", silent=0)


def test_an_engine_of_an_older_version_may_be_silent(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path, watched=False)
    clock = Clock(loop.folder.events)
    clock.now += 1000
    events = follower_of(loop.folder, clock=clock).run()
    until(events, Attached, process="running")
    loop.end()
    assert "silent" not in [event.process for event in events if isinstance(event, Attached)]


def test_commands_reach_the_loop_and_its_answers_come_back(loop: FakeLoop) -> None:
    follower = follower_of(loop.folder, lasting=True)
    events = follower.run()
    until(events, Attached, unsteerable=None)
    sent = [SetClip(lane="loop", rule="norm:1"), Pause(), Stop(lane="loop")]
    for command in sent:
        follower.send(command)
    heard = loop.heard()
    assert heard == sent
    for command in heard:
        loop.obey(command)
    seen = until(events, RunFinished, reason="stopped")
    answers = [type(event).__name__ for event in seen if not isinstance(event, Attached)]
    assert answers[-4:] == ["ClipChanged", "LanePaused", "LoopEnded", "RunFinished"]


@pytest.mark.parametrize("command", [Restart(), Extend(iterations=5), Seek(step=3)])
def test_commands_that_no_loop_obeys_are_answered_here(loop: FakeLoop, command: Restart) -> None:
    follower = follower_of(loop.folder, lasting=True)
    events = follower.run()
    until(events, Attached)
    follower.send(command)
    (text,) = texts(until(events, Notice))
    assert text.startswith(f"{type(command).__name__} works only")
    assert loop.heard() == []


def unsteerable(folder: RunFolder) -> str | None:
    follower = follower_of(folder, lasting=True)
    events = follower.run()
    (attached,) = [event for event in until(events, Attached) if isinstance(event, Attached)]
    follower.send(Pause())
    if attached.unsteerable:
        assert texts(until(events, Notice)) == [f"Pause: {attached.unsteerable}"]
    return attached.unsteerable


def test_a_run_of_clipwatchs_own_engine_is_steered_where_it_is_trained(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path, watched=False)
    assert unsteerable(loop.folder) == BY_ANOTHER_CLIPWATCH
    assert loop.heard() == []
    loop.die()


def test_a_loop_that_reads_no_commands_gets_none(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path, control=False)
    assert unsteerable(loop.folder) == "this loop takes no commands"
    assert not (loop.folder.path / control_file.CONTROL).exists()
    loop.die()


def test_the_live_run_of_another_user_is_watched_and_not_interrupted(
    loop: FakeLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refusing(path: Path, *rest: int, **named: int) -> int:
        if str(path).endswith(".lock"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **named)

    monkeypatch.setattr(os, "open", refusing)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    assert unsteerable(loop.folder) == "another user trains this run, and only that user may steer it"


@pytest.mark.parametrize("how", ["renamed", "deleted", "cut", "replaced"])
def test_a_recording_that_is_taken_away_ends_the_following_with_one_line(loop: FakeLoop, how: str) -> None:
    loop.train(10)
    follower, path = follower_of(loop.folder), loop.folder.events
    events = follower.run()
    until(events, StepsTrained)
    match how:
        case "renamed":
            loop.folder.path.rename(loop.folder.path.with_name("elsewhere"))
        case "deleted":
            path.unlink()
        case "cut":
            os.truncate(path, 50)
        case "replaced":
            content = path.read_bytes()
            path.unlink()
            path.write_bytes(content)
    seen = list(events)
    assert len(texts(seen)) == 1
    assert "the recording of loop-run cannot be followed any more" in texts(seen)[0]
    assert follower.lost
    if how == "renamed":
        loop.folder = RunFolder(loop.folder.path.with_name("elsewhere"))


def test_a_follower_that_lasts_still_answers_when_its_recording_is_gone(loop: FakeLoop) -> None:
    follower = follower_of(loop.folder, lasting=True)
    events = follower.run()
    until(events, Attached)
    loop.folder.events.unlink()
    until(events, Notice)
    follower.send(Pause())
    assert "cannot be followed any more" in texts(until(events, Notice))[0]
    follower.send(Stop())
    assert list(events) == []


def test_a_run_that_is_about_to_start_is_waited_for(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path)
    content = loop.folder.events.read_bytes()
    os.truncate(loop.folder.events, 0)
    follower = follower_of(loop.folder)
    begins = threading.Timer(0.05, lambda: loop.append(content))
    begins.start()
    until(follower.run(), RunStarted)
    begins.join()
    loop.die()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        list(follower_of(RunFolder(tmp_path)).run())


def test_several_followers_see_the_same(loop: FakeLoop) -> None:
    loop.train(10)
    followers = [follower_of(loop.folder).run() for _ in range(3)]
    seen = [until(events, StepsTrained) for events in followers]
    loop.train(7)
    loop.end("stopped")
    ends = [[*before, *events] for before, events in zip(seen, followers, strict=True)]
    kept = [[event for event in one if not isinstance(event, Attached)] for one in ends]
    assert kept[0] == kept[1] == kept[2]
    assert any(isinstance(event, LoopEnded) for event in kept[0])


def test_a_resumed_run_goes_on_where_it_had_ended(loop: FakeLoop) -> None:
    loop.write(RunFinished(reason="stopped", seconds=1.0))
    loop.write(LaneStarted(lane="loop", step=20, rule="none", iterations=100, parameters=1, seconds=1.0))
    seen = until(follower_of(loop.folder).run(), Attached)
    assert not any(isinstance(event, RunFinished) for event in seen)
    assert seen[-1] == Attached(run="loop-run", process="running")
