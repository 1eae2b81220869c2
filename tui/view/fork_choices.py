"""What the prompt for a fork asks, says and reads: `[NAME=]RULE[,lr=X]`."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import count
from typing import NamedTuple

from ...core.errors import BadInput
from ...core.safe_text import printable
from ...core.stream.lane_config import LaneConfig, read_lane, require_fork
from ...core.stream.rules import meaning, parse_rule
from .rule_choices import Remark, remark

_LONGEST_NAME = 24
# What errors about a lane begin with.
_PREFIX = re.compile(r"lane [\w.+-]+: ")
# A learning rate where a rule is expected.
_RATE = re.compile(r"\s*(lr|learning[-_]rate)\s*=\s*[\d.]")


class ForkParent(NamedTuple):
    """The lane that is forked: its name on the screen, its rule and its learning rate (None: unknown).

    `has_plans`: other rules are planned for its later steps. A fork takes them if it begins with the parent's rule.
    """

    name: str
    rule: str
    learning_rate: float | None
    has_plans: bool = False


def default_name(parent: str, taken: Collection[str]) -> str:
    """The first of PARENT+1, PARENT+2, ... that no lane has; the parent's name is cut where it is too long."""
    for number in count(1):
        suffix = f"+{number}"
        if (name := parent[: _LONGEST_NAME - len(suffix)] + suffix) not in taken:
            return name
    raise AssertionError


def split(text: str) -> tuple[str, str, str]:
    """The text in three parts: the name with `=`, the rule, and the settings from the first comma on."""
    lane, comma, settings = text.partition(",")
    name, equals, rule = lane.rpartition("=")
    return name + equals, rule, comma + settings


def read_fork(text: str, parent: str, taken: Collection[str]) -> LaneConfig:
    """The new lane of a text; without a name, it gets that which is offered for a fork of `parent`. Raises BadInput."""
    before, rule, settings = split(text)
    name = before.removesuffix("=").strip() or default_name(parent, taken)
    # What is wrong with the name comes first: the rule may not be complete yet.
    require_fork(LaneConfig(name, "none"), taken)
    lane = read_lane(name, rule + settings)
    require_fork(lane, taken)
    return lane


class ForkField:
    """The prompt for a fork of `parent`, now or in a replay, where a new run begins `at_step`.

    `taken` are the names of lanes that there are, or that are about to begin.
    """

    def __init__(self, parent: ForkParent, taken: Collection[str], at_step: int | None = None) -> None:
        self.label = "fork" if at_step is None else f"fork at {at_step:,}"
        self.enter = "enter: fork" if at_step is None else "enter: end the replay, train a new run"
        self._parent, self._taken = parent, taken
        self._offered = f"{default_name(parent.name, taken)}="
        self.start = self._offered + parent.rule

    def split(self, text: str) -> tuple[str, str, str]:
        """The text in three parts: the name with `=`, the rule, and the settings from the first comma on."""
        return split(text)

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
        return Remark(f"{self._likeness(lane)}{meaning(parse_rule(lane.rule))}{rate}", lane.rule)

    def _likeness(self, lane: LaneConfig) -> str:
        """Whether the new lane begins as a twin of its parent, and what it has of the parent's planned rules."""
        has_rule = lane.rule == self._parent.rule
        is_twin = has_rule and lane.learning_rate in (None, self._parent.learning_rate)
        words = [f"as {self._parent.name}"] if is_twin else []
        if self._parent.has_plans:
            words.append(f"{'with' if has_rule else 'without'} {self._parent.name}'s planned rules")
        return f"{', '.join(words)}: " if words else ""

    def read(self, text: str) -> LaneConfig:
        """The new lane. Raises BadInput."""
        try:
            lane = read_fork(self._complete(text), self._parent.name, self._taken)
        except BadInput as error:
            raise BadInput(_PREFIX.sub("", str(error))) from None
        if lane.learning_rate is not None and self._parent.learning_rate is None:
            raise BadInput(f"the learning rate of {self._parent.name} is unknown, so lr cannot be set")
        return lane

    def _complete(self, text: str) -> str:
        """The text with the parent's rule if it has none, and without the name offered if another follows it."""
        typed = text.removeprefix(self._offered)
        if _RATE.match(typed):
            return f"{self._offered}{self._parent.rule},{typed}"
        before, rule, settings = self.split(typed if "=" in typed.partition(",")[0] else text)
        return before + (self._parent.rule if settings and not rule.strip() else rule) + settings

    def _name_is_free(self, text: str) -> bool:
        """Whether the name alone is in order."""
        try:
            self.read(f"{self.split(text)[0]}none")
        except BadInput:
            return False
        return True
