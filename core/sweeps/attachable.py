"""The runs of a folder that can be attached to, and what is known of the processes that train them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..engine.following import SILENT_AFTER
from ..errors import BadInput
from ..runs.folder import Manifest, RunFolder
from ..runs.newest_step import newest_steps
from .recorded_folders import recorded_folders


@dataclass(frozen=True)
class AttachableRun:
    """A run: how far it is, and the seconds since its newest event was written (None: that is not known)."""

    folder: RunFolder
    manifest: Manifest
    steps: int
    silent: float | None

    @property
    def state(self) -> str:
        """`running`, `silent` if its process gives no sign of life, or how it ended."""
        # A run of clipwatch's own engine may be paused, of which older versions give no sign.
        is_silent = self.manifest.watched and self.silent is not None and self.silent >= SILENT_AFTER
        return "silent" if self.manifest.state == "running" and is_silent else self.manifest.state


def attachable_runs(home: Path, tell: Callable[[str], None]) -> list[AttachableRun]:
    """All runs in `home`, those that are running first, then the newest first. `tell` hears of unreadable ones."""
    found = []
    for folder in recorded_folders(home, tell):
        if isinstance(folder, RunFolder):
            try:
                found.append(_attachable(folder))
            except BadInput as error:
                tell(str(error))
    return sorted(found, key=lambda run: (run.manifest.state != "running", -run.manifest.started))


def newest_running(home: Path, tell: Callable[[str], None]) -> RunFolder:
    """The running run that was started last. Raises BadInput if none is running."""
    first = next(iter(attachable_runs(home, tell)), None)
    if first is None or first.manifest.state != "running":
        raise BadInput(
            f"no run is running in {home}; clipwatch attach --list lists the recorded ones, "
            "and clipwatch replay last plays the newest"
        )
    return first.folder


def _attachable(folder: RunFolder) -> AttachableRun:
    manifest = folder.manifest()
    steps = max((lane.step for lane in manifest.lanes), default=0)
    if manifest.state in ("running", "interrupted"):
        steps = max(steps, *newest_steps(folder).values(), 0)
    try:
        silent = max(0.0, time.time() - folder.events.stat().st_mtime)
    except OSError:
        silent = None
    return AttachableRun(folder, manifest, steps, silent)
