"""Exports a recording as CSV or JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ..files.outputs import write_output
from ..stream.codec import encode
from ..stream.events import (
    ClipChanged,
    Diagnosed,
    Evaluated,
    Event,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LanesCompared,
    LaneStarted,
    StepsTrained,
)
from ..stream.series import evaluated_values, final_values
from .csv_table import texts, write_table
from .lane_course import lane_rates, lane_rules
from .lane_steps import lane_steps
from .reader import Recorded

# The dead outputs have a column each: 1 if the output is dead, 0 if it is not.
DEAD = tuple(f"dead_{output}" for output in range(10))
# `row` is what a row is of: an `evaluation`, the `final` loss and accuracy on all validation images, a `failure`, or in
# a watched run a `measurement` between two evaluations.
# What a row does not have is empty, as are measurements in evaluations that did not measure them. These are the columns
# of LeNet; see `columns` for those of other experiments.
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
    "steps_clipped",
    "cosine",
    "sign_cosine",
    "gradient_norm",
    "clipped_norm",
    "update_ratio",
    "step_size",
    "shadow_cosine",
    "shadow_distance",
    "distance",
    "disagreement",
    *DEAD,
    "dead_share",
    "dead_units",
    "nan",
    "infinite",
    "failure",
    "learning_rate",
    "parent",
    "forked_at",
)
# What the texts of numbers are in JSON, which has no numbers for them.
# The columns of LeNet's accuracy and dead outputs, which belong to these names of a metric and of a gauge.
_ACCURACY, _OF_DEAD = "validation_accuracy", (*DEAD, "dead_share", "dead_units")
_DEAD_OUTPUTS = "dead-outputs"
_NOT_FINITE = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}
Row = dict[str, Any]


def write_csv(recorded: Recorded, path: Path) -> None:
    """Write the table of evaluations. Raises ClipwatchError."""
    names = columns(recorded)
    write_table(names, ([row.get(name, "") for name in names] for row in evaluation_rows(recorded)), path)


def columns(recorded: Recorded) -> tuple[str, ...]:
    """The columns of a run: those of LeNet, or else those without its own and with the experiment's instead."""
    experiment = recorded.experiment
    gauges = [gauge.name for gauge in experiment.gauges]
    if _DEAD_OUTPUTS in gauges:
        return COLUMNS
    metrics = dict.fromkeys((*(metric.name for metric in experiment.metrics), *recorded.table.evaluations.metric_names))
    of_metrics = [_metric_column(name) for name in metrics]
    shared = [name for name in COLUMNS if name not in (_ACCURACY, *_OF_DEAD)]
    place, end = shared.index("validation_loss") + 1, shared.index("nan")
    return (*shared[:place], *of_metrics, *shared[place:end], *map(_gauge_column, gauges), *shared[end:])


def _metric_column(name: str) -> str:
    return f"validation_{name.replace('-', '_')}"


def _gauge_column(name: str) -> str:
    """The column of a gauge, which cannot have the name of another column."""
    return f"gauge_{name.replace('-', '_')}"


def write_json(recorded: Recorded, path: Path) -> None:
    """Write every event as one JSON array. Raises ClipwatchError."""
    write_output(path, b"[" + b",\n".join(map(_readable, recorded.events)) + b"]\n")


def evaluation_rows(recorded: Recorded) -> list[Row]:
    """A row per evaluation, per end of a lane and per failure, ordered by step and then by lane.

    In a watched run, which may have no evaluations, also one per measurement.
    """
    rules: dict[str, str] = {}
    rates = {lane: lane_rates(recorded, lane) for lane in recorded.lanes}
    forks = recorded.forks
    more = _beside_evaluations(recorded)
    rows: dict[tuple[str, str, int], Row] = {}
    for event in recorded.events:
        match event:
            case (
                LaneStarted(lane=lane, rule=rule) | ClipChanged(lane=lane, rule=rule) | LaneForked(lane=lane, rule=rule)
            ):
                rules[lane] = rule
                continue
            case Evaluated():
                row = _evaluation(event) | more.get((event.lane, event.step), {})
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
    if recorded.started.watched:
        rows = {**_measurement_rows(recorded, more, rows.keys()), **rows}
    for row in rows.values():
        row["learning_rate"] = rates[row["lane"]].at(row["step"])
        if fork := forks.get(row["lane"]):
            row |= {"parent": fork.parent, "forked_at": fork.step}
    places = {lane: place for place, lane in enumerate(recorded.lanes)}
    return sorted(rows.values(), key=lambda row: (row["step"], places[row["lane"]]))


def _measurement_rows(
    recorded: Recorded, more: Mapping[tuple[str, int], Row], others: Collection[tuple[str, str, int]]
) -> dict[tuple[str, str, int], Row]:
    """The rows of measurements at other steps than those of evaluations."""
    rules = {lane: lane_rules(recorded, lane) for lane in recorded.lanes}
    return {
        ("measurement", lane, step): {
            "row": "measurement",
            "lane": lane,
            "rule": rules[lane].at(step) or "",
            "step": step,
            **values,
        }
        for (lane, step), values in more.items()
        if ("evaluation", lane, step) not in others
    }


def _readable(event: Event) -> bytes:
    """An event as JSON, with numbers where the recording holds bytes."""
    if not isinstance(event, StepsTrained):
        return encode(event)
    values: Row = {name: _numbers(getattr(event, name)) for name in ("losses", "norms", "clipped_norms")}
    if event.metrics:
        values["metrics"] = {name: _numbers(metric) for name, metric in event.metrics.items()}
    return msgspec.json.encode(msgspec.json.decode(encode(event)) | values | {"clipped": list(event.clipped)})


def _numbers(part: bytes) -> msgspec.Raw:
    """Float32 numbers as a JSON array."""
    return msgspec.Raw(f"[{','.join(map(_number, texts(np.frombuffer(part, '<f4'))))}]".encode())


def _number(text: str) -> str:
    """A number in JSON, which spells NaN and infinity as the codec does."""
    return _NOT_FINITE.get(text, text)


def _beside_evaluations(recorded: Recorded) -> dict[tuple[str, int], Row]:
    """What was measured at evaluations, by lane and step."""
    rows: dict[tuple[str, int], Row] = {}
    for event in recorded.table.others:
        if isinstance(event, Diagnosed):
            rows.setdefault((event.lane, event.step), {}).update(_measurements(event))
        elif isinstance(event, LanesCompared):
            values = {"distance": event.distance, "disagreement": event.disagreement}
            rows.setdefault((event.lanes[1], event.step), {}).update(values)
    evaluations, logs = recorded.table.evaluations, recorded.table.step_logs
    for lane in logs.names:
        steps = np.unique([*evaluations.steps[evaluations.of(lane)], *(step for name, step in rows if name == lane)])
        shares = lane_steps(logs, lane).shares_clipped(steps)
        for step, share in zip(steps[~np.isnan(shares)].tolist(), texts(shares[~np.isnan(shares)]), strict=True):
            rows.setdefault((lane, step), {})["steps_clipped"] = share
    return rows


def _evaluation(event: Evaluated) -> Row:
    return {
        "row": "evaluation",
        "train_loss": event.train_loss,
        **_results(evaluated_values(event)),
    }


def _results(values: Mapping[str, float]) -> Row:
    """Loss and metrics by column."""
    return {_metric_column(name): value for name, value in values.items()}


def _measurements(event: Diagnosed) -> Row:
    total = event.total
    return {
        "saturation": total.clipped_share,
        "saturation_nonzero": total.clipped_share_nonzero,
        "engaged": event.engaged,
        "engaged_recently": event.engaged_recently,
        "cosine": total.cosine,
        "sign_cosine": total.sign_cosine,
        "gradient_norm": total.norm,
        "clipped_norm": total.clipped_norm,
        "update_ratio": total.update_ratio,
        "step_size": total.step_size,
        "shadow_cosine": total.shadow_cosine,
        "shadow_distance": total.shadow_distance,
        **_dead(event.dead_outputs),
        "dead_share": event.dead_share,
        "dead_units": sum(count for layer, count in event.dead.items() if layer != "outputs"),
        "nan": event.nan,
        "infinite": event.infinite,
        **{_gauge_column(name): value for name, value in event.gauge.items()},
    }


def _final(event: LaneFinished) -> Row:
    row = {"row": "final", **_results(final_values(event))}
    return row if event.silent_outputs is None else row | _dead(event.silent_outputs)


def _dead(outputs: Collection[int]) -> Row:
    return {name: int(output in outputs) for output, name in enumerate(DEAD)}
