"""What a sweep says of itself, an event a line, on disk and to the screen alike."""

from __future__ import annotations

import math
from typing import Annotated, Literal, NamedTuple

import msgspec

from .config import RunConfig
from .events import Count, DatasetInfo, DownloadProgressed, Event, Notice, RecordingStarted, StageStarted, Step, Time
from .sweep_config import SweepConfig

# Step, loss in nats, accuracy on one validation batch.
Curve = tuple[int, float, float]
# Points of a curve, at most.
_POINTS = 20


def is_on_curve(step: int, config: RunConfig) -> bool:
    """Whether the evaluation at this step is a point of a replica's curve."""
    evaluations = -(-config.iterations // config.eval_every)
    stride = -(-evaluations // _POINTS)
    return step // config.eval_every % stride == stride - 1


class Figures(NamedTuple):
    """What a replica that was trained to the end comes to on all validation images."""

    accuracy: float
    loss: float


class SweepStarted(Event, frozen=True, kw_only=True):
    """All is prepared; `time` is seconds since 1970 (UTC)."""

    config: SweepConfig
    dataset: DatasetInfo
    versions: dict[str, str]
    time: Time


class ReplicaFinished(Event, frozen=True, kw_only=True):
    """One seed of one setting has been trained; loss and right answers on all `total` validation images.

    `dead` are the classes that the last ReLU kept at 0 on all of them; without one there are none. `curve` is sparse.
    A replica that diverged (`step`: where) has neither loss nor right answers nor dead classes; one whose final loss is
    NaN or infinite has diverged at its last step.
    """

    setting: Annotated[int, msgspec.Meta(ge=0)]
    seed: int
    step: Step
    reason: Literal["completed", "diverged"]
    loss: float | None
    correct: Annotated[int, msgspec.Meta(ge=0)] | None
    total: Count
    dead: tuple[int, ...]
    curve: tuple[Curve, ...] = ()

    def __post_init__(self) -> None:
        if self.correct is not None and self.correct > self.total:
            raise ValueError(f"{self.correct} right of {self.total}")

    @property
    def key(self) -> tuple[int, int]:
        """What it counts as, however often it was trained."""
        return self.setting, self.seed

    @property
    def figures(self) -> Figures | None:
        """None of a replica that diverged, even if an older clipwatch called it completed with a loss of NaN."""
        if self.reason == "diverged" or self.loss is None or self.correct is None or not math.isfinite(self.loss):
            return None
        return Figures(self.correct / self.total, self.loss)


def diverged(setting: int, seed: int, step: int, total: int, curve: tuple[Curve, ...]) -> ReplicaFinished:
    """A replica that diverged at this step."""
    return ReplicaFinished(
        setting=setting,
        seed=seed,
        step=step,
        reason="diverged",
        loss=None,
        correct=None,
        total=total,
        dead=(),
        curve=curve,
    )


class SweepFinished(Event, frozen=True, kw_only=True):
    """No more will come for now; `failed`: every replica diverged."""

    reason: Literal["completed", "stopped", "failed"]
    seconds: float


AnySweepEvent = (
    StageStarted | DownloadProgressed | Notice | RecordingStarted | SweepStarted | ReplicaFinished | SweepFinished
)


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """A sweep so far: each replica once, by (setting, seed)."""

    started: SweepStarted
    replicas: dict[tuple[int, int], ReplicaFinished] = {}

    @property
    def unfinished(self) -> bool:
        """Whether trainings are left."""
        return len(self.replicas) < self.started.config.replicas

    @property
    def diverged(self) -> int:
        """How many replicas diverged."""
        return sum(replica.figures is None for replica in self.replicas.values())

    @property
    def all_diverged(self) -> bool:
        """Whether no replica was trained to its end."""
        return 0 < len(self.replicas) == self.diverged

    def of(self, setting: int) -> dict[int, ReplicaFinished]:
        """The replicas of one setting by seed, those that diverged left out."""
        found = (replica for replica in self.replicas.values() if replica.setting == setting)
        return {replica.seed: replica for replica in found if replica.figures}

    def figures(self, setting: int) -> dict[int, Figures]:
        """Their figures."""
        found = (replica for replica in self.replicas.values() if replica.setting == setting)
        return {replica.seed: figures for replica in found if (figures := replica.figures)}
