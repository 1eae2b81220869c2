"""The line that training prints for an evaluation."""

from __future__ import annotations

from .builtin_experiments import LENET
from .events import Evaluated
from .experiment_info import LOSS, ExperimentInfo
from .series import evaluated_values


def evaluation_line(event: Evaluated, experiment: ExperimentInfo = LENET.info) -> str:
    """The line in the format of the assignment, with the metrics of the experiment."""
    values = evaluated_values(event)
    figures = [f"{info.words}: {values[info.name]:g}" for info in (*experiment.metrics, LOSS) if info.name in values]
    return f"Step: {event.step} validation {' '.join(figures)}"
