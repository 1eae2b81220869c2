"""Exports every training step of a recording as CSV."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from ..stream.series import are_given
from .csv_table import texts, write_table
from .event_table import Integers
from .lane_course import LaneCourse, lane_rates, lane_rules
from .lane_steps import LaneSteps, lane_steps
from .reader import Recorded

STEP_COLUMNS = ("lane", "rule", "step", "train_loss", "gradient_norm", "clipped_norm", "clipped")
# The last column, before any schedule; empty if it is not known.
RATE = "learning_rate"


def write_steps(recorded: Recorded, path: Path) -> None:
    """Write a row per training step and lane as CSV. Raises BadInput if the steps are not recorded."""
    found = [lane_steps(recorded.table.step_logs, lane) for lane in recorded.lanes]
    if not any(len(each.steps) for each in found):
        raise BadInput("the loss and the gradient norm of every step are not recorded in this run; leave out --steps")
    metrics = list(dict.fromkeys(name for each in found for name in each.metrics))
    columns = [*STEP_COLUMNS, *(name.replace("-", "_") for name in metrics)]
    # A watched loop may give its learning rate itself, as a metric.
    with_rates = RATE not in columns
    write_table([*columns, *[RATE] * with_rates], _rows(recorded, found, metrics, with_rates=with_rates), path)


def _rows(
    recorded: Recorded, found: Sequence[LaneSteps], metrics: Sequence[str], *, with_rates: bool
) -> Iterable[tuple[Any, ...]]:
    """The values of `STEP_COLUMNS`, of these metrics and perhaps of RATE, ordered by step and then by lane."""
    lanes = recorded.lanes
    order = np.lexsort((np.repeat(range(len(found)), [len(each.steps) for each in found]), _joined(found, "steps")))
    rules = [_by_step(lane_rules(recorded, lane), each) for lane, each in zip(lanes, found, strict=True)]
    rates = [_by_step(lane_rates(recorded, lane), each) for lane, each in zip(lanes, found, strict=True)]
    names = [np.full(len(each.steps), lane, object) for lane, each in zip(lanes, found, strict=True)]
    return zip(
        np.concatenate(names)[order].tolist(),
        np.concatenate(rules)[order].tolist(),
        _joined(found, "steps")[order].tolist(),
        *(_numbers(found, name, order) for name in ("train-loss", "grad-norm", "clipped-norm")),
        _joined(found, "clipped")[order].astype(int).tolist(),
        *(_numbers(found, name, order) for name in metrics),
        *([np.concatenate(rates)[order].tolist()] if with_rates else []),
        strict=True,
    )


def _numbers(lanes: Iterable[LaneSteps], series: str, order: Integers) -> list[str]:
    """The values of a series; empty where a watched loop gave none."""
    found = list[str]()
    for lane in lanes:
        values = lane.series.get(series, np.full(len(lane.steps), np.nan, np.float32))
        given = are_given(values, lane.norms).tolist()
        found += [text if is_given else "" for text, is_given in zip(texts(values), given, strict=True)]
    return [found[at] for at in order.tolist()]


def _joined(lanes: Iterable[LaneSteps], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(lane, name) for lane in lanes])


def _by_step(course: LaneCourse[Any], lane: LaneSteps) -> NDArray[Any]:
    """The rule or rate of each step."""
    values = np.array(["", *course.values], object)
    return values[np.searchsorted(course.steps, lane.steps, "right")]
