"""Recordings with forks: resumed, verified and repaired; and runs forked from a recording."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import compared_runs
import pytest
import recordings
from msgspec.structs import replace

from clipwatch.core.engine.resume import read_interrupted
from clipwatch.core.engine.run_script import run_script
from clipwatch.core.engine.session import Session
from clipwatch.core.engine.verify import compare, repetition
from clipwatch.core.errors import BadInput
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.forking import fork_recorded
from clipwatch.core.runs.lane_course import lane_rules
from clipwatch.core.runs.reader import Recorded
from clipwatch.core.runs.timeline import Timeline
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.commands import Fork, LaneCommand, ResetMoments, SetClip, SetLearningRate, Stop
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import (
    ClipChanged,
    CommandScheduled,
    Evaluated,
    Event,
    LaneEvent,
    LaneFinished,
    LaneForked,
    LanesCompared,
    LaneStarted,
    Notice,
    RunFinished,
)
from clipwatch.core.stream.fork_events import ForkOrigin
from clipwatch.core.stream.lane_config import read_lane
from clipwatch.core.stream.lane_differences import difference
from clipwatch.core.stream.state import RunState, apply
from clipwatch.core.training.checkpoint import Checkpoint, load
from clipwatch.tui.cli import fork_command
from clipwatch.tui.cli.fork_command import fork_after_replay
from clipwatch.tui.cli.main import main
from clipwatch.tui.engine_child.request import ReplayRun, ResumeRun
from clipwatch.tui.headless import run as headless
from clipwatch.tui.runs import show

CONFIG = from_options(
    {
        "dataset": "digits",
        "head": "linear",
        "offline": True,
        "iterations": 80,
        "checkpoint_every": 20,
        "eval_every": 5,
        "eval_size": 50,
        "lanes": {"a": "autoclip:50", "z": "none"},
    }
)
# A fork and a fork of it, neither at a checkpoint, and changes of them and of their parents.
COMMANDS = (
    Fork(lane="a", name="b", rule="norm:0.5", learning_rate=0.01, at_step=33),
    Fork(lane="b", name="c", at_step=47),
    SetClip(lane="a", rule="autoclip:90", at_step=33),
    SetLearningRate(lane="a", rate=0.002, at_step=20),
    SetLearningRate(lane="a", rate=0.004, at_step=40),
    SetLearningRate(lane="b", rate=0.005, at_step=50),
    ResetMoments(lane="c", at_step=52),
)


def train(home: Path, commands: Iterable[LaneCommand], config: RunConfig = CONFIG) -> Path:
    return recordings.train(home, commands, config)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("whole"), COMMANDS)


def copied(folder: Path, home: Path, events: Iterable[Event] | None = None, *, up_to: int = 1000) -> Path:
    """A copy of a run with these events, and the checkpoints up to a step."""
    copy = home / folder.name
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(".lock"))
    if events is not None:
        (copy / "events.jsonl").write_bytes(b"".join(seal(encode(event)) + b"\n" for event in events))
    for file in (copy / "checkpoints").iterdir():
        if int(file.stem.rpartition("-")[2]) > up_to:
            file.unlink()
    return copy


def before(recorded: Recorded, step: int) -> list[Event]:
    """The events that a death while this step is under way leaves behind."""
    events = [event for event in recorded.events if not isinstance(event, RunFinished)]
    return [event for event in events if not isinstance(event, LaneEvent | LanesCompared) or event.step < step]


def resume(folder: Path, *arguments: str) -> int:
    return main(["resume", str(folder), "--no-ui", "--quiet", *arguments])


def verify(folder: Path) -> int:
    return main(["verify", str(folder)])


def test_verify_repeats_forks_and_changes_of_learning_rates(whole: Path) -> None:
    recorded = recordings.read(whole)
    config, resumption = repetition(recorded)
    verdict = compare(recorded, Session(config, resumption=resumption).run())
    assert verdict.differences == ()
    assert verdict.missing == 0
    assert verdict.compared > 4 * 16


def test_verify_finds_a_fork_that_is_wrong(whole: Path, tmp_path: Path) -> None:
    events = [
        LaneForked(lane="b", step=34, parent="a", rule=event.rule, learning_rate=0.01, seconds=0.0)
        if isinstance(event, LaneForked) and event.lane == "b"
        else event
        for event in recordings.read(whole).events
    ]
    recorded = recordings.read(copied(whole, tmp_path, events))
    config, resumption = repetition(recorded)
    assert {one[0] for one in compare(recorded, Session(config, resumption=resumption).run()).differences} >= {"b"}


# Before the forks, at them, after them, between a fork and its fork.
@pytest.mark.parametrize("step", [10, 34, 48, 61])
@pytest.mark.parametrize("lost", ["", "b", "bc", "abcz"])
def test_a_run_with_forks_that_was_cut_off_is_resumed(step: int, lost: str, whole: Path, tmp_path: Path) -> None:
    recorded = recordings.read(whole)
    folder = copied(whole, tmp_path, before(recorded, step), up_to=step)
    for file in (folder / "checkpoints").iterdir():
        if file.stem[0] in lost:
            file.unlink()
    assert resume(folder) == 0
    again = recordings.read(folder)
    assert again.damage == ()
    assert recordings.figures(again.events) == recordings.figures(recorded.events)
    assert again.lanes == ["a", "z", "b", "c"]
    assert sorted((event.lane, event.step) for event in again.events if isinstance(event, LaneForked)) == [
        ("b", 33),
        ("c", 47),
    ]
    evaluated = [(event.lane, event.step) for event in again.events if isinstance(event, Evaluated)]
    assert len(evaluated) == len(set(evaluated))
    assert RunFolder(folder).manifest().state == "done"


# Nothing of the fork but its event, or more of it than of its parent, which was paused when it was forked.
@pytest.mark.parametrize("step", [33, 45])
def test_a_recording_that_ends_at_or_in_a_fork_is_repeated_so_far(step: int, whole: Path, tmp_path: Path) -> None:
    events = [
        event
        for event in before(recordings.read(whole), step + 1)
        if not isinstance(event, LaneEvent)
        or event.step < (step if event.lane == "b" else 33)
        or (isinstance(event, LaneForked) and event.lane == "b")
    ]
    recorded = recordings.read(copied(whole, tmp_path, events))
    config, resumption = repetition(recorded)
    ends = {command.lane: command.at_step for command in resumption.commands if isinstance(command, Stop)}
    assert ends["a"] == 33
    assert ends["b"] in range(33, step + 1)
    again = list(Session(config, resumption=resumption).run())
    verdict = compare(recorded, again)
    assert (verdict.differences, verdict.missing) == ((), 0)
    assert any(isinstance(event, LaneForked) for event in again)
    # The script has the fork before the end of its parent.
    commands = run_script(recorded).commands
    kinds = [type(command) for command in commands if command.at_step == 33 and command.lane == "a"]
    assert kinds.index(Fork) < kinds.index(Stop)


@pytest.mark.parametrize("first_stop", [0, 20])
def test_the_script_of_stopped_lanes_and_their_forks_repeats_them(first_stop: int, tmp_path: Path) -> None:
    """A fork has the plan of its parent, not its end, and is made before its parent is stopped at the same step."""
    commands = (
        Stop(lane="z", at_step=first_stop),
        Fork(lane="a", name="c", at_step=33),
        Fork(lane="c", name="d", rule="none", at_step=40),
        Fork(lane="c", name="e", rule="sign", at_step=50),
        Stop(lane="c", at_step=50),
    )
    recorded = recordings.read(train(tmp_path / "one", commands))
    script = run_script(recorded)
    again = recordings.read(train(tmp_path / "two", script.commands, script.config))
    verdict = compare(recorded, again.events)
    assert (verdict.differences, verdict.missing) == ((), 0)
    ends = {event.lane: event.step for event in again.events if isinstance(event, LaneFinished)}
    assert ends == {"a": 80, "z": first_stop, "c": 50, "d": 80, "e": 80}


def test_a_fork_is_not_repeated_from_a_state_that_was_changed_after_it(whole: Path, tmp_path: Path) -> None:
    """Its parent was changed and stopped at the same step, so the parent's checkpoint there is too late."""
    events = before(recordings.read(whole), 34)
    folder = copied(whole, tmp_path, events, up_to=33)
    for file in (folder / "checkpoints").glob("b-*"):
        file.unlink()
    (newest,) = (folder / "checkpoints").glob("a-*20.pt")
    later = dict(load(newest), step=33)
    Checkpoint("a", 33, later).save(folder / "checkpoints")
    resumption = read_interrupted(RunFolder(folder), None).resumption([])
    assert resumption.snapshots["a"]["step"] == 20


def test_a_fork_that_is_scheduled_beyond_the_end_does_not_keep_a_run_from_being_done(
    whole: Path, tmp_path: Path
) -> None:
    events = recordings.read(whole).events
    for at, parent, done in ((99, "a", True), (80, "a", False), (99, "b", True)):
        scheduled = CommandScheduled(command=Fork(lane=parent, name="d", at_step=at))
        folder = copied(whole, tmp_path / f"{at}{parent}", [*events, scheduled])
        assert read_interrupted(RunFolder(folder), None).is_done is done


def test_a_damaged_checkpoint_of_a_fork_is_replaced_by_forking_again(whole: Path, tmp_path: Path) -> None:
    recorded = recordings.read(whole)
    folder = copied(whole, tmp_path, before(recorded, 45), up_to=45)
    for file in (folder / "checkpoints").glob("b-*"):
        file.write_bytes(b"damaged")
    told: list[str] = []
    resumption = read_interrupted(RunFolder(folder), None).resumption(told)
    assert told[-1] == "b has no checkpoint and is forked from a again"
    # The parent starts before the fork, although it has a newer checkpoint.
    assert resumption.snapshots["a"]["step"] == 20
    assert next(command for command in resumption.commands if isinstance(command, Fork)) == COMMANDS[0]
    assert resume(folder) == 0
    assert recordings.figures(recordings.read(folder).events) == recordings.figures(recorded.events)


def test_a_run_with_forks_trains_further(whole: Path, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path)
    assert resume(folder, "--iterations", "90") == 0
    ends = {event.lane: event.step for event in recordings.read(folder).events if isinstance(event, LaneFinished)}
    assert ends == {"a": 90, "z": 90, "b": 90, "c": 90}
    assert verify(folder) == 0


def test_a_command_for_all_lanes_that_was_sent_before_a_fork_is_obeyed_by_it(tmp_path: Path) -> None:
    commands = (SetClip(rule="norm:1", at_step=50), Fork(lane="a", name="b", learning_rate=0.01, at_step=33))
    folder = train(tmp_path / "whole", commands)
    recorded = recordings.read(folder)
    again = copied(folder, tmp_path, before(recorded, 20), up_to=15)
    assert resume(again) == 0
    assert recordings.figures(recordings.read(again).events) == recordings.figures(recorded.events)


def test_what_was_scheduled_for_a_fork_of_a_lane_that_diverged_meanwhile_is_left_out(tmp_path: Path) -> None:
    commands = (
        SetLearningRate(lane="a", rate=1e38, at_step=12),
        Fork(lane="a", name="b", at_step=33),
        Fork(lane="b", name="c", at_step=34),
        SetClip(rule="norm:1", at_step=50),
    )
    folder = train(tmp_path / "whole", commands)
    recorded = recordings.read(folder)
    again = copied(folder, tmp_path, before(recorded, 40), up_to=35)
    assert resume(again) == 0
    assert recordings.figures(recordings.read(again).events) == recordings.figures(recorded.events)


def test_readers_know_forks(whole: Path) -> None:
    recorded = recordings.read(whole)
    assert recorded.lanes == ["a", "z", "b", "c"]
    forked_only = [event for event in recorded.events if not isinstance(event, LaneStarted)]
    assert lane_rules(Recorded(EventTable.of(forked_only), (), 0), "b").at(33) == "norm:0.5"
    timeline = Timeline(recorded.table)
    assert set(timeline.lanes_before(timeline.after(30))) == {"a", "z"}
    assert timeline.lanes_before(timeline.after(40))[-1] == "b"
    manifest = RunFolder(whole).manifest()
    assert [(lane.name, lane.rule) for lane in manifest.lanes][2:] == [("b", "norm:0.5"), ("c", "norm:0.5")]


def test_a_fork_that_is_recorded_late_or_twice_is_put_in_order(whole: Path, tmp_path: Path) -> None:
    events = recordings.read(whole).events
    forks = [event for event in events if isinstance(event, LaneForked)]
    others = [event for event in events if not isinstance(event, LaneForked)]
    again = recordings.read(copied(whole, tmp_path, [*others, *reversed(forks), *forks]))
    assert any("b, c" in text or "c, b" in text for text in again.damage)
    state = RunState()
    for event in again.events:
        state = apply(state, event)
    assert state.lanes["c"].forked_at == 47
    assert recordings.figures(again.events) == recordings.figures(events)


def test_lanes_of_a_fork_that_is_lost_are_left_out(whole: Path, tmp_path: Path) -> None:
    events = [event for event in recordings.read(whole).events if not isinstance(event, LaneForked)]
    again = recordings.read(copied(whole, tmp_path, events))
    assert again.lanes == ["a", "z"]
    assert "unknown lane" in again.damage[0]


# Neither a checkpoint nor an evaluation; a checkpoint; the first and the last step.
@pytest.mark.parametrize("at", [0, 33, 40, 57, 80])
def test_a_run_forked_from_a_recording_continues_it(at: int, whole: Path, tmp_path: Path) -> None:
    recorded = recordings.read(whole)
    forks = [read_lane("new", "norm:0.1,lr=0.02"), read_lane("same", "norm:1e9")]
    iterations = 90 if at == 80 else None
    child = fork_recorded(RunFolder(whole), at=at, forks=forks, home=tmp_path, iterations=iterations)
    manifest = child.manifest()
    assert manifest.forked_from == ForkOrigin(run=whole.name, lane="a", step=at)
    assert manifest.state == "interrupted"
    assert all(event.step <= at for event in recordings.read(child.path).events if isinstance(event, LaneEvent))
    assert resume(child.path, *(["--iterations", "90"] if at == 80 else [])) == 0
    again = recordings.read(child.path)
    assert again.lanes == ["a", "new", "same"]
    assert {event.step for event in again.events if isinstance(event, LaneForked)} == {at}
    assert verify(child.path) == 0
    # Up to there it is the recorded run, and beyond as far as no other command was given.
    until = 40 if at < 40 else 80
    expected = [row for row in rows(recorded, "a") if row[0] < (at if at < 33 else until)]
    assert rows(again, "a")[: len(expected)] == expected


def rows(recorded: Recorded, lane: str) -> list[tuple[float, ...]]:
    found = [event for event in recorded.events if isinstance(event, Evaluated) and event.lane == lane]
    return sorted((event.step, event.loss, event.train_loss) for event in found)


def test_the_recorded_lane_goes_on_as_it_did(tmp_path: Path) -> None:
    """Also with what was scheduled before the step of the fork, and after a change of the rule."""
    scheduled = SetClip(lane="z", rule="norm:0.5", at_step=60), SetClip(lane="z", rule="autoclip:75", at_step=15)
    folder = train(tmp_path / "runs", scheduled)
    child = fork_recorded(
        RunFolder(folder), at=33, lane="z", forks=[read_lane("new", "sign")], home=tmp_path / "children"
    )
    assert resume(child.path) == 0
    assert rows(recordings.read(child.path), "z") == rows(recordings.read(folder), "z")
    assert verify(child.path) == 0


def test_a_fork_is_forked_with_its_ancestors(whole: Path, tmp_path: Path) -> None:
    child = fork_recorded(RunFolder(whole), at=60, lane="c", forks=[read_lane("d", "none")], home=tmp_path)
    assert [lane.name for lane in recordings.read(child.path).started.config.lanes] == ["a"]
    assert resume(child.path) == 0
    again, recorded = recordings.read(child.path), recordings.read(whole)
    assert again.lanes == ["a", "b", "c", "d"]
    assert rows(again, "c") == rows(recorded, "c")
    assert rows(again, "b") == rows(recorded, "b")
    assert verify(child.path) == 0


def test_without_checkpoints_a_fork_trains_from_the_start_and_says_so(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = copied(whole, tmp_path / "source", up_to=-1)
    arguments = ["--at", "33", "--from", "a", "--lane", "d=none", "--no-ui", "--quiet"]
    assert main(["fork", str(source), *arguments, "--runs-dir", str(tmp_path / "home")]) == 0
    assert "a has no checkpoint and trains again from the start" in capsys.readouterr().err
    child = recordings.only_run(tmp_path / "home")
    assert rows(recordings.read(child), "a")[:8] == rows(recordings.read(whole), "a")[:8]


def test_a_run_under_way_is_forked_as_far_as_it_is(whole: Path, tmp_path: Path) -> None:
    source = RunFolder(copied(whole, tmp_path / "source", before(recordings.read(whole), 50)))
    with source.events.open("ab") as file:
        file.write(b'{"event":"Eval')
    with source.claim():
        child = fork_recorded(source, at=45, lane="b", forks=[read_lane("d", "none")], home=tmp_path / "home")
    assert not any(isinstance(event, Notice) for event in recordings.read(child.path).events)
    scheduled = [event.command for event in recordings.read(child.path).events if isinstance(event, CommandScheduled)]
    assert scheduled[-1] == Fork(lane="b", name="d", rule="none", at_step=45)


def test_a_replay_opened_from_the_list_is_forked_into_a_new_run(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[object] = []

    said: list[str] = []

    def run_live(
        request: object,
        train_fork: Callable[[Fork], int] | None = None,
        preparing: Sequence[str] = (),
        **_: object,
    ) -> int:
        shown.append(request)
        said.extend(preparing)
        return train_fork(Fork(lane="b", name="b+1", rule="none", at_step=47)) if train_fork else 0

    monkeypatch.setattr("clipwatch.tui.live.run.run_live", run_live)
    assert show._open(RunFolder(whole), partial(fork_after_replay, home=tmp_path), pytest.fail) == 0
    child = recordings.only_run(tmp_path)
    assert shown == [ReplayRun(folder=whole, speed=1.0), ResumeRun(folder=child)]
    fork = "b+1 (none) from b at step 47"
    assert said == [f"Preparing {child.name}: forking {fork} of {whole.name}", f"Forking {fork}"]
    assert f"new run {child.name}, forked from {whole.name} at step 47" in capsys.readouterr().err


def test_new_lanes_without_a_name_are_named_after_their_parent(whole: Path, tmp_path: Path) -> None:
    lanes = ["--lane", "none", "--lane", "d=sign", "--lane", "norm:1,lr=0.1"]
    for source in ([], ["--from", "b"]):
        home = tmp_path / "-".join(["home", *source])
        arguments = ["--at", "79", *source, *lanes, "--no-ui", "--quiet", "--runs-dir", str(home)]
        assert main(["fork", str(whole), *arguments]) == 0
        parent = "b" if source else "a"
        assert list(recordings.read(recordings.only_run(home)).forks)[-3:] == [f"{parent}+1", "d", f"{parent}+2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lane", "d=none"], "give the step"),
        (["--at", "30"], "fork: give a new lane, like --lane norm:1"),
        (["--at", "-1", "--lane", "d=none"], "--at -1: must be 0 or more"),
        (["--at", "81", "--lane", "d=none"], "--at 81: a is recorded up to step 80"),
        (["--at", "30", "--from", "q", "--lane", "d=none"], "no lane is named 'q'; the run has a, z, b, c"),
        (["--at", "30", "--from", "b", "--lane", "d=none"], "--at 30: b begins at step 33; fork a instead"),
        (["--at", "30", "--lane", "a=none"], "lane a: there is a lane of this name already; use another name"),
        (["--at", "30", "--lane", "d=none", "--lane", "d=sign"], "lane d: there is a lane of this name already"),
        (
            ["--at", "30", "--lane", "d=none,optimizer=sgd"],
            "lane d: a fork keeps its parent's optimizer; only rule and lr can differ",
        ),
        (["--at", "30", "--lane", "d=nonsense"], "nonsense"),
        (
            ["--at", "80", "--lane", "d=none"],
            "--at 80: a ends there, and a fork needs steps to train; add --iterations N",
        ),
        (["--at", "30", "--lane", "d=none", "--iterations", "30"], "--iterations 30: must be above the step"),
        (["--at", "30", "--lane", "d=none", "--iterations", "9" * 20], "iterations 99999999999999999999: "),
        (["--at", "30", "--from", "", "--lane", "d=none"], "no lane is named ''; the run has a, z, b, c"),
    ],
)
def test_what_cannot_be_forked_is_one_line(
    arguments: list[str], message: str, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fork", str(whole), *arguments, "--no-ui", "--runs-dir", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message", "code"),
    [
        (["--device", "cuda:99"], "device 'cuda:99' cannot be used here", 2),
        (["--data-dir", "/nonexistent"], "/nonexistent", 2),
    ],
)
def test_a_new_run_that_cannot_begin_is_removed(
    options: list[str], message: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (source,) = compared_runs.recorded(tmp_path / "source", compared_runs.story(dataset="mnist", seed=3))
    home = tmp_path / "home"
    arguments = ["--at", "30", "--lane", "d=none", "--no-ui", *options, "--runs-dir", str(home)]
    assert main(["fork", str(source.path), *arguments]) == code
    error = capsys.readouterr().err
    assert message in error
    assert "is removed, because it could not begin" in error
    assert not list(home.iterdir())


def test_a_new_run_that_has_begun_is_kept_however_it_ends(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = headless.resume_headless
    monkeypatch.setattr(headless, "resume_headless", lambda *given: train(*given) or 1)
    assert main(["fork", str(whole), "--at", "30", "--lane", "d=none", "--no-ui", "--runs-dir", str(tmp_path)]) == 1
    assert recordings.read(recordings.only_run(tmp_path)).steps_done["d"] == 80


def test_without_a_terminal_nothing_is_written(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    assert main(["fork", str(whole), "--at", "30", "--lane", "d=none", "--runs-dir", str(tmp_path)]) == 2
    assert "the screen needs a terminal" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{}, {"lanes": {"B": "sign", "clipped": "none"}}])
def test_the_lane_to_fork_may_be_named_as_on_the_screen(options: dict[str, Any], tmp_path: Path) -> None:
    (source,) = compared_runs.recorded(tmp_path / "source", compared_runs.story(**options))
    with pytest.raises(BadInput, match="no lane is named 'C'"):
        parse_and_fork(source, tmp_path, "C")
    child = parse_and_fork(source, tmp_path, "B")
    assert recordings.read(child).started.config.lanes[0].name == ("B" if options else "clipped")


def parse_and_fork(source: RunFolder, home: Path, lane: str) -> Path:
    """The new run, not trained."""
    parent = fork_command._recorded_name(lane, source)
    return fork_recorded(source, at=30, lane=parent, forks=[read_lane("d", "none")], home=home).path


def test_a_lane_that_was_stopped_is_forked_where_it_was_stopped(tmp_path: Path) -> None:
    source = train(tmp_path / "source", [Fork(lane="a", name="b", at_step=33), Stop(lane="b", at_step=42)])
    child = fork_recorded(RunFolder(source), at=42, lane="b", forks=[read_lane("d", "none")], home=tmp_path / "child")
    assert resume(child.path) == 0
    ends = {e.lane: e.step for e in recordings.read(child.path).events if isinstance(e, LaneFinished)}
    assert ends == {"a": 80, "b": 80, "d": 80}


def test_a_fork_of_a_damaged_recording_says_so(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = copied(whole, tmp_path / "source")
    lines = (source / "events.jsonl").read_bytes().splitlines(keepends=True)
    place = next(place for place, line in enumerate(lines) if b"LearningRateChanged" in line)
    lines[place] = b"#" + lines[place]
    (source / "events.jsonl").write_bytes(b"".join(lines))
    arguments = ["--at", "33", "--lane", "d=none", "--no-ui", "--quiet", "--runs-dir", str(tmp_path / "home")]
    assert main(["fork", str(source), *arguments]) == 0
    said = f"{source.name}, which this run continues, is damaged, so the two may differ"
    assert said in capsys.readouterr().err
    child = recordings.read(recordings.only_run(tmp_path / "home"))
    assert [event.text for event in child.events if isinstance(event, Notice) and said in event.text]


@pytest.mark.parametrize("same", [True, False])
def test_a_fork_takes_over_the_planned_rules_of_its_parent_with_its_rule(same: bool, tmp_path: Path) -> None:
    config = replace(CONFIG, iterations=50, lanes=(replace(CONFIG.lanes[1], clip_at={20: "norm:1", 40: "norm:0.5"}),))
    fork = Fork(lane="z", name="b", rule="norm:1" if same else "sign", learning_rate=0.02, at_step=33)
    folder = train(tmp_path / "runs", [fork, Fork(lane="b", name="c", learning_rate=0.03, at_step=35)], config)
    recorded = recordings.read(folder)
    changes = [(event.lane, event.step) for event in recorded.events if isinstance(event, ClipChanged)]
    assert sorted(changes) == [*([("b", 40), ("c", 40)] if same else []), ("z", 20), ("z", 40)]
    assert RunFolder(folder).manifest().changed is False
    assert all(
        lane.clip_at == ({40: "norm:0.5"} if same else {}) for lane in folded(recorded).lanes.values() if lane.parent
    )
    found = difference(folded(recorded), "z", "b")
    assert (found.settings, found.changed) == ((("learning_rate",) if same else ("rule", "learning_rate")), ())
    assert verify(folder) == 0
    # Killed before or after it was recorded that the changes are scheduled, and before or after they were made.
    for number, step in enumerate((34, 37, 37, 45)):
        events = before(recorded, step)
        lanes = [event.lane for event in events if isinstance(event, LaneEvent)]
        if number:
            # A fork that is not recorded yet has nothing scheduled.
            events = [e for e in events if not isinstance(e, CommandScheduled) or e.command.lane in lanes]
        if number == 2:
            events = [e for e in events if not isinstance(e, CommandScheduled)]
        cut = copied(folder, tmp_path / str(number), events, up_to=step)
        assert resume(cut) == 0
        again = recordings.read(cut)
        assert recordings.figures(again.events) == recordings.figures(recorded.events)
        assert sorted((e.lane, e.step) for e in again.events if isinstance(e, ClipChanged)) == sorted(changes)
    child = fork_recorded(
        RunFolder(folder), at=34, lane="b", forks=[read_lane("d", str(fork.rule))], home=tmp_path / "d"
    )
    assert resume(child.path) == 0
    again = recordings.read(child.path)
    assert [e.step for e in again.events if isinstance(e, ClipChanged) and e.lane == "d"] == [40] * same
    assert rows(again, "d") == [row for row in rows(recorded, "b") if row[0] >= 34]
    assert verify(child.path) == 0


def folded(recorded: Recorded) -> RunState:
    state = RunState()
    for event in recorded.events:
        state = apply(state, event)
    return state


def test_a_watched_run_and_an_unknown_rule_cannot_be_forked(whole: Path, tmp_path: Path) -> None:
    events = recordings.read(whole).events
    started = replace(recordings.read(whole).started, watched=True)
    folder = copied(whole, tmp_path / "watched", [started, *events[1:]])
    with pytest.raises(BadInput, match="was watched, not trained by clipwatch"):
        fork_recorded(RunFolder(folder), at=30, forks=[read_lane("d", "none")], home=tmp_path / "home")
    later = [
        replace(event, rule="later:1") if isinstance(event, LaneStarted) and event.lane == "a" else event
        for event in events
    ]
    folder = copied(whole, tmp_path / "later", later)
    with pytest.raises(BadInput, match="does not know it"):
        fork_recorded(RunFolder(folder), at=30, forks=[read_lane("d", "none")], home=tmp_path / "home")
