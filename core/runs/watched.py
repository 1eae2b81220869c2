"""Refuses to train what clipwatch only watched."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadInput
from ..files.paths import path_text
from ..stream.events import RunStarted


def require_own_training(folder: Path, started: RunStarted) -> None:
    """Raise BadInput if this run was watched: its training is the user's script, which clipwatch does not run."""
    if started.watched:
        raise BadInput(
            f"run {path_text(Path(folder.name))} was watched, not trained by clipwatch: your own script trains it; "
            "to continue, load its checkpoint there"
        )
