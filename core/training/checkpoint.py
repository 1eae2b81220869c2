"""Checkpoints of a lane, in memory and on disk: training continues from one bit for bit.

A file is written atomically, and read with `weights_only`, so that nothing in it is ever executed.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.serialization import config

from ..errors import ClipwatchError
from ..files.atomic import read_file
from .checkpoint_file import EncodedCheckpoint, files_of_lane, header

Snapshot = dict[str, Any]


@dataclass(frozen=True)
class Checkpoint:
    """The state of a lane after `step` steps: tensors, numbers and strings by name."""

    lane: str
    step: int
    snapshot: Snapshot

    def encoded(self) -> EncodedCheckpoint:
        """The checkpoint as the bytes of its file."""
        return EncodedCheckpoint(self.lane, self.step, encode(self.snapshot))

    def save(self, folder: Path) -> None:
        """Write the checkpoint and delete all but the lane's newest few. Raises OSError."""
        self.encoded().save(folder)


AnyCheckpoint = Checkpoint | EncodedCheckpoint


def encode(snapshot: Mapping[str, Any]) -> bytes:
    """A snapshot as bytes, without a checksum: the file has its own."""
    buffer = io.BytesIO()
    # The lanes wait while torch writes.
    with config.patch("save.compute_crc32", False):  # pyright: ignore[reportAttributeAccessIssue]
        torch.save(dict(snapshot), buffer)
    return buffer.getvalue()


def decode(content: bytes, device: str | None = None) -> Snapshot:
    """The snapshot that `encode` wrote, with its tensors on a device (None: on the one that they were on).

    Raises RuntimeError, UnpicklingError or EOFError if it is none.
    """
    return torch.load(io.BytesIO(content), weights_only=True, map_location=device)


class BadCheckpoint(ClipwatchError):
    """A file is not a whole checkpoint. The message names it."""


def load(path: Path, device: str | None = None) -> Snapshot:
    """Read a snapshot, see `decode`; raises BadCheckpoint if the file is damaged or not a checkpoint."""
    try:
        first_line, _, content = read_file(path).partition(b"\n")
    except OSError as error:
        raise BadCheckpoint(f"checkpoint {path}: {error.strerror}") from error
    if first_line != header(content):
        raise BadCheckpoint(f"checkpoint {path}: damaged, its checksum does not match")
    try:
        snapshot = decode(content, device)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise BadCheckpoint(f"checkpoint {path}: does not hold a lane's state") from error
    if not isinstance(snapshot, dict) or not isinstance(snapshot.get("step"), int):
        raise BadCheckpoint(f"checkpoint {path}: does not hold a lane's state")
    return snapshot


def newest(
    folder: Path, lane: str, tell: Callable[[str], None], *, up_to: int, since: int = 0, before: float = math.inf
) -> Snapshot | None:
    """The newest whole snapshot of a lane up to a step, or None; `tell` gets a message for each damaged one.

    Later checkpoints are removed: `save` keeps the highest steps, so it would delete the new ones in their place. The
    snapshot is one of step `since` to `before`.
    """
    beyond = [path for path in files_of_lane(folder, lane) if step_of(path) > up_to]
    for path in beyond:
        path.unlink(missing_ok=True)
    if beyond:
        steps = ", ".join(str(step_of(path)) for path in reversed(beyond))
        tell(f"{lane} is recorded up to step {up_to}: its later checkpoints ({steps}) are removed")
    for path in files_of_lane(folder, lane):
        try:
            if since <= step_of(path) <= before and since <= (snapshot := load(path))["step"] <= min(up_to, before):
                return snapshot
        except BadCheckpoint as error:
            tell(f"{error}; the one before it is used")
    return None


def remove_others(folder: Path, lanes: Collection[str]) -> None:
    """Remove the checkpoints of lanes other than these, whose first events a crash of the machine has lost."""
    for path in folder.glob("*.pt"):
        if path.stem.rpartition("-")[0] not in lanes:
            path.unlink(missing_ok=True)


def step_of(path: Path) -> int:
    """The step in the name of a checkpoint file."""
    number = path.stem.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0
