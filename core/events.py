"""What happened in a run: past facts, frozen, of plain numbers, strings and tuples.

Steps count from 0. In what is told of an evaluation, and in `LaneFailed`, `step` is the step it happened in;
everywhere else it is the boundary it happened at, which is the number of steps done, so a change at `step` 300 holds
from step 300 on.
`seconds` are wall-clock seconds since the lanes started.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .commands import LaneCommand
from .config import MOST, RunConfig
from .measures import Measure

# What is outside these bounds was never told by a run: a line that says so is damaged.
Step = Annotated[int, msgspec.Meta(ge=0, le=2 * MOST)]
Count = Annotated[int, msgspec.Meta(ge=1, le=2 * MOST)]
Bytes = Annotated[int, msgspec.Meta(ge=0, le=2 * MOST)]
# Seconds since 1970 that calendars know, in every time zone: to the end of the year 9998.
Time = Annotated[float, msgspec.Meta(ge=0, lt=253370764800)]


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag_field="event", tag=True):
    """Base of everything that happened."""


class LaneEvent(Event, frozen=True, kw_only=True):
    """Something that happened to one lane at one step."""

    lane: str
    step: Step


class StageStarted(Event, frozen=True, kw_only=True):
    """A part of the preparation began, in words for the user: `loading torch`, `reading mnist`, ..."""

    stage: str


class DownloadProgressed(Event, frozen=True, kw_only=True):
    """`received` of `total` bytes (None: the server does not say) of one file are here."""

    file: str
    received: Bytes
    total: Bytes | None


class Notice(Event, frozen=True, kw_only=True):
    """Something the user should know that stops nothing: a fallback, a record skipped, a command refused."""

    text: str
    level: Literal["info", "warning"] = "warning"


class DatasetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Which data a run trains on; `checksum` is the SHA-256 of images and labels in their order."""

    name: str
    origin: str
    training: Count
    validation: Count
    checksum: str


class RunStarted(Event, frozen=True, kw_only=True):
    """All is prepared and the lanes are about to start; `time` is seconds since 1970 (UTC)."""

    config: RunConfig
    dataset: DatasetInfo
    device: str
    versions: dict[str, str]
    time: Time


class RecordingStarted(Event, frozen=True, kw_only=True):
    """The run is being written to this folder."""

    folder: str


class RecordingStopped(Event, frozen=True, kw_only=True):
    """The run goes on, but no more of it can be written to this folder, for this cause."""

    folder: str
    cause: str


class ReplayStarted(Event, frozen=True, kw_only=True):
    """What follows was recorded; `run` is its name, `last_step` the last step that any event tells of."""

    run: str
    last_step: Step


class SeekFinished(Event, frozen=True, kw_only=True, tag="Sought"):
    """A replay has reached the step of a `Seek`; all events up to it have been sent."""

    step: Step


class CommandScheduled(Event, frozen=True, kw_only=True):
    """A command was accepted for its `at_step`, which is to come; the answer follows at that step."""

    command: LaneCommand


class LaneStarted(LaneEvent, frozen=True, kw_only=True):
    """A lane is about to take its first step, or with `step` above 0 goes on from a checkpoint."""

    rule: str
    iterations: Count
    parameters: int
    seconds: float


class Evaluated(LaneEvent, frozen=True, kw_only=True):
    """After this step: loss (nats) and accuracy on one validation batch, and the loss of the step's training batch."""

    loss: float
    accuracy: float
    train_loss: float
    seconds: float


class Diagnosed(LaneEvent, frozen=True, kw_only=True):
    """What the clip did at this step, by layer and in all (see `measures`), and so far.

    `engaged` and `engaged_recently`: share of the steps, of all and of the last 100, in which the rule changed
    anything. `dead`: units by layer that fired on no image of three evaluations running; `dead_outputs`: the classes
    among them, `dead_share`: of the images of this evaluation, those of such a class. `nan`, `infinite`: components
    of gradients so far.
    """

    layers: dict[str, Measure]
    total: Measure
    engaged: float
    engaged_recently: float
    dead: dict[str, int]
    dead_outputs: tuple[int, ...]
    dead_share: float
    nan: int = 0
    infinite: int = 0


class OutputDied(LaneEvent, frozen=True, kw_only=True):
    """A class's output is dead from this evaluation on: it was 0 for every image of three evaluations running."""

    output: int


class OutputRevived(LaneEvent, frozen=True, kw_only=True):
    """A class's output that was dead is above 0 for an image of this evaluation."""

    output: int


class LanesCompared(Event, frozen=True, kw_only=True):
    """After this step: the distance ‖θ₁ - θ₂‖ of two lanes' weights, the share of images they answer differently."""

    step: Step
    lanes: tuple[str, str]
    distance: float
    disagreement: float


class EvaluatedEarlier(LaneEvent, frozen=True, kw_only=True):
    """Many evaluations told at once, as a replay that seeks does: at `step`, and every `stride` steps from there on.

    Losses and accuracies are little-endian numbers of single precision, which is what charts draw.
    """

    stride: Count
    losses: bytes
    accuracies: bytes

    def __post_init__(self) -> None:
        if not self.losses or len(self.losses) % 4 or len(self.losses) != len(self.accuracies):
            raise ValueError("losses and accuracies are not as many numbers of single precision")
        if self.step + self.stride * (len(self.losses) // 4 - 1) > 2 * MOST:
            raise ValueError("the last step is beyond any run's")


class ClipChanged(LaneEvent, frozen=True, kw_only=True):
    """The rule in force from this step on; `moments_reset` tells whether the optimizer begins anew with it."""

    rule: str
    previous: str
    moments_reset: bool = False


class MomentsReset(LaneEvent, frozen=True, kw_only=True):
    """The optimizer begins anew at this step, its moments and its count of steps at 0."""


class NonfiniteFound(LaneEvent, frozen=True, kw_only=True):
    """The lane's first gradient with NaN or infinity in it, so many of each, and what is done about such gradients."""

    nan: int
    infinite: int
    action: Literal["propagate", "skip", "zero", "stop"]


class LanePaused(LaneEvent, frozen=True, kw_only=True):
    """The lane waits at this step."""


class LaneResumed(LaneEvent, frozen=True, kw_only=True):
    """The lane goes on from this step."""


class LaneStepped(LaneEvent, frozen=True, kw_only=True):
    """The lane will take `count` steps from here and wait again."""

    count: int


class PaceChanged(LaneEvent, frozen=True, kw_only=True):
    """The most steps a second from here on; None is full speed."""

    pace: float | None


class LaneExtended(LaneEvent, frozen=True, kw_only=True):
    """The lane will now stop after `iterations` steps."""

    iterations: Count


class LaneFinished(LaneEvent, frozen=True, kw_only=True):
    """The lane has done its steps, or was stopped; loss and accuracy are those on all `total` validation images.

    `silent_outputs` are the classes whose ReLU output is 0 for every one of these images, None if that was not looked
    at. `training_seconds` leaves out pauses; an `Extend` can still set the lane going again.
    """

    reason: Literal["completed", "stopped"]
    loss: float
    correct: Annotated[int, msgspec.Meta(ge=0, le=2 * MOST)]
    total: Count
    seconds: float
    training_seconds: float
    silent_outputs: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.correct > self.total:
            raise ValueError(f"{self.correct} right of {self.total}")


class LaneFailed(LaneEvent, frozen=True, kw_only=True):
    """The lane diverged (loss or weights stopped being finite) or raised; the other lanes go on."""

    reason: Literal["diverged", "error"]
    cause: str
    seconds: float


class RunFinished(Event, frozen=True, kw_only=True):
    """Every lane has ended: all steps done, stopped by a command, or every lane failed."""

    reason: Literal["completed", "stopped", "failed"]
    seconds: float


AnyEvent = (
    StageStarted
    | DownloadProgressed
    | Notice
    | RunStarted
    | RecordingStarted
    | RecordingStopped
    | ReplayStarted
    | SeekFinished
    | CommandScheduled
    | LaneStarted
    | Evaluated
    | Diagnosed
    | OutputDied
    | OutputRevived
    | LanesCompared
    | EvaluatedEarlier
    | ClipChanged
    | MomentsReset
    | NonfiniteFound
    | LanePaused
    | LaneResumed
    | LaneStepped
    | PaceChanged
    | LaneExtended
    | LaneFinished
    | LaneFailed
    | RunFinished
)
