"""The files of a recorded run or sweep, which no output of the user may replace."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadInput

MANIFEST = "manifest.json"
EVENTS = "events.jsonl"
CONFIG = "config.toml"
CONTROL = "control.jsonl"
CHECKPOINTS = "checkpoints"
# The events of a sweep, see `sweeps.store`.
SWEEP_RESULTS = "sweep.jsonl"
LOCK = ".lock"

_FILES = (MANIFEST, EVENTS, CONFIG, CONTROL, SWEEP_RESULTS, LOCK)


def require_not_recorded(path: Path) -> None:
    """Raise BadInput if this path, from the root on and without links, is that of a file of a recorded run or sweep."""
    folder = path.parent.parent if path.parent.name == CHECKPOINTS else path.parent
    is_name = path.name in _FILES or path.parent.name == CHECKPOINTS
    if is_name and any((folder / name).exists() for name in (EVENTS, MANIFEST, SWEEP_RESULTS)):
        raise BadInput(f"cannot write {path}: it belongs to the recording in {folder.name}; name another file")
