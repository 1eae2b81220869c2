"""The metrics of a validation, found among all values that a framework's trainer has logged."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_WORDS = "val|valid|validation|eval|dev"
# val_loss, val/loss, eval_f1, loss/val, acc_val
_VALIDATION = re.compile(rf"(?:{_WORDS})[/_.-](?P<after>.+)|(?P<before>.+)[/_.-](?:{_WORDS})")
# How fast the evaluation was, which is not a result of it.
_SPEED = re.compile(r".*(runtime|_per_second|preparation_time)")


class ValidationMetrics(NamedTuple):
    """What `Watch.evaluated` takes."""

    loss: float
    accuracy: float | None
    others: dict[str, float]


def validation_metrics(logged: Mapping[str, Any]) -> ValidationMetrics | None:
    """The metrics whose names say that they are of a validation, None if there are none.

    Lightning logs a mean as `val_loss` or `val_loss_epoch`, and the value of the last batch as `val_loss_step`.
    """
    values: dict[str, float] = {}
    for name, value in logged.items():
        match = _VALIDATION.fullmatch(name.removesuffix("_epoch"))
        if match and not name.endswith("_step") and not _SPEED.fullmatch(name):
            short = (match["after"] or match["before"]).lower()
            values[re.sub(r"\W+", "_", short)] = float(value)
    if not values:
        return None
    loss = values.pop("loss", math.nan)
    accuracy = values.pop("accuracy", values.pop("acc", None))
    return ValidationMetrics(loss, accuracy, values)
