"""Recorded runs on disk: where they lie, what one holds, and the list of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
import platformdirs
from filelock import FileLock, Timeout

from .atomic import write_atomically
from .errors import BadInput, ClipwatchError
from .events import DatasetInfo
from .paths import platform_folder, user_path

MANIFEST = "manifest.json"
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
    started: float
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
        return self.path / "events.jsonl"

    @property
    def config(self) -> Path:
        """The settings, TOML."""
        return self.path / "config.toml"

    @property
    def checkpoints(self) -> Path:
        """The lanes' checkpoints."""
        return self.path / "checkpoints"

    def lock(self) -> FileLock:
        """Held by the one process that writes the run, see `claim`."""
        return FileLock(self.path / ".lock")

    def claim(self) -> FileLock:
        """The lock, held; BadInput if another process holds it, or nobody can."""
        lock = self.lock()
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BadInput(f"run {self.path}: another process is writing it") from error
        except OSError as error:
            raise BadInput(f"run {self.path}: {error.strerror}") from error
        return lock

    def is_being_written(self) -> bool:
        """Whether a process holds the run."""
        return is_held(self.lock())

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest; OSError."""
        write_atomically(self.path / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")

    def manifest(self) -> Manifest:
        """The manifest; BadInput if unreadable. A run that is running while nobody writes it was interrupted."""
        path = self.path / MANIFEST
        try:
            manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        except OSError as error:
            raise BadInput(f"run {self.path}: {error.strerror}: {MANIFEST}") from error
        except msgspec.DecodeError as error:
            raise BadInput(f"run {self.path}: {MANIFEST} is damaged: {error}") from error
        if manifest.state == "running" and not self.is_being_written():
            return msgspec.structs.replace(manifest, state="interrupted")
        return manifest


def is_held(lock: FileLock) -> bool:
    """Whether a process holds it."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def runs_folder(given: str | None) -> Path:
    """Where runs are kept: as given, else by CLIPWATCH_RUNS_DIR, else the platform's folder for user data."""
    if given:
        return user_path(given)
    if named := os.environ.get("CLIPWATCH_RUNS_DIR"):
        return user_path(named)
    return platform_folder(platformdirs.user_data_path("clipwatch") / "runs", "--runs-dir, or CLIPWATCH_RUNS_DIR")


def create_run(home: Path, dataset: str, seed: int, started: float) -> RunFolder:
    """A new, empty folder for a run; ClipwatchError if there can be none."""
    stem = f"{datetime.fromtimestamp(started):%Y%m%d-%H%M%S}-{dataset}-{seed}"
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


def find_run(name: str, home: Path) -> RunFolder:
    """The run that a user names: a folder, a name among the kept runs, or `last`; BadInput if there is none."""
    if name == "last":
        newest = max(list_folders(home), key=lambda folder: folder.path.stat().st_mtime, default=None)
        if newest is None:
            raise BadInput(f"no run is kept in {home}")
        return newest
    for path in (user_path(name), home / name):
        if (path / "events.jsonl").is_file():
            return RunFolder(path)
        if (path / SWEEP_RESULTS).is_file():
            raise BadInput(f"{name!r} is a sweep: clipwatch report writes it up, clipwatch resume goes on with it")
    raise BadInput(f"run {name!r}: no such folder with events.jsonl, here or in {home}; clipwatch runs lists them")


def list_folders(home: Path) -> Iterator[RunFolder]:
    """Every folder in `home` that holds a run, oldest first by name."""
    if not home.is_dir():
        return
    for path in sorted(home.iterdir()):
        if (path / MANIFEST).is_file():
            yield RunFolder(path)
