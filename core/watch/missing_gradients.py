"""Which parameters have had no gradient, or a gradient of 0, for long. Pure: no torch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Missing(NamedTuple):
    """The parameters, and the steps for which this has been so for all of them."""

    names: tuple[str, ...]
    steps: int


class MissingGradients:
    """Counts for each parameter at how many measured steps in a row it lacked a gradient.

    A parameter that gets one after all has to lack it for twice as many steps before it is named again, so that one
    that is used now and then does not come and go.
    """

    def __init__(self, *, measured: int, steps: int) -> None:
        """A parameter is named after so many measured steps that lie so many steps apart, the first and the last."""
        self._measured, self._steps = measured, steps
        self._since: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._needed: dict[str, int] = {}

    def add(self, step: int, names: Iterable[str]) -> Missing | None:
        """One more measured step; returns the parameters to name now, None if there are none."""
        now = dict.fromkeys(names)
        for name in [each for each in self._counts if each not in now]:
            self._needed[name] = 2 * max(self._counts.pop(name), self._needed.get(name, self._measured) // 2)
        for name in now:
            if name not in self._counts:
                self._since[name] = step
            self._counts[name] = self._counts.get(name, 0) + 1
        lasting = [name for name in now if self._is_lasting(name, step)]
        return Missing(tuple(lasting), step + 1 - max(self._since[name] for name in lasting)) if lasting else None

    def _is_lasting(self, name: str, step: int) -> bool:
        needed = self._needed.get(name, self._measured)
        return self._counts[name] >= needed and step + 1 - self._since[name] >= self._steps
