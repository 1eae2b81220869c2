"""Another learning rate for an optimizer of torch, whose groups and schedules stay as they are.

All groups are multiplied by one factor for the time of a step. Between steps they hold the rates that the user's code
has set, so that any schedule goes on as if nothing had been changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch.optim import Optimizer


class RateFactor:
    """Multiplies the learning rates of an optimizer between `apply` and `restore`.

    `base_rate` is that of the first group before any schedule, times the `factor`; None if the optimizer has none. Make
    this object after the schedule, which may decide the first rate.
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1.0) -> None:
        self._optimizer = optimizer
        self._start, self.factor = _starting_rate(optimizer), factor
        self.base_rate = None if self._start is None else self._start * factor
        # Each group with the rate that it had, and the one that it was given.
        self._applied: list[tuple[dict[str, Any], Any, Any]] = []

    def set_rate(self, rate: float) -> None:
        """Set the base rate of an optimizer that has one. The factor is exactly 1 for the rate at the start."""
        assert self._start is not None
        self.recover()
        self.base_rate, self.factor = rate, rate / self._start

    def apply(self) -> None:
        """Multiply the rates of all groups. Those of a step that raised are given back first."""
        self.recover()
        if self.factor == 1.0:
            return
        for group in self._optimizer.param_groups:
            if (before := group.get("lr")) is not None:
                # Not in place: groups may share a tensor.
                group["lr"] = before * self.factor
                self._applied.append((group, before, group["lr"]))

    def restore(self) -> None:
        """Give the groups back the rates that they had, at the end of a step."""
        for group, before, given in self._applied:
            # A rate that was changed meanwhile, as some optimizers do in a step, is a multiple, too.
            group["lr"] = before if group["lr"] is given else group["lr"] / self.factor
        self._applied.clear()

    def recover(self) -> None:
        """The same some time after a step that raised, when the loop may have set a rate of its own."""
        self._applied = [(group, *rates) for group, *rates in self._applied if not _is_anew(group["lr"], *rates)]
        self.restore()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """A context in which the rates are multiplied."""
        self.apply()
        try:
            yield
        finally:
            self.restore()


def current_rate(optimizer: Optimizer) -> float:
    """The learning rate of the first group, 0 if it has none."""
    rate = optimizer.param_groups[0].get("lr")
    return 0.0 if rate is None else float(rate)


def _starting_rate(optimizer: Optimizer) -> float | None:
    # A schedule keeps the rate that it multiplies under another name, and may have set the present one to 0.
    rate = optimizer.param_groups[0].get("initial_lr")
    return (current_rate(optimizer) if rate is None else float(rate)) or None


def _is_anew(rate: Any, before: Any, given: Any) -> bool:
    """Whether the loop has set this rate anew, and has not computed it from the one that a step was `given`.

    Schedules do either. A new rate is taken for the one whose ratio to the rate before is closer to 1.
    """
    return rate is not given and bool((rate * rate >= before * given) == (before >= given))
