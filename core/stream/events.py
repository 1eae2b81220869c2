"""The events of a run: past facts as frozen values of plain numbers, strings and tuples.

Steps count from 0. In the events of an evaluation and in `LaneFailed`, `step` is the training step they belong to. In
all others it is a step boundary, the number of steps done: a rule changed at `step` 300 holds from step 300 on.
`seconds` are wall-clock seconds since the lanes started.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .attach_events import Attached
from .builtin_experiments import LENET
from .commands import LaneCommand
from .config import RunConfig
from .event import Bytes, Count, Event, LaneEvent, Step, Time
from .experiment_info import ExperimentInfo
from .fork_events import ForkOrigin, LaneForked
from .limits import MOST
from .measures import Measure
from .replay_events import EvaluatedEarlier, HistogramsEarlier, ReplayStarted, SeekFinished, SeriesEarlier
from .watch_events import LoopAudited, LoopEnded, MetricAdded, ResourcesMeasured, StepsSkipped


class StageStarted(Event, frozen=True, kw_only=True):
    """A part of the preparation began. `stage` names it for the user: `loading torch`, `reading mnist`, ..."""

    stage: str


class DownloadProgressed(Event, frozen=True, kw_only=True):
    """`received` of `total` bytes of one file have arrived. `total` is None if the server does not tell it."""

    file: str
    received: Bytes
    total: Bytes | None


class Notice(Event, frozen=True, kw_only=True):
    """A message to the user about something that stops nothing: a fallback, a skipped record, a refused command."""

    text: str
    level: Literal["info", "warning"] = "warning"


class DatasetInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The data that a run trains on: the number of training and validation examples, and where they are from.

    `training` is None if every step has new examples. Of a watched loop's data nothing is known: None and 0. `checksum`
    is the SHA-256 of the data in their order; of a user's dataset that does not consist of tensors, that of its length
    and its first examples.
    """

    name: str
    origin: str
    training: Count | None
    validation: Annotated[int, msgspec.Meta(ge=0, le=2 * MOST)]
    checksum: str


class RunStarted(Event, frozen=True, kw_only=True):
    """The preparation is done and the lanes are about to start. `time` is in seconds since 1970 (UTC).

    Versions without experiments trained LeNet. `watched`: the lanes are loops of the user's, which clipwatch only
    watches (see `watch_events`). Such a run's `config` says little: names, rules, and `iterations`, which is MOST if no
    end is planned. `forked_from`: the recorded run that this one was forked from.
    """

    config: RunConfig
    dataset: DatasetInfo
    device: str
    versions: dict[str, str]
    time: Time
    experiment: ExperimentInfo = LENET.info
    watched: bool = False
    forked_from: ForkOrigin | None = None


class RecordingStarted(Event, frozen=True, kw_only=True):
    """The run is recorded in this folder."""

    folder: str


class RecordingStopped(Event, frozen=True, kw_only=True):
    """Recording to this folder failed. The run goes on unrecorded."""

    folder: str
    cause: str


class CommandScheduled(Event, frozen=True, kw_only=True):
    """A command was accepted for its `at_step`, which lies ahead. The answer follows at that step."""

    command: LaneCommand


class LaneStarted(LaneEvent, frozen=True, kw_only=True):
    """A lane is about to take its first step, or continues from a checkpoint if `step` is above 0.

    `learning_rate` is before any schedule; None in recordings of older versions, and if the optimizer has none.
    """

    rule: str
    iterations: Count
    parameters: int
    seconds: float
    learning_rate: float | None = None


class Evaluated(LaneEvent, frozen=True, kw_only=True, omit_defaults=True):
    """Loss and metrics on one validation batch after this step, and the loss of the step's training batch.

    `accuracy` is the share of correct predictions, None if the experiment counts none. `metrics` are the others.
    """

    loss: float
    accuracy: float | None = None
    train_loss: float
    seconds: float
    metrics: dict[str, float] = {}


class StepsTrained(LaneEvent, frozen=True, kw_only=True, omit_defaults=True):
    """One value for each training step since the lane's last such event; `step` is the newest of these steps.

    `losses`: loss of the training batch. `norms`, `clipped_norms`: ‖g‖ and ‖ĝ‖, the latter 0 if the step was skipped;
    infinite from 1.8e19 on. All three are little-endian float32 numbers, which hold NaN and infinity as JSON does not.
    `clipped`: a byte per step, 1 if the rule changed the gradient. A lane sends one event before each evaluation.
    `metrics` are other values by series. NaN stands for what a watched loop did not give.
    """

    losses: bytes
    norms: bytes
    clipped_norms: bytes
    clipped: bytes
    metrics: dict[str, bytes] = {}

    def __post_init__(self) -> None:
        count, parts = len(self.clipped), (self.losses, self.norms, self.clipped_norms, *self.metrics.values())
        if not count or any(len(part) != 4 * count for part in parts):
            raise ValueError("losses, norms and metrics are not as many float32 numbers as there are steps")
        if self.clipped.translate(None, b"\0\1"):
            raise ValueError("clipped holds a byte other than 0 and 1")
        if count > self.step + 1:
            raise ValueError("more steps than the lane has trained")


class Diagnosed(LaneEvent, frozen=True, kw_only=True):
    """What the clip did at this step, by layer and in total (see `measures`), and so far.

    `engaged` and `engaged_recently`: share of the steps clipped, of all steps and of the last 100. `nan`, `infinite`:
    how many gradient elements so far. The rest is measured by the experiment's gauge. `gauge`: its figures by name.
    `dead`: number of units by layer that were 0 for every image of three evaluations in a row. `dead_outputs`: the
    classes among them. `dead_share`: share of this evaluation's images that belong to a dead class.
    """

    layers: dict[str, Measure]
    total: Measure
    engaged: float
    engaged_recently: float
    dead: dict[str, int] = {}
    dead_outputs: tuple[int, ...] = ()
    dead_share: float = 0.0
    nan: int = 0
    infinite: int = 0
    gauge: dict[str, float] = {}


class OutputDied(LaneEvent, frozen=True, kw_only=True):
    """An output died: it was 0 for every image of three evaluations in a row, this one included."""

    output: int


class OutputRevived(LaneEvent, frozen=True, kw_only=True):
    """A dead output recovered: it is above 0 for an image of this evaluation."""

    output: int


class LanesCompared(Event, frozen=True, kw_only=True):
    """Two lanes after this step: the parameter distance ‖θ₁ - θ₂‖, and the share of examples with other predictions.

    `disagreement` is None if the experiment predicts nothing.
    """

    step: Step
    lanes: tuple[str, str]
    distance: float
    disagreement: float | None = None


class ClipChanged(LaneEvent, frozen=True, kw_only=True):
    """The lane clips with `rule` from this step on. `moments_reset`: whether the optimizer state was reset too."""

    rule: str
    previous: str
    moments_reset: bool = False


class LearningRateChanged(LaneEvent, frozen=True, kw_only=True):
    """The lane uses learning rate `rate` from this step on, before any schedule. `previous` is None if it had none."""

    rate: float
    previous: float | None


class MomentsReset(LaneEvent, frozen=True, kw_only=True):
    """The optimizer state was reset before this step: moments and step count are 0."""


# What a command has changed of how a lane trains. A repetition of the run must change it again.
Change = ClipChanged | LearningRateChanged | MomentsReset | LaneForked


class NonfiniteFound(LaneEvent, frozen=True, kw_only=True):
    """The lane's first gradient with NaN or infinity: how many of each, and what is done about such gradients."""

    nan: int
    infinite: int
    action: Literal["propagate", "skip", "zero", "stop"]


class LanePaused(LaneEvent, frozen=True, kw_only=True):
    """The lane paused at this step."""


class LaneResumed(LaneEvent, frozen=True, kw_only=True):
    """The lane continues from this step."""


class LaneStepped(LaneEvent, frozen=True, kw_only=True):
    """The lane takes `count` steps from here and pauses again."""

    count: int


class PaceChanged(LaneEvent, frozen=True, kw_only=True):
    """The speed limit from here on, in steps per second. None is full speed."""

    pace: float | None


class LaneExtended(LaneEvent, frozen=True, kw_only=True):
    """The lane now ends after `iterations` steps."""

    iterations: Count


class LaneFinished(LaneEvent, frozen=True, kw_only=True):
    """The lane has done its steps or was stopped. Loss and metrics are of all `total` validation examples.

    `correct`: how many predictions were correct, None if the experiment counts none. `metrics` are the other figures.
    `silent_outputs`: the classes whose ReLU output is 0 for all of these examples; None if that was not measured.
    `training_seconds` excludes pauses. An `Extend` can still continue the lane.
    """

    reason: Literal["completed", "stopped"]
    loss: float
    correct: Annotated[int, msgspec.Meta(ge=0, le=2 * MOST)] | None = None
    total: Count
    seconds: float
    training_seconds: float
    silent_outputs: tuple[int, ...] | None = None
    metrics: dict[str, float] = {}

    def __post_init__(self) -> None:
        if self.correct is not None and self.correct > self.total:
            raise ValueError(f"{self.correct} right of {self.total}")

    @property
    def accuracy(self) -> float | None:
        """The share of correct predictions, None if the experiment counts none."""
        return None if self.correct is None else self.correct / self.total


class LaneFailed(LaneEvent, frozen=True, kw_only=True):
    """The lane diverged (loss or weights are not finite) or raised an error. The other lanes go on."""

    reason: Literal["diverged", "error"]
    cause: str
    seconds: float


class RunFinished(Event, frozen=True, kw_only=True):
    """Every lane has ended: completed, stopped by a command, or all failed."""

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
    | StepsTrained
    | Diagnosed
    | OutputDied
    | OutputRevived
    | LanesCompared
    | EvaluatedEarlier
    | SeriesEarlier
    | HistogramsEarlier
    | ClipChanged
    | LearningRateChanged
    | LaneForked
    | MomentsReset
    | NonfiniteFound
    | LanePaused
    | LaneResumed
    | LaneStepped
    | PaceChanged
    | LaneExtended
    | LaneFinished
    | LaneFailed
    | LoopAudited
    | StepsSkipped
    | MetricAdded
    | LoopEnded
    | ResourcesMeasured
    | Attached
    | RunFinished
)
