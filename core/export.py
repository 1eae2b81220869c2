"""A recording for other programs: CSV and JSON."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import msgspec

from .atomic import write_atomically
from .codec import encode
from .errors import ClipwatchError
from .events import ClipChanged, Evaluated, LaneStarted
from .recorded import Recorded

COLUMNS = ("lane", "rule", "step", "train_loss", "validation_loss", "validation_accuracy", "seconds")


def write_csv(recorded: Recorded, path: Path) -> None:
    """A row per evaluation, with the rule in force; numbers in full precision. ClipwatchError if unwritable."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    rules: dict[str, str] = {}
    for event in recorded.events:
        match event:
            case LaneStarted(lane=lane, rule=rule) | ClipChanged(lane=lane, rule=rule):
                rules[lane] = rule
            case Evaluated(lane=lane, step=step, loss=loss, accuracy=accuracy, train_loss=train_loss, seconds=seconds):
                writer.writerow((lane, rules.get(lane, ""), step, train_loss, loss, accuracy, seconds))
            case _:
                pass
    _write(path, text.getvalue().encode())


def write_json(recorded: Recorded, path: Path) -> None:
    """Every event, as one JSON array of the stream's objects. ClipwatchError if unwritable."""
    lines = msgspec.Raw(b"[" + b",\n".join(encode(event) for event in recorded.events) + b"]\n")
    _write(path, bytes(lines))


def _write(path: Path, content: bytes) -> None:
    if str(path) == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        write_atomically(path, content)
    except OSError as error:
        raise ClipwatchError(f"cannot write {path}: {error.strerror}") from error
