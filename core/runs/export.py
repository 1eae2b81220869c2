"""Exports a recording as CSV or JSON."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import msgspec

from ..files.outputs import write_output
from ..stream.codec import encode
from ..stream.events import ClipChanged, Diagnosed, Evaluated, LaneFailed, LaneStarted
from ..text import printable
from .reader import Recorded

COLUMNS = ("lane", "rule", "step", "train_loss", "validation_loss", "validation_accuracy", "seconds")
# Empty where nothing was measured. Dead outputs are separated by blanks.
MEASURED = (
    "saturation",
    "saturation_nonzero",
    "engaged",
    "engaged_recently",
    "cosine",
    "gradient_norm",
    "clipped_norm",
    "update_ratio",
    "step_size",
    "shadow_cosine",
    "shadow_distance",
    "dead_outputs",
    "dead_share",
    "nan",
    "infinite",
)
# The cause, in a row of its own, where a lane diverged or raised an error.
FAILURE = "failure"


def write_csv(recorded: Recorded, path: Path) -> None:
    """Write a row per evaluation, with rule and measurements, and a row per failure. Raises ClipwatchError.

    Control characters are escaped, as the text may go to a terminal.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow((*COLUMNS, *MEASURED, FAILURE))
    rules: dict[str, str] = {}
    measured = {(event.lane, event.step): event for event in recorded.events if isinstance(event, Diagnosed)}
    for event in recorded.events:
        match event:
            case LaneStarted(lane=lane, rule=rule) | ClipChanged(lane=lane, rule=rule):
                rules[lane] = printable(rule)
            case Evaluated(lane=lane, step=step, loss=loss, accuracy=accuracy, train_loss=train_loss, seconds=seconds):
                row = (printable(lane), rules.get(lane, ""), step, train_loss, loss, accuracy, seconds)
                writer.writerow((*row, *_measured(measured.get((lane, step))), ""))
            case LaneFailed(lane=lane, step=step, reason=reason, cause=cause, seconds=seconds):
                row = (printable(lane), rules.get(lane, ""), step, "", "", "", seconds)
                writer.writerow((*row, *_measured(None), printable(f"{reason}: {cause}")))
            case _:
                pass
    write_output(path, text.getvalue().encode())


def _measured(event: Diagnosed | None) -> tuple[object, ...]:
    if event is None:
        return ("",) * len(MEASURED)
    total = event.total
    return (
        total.clipped_share,
        total.clipped_share_nonzero,
        event.engaged,
        event.engaged_recently,
        total.cosine,
        total.norm,
        total.clipped_norm,
        total.update_ratio,
        total.step_size,
        total.shadow_cosine,
        total.shadow_distance,
        " ".join(map(str, event.dead_outputs)),
        event.dead_share,
        event.nan,
        event.infinite,
    )


def write_json(recorded: Recorded, path: Path) -> None:
    """Write every event as one JSON array. Raises ClipwatchError."""
    lines = msgspec.Raw(b"[" + b",\n".join(encode(event) for event in recorded.events) + b"]\n")
    write_output(path, bytes(lines))
