"""Exports a recording as CSV or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import msgspec

from ..files.outputs import write_output
from ..safe_text import printable
from ..stream.codec import encode
from ..stream.events import ClipChanged, Diagnosed, Evaluated, LaneFailed, LaneFinished, LaneStarted
from .reader import Recorded

# The dead outputs have a column each: 1 if the output is dead, 0 if it is not.
DEAD = tuple(f"dead_{output}" for output in range(10))
# `row` is what a row is of: an `evaluation`, the `final` loss and accuracy on all validation images, or a `failure`.
# What a row does not have is empty, as are measurements in evaluations that did not measure them.
COLUMNS = (
    "row",
    "lane",
    "rule",
    "step",
    "train_loss",
    "validation_loss",
    "validation_accuracy",
    "seconds",
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
    *DEAD,
    "dead_share",
    "nan",
    "infinite",
    "failure",
)
Row = dict[str, Any]


def write_csv(recorded: Recorded, path: Path) -> None:
    """Write the table of evaluations. Raises ClipwatchError."""
    _write_table(evaluation_rows(recorded), COLUMNS, path)


def write_json(recorded: Recorded, path: Path) -> None:
    """Write every event as one JSON array. Raises ClipwatchError."""
    lines = msgspec.Raw(b"[" + b",\n".join(encode(event) for event in recorded.events) + b"]\n")
    write_output(path, bytes(lines))


def evaluation_rows(recorded: Recorded) -> list[Row]:
    """A row per evaluation, per end of a lane and per failure, ordered by step and then by lane."""
    rules: dict[str, str] = {}
    measured = {(event.lane, event.step): event for event in recorded.events if isinstance(event, Diagnosed)}
    rows: dict[tuple[str, str, int], Row] = {}
    for event in recorded.events:
        match event:
            case LaneStarted(lane=lane, rule=rule) | ClipChanged(lane=lane, rule=rule):
                rules[lane] = rule
                continue
            case Evaluated():
                row = _evaluation(event, measured.get((event.lane, event.step)))
            case LaneFinished():
                row = _final(event)
            case LaneFailed(reason=reason, cause=cause):
                row = {"row": "failure", "failure": f"{reason}: {cause}"}
            case _:
                continue
        # A resumed run may have recorded a step twice.
        rows[row["row"], event.lane, event.step] = {
            "lane": event.lane,
            "rule": rules.get(event.lane, ""),
            "step": event.step,
            "seconds": event.seconds,
            **row,
        }
    lanes = [*(lane.name for lane in recorded.started.config.lanes), *rules]
    places = {lane: place for place, lane in reversed([*enumerate(lanes)])}
    return sorted(rows.values(), key=lambda row: (row["step"], places.get(row["lane"], len(lanes))))


def _evaluation(event: Evaluated, measured: Diagnosed | None) -> Row:
    row = {
        "row": "evaluation",
        "train_loss": event.train_loss,
        "validation_loss": event.loss,
        "validation_accuracy": event.accuracy,
    }
    return row | _measurements(measured) if measured else row


def _measurements(event: Diagnosed) -> Row:
    total = event.total
    return {
        "saturation": total.clipped_share,
        "saturation_nonzero": total.clipped_share_nonzero,
        "engaged": event.engaged,
        "engaged_recently": event.engaged_recently,
        "cosine": total.cosine,
        "gradient_norm": total.norm,
        "clipped_norm": total.clipped_norm,
        "update_ratio": total.update_ratio,
        "step_size": total.step_size,
        "shadow_cosine": total.shadow_cosine,
        "shadow_distance": total.shadow_distance,
        **_dead(event.dead_outputs),
        "dead_share": event.dead_share,
        "nan": event.nan,
        "infinite": event.infinite,
    }


def _final(event: LaneFinished) -> Row:
    row = {"row": "final", "validation_loss": event.loss, "validation_accuracy": event.correct / event.total}
    return row if event.silent_outputs is None else row | _dead(event.silent_outputs)


def _dead(outputs: Collection[int]) -> Row:
    return {name: int(output in outputs) for output, name in enumerate(DEAD)}


def _write_table(rows: Iterable[Row], columns: Iterable[str], path: Path) -> None:
    """Write rows as CSV. Control characters are escaped, as the text may go to a terminal."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns))
    writer.writeheader()
    for row in rows:
        writer.writerow({name: printable(value) if isinstance(value, str) else value for name, value in row.items()})
    write_output(path, text.getvalue().encode())
