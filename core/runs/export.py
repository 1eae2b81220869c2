"""A recording for other programs: CSV and JSON."""

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
# Empty where nothing was measured; dead outputs with blanks between them.
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
# Of a lane that diverged or raised, in a row of its own at that step; empty in all others.
FAILURE = "failure"


def write_csv(recorded: Recorded, path: Path) -> None:
    """A row per evaluation, with the rule and what was measured, and one per failure; ClipwatchError if unwritable.

    What would move a terminal's cursor is escaped: the text may go to one.
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
        total.saturation,
        total.saturation_nonzero,
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
    """Every event, as one JSON array of the stream's objects. ClipwatchError if unwritable."""
    lines = msgspec.Raw(b"[" + b",\n".join(encode(event) for event in recorded.events) + b"]\n")
    write_output(path, bytes(lines))
