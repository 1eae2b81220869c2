"""Where a lane stands, in memory and on disk: enough to go on bit for bit.

A file is one line with the SHA-256 of the rest, then what `torch.save` wrote. It is written atomically and read with
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

_MAGIC = b"clipwatch-checkpoint 1 sha256="
# A damaged newest checkpoint leaves others to go on from.
KEPT = 3

Snapshot = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """What a lane needs to go on bit for bit from `step`: tensors, numbers and strings by name."""

    lane: str
    step: int
    snapshot: Snapshot


class BadCheckpoint(ClipwatchError):
    """A file that is no whole checkpoint; the message names it."""


def save(folder: Path, lane: str, step: int, snapshot: Snapshot) -> Path:
    """Write a lane's snapshot (tensors, numbers and strings by name) and let go of all but the last few; OSError."""
    buffer = io.BytesIO()
    # The lanes wait while torch writes, and the file has a checksum of its own.
    with config.patch("save.compute_crc32", False):  # pyright: ignore[reportAttributeAccessIssue]
        torch.save(snapshot, buffer)
    content = buffer.getvalue()
    path = folder / f"{lane}-{step:010d}.pt"
    folder.mkdir(exist_ok=True)
    write_atomically(path, _MAGIC + hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
    for old in _of_lane(folder, lane)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def load(path: Path) -> Snapshot:
    """Read a snapshot; BadCheckpoint if it is not whole or not one."""
    try:
        header, _, content = read_file(path).partition(b"\n")
    except OSError as error:
        raise BadCheckpoint(f"checkpoint {path}: {error.strerror}") from error
    if header != _MAGIC + hashlib.sha256(content).hexdigest().encode():
        raise BadCheckpoint(f"checkpoint {path}: damaged, its checksum is another")
    try:
        snapshot = torch.load(io.BytesIO(content), weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise BadCheckpoint(f"checkpoint {path}: holds something else than a lane's state") from error
    if not isinstance(snapshot, dict) or not isinstance(snapshot.get("step"), int):
        raise BadCheckpoint(f"checkpoint {path}: holds something else than a lane's state")
    return snapshot


def newest(folder: Path, lane: str, tell: Callable[[str], None], *, up_to: int) -> Snapshot | None:
    """The newest whole snapshot of a lane up to a step, None if there is none; each bad one is told of.

    Checkpoints beyond that step are removed: `save` keeps the highest steps, so these would push out the new ones.
    """
    beyond = [path for path in _of_lane(folder, lane) if _step(path) > up_to]
    for path in beyond:
        path.unlink(missing_ok=True)
    if beyond:
        steps = ", ".join(str(_step(path)) for path in reversed(beyond))
        tell(f"{lane} is recorded up to step {up_to}: its later checkpoints ({steps}) are removed, and trained again")
    for path in _of_lane(folder, lane):
        try:
            snapshot = load(path)
            if snapshot["step"] <= up_to:
                return snapshot
        except BadCheckpoint as error:
            tell(f"{error}; going on from the one before")
    return None


def _step(path: Path) -> int:
    """The step in a checkpoint's name."""
    number = path.stem.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


def _of_lane(folder: Path, lane: str) -> list[Path]:
    """A lane's checkpoints, the newest first."""
    return sorted((path for path in folder.glob(f"{lane}-*.pt") if path.stem.rpartition("-")[0] == lane), reverse=True)
