"""Runs, replays and sweeps carry out every command or answer it with a notice that names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import program
import pytest
import recordings
from test_replay import STORY
from test_sweep import InProcessBackend, LocalBackend

from clipwatch.core.engine.replay import Replay
from clipwatch.core.engine.session import Session
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.codec import decode_sweep_event
from clipwatch.core.stream.commands import (
    AnyCommand,
    Extend,
    Pause,
    ResetMoments,
    Restart,
    Resume,
    Seek,
    SetClip,
    SetPace,
    StepOnce,
    Stop,
)
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import CommandScheduled, Evaluated, Event, LanePaused, Notice, RunFinished, RunStarted
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import ReplicaFinished, SweepFinished
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.tui.headless.console import ConsoleSink

SMALL = RunConfig(settings={"dataset": "digits"}, offline=True, iterations=30, eval_every=5, eval_size=20)
SWEEP = ["sweep", "--no-ui", "--json", "--control", "--dataset", "digits", "--seeds", "2", "--workers", "1"]


class CommandReceiver(Protocol):
    def send(self, command: AnyCommand) -> None: ...

    def run(self) -> Iterator[Event]: ...


def replay(_: Path) -> Replay:
    return Replay("story", EventTable.of(STORY), speed=None, lasting=False)


def session(_: Path) -> Session:
    return Session(SMALL)


class NoTraining:
    """A backend that trains nothing."""

    def run(self, units: object, stopping: object, tell: object) -> Iterator[list[ReplicaFinished | Notice]]:
        yield []


def sweep(home: Path) -> Sweep:
    return Sweep(sweep_config(SMALL, {}, 1, ()), home, backend=NoTraining())


UNSUPPORTED: list[tuple[Callable[[Path], CommandReceiver], AnyCommand]] = [
    (session, Seek(step=3)),
    (session, Pause(lane="nobody")),
    (session, Pause(at_step=1000)),
    (session, Stop(at_step=1000)),
    *((replay, command) for command in (SetClip(rule="none"), ResetMoments(), Extend(iterations=1), Restart())),
    *((replay, kind(at_step=5)) for kind in (Pause, Resume, StepOnce, Stop)),
    *((replay, kind(lane="a")) for kind in (Pause, Resume, StepOnce, Stop)),
    *((sweep, command) for command in (Pause(), SetPace(pace=None), Restart(), Seek(step=1), Stop(lane="clipped"))),
]


@pytest.mark.parametrize(("start", "command"), UNSUPPORTED)
def test_a_refused_command_is_named_by_a_notice(
    start: Callable[[Path], CommandReceiver], command: AnyCommand, tmp_path: Path
) -> None:
    conversation = start(tmp_path)
    conversation.send(command)
    notices = [event.text for event in conversation.run() if isinstance(event, Notice)]
    assert any(type(command).__name__ in text for text in notices)


def test_commands_after_a_stop_are_answered_during_preparation_and_by_a_replay(tmp_path: Path) -> None:
    for start in (session, replay):
        conversation = start(tmp_path)
        for command in (Stop(), Pause()):
            conversation.send(command)
        assert any("Pause came too late" in getattr(event, "text", "") for event in conversation.run())


def test_a_sweep_carries_out_stop(tmp_path: Path) -> None:
    conversation = sweep(tmp_path)
    conversation.send(Stop())
    *_, last = conversation.run()
    assert isinstance(last, SweepFinished)
    assert last.reason == "stopped"


def test_commands_after_a_restart_apply_to_the_new_run() -> None:
    conversation = Session(SMALL, lasting=True)
    runs, events = 0, []
    for event in conversation.run():
        events.append(event)
        runs += isinstance(event, RunStarted)
        if isinstance(event, Evaluated) and len([one for one in events if isinstance(one, Evaluated)]) == 1:
            for command in (Restart(seed=1), SetClip(rule="none"), Restart(seed=2), SetPace(pace=700.0), Pause()):
                conversation.send(command)
        if isinstance(event, LanePaused):
            conversation.send(Stop())
    assert [(one.config.seed, one.config.pace) for one in events if isinstance(one, RunStarted)] == [
        (0, None),
        (2, 700.0),
    ]
    assert {event.step for event in events if isinstance(event, LanePaused)} == {0}
    assert any("SetClip did not take effect" in getattr(event, "text", "") for event in events)
    assert isinstance(events[-1], RunFinished)


def test_a_sweep_reads_commands_as_a_run_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalBackend, "run", lambda backend, *given: InProcessBackend(backend._config).run(*given))
    lines = b'\n{"command":"Pause"}\nnonsense\n'
    done = program.call(*SWEEP, "--iterations", "5", "--runs-dir", str(tmp_path), input=lines)
    events = list(map(decode_sweep_event, done.stdout.splitlines()))
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert any("Pause is for runs" in text for text in notices)
    assert sum("not understood" in text for text in notices) == 1
    # The end of the input does not end the sweep.
    assert isinstance(events[-1], SweepFinished)
    assert events[-1].reason == "completed"
    assert sum(isinstance(event, ReplicaFinished) for event in events) == 4
    assert done.returncode == 0


def test_a_sweep_ends_although_its_input_is_open_and_when_stopped(tmp_path: Path) -> None:
    with program.running(*SWEEP, "--iterations", "5", "--runs-dir", str(tmp_path)) as process:
        program.line_with(process.stdout, '"SweepFinished"')
        assert process.wait(program.DEADLINE) == 0
    with program.running(*SWEEP, "--iterations", "100000", "--yes", "--runs-dir", str(tmp_path)) as process:
        program.line_with(process.stdout, '"stage":"training"')
        assert process.stdin
        process.stdin.write('{"command":"Stop"}\n')
        process.stdin.flush()
        assert '"stopped"' in program.line_with(process.stdout, '"SweepFinished"')
        assert process.wait(program.DEADLINE) == 0


def test_a_sweep_ends_when_its_output_is_closed(tmp_path: Path) -> None:
    with program.running(*SWEEP, "--iterations", "100000", "--yes", "--runs-dir", str(tmp_path)) as process:
        program.line_with(process.stdout, '"stage":"training"')
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdout.close()
        assert process.wait(program.DEADLINE) == 141


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (SetClip(lane="clipped", rule="none", at_step=500), "scheduled for step 500, lane clipped: clip none"),
        (StepOnce(count=3, at_step=7), "scheduled for step 7, all lanes: take 3 steps"),
        (SetPace(pace=None, at_step=7), "scheduled for step 7, all lanes: full speed"),
        (Extend(iterations=9, at_step=7), "scheduled for step 7, all lanes: 9 more steps"),
    ],
)
def test_a_scheduled_command_is_reported_once_and_recorded(
    command: AnyCommand, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = Session(SMALL)
    conversation.send(command)
    conversation.close()
    console, recorder = ConsoleSink(quiet=False), Recorder(tmp_path)
    for event in recorder.through(conversation.run()):
        console.receive(event)
    assert capsys.readouterr().err.count(words) == 1
    recorded = recordings.read(recordings.only_run(tmp_path)).events
    assert [event.command for event in recorded if isinstance(event, CommandScheduled)] == [command]
