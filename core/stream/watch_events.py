"""Events of a training loop that clipwatch only watches, see `watch`, and of the process that trains."""

from __future__ import annotations

from typing import Literal

from .event import Bytes, Count, Event, LaneEvent
from .experiment_info import MetricInfo

# What an audit can find. Those of CLIPPING say how the loop clips and exclude each other: the newest one holds.
Finding = Literal[
    "not-clipped",
    "clips-norm",
    "clips-value",
    "changes-gradient",
    "clipped-twice",
    "still-scaled",
    "too-late",
    "never-engaged",
    "no-gradient",
    "zero-gradient",
    "not-seen",
]
CLIPPING: tuple[Finding, ...] = (
    "not-clipped",
    "clips-norm",
    "clips-value",
    "changes-gradient",
    "clipped-twice",
    "still-scaled",
    "not-seen",
)


class LoopAudited(LaneEvent, frozen=True, kw_only=True):
    """What the audit of a loop found, and the figures of its sentence by name (see `audit_words`).

    It is sent when a finding first holds, when its figures have changed much, and when it holds no more (`gone`).
    `names`: the first few of the parameters that it is about.
    """

    finding: Finding
    figures: dict[str, float] = {}
    names: tuple[str, ...] = ()
    gone: bool = False


class StepsSkipped(LaneEvent, frozen=True, kw_only=True):
    """The loop's GradScaler skipped `count` optimizer steps since the last such event: gradients overflowed."""

    count: Count


class MetricAdded(Event, frozen=True, kw_only=True):
    """The loop has given a metric for the first time; from now on it is one of the experiment's.

    `of_steps`: it belongs to single steps, not to evaluations.
    """

    metric: MetricInfo
    of_steps: bool = False


class LoopEnded(LaneEvent, frozen=True, kw_only=True):
    """The loop ended its watch, or was asked to stop and did. There is no result on all validation data."""

    reason: Literal["completed", "stopped"]
    seconds: float


class ResourcesMeasured(Event, frozen=True, kw_only=True):
    """What the training process and its children use. `processor`: how many cores, on average since the last event.

    `memory` is resident, in bytes; so is that of the GPU, of which `gpu_share` is the share of time in use. None: there
    is no GPU, or it does not say.
    """

    seconds: float
    processor: float
    memory: Bytes
    gpu_memory: Bytes | None = None
    gpu_memory_total: Bytes | None = None
    gpu_share: float | None = None
