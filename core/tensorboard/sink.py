"""Runs for TensorBoard, all that the assignment's program wrote for it: one TensorBoard run a lane, DIR/<run>/<lane>.

| tag | when |
|---|---|
| `loss/train`, `loss/validation`, `accuracy/validation` | every evaluation (a training accuracy is not measured) |
| `clip/saturation`, `clip/cosine`, ..., `gradient_norm/conv1`, ..., `dead/outputs`, ... | every measurement |
| `gradient/conv1`, ..., `gradient/total` (histograms of |g|) | every measurement |
| `loss/validation_all`, `accuracy/validation_all` | at a lane's end, on all validation images |
| `conv1/weight`, ..., `fc3/bias` (histograms), `fc2/weight/image` | every checkpoint: after so many steps |
| `interventions`, `failure`, `settings` (text) | at their steps; the settings at the beginning |
| the graph | at the beginning |

Weights exist only at checkpoints: live at every one, that is every `checkpoint_every` steps and at the end of a lane;
of a recorded run at those that it still has, which are the last few. With the first of them comes step 0, the initial
weights, which the seed gives again.

What tells its seconds stands at the start of the run plus these; what does not, a checkpoint or an intervention, at
the time of what the lane told before it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ClipwatchError
from ..runs.folder import RunFolder, run_name
from ..runs.reader import Recorded
from ..stream.config import to_toml
from ..stream.events import (
    Diagnosed,
    Evaluated,
    Event,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    LaneStarted,
    RecordingStarted,
    RunStarted,
)
from ..text import in_markdown
from .event_file import EventFile, require_tensorboard
from .lenet_graph import nodes

if TYPE_CHECKING:
    from torch import Tensor

    from ..training.checkpoint import Checkpoint

Describe = Callable[[Event], str | None]


class TensorBoard:
    """A sink for the runs of a stream, one a `RunStarted`; ClipwatchError if TensorBoard or the folder cannot be used.

    `describe` puts an intervention into words, None for what is none. A run is named like the folder it is recorded
    in, the first one as `name` says. Writing a run again replaces what was written of it.
    """

    def __init__(self, directory: Path, describe: Describe, name: str | None = None) -> None:
        require_tensorboard()
        self._directory, self._describe, self._first_name = directory, describe, name
        self._started: RunStarted | None = None
        self._folder: Path | None = None
        self._name: str | None = None
        self._lanes: dict[str, _LaneFile] = {}
        with self._telling():
            directory.mkdir(parents=True, exist_ok=True)
            if not os.access(directory, os.W_OK):
                raise PermissionError(13, "Permission denied")

    @property
    def without_weights(self) -> list[str]:
        """The lanes of the present run that no checkpoint was given of."""
        return [name for name, lane in self._lanes.items() if not lane.has_weights]

    def receive(self, event: Event) -> None:
        """Write one event."""
        with self._telling():
            match event:
                case RunStarted():
                    self._begin(event)
                case RecordingStarted(folder=folder):
                    self._name = self._name or Path(folder).name
                case LaneStarted(lane=lane) if lane not in self._lanes:
                    self._open(event)
                case LaneEvent(lane=lane) if lane in self._lanes:
                    self._lanes[lane].receive(event)
                case _:
                    pass

    def keep(self, kept: Checkpoint) -> None:
        """Write a lane's weights."""
        with self._telling():
            if kept.lane in self._lanes:
                self._lanes[kept.lane].keep(kept.step, kept.snapshot["parameters"])

    def close(self) -> None:
        """Close the present run's files."""
        for lane in self._lanes.values():
            with contextlib.suppress(OSError):
                lane.close()
        self._lanes = {}

    def _begin(self, event: RunStarted) -> None:
        self.close()
        self._started = event
        self._folder, self._name = None, self._first_name
        self._first_name = None

    def _open(self, event: LaneStarted) -> None:
        # Names of lanes in a run's settings are checked; what an event alone names is no part of the run.
        if not self._started or all(lane.name != event.lane for lane in self._started.config.lanes):
            return
        if self._folder is None:
            self._folder = _claimed(self._directory, self._started, self._name)
        self._lanes[event.lane] = _LaneFile(self._folder, self._started, event, self._describe)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ClipwatchError(f"cannot write for TensorBoard in {self._directory}: {error.strerror}") from error


def _stem(run: RunStarted) -> str:
    """How the names of a run's event files begin, which tells them from those of every other run."""
    return f"events.out.tfevents.{run.time:.6f}.clipwatch"


def _claimed(directory: Path, run: RunStarted, name: str | None) -> Path:
    """The folder that this run has there, or one that no other has."""
    wanted = name or run_name(run.dataset.name, run.config.seed, run.time)
    for number in itertools.count(1):
        folder = directory / (wanted if number == 1 else f"{wanted}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            if not folder.is_dir() or any(folder.glob(f"*/{_stem(run)}*")):
                return folder
        else:
            return folder
    raise AssertionError


class _LaneFile:
    """One lane's event file."""

    def __init__(self, folder: Path, run: RunStarted, begun: LaneStarted, describe: Describe) -> None:
        self._run, self._begun, self._describe = run, begun, describe
        self._time = run.time + begun.seconds
        self.has_weights = False
        # A lane may be named of dots alone, which would be another folder.
        place = folder / (begun.lane if begun.lane.strip(".") else f"_{begun.lane}")
        self._file = EventFile(place, _stem(run), self._time)
        self._file.graph(self._time, nodes(run.config, begun.rule))
        settings = "".join(f"    {line}\n" for line in to_toml(run.config).splitlines())
        self._file.text(begun.step, self._time, "settings", settings)

    def receive(self, event: LaneEvent) -> None:
        if isinstance(event, LaneStarted | Evaluated | LaneFinished | LaneFailed):
            self._time = self._run.time + event.seconds
        match event:
            case Evaluated(loss=loss, accuracy=accuracy, train_loss=train_loss):
                values = {"loss/train": train_loss, "loss/validation": loss, "accuracy/validation": accuracy}
                self._file.scalars(event.step, self._time, values)
            case Diagnosed():
                self._file.scalars(event.step, self._time, dict(_measured(event)))
                for layer, measure in {**event.layers, "total": event.total}.items():
                    self._file.counted(event.step, self._time, f"gradient/{layer}", measure)
            case LaneFinished(loss=loss, correct=correct, total=total):
                values = {"loss/validation_all": loss, "accuracy/validation_all": correct / total}
                self._file.scalars(event.step, self._time, values)
            case _:
                if text := self._describe(event):
                    tag = "failure" if isinstance(event, LaneFailed) else "interventions"
                    self._file.text(event.step, self._time, tag, in_markdown(text))

    def keep(self, step: int, parameters: Tensor) -> None:
        if not self.has_weights and step > 0 and (initial := self._initial_parameters()) is not None:
            self._write_weights(0, self._run.time + self._begun.seconds, initial)
        self.has_weights = True
        self._write_weights(step, self._time, parameters)

    def close(self) -> None:
        self._file.close()

    def _initial_parameters(self) -> Tensor | None:
        """The weights before the first step, None if they are not certain to come out the same here."""
        if self._begun.step > 0 or self._run.versions.get("torch") != metadata.version("torch"):
            return None
        from ..experiments.lenet.network import initial_parameters
        from ..training.batches import seeded_generator
        from ..training.preparation import lane_thread

        with lane_thread():
            return initial_parameters(self._run.config.init_std, seeded_generator(self._run.config.seed, "weights"))

    def _write_weights(self, step: int, time: float, parameters: Tensor) -> None:
        from ..experiments.lenet.network import views

        weights = {name.replace(".", "/"): view.numpy() for name, view in views(parameters.cpu()).items()}
        self._file.histograms(step, time, weights)
        # Kept as (84 outputs, 120 inputs): the image has a row an input and a column an output, as the assignment's.
        # TensorBoard shows nothing of a tag of two kinds, so the image has one of its own.
        self._file.image(step, time, "fc2/weight/image", weights["fc2/weight"].T)


def _measured(event: Diagnosed) -> Iterator[tuple[str, float]]:
    """Tag and value of all that is defined."""
    total = event.total
    values = {
        "clip/saturation": total.saturation,
        "clip/engaged": event.engaged_recently,
        "clip/cosine": total.cosine,
        "clip/shadow_cosine": total.shadow_cosine,
        "clip/shadow_distance": total.shadow_distance,
        "clip/step_size": total.step_size,
        "dead/outputs": float(len(event.dead_outputs)),
        "dead/share_of_images": event.dead_share,
    }
    for layer, measure in {**event.layers, "total": total}.items():
        values[f"gradient_norm/{layer}"] = measure.norm
        values[f"clipped_norm/{layer}"] = measure.clipped_norm
        values[f"update_ratio/{layer}"] = measure.update_ratio
    values |= {f"dead/{layer}": float(units) for layer, units in event.dead.items() if layer != "outputs"}
    for tag, value in values.items():
        if value is not None:
            yield tag, value


def export(
    recorded: Recorded, folder: RunFolder, directory: Path, describe: Describe, tell: Callable[[str], None]
) -> None:
    """Write a recorded run; `tell` hears what is missing. ClipwatchError as for `TensorBoard`."""
    sink = TensorBoard(directory, describe, folder.path.resolve().name)
    try:
        for event in with_checkpoints(recorded.events, folder.checkpoints, sink.keep, tell):
            sink.receive(event)
        if bare := sink.without_weights:
            tell(f"no checkpoint of {', '.join(bare)}: without weights there are no histograms and no image")
    finally:
        sink.close()


def with_checkpoints(
    events: Iterable[Event], folder: Path, keep: Callable[[Checkpoint], None], tell: Callable[[str], None]
) -> Iterator[Event]:
    """The same events; each checkpoint in `folder` goes to `keep` where it was taken. `tell` hears of bad ones."""
    waiting = [(int(step), lane, path) for lane, step, path in _checkpoints(folder, tell)]
    for event in events:
        if isinstance(event, Evaluated | LaneFinished | LaneFailed):
            due = [entry for entry in waiting if entry[1] == event.lane and entry[0] <= event.step]
            waiting = [entry for entry in waiting if entry not in due]
            _keep_all(due, keep, tell)
        yield event
    _keep_all(waiting, keep, tell)


def _checkpoints(folder: Path, tell: Callable[[str], None]) -> Iterator[tuple[str, str, Path]]:
    """Lane, step and file of each checkpoint, a lane's in order."""
    for path in _files(folder, tell):
        lane, _, step = path.stem.rpartition("-")
        if path.suffix == ".pt" and step.isdecimal():
            yield lane, step, path


def _files(folder: Path, tell: Callable[[str], None]) -> list[Path]:
    """What is in the folder, in order; `tell` hears why it cannot be read."""
    # Not glob, to which a folder that may not be read is an empty one.
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        tell(f"{folder}: {error.strerror}; left out")
        return []


def _keep_all(
    due: Iterable[tuple[int, str, Path]], keep: Callable[[Checkpoint], None], tell: Callable[[str], None]
) -> None:
    for step, lane, path in due:
        # torch is imported only for runs that have weights.
        from ..training.checkpoint import BadCheckpoint, Checkpoint, load

        try:
            keep(Checkpoint(lane, step, load(path)))
        except BadCheckpoint as error:
            tell(f"{error}; left out")
