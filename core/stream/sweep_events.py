"""The events of a sweep, on disk and to the screen alike, and the results they add up to."""

from __future__ import annotations

import math
from typing import Annotated, Literal, NamedTuple

import msgspec

from .builtin_experiments import LENET
from .config import RunConfig
from .events import Count, DatasetInfo, DownloadProgressed, Event, Notice, RecordingStarted, StageStarted, Step, Time
from .experiment_info import LOSS, ExperimentInfo, MetricInfo
from .sweep_config import SweepConfig

# A point: step, loss in nats, and the experiment's first metric (None without one) on one validation batch.
Curve = tuple[int, float, float | None]
# The most points of a curve.
_POINTS = 20


def is_on_curve(step: int, config: RunConfig) -> bool:
    """Whether the evaluation at this step becomes a point of a replica's curve."""
    evaluations = -(-config.iterations // config.eval_every)
    stride = -(-evaluations // _POINTS)
    return step // config.eval_every % stride == stride - 1


class Figures(NamedTuple):
    """Final loss and metrics of a completed replica on all validation examples."""

    loss: float
    metrics: dict[str, float]

    def of(self, series: str) -> float:
        """The value of `loss` or of a metric; NaN if there is none."""
        return self.loss if series == "loss" else self.metrics.get(series, math.nan)


class SweepStarted(Event, frozen=True, kw_only=True):
    """The preparation is done. `time` is in seconds since 1970 (UTC). Versions without experiments trained LeNet."""

    config: SweepConfig
    dataset: DatasetInfo
    versions: dict[str, str]
    time: Time
    experiment: ExperimentInfo = LENET.info

    @property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """What is compared, the most important first: the experiment's metrics, then the loss."""
        return (*self.experiment.metrics, LOSS)


class ReplicaFinished(Event, frozen=True, kw_only=True):
    """One seed of one setting was trained. Loss, `correct` and `metrics` are of all `total` validation examples.

    `correct` is None if the experiment counts no correct predictions. `dead`: the classes whose ReLU output is 0 for
    all of these examples; empty if none can die. `curve` is sparse. A replica that diverged at `step` has no loss, no
    metrics and no `dead`. A final loss of NaN or infinity counts as diverged at the last step.
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
    metrics: dict[str, float] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.correct is not None and self.correct > self.total:
            raise ValueError(f"{self.correct} right of {self.total}")

    @property
    def key(self) -> tuple[int, int]:
        """Its identity: a replica that was trained twice counts once."""
        return self.setting, self.seed

    @property
    def figures(self) -> Figures | None:
        """The final figures; None if it diverged. Older versions recorded some of these as completed with NaN."""
        if self.reason == "diverged" or self.loss is None or not math.isfinite(self.loss):
            return None
        accuracy = {} if self.correct is None else {"accuracy": self.correct / self.total}
        return Figures(self.loss, {**accuracy, **self.metrics})


def diverged(setting: int, seed: int, step: int, total: int, curve: tuple[Curve, ...]) -> ReplicaFinished:
    """The event of a replica that diverged at this step."""
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
    """The sweep has ended. `failed` means that every replica diverged."""

    reason: Literal["completed", "stopped", "failed"]
    seconds: float


AnySweepEvent = (
    StageStarted | DownloadProgressed | Notice | RecordingStarted | SweepStarted | ReplicaFinished | SweepFinished
)


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """The results of a sweep so far. Each replica counts once, by (setting, seed)."""

    started: SweepStarted
    replicas: dict[tuple[int, int], ReplicaFinished] = {}

    @property
    def unfinished(self) -> bool:
        """Whether some replicas are still to be trained."""
        return len(self.replicas) < self.started.config.replicas

    @property
    def diverged(self) -> int:
        """How many replicas diverged."""
        return sum(replica.figures is None for replica in self.replicas.values())

    @property
    def all_diverged(self) -> bool:
        """Whether every replica so far diverged."""
        return 0 < len(self.replicas) == self.diverged

    def of(self, setting: int) -> dict[int, ReplicaFinished]:
        """The completed replicas of one setting, by seed."""
        found = (replica for replica in self.replicas.values() if replica.setting == setting)
        return {replica.seed: replica for replica in found if replica.figures}

    def figures(self, setting: int) -> dict[int, Figures]:
        """The figures of the completed replicas of one setting, by seed."""
        found = (replica for replica in self.replicas.values() if replica.setting == setting)
        return {replica.seed: figures for replica in found if (figures := replica.figures)}
