"""Events of forks: lanes that start from the state of another lane, and runs that start from another run."""

from __future__ import annotations

import msgspec

from .event import LaneEvent, Step


class LaneForked(LaneEvent, frozen=True, kw_only=True, omit_defaults=True):
    """`lane` is new: it has the state that its `parent` has after `step` steps. Its `LaneStarted` follows.

    `rule` and `learning_rate` are those of the new lane, the latter None if its optimizer has none. `clip_at`: the
    rules that its parent plans for later, each by its step, if the new lane has the rule of its parent.
    """

    parent: str
    rule: str
    learning_rate: float | None
    seconds: float
    clip_at: dict[int, str] = {}


class ForkOrigin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a forked run comes from: the name of the recorded run, and the lane after `step` steps.

    The recording of such a run begins with the events of that lane, and of the lanes that it was forked from, up to
    that step.
    """

    run: str
    lane: str
    step: Step
