"""Writes runs for TensorBoard, a TensorBoard run for each lane: DIR/<run>/<lane>. Includes all tags of the assignment.

| tag | when |
|---|---|
| `loss/train`, `loss/validation`, `accuracy/validation` | every evaluation (no training accuracy is measured) |
| `learning_rate` (before any schedule, if it is known) | every evaluation, and when it changes |
| `steps/train_loss`, `steps/grad_norm`, `steps/clipped_norm`, `steps/clipped` (0 or 1) | every training step |
| `lanes/distance`, `lanes/disagreement` (to the first lane; a fork's: to its parent) | measurements of the others |
| `clip/saturation`, `clip/cosine`, ..., `gradient_norm/conv1`, ..., `dead/outputs`, ... | every measurement |
| `gradient/conv1`, ..., `gradient/total` (histograms of |g|) | every measurement |
| `loss/validation_all`, `accuracy/validation_all` | at a lane's end, on all validation images |
| `conv1/weight`, ..., `fc3/bias` (histograms), `fc2/weight/image` | every checkpoint, at its number of steps |
| `interventions`, `failure`, `settings` (text, below `text_summary`) | at their steps; the settings at the beginning |
| the graph, of the forward pass | at the beginning |
| `resources/processor` (cores), `resources/memory` (bytes), `resources/gpu_...` (in the first lane) | every 5 s |

These are the tags of LeNet. Other experiments have no graph, no image and no `dead/...`. They have
`<metric>/validation` and `<metric>/validation_all` for each of their metrics, `gauge/<name>` for each of their gauges,
and histograms of the weights by their own layers; those of a user's network, whose layers are not recorded, are one
histogram, `parameters`.

A watched loop has `steps/train_<metric>` for each metric that it gives by step, and what its audit finds as text,
`audit`. It has no weights and no values on all validation data.

Weights are written at checkpoints: live at each of them, which is every `checkpoint_every` steps and at the end of a
lane; from a recording at those that it still has, the last few. The initial weights of LeNet, computed again from the
seed, are written with the first checkpoint, as step 0.

The wall time of an event with `seconds` is the start of the run plus these. Checkpoints and interventions have no
`seconds`; they get the time of the lane's previous event, or of the last `resources`.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput, ClipwatchError
from ..files.paths import path_text
from ..optional_packages import installation
from ..runs.folder import RunFolder, run_name
from ..runs.reader import Recorded
from ..stream.events import (
    Evaluated,
    Event,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LanesCompared,
    LaneStarted,
    ResourcesMeasured,
    RunFinished,
    RunStarted,
)
from ..stream.lane_config import is_lane_name

if TYPE_CHECKING:
    from ..training.checkpoint import AnyCheckpoint
    from .lane_writer import LaneWriter

Describe = Callable[[Event], str | None]


class TensorBoard:
    """A sink for the runs of a stream, one for each `RunStarted`.

    `describe` puts an intervention into words and returns None for other events. A run has the name of its folder,
    which `recorded` returns. Writing a run again replaces it. Raises ClipwatchError if TensorBoard or the folder cannot
    be used.
    """

    def __init__(self, directory: Path, describe: Describe, recorded: Callable[[], RunFolder | None]) -> None:
        _require_tensorboard()
        self._directory, self._describe, self._recorded = directory, describe, recorded
        self._started: RunStarted | None = None
        self._folder: Path | None = None
        self._forks = dict[str, LaneForked]()
        self._lanes: dict[str, LaneWriter] = {}
        if (text := path_text(directory)) != str(directory):
            raise BadInput(f"folder {text}: TensorBoard needs a name that is valid UTF-8; give another folder")
        with self._convert_errors():
            directory.mkdir(parents=True, exist_ok=True)
            if not os.access(directory, os.W_OK):
                raise PermissionError(13, "Permission denied")

    @property
    def without_weights(self) -> list[str]:
        """The lanes of the current run that have had no checkpoint."""
        return [name for name, lane in self._lanes.items() if not lane.has_weights]

    def receive(self, event: Event) -> None:
        """Write one event."""
        with self._convert_errors():
            match event:
                case RunStarted():
                    self.close()
                    self._started, self._folder, self._forks = event, None, {}
                case RunFinished():
                    self.flush()
                case LaneForked(lane=lane):
                    self._forks[lane] = event
                case LaneStarted(lane=lane) if lane not in self._lanes:
                    self._open(event)
                case LaneEvent(lane=lane) | LanesCompared(lanes=(_, lane)) if lane in self._lanes:
                    self._lanes[lane].receive(event)
                case ResourcesMeasured():
                    for number, lane in enumerate(self._lanes.values()):
                        lane.measure(event, writes=number == 0)
                case _:
                    pass

    def keep(self, checkpoint: AnyCheckpoint) -> None:
        """Write the weights of a checkpoint."""
        with self._convert_errors():
            if checkpoint.lane in self._lanes:
                self._lanes[checkpoint.lane].keep(checkpoint.step, checkpoint.snapshot["parameters"])

    def flush(self) -> None:
        """Wait until everything is written."""
        with self._convert_errors():
            for lane in self._lanes.values():
                lane.flush()

    def close(self) -> None:
        """Close the current run's files."""
        for lane in self._lanes.values():
            with contextlib.suppress(OSError):
                lane.close()
        self._lanes = {}

    def _open(self, event: LaneStarted) -> None:
        if not self._started:
            return
        # Only the names of lanes in the run's settings have been checked. Others do not belong to the run, except forks
        # and those of a watched run, where lanes begin later.
        is_known = any(lane.name == event.lane for lane in self._started.config.lanes)
        may_begin = self._started.watched or event.lane in self._forks
        if not is_known and not (may_begin and is_lane_name(event.lane)):
            return
        from .lane_writer import LaneWriter

        if self._folder is None:
            self._folder = _run_folder(self._directory, self._started, self._recorded())
        # A lane's name may consist of dots, which would name another folder.
        folder = self._folder / (event.lane if event.lane.strip(".") else f"_{event.lane}")
        writer = LaneWriter(folder, _file_suffix(self._started), self._started, event, self._describe)
        if fork := self._forks.get(event.lane):
            writer.receive(fork)
        self._lanes[event.lane] = writer

    @contextlib.contextmanager
    def _convert_errors(self) -> Iterator[None]:
        """Turn an OSError in this context into a ClipwatchError that names the folder."""
        try:
            yield
        except OSError as error:
            raise ClipwatchError(
                f"cannot write for TensorBoard in {self._directory}: {error.strerror or error}"
            ) from error


def _require_tensorboard() -> None:
    try:
        importlib.import_module(".lane_writer", __package__)
    except ImportError as error:
        raise ClipwatchError(f"TensorBoard cannot be used ({error}): {installation('tensorboard')}") from error


def _file_suffix(run: RunStarted) -> str:
    """The suffix of a run's event files, which identifies the run."""
    return f".{run.time:.6f}.clipwatch"


def _run_folder(directory: Path, run: RunStarted, recorded: RunFolder | None) -> Path:
    """The folder that holds this run already, or a new one."""
    if recorded:
        name = path_text(Path(recorded.path.resolve().name))
    else:
        name = run_name(run.dataset.name, run.config.seed, run.time)
    for number in itertools.count(1):
        folder = directory / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            if not folder.is_dir() or any(folder.glob(f"*/*{_file_suffix(run)}*")):
                return folder
        else:
            return folder
    raise AssertionError


def export(
    recorded: Recorded, folder: RunFolder, directory: Path, describe: Describe, tell: Callable[[str], None]
) -> None:
    """Write a recorded run. `tell` gets a message about what is missing. Raises ClipwatchError like `TensorBoard`."""
    sink = TensorBoard(directory, describe, lambda: folder)
    try:
        for event in with_checkpoints(recorded.events, folder.checkpoints, sink.keep, tell):
            sink.receive(event)
        sink.flush()
        # A watched loop's checkpoints are its own.
        if (missing := sink.without_weights) and not recorded.started.watched:
            tell(f"no checkpoint of {', '.join(missing)}: histograms and images of weights are missing")
    finally:
        sink.close()


def with_checkpoints(
    events: Iterable[Event], folder: Path, keep: Callable[[AnyCheckpoint], None], tell: Callable[[str], None]
) -> Iterator[Event]:
    """Yield the same events, and pass each checkpoint in `folder` to `keep` at its step.

    `tell` gets a message for each one that cannot be read.
    """
    waiting = [(int(step), lane, path) for lane, step, path in _checkpoints(folder, tell)]
    for event in events:
        if isinstance(event, Evaluated | LaneFinished | LaneFailed):
            due = [entry for entry in waiting if entry[1] == event.lane and entry[0] <= event.step]
            waiting = [entry for entry in waiting if entry not in due]
            _pass_on(due, keep, tell)
        yield event
    _pass_on(waiting, keep, tell)


def _checkpoints(folder: Path, tell: Callable[[str], None]) -> Iterator[tuple[str, str, Path]]:
    """Lane, step and file of each checkpoint, ordered by step within a lane."""
    for path in _entries(folder, tell):
        lane, _, step = path.stem.rpartition("-")
        if path.suffix == ".pt" and step.isdecimal():
            yield lane, step, path


def _entries(folder: Path, tell: Callable[[str], None]) -> list[Path]:
    """The entries of the folder in order. `tell` gets a message if it cannot be read."""
    # Not `glob`, which takes an unreadable folder for an empty one.
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []
    except OSError as error:
        tell(f"{folder}: {error.strerror}; left out")
        return []


def _pass_on(
    due: Iterable[tuple[int, str, Path]], keep: Callable[[AnyCheckpoint], None], tell: Callable[[str], None]
) -> None:
    for step, lane, path in due:
        # torch is imported only for runs that have weights.
        from ..training.checkpoint import BadCheckpoint, Checkpoint, load

        try:
            keep(Checkpoint(lane, step, load(path)))
        except BadCheckpoint as error:
            tell(f"{error}; left out")
