"""Runs for TensorBoard, all that the assignment's program wrote for it: one TensorBoard run a lane, DIR/<run>/<lane>.

| tag | when |
|---|---|
| `loss/train`, `loss/validation`, `accuracy/validation` | every evaluation (a training accuracy is not measured) |
| `clip/saturation`, `clip/cosine`, ..., `gradient_norm/conv1`, ..., `dead/outputs`, ... | every measurement |
| `gradient/conv1`, ..., `gradient/total` (histograms of |g|) | every measurement |
| `loss/validation_all`, `accuracy/validation_all` | at a lane's end, on all validation images |
| `conv1/weight`, ..., `fc3/bias` (histograms), `fc2/weight/image` | every checkpoint: after so many steps |
| `interventions`, `failure`, `settings` (text, below `text_summary`) | at their steps; the settings at the beginning |
| the graph, of the forward pass | at the beginning |

Weights exist only at checkpoints: live at every one, that is every `checkpoint_every` steps and at the end of a lane;
of a recorded run at those that it still has, which are the last few. With the first of them comes step 0, the initial
weights, which the seed gives again.

What tells its seconds stands at the start of the run plus these; what does not, a checkpoint or an intervention, at
the time of what the lane told before it.
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
from ..extras import installation
from ..files.paths import path_text
from ..runs.folder import RunFolder, run_name
from ..runs.reader import Recorded
from ..stream.events import Evaluated, Event, LaneEvent, LaneFailed, LaneFinished, LaneStarted, RunFinished, RunStarted

if TYPE_CHECKING:
    from ..training.checkpoint import Checkpoint
    from .lane_writer import LaneWriter

Describe = Callable[[Event], str | None]


class TensorBoard:
    """A sink for the runs of a stream, one a `RunStarted`; ClipwatchError if TensorBoard or the folder cannot be used.

    `describe` puts an intervention into words, None for what is none. A run is named like the folder it is recorded in,
    which `recorded` gives. Writing a run again replaces what was written of it.
    """

    def __init__(self, directory: Path, describe: Describe, recorded: Callable[[], RunFolder | None]) -> None:
        _require_tensorboard()
        self._directory, self._describe, self._recorded = directory, describe, recorded
        self._started: RunStarted | None = None
        self._folder: Path | None = None
        self._lanes: dict[str, LaneWriter] = {}
        if (text := path_text(directory)) != str(directory):
            raise BadInput(f"folder {text}: TensorBoard takes only names that are UTF-8; give another")
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
                    self.close()
                    self._started, self._folder = event, None
                case RunFinished():
                    self.flush()
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

    def flush(self) -> None:
        """Wait until all is written."""
        with self._telling():
            for lane in self._lanes.values():
                lane.flush()

    def close(self) -> None:
        """Close the present run's files."""
        for lane in self._lanes.values():
            with contextlib.suppress(OSError):
                lane.close()
        self._lanes = {}

    def _open(self, event: LaneStarted) -> None:
        # Names of lanes in a run's settings are checked; what an event alone names is no part of the run.
        if not self._started or all(lane.name != event.lane for lane in self._started.config.lanes):
            return
        from .lane_writer import LaneWriter

        if self._folder is None:
            self._folder = _claimed(self._directory, self._started, self._recorded())
        # A lane may be named of dots alone, which would be another folder.
        folder = self._folder / (event.lane if event.lane.strip(".") else f"_{event.lane}")
        self._lanes[event.lane] = LaneWriter(folder, _files(self._started), self._started, event, self._describe)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
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


def _files(run: RunStarted) -> str:
    """How the names of a run's event files end, which tells them from those of every other run."""
    return f".{run.time:.6f}.clipwatch"


def _claimed(directory: Path, run: RunStarted, recorded: RunFolder | None) -> Path:
    """The folder that this run has there, or one that no other has."""
    if recorded:
        wanted = path_text(Path(recorded.path.resolve().name))
    else:
        wanted = run_name(run.dataset.name, run.config.seed, run.time)
    for number in itertools.count(1):
        folder = directory / (wanted if number == 1 else f"{wanted}-{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            if not folder.is_dir() or any(folder.glob(f"*/*{_files(run)}*")):
                return folder
        else:
            return folder
    raise AssertionError


def export(
    recorded: Recorded, folder: RunFolder, directory: Path, describe: Describe, tell: Callable[[str], None]
) -> None:
    """Write a recorded run; `tell` hears what is missing. ClipwatchError as for `TensorBoard`."""
    sink = TensorBoard(directory, describe, lambda: folder)
    try:
        for event in with_checkpoints(recorded.events, folder.checkpoints, sink.keep, tell):
            sink.receive(event)
        sink.flush()
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
    for path in _entries(folder, tell):
        lane, _, step = path.stem.rpartition("-")
        if path.suffix == ".pt" and step.isdecimal():
            yield lane, step, path


def _entries(folder: Path, tell: Callable[[str], None]) -> list[Path]:
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
