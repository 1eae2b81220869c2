"""What a lane that is forked hands over to the new one. This module does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from ..stream.events import LaneForked
from ..stream.lane_config import LaneConfig


@dataclass(frozen=True, kw_only=True)
class ForkedLane:
    """A new lane, and the `snapshot` of its parent at the same step; encoded while it is sent between processes.

    The other values are those of the parent, too: `steps_granted` is how many steps it takes before it pauses again.
    """

    event: LaneForked
    rule: str
    snapshot: Mapping[str, Any] | bytes
    iterations: int
    pace: float | None
    paused: bool = False
    steps_granted: int = 0

    @property
    def name(self) -> str:
        """The name of the new lane."""
        return self.event.lane

    def encoded(self) -> ForkedLane:
        """The same with its snapshot as bytes. Imports torch."""
        from .checkpoint import encode

        return self if isinstance(self.snapshot, bytes) else replace(self, snapshot=encode(self.snapshot))

    @property
    def decoded(self) -> Mapping[str, Any]:
        """The snapshot as tensors, numbers and strings by name. Imports torch."""
        from .checkpoint import decode

        return decode(self.snapshot) if isinstance(self.snapshot, bytes) else self.snapshot


def forked_config(parent: LaneConfig, event: LaneForked) -> LaneConfig:
    """The settings of a forked lane: those of its parent, but for the name and the rules."""
    return msgspec.structs.replace(parent, name=event.lane, rule=event.rule, clip_at=event.clip_at)
