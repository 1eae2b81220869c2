"""What a sweep says of itself, an event a line, on disk and to the screen alike."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from ..events import Count, DatasetInfo, DownloadProgressed, Event, Notice, RecordingStarted, StageStarted, Step, Time
from .description import SweepConfig

# Step, loss in nats, accuracy on one validation batch.
Curve = tuple[int, float, float]


class SweepStarted(Event, frozen=True, kw_only=True):
    """All is prepared; `time` is seconds since 1970 (UTC)."""

    config: SweepConfig
    dataset: DatasetInfo
    versions: dict[str, str]
    time: Time


class ReplicaFinished(Event, frozen=True, kw_only=True):
    """One seed of one setting has been trained; loss and right answers on all `total` validation images.

    `dead` are the classes that the last ReLU kept at 0 on all of them; without one there are none. `curve` is sparse.
    A replica that diverged (`step`: where) has neither loss nor right answers.
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
    def accuracy(self) -> float | None:
        """The share of right answers."""
        return None if self.correct is None else self.correct / self.total


class SweepFinished(Event, frozen=True, kw_only=True):
    """No more will come for now."""

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

    def of(self, setting: int) -> dict[int, ReplicaFinished]:
        """The replicas of one setting by seed, those that diverged left out."""
        found = (replica for replica in self.replicas.values() if replica.setting == setting)
        return {replica.seed: replica for replica in found if replica.reason == "completed"}
