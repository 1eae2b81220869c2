"""The folder of a recorded run: where it is, its manifest, its lock."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
import platformdirs
from filelock import FileLock

from ..errors import BadInput, ClipwatchError
from ..files.atomic import read_file, remove_leftovers, write_atomically
from ..files.lock import claim, is_held
from ..files.paths import platform_folder, user_path
from ..files.recorded_names import CHECKPOINTS, CONFIG, EVENTS, MANIFEST
from ..stream.builtin_experiments import LENET
from ..stream.events import DatasetInfo, Time
from ..stream.experiment_info import ExperimentInfo, Value
from ..stream.fork_events import ForkOrigin

# The number of checkpoints kept for each lane, because the newest may be damaged.
MAX_CHECKPOINTS = 3
# What the user can do where no run can be kept.
RUNS_DIR_ADVICE = "give --runs-dir, or --no-record"

RunStatus = Literal["running", "done", "interrupted", "failed"]


class LaneOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a lane ended. Loss, accuracy and other metrics are of all validation data; None if it failed.

    `ended` is None while the lane trains, and in manifests of older versions.
    """

    name: str
    rule: str
    step: int
    loss: float | None = None
    accuracy: float | None = None
    metrics: dict[str, float] = {}
    ended: Literal["completed", "stopped", "diverged", "error"] | None = None
    learning_rate: float | None = None
    parent: str | None = None
    forked_at: int | None = None

    @property
    def failure(self) -> Literal["diverged", "error"] | None:
        """How it failed; None if it did not."""
        return self.ended if self.ended in ("diverged", "error") else None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The summary of a run that can be read without its events. `started` is in seconds since 1970 (UTC).

    `changed`: whether a rule or a learning rate was changed or an optimizer state reset mid-run. `settings` (those of
    the experiment), `optimizer` and `changed` are None in manifests of older versions, see `changes`. `forked_from`:
    the recorded run that it was forked from.
    """

    schema: int = 1
    state: RunStatus
    started: Time
    seed: int
    dataset: DatasetInfo
    device: str
    versions: dict[str, str]
    lanes: tuple[LaneOutcome, ...]
    experiment: ExperimentInfo = LENET.info
    settings: dict[str, Value] | None = None
    optimizer: str | None = None
    changed: bool | None = None
    watched: bool = False
    forked_from: ForkOrigin | None = None


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run."""

    path: Path

    @property
    def events(self) -> Path:
        """The events, one JSON line each."""
        return self.path / EVENTS

    @property
    def config(self) -> Path:
        """The settings as TOML."""
        return self.path / CONFIG

    @property
    def checkpoints(self) -> Path:
        """The lanes' checkpoints."""
        return self.path / CHECKPOINTS

    def claim(self) -> FileLock:
        """Acquire the lock for writing the run. Raises BadInput if another process has it or it cannot be acquired."""
        lock = claim(self.path, "run")
        remove_leftovers(self.path)
        remove_leftovers(self.checkpoints)
        return lock

    def is_being_written(self) -> bool:
        """Whether a process holds the run's lock."""
        return is_held(self.path)

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest. Raises OSError."""
        write_atomically(self.path / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")

    def manifest(self) -> Manifest:
        """The manifest. Raises BadInput if it is unreadable. A "running" run without a writer was interrupted."""
        path = self.path / MANIFEST
        try:
            manifest = msgspec.json.decode(read_file(path), type=Manifest)
        except OSError as error:
            raise BadInput(f"run {self.path}: {error.strerror}: {MANIFEST}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadInput(f"run {self.path}: {MANIFEST} is damaged: {error}") from error
        if manifest.state == "running" and not self.is_being_written():
            return msgspec.structs.replace(manifest, state="interrupted")
        return manifest

    def started(self) -> float:
        """The start of the run in seconds since 1970 (UTC). Raises BadInput if it is not known."""
        return self.manifest().started


def runs_folder(given: str | None) -> Path:
    """The folder of all runs: `given`, else CLIPWATCH_RUNS_DIR, else in the platform's folder for user data."""
    if given:
        return user_path(given)
    if named := os.environ.get("CLIPWATCH_RUNS_DIR"):
        return user_path(named)
    return platform_folder(platformdirs.user_data_path("clipwatch") / "runs", "--runs-dir, or CLIPWATCH_RUNS_DIR")


def run_name(dataset: str, seed: int, started: float) -> str:
    """The name of a run's folder."""
    return f"{datetime.fromtimestamp(started):%Y%m%d-%H%M%S}-{dataset}-{seed}"


def create_run(home: Path, dataset: str, seed: int, started: float, advice: str = RUNS_DIR_ADVICE) -> RunFolder:
    """Create an empty folder for a run. Raises ClipwatchError, with the advice, if that fails."""
    return RunFolder(new_folder(home, run_name(dataset, seed, started), "runs", advice))


def new_folder(home: Path, name: str, what: str, advice: str) -> Path:
    """Create an empty folder in `home` that is called `name`, or `name-2` and so on if that exists.

    Raises ClipwatchError, which says that `what` cannot be kept there and gives the advice.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = home / (name if number == 1 else f"{name}-{number}")
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return path
    except OSError as error:
        raise ClipwatchError(f"{what} cannot be kept in {home}: {error.strerror}; {advice}") from error
    raise ClipwatchError(f"{what} cannot be kept in {home}: {name} exists a thousand times already")
