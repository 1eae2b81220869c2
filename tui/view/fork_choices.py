"""What the prompt for a fork asks, says and reads: `[NAME=]RULE[,lr=X]`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count
from typing import NamedTuple

from ...core.errors import BadInput
from ...core.safe_text import printable
from ...core.stream.lane_config import LaneConfig, read_lane, require_lane_name
from ...core.stream.rules import meaning, parse_rule
from .rule_choices import Remark, remark

_LONGEST_NAME = 24


class ForkParent(NamedTuple):
    """The lane that is forked: its name on the screen, its rule and its learning rate (None: unknown)."""

    name: str
    rule: str
    learning_rate: float | None


def default_name(parent: str, taken: Collection[str]) -> str:
    """The first of PARENT+1, PARENT+2, ... that no lane has; the parent's name is cut where it is too long."""
    for number in count(1):
        suffix = f"+{number}"
        if (name := parent[: _LONGEST_NAME - len(suffix)] + suffix) not in taken:
            return name
    raise AssertionError


class ForkField:
    """The prompt for a fork of `parent`, at a step of a replay or now.

    `taken` are the names of lanes that there are, or that are about to begin.
    """

    def __init__(self, parent: ForkParent, taken: Collection[str], at_step: int | None = None) -> None:
        self.label = "fork" if at_step is None else f"fork at {at_step:,}"
        self._parent, self._taken = parent, taken
        self._name = default_name(parent.name, taken)
        self.start = f"{self._name}={parent.rule}"

    def split(self, text: str) -> tuple[str, str, str]:
        """The text in three parts: the name with `=`, the rule, and the settings from the first comma on."""
        lane, comma, settings = text.partition(",")
        name, equals, rule = lane.rpartition("=")
        return name + equals, rule, comma + settings

    def completed_settings(self, settings: str) -> str | None:
        """What follows the rule, completed: the parent's learning rate, which another number replaces."""
        rate = self._parent.learning_rate
        whole = "" if rate is None else f",lr={rate:g}"
        return whole if settings and whole.startswith(settings) else None

    def remark(self, text: str, history: Sequence[str]) -> Remark:
        """What the new lane will do otherwise than its parent, how to complete the text, or what is wrong with it."""
        _, rule, settings = self.split(text)
        try:
            lane = self.read(text)
        except BadInput as error:
            if (not settings and (about := remark(rule, history)).rule is None) and self._name_is_free(text):
                return about
            if whole := self.completed_settings(settings):
                return Remark(f"tab: {whole[1:]}")
            return Remark(printable(str(error)), is_error=True)
        rate = "" if lane.learning_rate is None else f", learning rate {lane.learning_rate:g}"
        same = lane.rule == self._parent.rule and lane.learning_rate in (None, self._parent.learning_rate)
        twin = f"as {self._parent.name}: " if same else ""
        return Remark(f"{twin}{meaning(parse_rule(lane.rule))}{rate}", lane.rule)

    def read(self, text: str) -> LaneConfig:
        """The new lane. Raises BadInput."""
        before, rule, settings = self.split(text)
        name = before.removesuffix("=").strip() or self._name
        require_lane_name(name)
        if name in self._taken:
            raise BadInput(f"there is a lane {name} already; another name is free: {self._name}")
        try:
            lane = read_lane(name, rule + settings)
        except BadInput as error:
            raise BadInput(str(error).removeprefix(f"lane {name}: ")) from None
        if set(lane.own_settings) - {"learning_rate"}:
            raise BadInput("a fork keeps its parent's optimizer; only rule and lr can differ")
        if lane.learning_rate is not None and self._parent.learning_rate is None:
            raise BadInput(f"the learning rate of {self._parent.name} is unknown, so lr cannot be set")
        return lane

    def _name_is_free(self, text: str) -> bool:
        """Whether the name alone is in order."""
        try:
            self.read(f"{self.split(text)[0]}none")
        except BadInput:
            return False
        return True
