"""The file of a checkpoint: one line with the SHA-256 of the rest, then the state as `torch.save` wrote it.

This module does not import torch, so that the process of the engine can write what a lane's own process has encoded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.atomic import write_atomically
from ..runs.folder import MAX_CHECKPOINTS

_MAGIC = b"clipwatch-checkpoint 1 sha256="


@dataclass(frozen=True)
class EncodedCheckpoint:
    """The state of a lane after `step` steps, as bytes."""

    lane: str
    step: int
    content: bytes

    @property
    def snapshot(self) -> dict[str, Any]:
        """The state: tensors, numbers and strings by name. Imports torch."""
        from .checkpoint import decode

        return decode(self.content)

    def save(self, folder: Path) -> None:
        """Write the file atomically and delete all but the lane's newest few. Raises OSError."""
        path = folder / f"{self.lane}-{self.step:010d}.pt"
        folder.mkdir(exist_ok=True)
        write_atomically(path, header(self.content) + b"\n" + self.content)
        for old in files_of_lane(folder, self.lane)[MAX_CHECKPOINTS:]:
            old.unlink(missing_ok=True)


def header(content: bytes) -> bytes:
    """The first line of a file with this content."""
    return _MAGIC + hashlib.sha256(content).hexdigest().encode()


def files_of_lane(folder: Path, lane: str) -> list[Path]:
    """A lane's checkpoint files, the newest first."""
    return sorted((path for path in folder.glob(f"{lane}-*.pt") if path.stem.rpartition("-")[0] == lane), reverse=True)
