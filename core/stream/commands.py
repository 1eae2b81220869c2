"""The commands that steer a run, as frozen values.

A command without `lane` goes to every lane. It takes effect at the next step boundary, after the commands sent before
it. A command with `at_step` is scheduled: it takes effect before that step, or at once if the lane is already past it.
The answer is an event that names the step, or a `Notice` that says why nothing happens.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import msgspec

from ..errors import BadInput
from .experiment_info import Value
from .lane_config import LaneConfig, require_lane_name, require_rate
from .limits import MOST
from .rules import parse_rule


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="command", tag=True, forbid_unknown_fields=True):
    """Base of all commands."""

    lane: str | None = None
    at_step: int | None = None

    def __post_init__(self) -> None:
        if self.at_step is not None and not 0 <= self.at_step <= MOST:
            raise BadInput(f"at_step {self.at_step}: from 0 to 10^15")


class SetClip(Command, frozen=True, kw_only=True):
    """Clip with this rule from the next step on."""

    rule: str

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        # The canonical spelling makes equal rules compare equal.
        msgspec.structs.force_setattr(self, "rule", str(parse_rule(self.rule)))


class SetLearningRate(Command, frozen=True, kw_only=True):
    """Use this learning rate from the next step on. A schedule of the optimizer multiplies it."""

    rate: float

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        require_rate(self.rate)


class Fork(Command, frozen=True, kw_only=True):
    """Start a lane called `name` from the present state of `lane`, which goes on.

    The new lane has another `rule` or `learning_rate`; None keeps that of `lane`. With the rule of `lane` it also takes
    over the rules that the settings of `lane` plan for later; with another one it has none planned.
    """

    name: str
    rule: str | None = None
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        if self.lane is None:
            raise BadInput("Fork needs the lane to start from")
        require_lane_name(self.name)
        if self.learning_rate is not None:
            require_rate(self.learning_rate)
        if self.rule is not None:
            msgspec.structs.force_setattr(self, "rule", str(parse_rule(self.rule)))


class ResetMoments(Command, frozen=True, kw_only=True):
    """Reset the optimizer state: its moments and its step count."""


class Pause(Command, frozen=True, kw_only=True):
    """Pause training."""


class Resume(Command, frozen=True, kw_only=True):
    """Continue training."""


class StepOnce(Command, frozen=True, kw_only=True):
    """Take `count` steps, then pause. The counts of several such commands add up."""

    count: int = 1

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        if not 1 <= self.count <= MOST:
            raise BadInput(f"count {self.count}: from 1 to 10^15 steps")


class SetPace(Command, frozen=True, kw_only=True):
    """Limit the speed to `pace` steps per second. None is full speed."""

    pace: float | None

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        if self.pace is not None and not (math.isfinite(self.pace) and self.pace > 0):
            raise BadInput(f"pace {self.pace}: steps a second must be above 0, or null for full speed")


class Extend(Command, frozen=True, kw_only=True):
    """Train `iterations` more steps than planned so far. A lane that has done its steps goes on, paused or not."""

    iterations: int

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        if not 1 <= self.iterations <= MOST:
            raise BadInput(f"iterations {self.iterations}: from 1 to 10^15 more")


class Stop(Command, frozen=True, kw_only=True):
    """End the lane at the next boundary, with its final evaluation."""


class _RunCommand(Command, frozen=True, kw_only=True):
    """Base of the commands to the whole run."""

    def __post_init__(self) -> None:
        if self.lane is not None or self.at_step is not None:
            raise BadInput(f"{type(self).__name__} is for the whole run, at once: leave lane and at_step out")


class Restart(_RunCommand, frozen=True, kw_only=True):
    """End this run and start a new one, with another seed or other settings of the experiment if some are given."""

    seed: int | None = None
    settings: dict[str, Value] = {}

    def __post_init__(self) -> None:
        _RunCommand.__post_init__(self)
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise BadInput(f"seed {self.seed}: from 0 to 2^63 - 1")


class Seek(_RunCommand, frozen=True, kw_only=True):
    """Show a recording as it was after `step` steps."""

    step: int


Steering = SetClip | SetLearningRate | ResetMoments | Pause | Resume | StepOnce | SetPace | Extend
LaneCommand = Steering | Fork | Stop
AnyCommand = LaneCommand | Restart | Seek


def planned_changes(lanes: Iterable[LaneConfig]) -> Iterator[SetClip]:
    """The commands that replace the lanes' rules later, as their `clip_at` says."""
    for lane in lanes:
        for step, rule in lane.clip_at.items():
            yield SetClip(lane=lane.name, rule=rule, at_step=step)
