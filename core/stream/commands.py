"""What is asked of a run while it goes: imperatives, frozen.

Without `lane` a command goes to every lane. It takes effect at the next step boundary, after what was sent before it.
With `at_step` it is scheduled: it takes effect before that step (at once if the lane is already past it), whatever else
is sent. The answer is an event that says at which step, or a `Notice` that says why nothing happens.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from ..errors import BadInput
from .config import MOST
from .rules import parse_rule


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="command", tag=True, forbid_unknown_fields=True):
    """Base of everything that can be asked."""

    lane: str | None = None
    at_step: int | None = None

    def __post_init__(self) -> None:
        if self.at_step is not None and not 0 <= self.at_step <= MOST:
            raise BadInput(f"at_step {self.at_step}: from 0 to 10^15")


class SetClip(Command, frozen=True, kw_only=True):
    """Clip by this rule from now on."""

    rule: str

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        # The one canonical spelling, so that equal rules compare equal.
        msgspec.structs.force_setattr(self, "rule", str(parse_rule(self.rule)))


class ResetMoments(Command, frozen=True, kw_only=True):
    """Let the optimizer begin anew: its moments and its count of steps."""


class Pause(Command, frozen=True, kw_only=True):
    """Wait."""


class Resume(Command, frozen=True, kw_only=True):
    """Go on."""


class StepOnce(Command, frozen=True, kw_only=True):
    """Take `count` steps, then wait; pauses a lane that was training. Steps that are still to be taken add up."""

    count: int = 1

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        if not 1 <= self.count <= MOST:
            raise BadInput(f"count {self.count}: from 1 to 10^15 steps")


class SetPace(Command, frozen=True, kw_only=True):
    """Take at most `pace` steps a second; None is full speed."""

    pace: float | None

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        if self.pace is not None and not (math.isfinite(self.pace) and self.pace > 0):
            raise BadInput(f"pace {self.pace}: steps a second must be above 0, or null for full speed")


class Extend(Command, frozen=True, kw_only=True):
    """Do `iterations` more steps than planned so far."""

    iterations: int

    def __post_init__(self) -> None:
        Command.__post_init__(self)
        if not 1 <= self.iterations <= MOST:
            raise BadInput(f"iterations {self.iterations}: from 1 to 10^15 more")


class Stop(Command, frozen=True, kw_only=True):
    """End here, in good order."""


class _RunCommand(Command, frozen=True, kw_only=True):
    """Something that concerns the whole run at once."""

    def __post_init__(self) -> None:
        if self.lane is not None or self.at_step is not None:
            raise BadInput(f"{type(self).__name__} is for the whole run, at once: leave lane and at_step out")


class Restart(_RunCommand, frozen=True, kw_only=True):
    """End this run and start it afresh, with another seed or head if one is given."""

    seed: int | None = None
    head: Literal["relu", "linear"] | None = None

    def __post_init__(self) -> None:
        _RunCommand.__post_init__(self)
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise BadInput(f"seed {self.seed}: from 0 to 2^63 - 1")


class Seek(_RunCommand, frozen=True, kw_only=True):
    """Show a recording as it was when `step` steps were done."""

    step: int


Steering = SetClip | ResetMoments | Pause | Resume | StepOnce | SetPace | Extend
LaneCommand = Steering | Stop
AnyCommand = LaneCommand | Restart | Seek
