"""Runs of the real program in folders of their own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import program
import pytest

from clipwatch.core.engine.session import Session
from clipwatch.core.runs.reader import Recorded, read_recording
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.commands import LaneCommand
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import Evaluated, Event, LaneFinished
from clipwatch.core.training import checkpoint_file

DIGITS = ["--no-ui", "--dataset", "digits"]


def only_run(home: Path) -> Path:
    """The one run's folder."""
    (folder,) = [path for path in home.iterdir() if (path / "events.jsonl").exists()]
    return folder


def record(home: Path, *arguments: str, input: str = "") -> Path:
    """The folder of a run that was recorded from beginning to end."""
    done = program.call(*DIGITS, "--runs-dir", str(home), *arguments, input=input)
    assert done.returncode == 0, done.stderr
    return only_run(home)


def train(home: Path, commands: Iterable[LaneCommand], config: RunConfig) -> Path:
    """A recorded run, every checkpoint of it kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint_file, "MAX_CHECKPOINTS", 100)
        recorder = Recorder(home)
        session = Session(config, keep=recorder.keep)
        for command in commands:
            session.send(command)
        for _ in recorder.through(session.run()):
            pass
    return only_run(home)


def read(folder: Path) -> Recorded:
    return read_recording(folder / "events.jsonl")


def figures(events: list[Event]) -> list[tuple[object, ...]]:
    """All that training again must give again, bit for bit, each once."""
    rows = {
        (event.lane, event.step, event.loss, event.accuracy, event.train_loss)
        for event in events
        if isinstance(event, Evaluated)
    }
    ends = {(event.lane, event.step, event.loss, event.correct) for event in events if isinstance(event, LaneFinished)}
    return sorted(rows) + sorted(ends)
