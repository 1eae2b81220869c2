"""The values that a loop gives of its steps and evaluations, as numbers by series."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from torch import Tensor

from ..errors import one_line
from ..stream.builtin_experiments import ACCURACY
from ..stream.events import Evaluated, Event, MetricAdded
from ..stream.experiment_info import MetricInfo
from .metric_names import series_name
from .step_log import Number
from .user_warnings import warn


class LoopValues:
    """Makes numbers of what one loop gives, and announces each metric by an event before its first value."""

    def __init__(self, lane: str, send: Callable[[Event], None]) -> None:
        self._lane, self._send = lane, send
        # The series of each metric.
        self._metrics: dict[str, str] = {}
        self._not_numbers: set[str] = set()
        self._train_loss: Number = math.nan

    def of_step(self, loss: Tensor | float | None, metrics: Mapping[str, Tensor | float]) -> dict[str, Number]:
        """The values of a step by series, for `LoopStepLog.give`. Those on a GPU stay there."""
        values = {self._series(name, of_step=True): self._number(name, value) for name, value in metrics.items()}
        if loss is not None:
            values["losses"] = self._train_loss = self._number("loss", loss)
        return values

    def of_evaluation(
        self,
        step: int,
        seconds: float,
        loss: Tensor | float,
        accuracy: Tensor | float | None,
        metrics: Mapping[str, Tensor | float],
    ) -> Evaluated:
        """The event of an evaluation after this step."""
        if accuracy is not None and "accuracy" not in self._metrics:
            self._add_metric("accuracy", ACCURACY, of_steps=False)
        return Evaluated(
            lane=self._lane,
            step=step,
            loss=float(self._number("loss", loss)),
            accuracy=None if accuracy is None else float(self._number("accuracy", accuracy)),
            train_loss=float(self._train_loss),
            seconds=seconds,
            metrics={
                self._series(name, of_step=False): float(self._number(name, value)) for name, value in metrics.items()
            },
        )

    def _number(self, name: str, value: Tensor | float) -> Number:
        """A value as a number. One that is on a GPU stays there."""
        try:
            value = value.detach() if isinstance(value, Tensor) else value
            if not isinstance(value, Tensor) or value.is_cpu or value.is_meta:
                return float(value)
            if value.is_complex():
                raise TypeError("it is complex")
            return value.reshape(()).float().clone()
        except Exception as error:
            if name not in self._not_numbers:
                self._not_numbers.add(name)
                warn(f"clipwatch records no {name} here: a number is needed ({one_line(error)})")
            return math.nan

    def _series(self, name: str, *, of_step: bool) -> str:
        """The series of a metric, which is announced when it is first given."""
        key = f"step {name}" if of_step else name
        if key not in self._metrics:
            series = series_name(name, self._metrics.values(), of_step=of_step)
            self._add_metric(key, MetricInfo(series, share=series == "train-accuracy"), of_steps=of_step)
        return self._metrics[key]

    def _add_metric(self, key: str, metric: MetricInfo, *, of_steps: bool) -> None:
        self._metrics[key] = metric.name
        self._send(MetricAdded(metric=metric, of_steps=of_steps))
