"""Runs of the real program in folders of their own."""

from __future__ import annotations

from pathlib import Path

import program

from clipwatch.core.runs.reader import Recorded, read_recording
from clipwatch.core.stream.events import Evaluated, Event, LaneFinished

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
