"""Recorded runs on disk: where they lie, and what one holds."""

from __future__ import annotations

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
from ..stream.events import DatasetInfo, Time

MANIFEST = "manifest.json"
EVENTS = "events.jsonl"
# What a sweep's folder holds instead, see `sweeps.folder`.
SWEEP_RESULTS = "sweep.jsonl"

RunStatus = Literal["running", "done", "interrupted", "failed"]


class LaneOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a lane ended; loss and accuracy on all validation images, None if it failed.

    `ended` is None while it has not, and in manifests of an older clipwatch.
    """

    name: str
    rule: str
    step: int
    loss: float | None = None
    accuracy: float | None = None
    ended: Literal["completed", "stopped", "diverged", "error"] | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to know of a run without reading its events; `started` in seconds since 1970 (UTC)."""

    schema: int = 1
    state: RunStatus
    started: Time
    seed: int
    dataset: DatasetInfo
    device: str
    versions: dict[str, str]
    lanes: tuple[LaneOutcome, ...]


@dataclass(frozen=True)
class RunFolder:
    """One run's folder."""

    path: Path

    @property
    def events(self) -> Path:
        """The stream, a line an event."""
        return self.path / EVENTS

    @property
    def config(self) -> Path:
        """The settings, TOML."""
        return self.path / "config.toml"

    @property
    def checkpoints(self) -> Path:
        """The lanes' checkpoints."""
        return self.path / "checkpoints"

    def claim(self) -> FileLock:
        """The lock of the one process that writes the run, held; BadInput if another has it, or nobody can."""
        lock = claim(self.path, "run")
        remove_leftovers(self.path)
        remove_leftovers(self.checkpoints)
        return lock

    def is_being_written(self) -> bool:
        """Whether a process holds the run."""
        return is_held(self.path)

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest; OSError."""
        write_atomically(self.path / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")

    def manifest(self) -> Manifest:
        """The manifest; BadInput if unreadable. A run that is running while nobody writes it was interrupted."""
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
        """When it was started, in seconds since 1970 (UTC); BadInput if that is not known."""
        return self.manifest().started


def runs_folder(given: str | None) -> Path:
    """Where runs are kept: as given, else by CLIPWATCH_RUNS_DIR, else the platform's folder for user data."""
    if given:
        return user_path(given)
    if named := os.environ.get("CLIPWATCH_RUNS_DIR"):
        return user_path(named)
    return platform_folder(platformdirs.user_data_path("clipwatch") / "runs", "--runs-dir, or CLIPWATCH_RUNS_DIR")


def run_name(dataset: str, seed: int, started: float) -> str:
    """What a run's folder is called."""
    return f"{datetime.fromtimestamp(started):%Y%m%d-%H%M%S}-{dataset}-{seed}"


def create_run(home: Path, dataset: str, seed: int, started: float) -> RunFolder:
    """A new, empty folder for a run; ClipwatchError if there can be none."""
    stem = run_name(dataset, seed, started)
    try:
        home.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = home / (stem if number == 1 else f"{stem}-{number}")
            try:
                path.mkdir()
            except FileExistsError:
                continue
            return RunFolder(path)
    except OSError as error:
        raise ClipwatchError(
            f"runs cannot be kept in {home}: {error.strerror}; give --runs-dir, or --no-record"
        ) from error
    raise ClipwatchError(f"runs cannot be kept in {home}: {stem} is taken a thousand times")
