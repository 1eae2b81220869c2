"""Refuses to train what clipwatch only watched."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..errors import BadInput
from ..files.paths import path_text
from ..stream.events import RunStarted

Purpose = Literal["continue", "repeat", "weights", "fork"]
_ADVICE: dict[Purpose, str] = {
    "continue": "to continue, load its checkpoint there",
    "repeat": "to repeat it, start the script again",
    "weights": "its weights are there",
    "fork": "to fork it, load its checkpoint there and train with other settings",
}


def require_own_training(folder: Path, started: RunStarted, purpose: Purpose) -> None:
    """Raise BadInput if this run was watched: its training is the user's script, which clipwatch does not run."""
    if started.watched:
        raise BadInput(
            f"run {path_text(Path(folder.name))} was watched, not trained by clipwatch: your own script trains it; "
            f"{_ADVICE[purpose]}"
        )
