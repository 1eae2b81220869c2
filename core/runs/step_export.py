"""Exports every training step of a recording as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from .csv_table import texts, write_table
from .lane_rules import LaneRules, lane_rules
from .lane_steps import LaneSteps, lane_steps
from .reader import Recorded

STEP_COLUMNS = ("lane", "rule", "step", "train_loss", "gradient_norm", "clipped_norm", "clipped")


def write_steps(recorded: Recorded, path: Path) -> None:
    """Write a row per training step and lane as CSV. Raises BadInput if the steps are not recorded."""
    write_table(STEP_COLUMNS, step_rows(recorded), path)


def step_rows(recorded: Recorded) -> Iterable[tuple[Any, ...]]:
    """The rows of `STEP_COLUMNS`, ordered by step and then by lane. Raises BadInput if the steps are not recorded."""
    lanes, logs = recorded.lanes, recorded.table.step_logs
    found = [lane_steps(logs, lane) for lane in lanes]
    if not any(len(each.steps) for each in found):
        raise BadInput("the loss and the gradient norm of every step are not recorded in this run; leave out --steps")
    order = np.lexsort((np.repeat(range(len(found)), [len(each.steps) for each in found]), _joined(found, "steps")))
    rules = [_by_step(lane_rules(recorded.table.others, lane), each) for lane, each in zip(lanes, found, strict=True)]
    names = [np.full(len(each.steps), lane, object) for lane, each in zip(lanes, found, strict=True)]
    numbers = (texts(_joined(found, name)[order]) for name in ("losses", "norms", "clipped_norms"))
    return zip(
        np.concatenate(names)[order].tolist(),
        np.concatenate(rules)[order].tolist(),
        _joined(found, "steps")[order].tolist(),
        *numbers,
        _joined(found, "clipped")[order].astype(int).tolist(),
        strict=True,
    )


def _joined(lanes: Iterable[LaneSteps], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(lane, name) for lane in lanes])


def _by_step(rules: LaneRules, lane: LaneSteps) -> NDArray[Any]:
    """The rule of each step."""
    texts = np.array(["", *rules.rules], object)
    return texts[np.searchsorted(rules.steps, lane.steps, "right")]
