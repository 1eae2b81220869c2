"""Checkpoints of a lane, in memory and on disk: training continues from one bit for bit.

A file is one line with the SHA-256 of the rest, then the output of `torch.save`. It is written atomically and read with
`weights_only`, so that nothing in it is ever executed.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.serialization import config

from ..errors import ClipwatchError
from ..files.atomic import read_file, write_atomically
from ..runs.folder import MAX_CHECKPOINTS

_MAGIC = b"clipwatch-checkpoint 1 sha256="

Snapshot = dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """The state of a lane after `step` steps: tensors, numbers and strings by name."""

    lane: str
    step: int
    snapshot: Snapshot

    def save(self, folder: Path) -> None:
        """Write the checkpoint and delete all but the lane's newest few. Raises OSError."""
        buffer = io.BytesIO()
        # The lanes wait while torch writes. The file has its own checksum.
        with config.patch("save.compute_crc32", False):  # pyright: ignore[reportAttributeAccessIssue]
            torch.save(self.snapshot, buffer)
        content = buffer.getvalue()
        path = folder / f"{self.lane}-{self.step:010d}.pt"
        folder.mkdir(exist_ok=True)
        write_atomically(path, _MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        for old in _of_lane(folder, self.lane)[MAX_CHECKPOINTS:]:
            old.unlink(missing_ok=True)


class BadCheckpoint(ClipwatchError):
    """A file is not a whole checkpoint. The message names it."""


def load(path: Path) -> Snapshot:
    """Read a snapshot; raises BadCheckpoint if the file is damaged or not a checkpoint."""
    try:
        header, _, content = read_file(path).partition(b"\n")
    except OSError as error:
        raise BadCheckpoint(f"checkpoint {path}: {error.strerror}") from error
    if header != _MAGIC + hashlib.sha256(content).hexdigest().encode():
        raise BadCheckpoint(f"checkpoint {path}: damaged, its checksum does not match")
    try:
        snapshot = torch.load(io.BytesIO(content), weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise BadCheckpoint(f"checkpoint {path}: does not hold a lane's state") from error
    if not isinstance(snapshot, dict) or not isinstance(snapshot.get("step"), int):
        raise BadCheckpoint(f"checkpoint {path}: does not hold a lane's state")
    return snapshot


def newest(folder: Path, lane: str, tell: Callable[[str], None], *, up_to: int) -> Snapshot | None:
    """The newest whole snapshot of a lane up to a step, or None; `tell` gets a message for each damaged one.

    Later checkpoints are removed: `save` keeps the highest steps, so it would delete the new ones in their place.
    """
    beyond = [path for path in _of_lane(folder, lane) if _step(path) > up_to]
    for path in beyond:
        path.unlink(missing_ok=True)
    if beyond:
        steps = ", ".join(str(_step(path)) for path in reversed(beyond))
        tell(f"{lane} is recorded up to step {up_to}: its later checkpoints ({steps}) are removed")
    for path in _of_lane(folder, lane):
        try:
            snapshot = load(path)
            if snapshot["step"] <= up_to:
                return snapshot
        except BadCheckpoint as error:
            tell(f"{error}; the one before it is used")
    return None


def _step(path: Path) -> int:
    """The step in the name of a checkpoint file."""
    number = path.stem.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _of_lane(folder: Path, lane: str) -> list[Path]:
    """A lane's checkpoint files, the newest first."""
    return sorted((path for path in folder.glob(f"{lane}-*.pt") if path.stem.rpartition("-")[0] == lane), reverse=True)
