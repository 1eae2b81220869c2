"""Completes the manifest of a run: older versions wrote less, and a killed run did not write its last changes."""

from __future__ import annotations

import msgspec

from ..errors import BadInput
from ..files.atomic import open_regular
from ..stream.codec import UnknownEvent, decode_event
from ..stream.config import RunConfig, from_options, read_toml
from ..stream.events import ClipChanged, LaneForked
from .damage import DamagedLine, decode_sealed
from .folder import Manifest, RunFolder
from .newest_step import newest_steps

_CLIP = b'"event":"ClipChanged"'
_FORK = b'"event":"LaneForked"'
_CHANGES = (_CLIP, b'"event":"LearningRateChanged"', b'"event":"MomentsReset"')


def with_changes(folder: RunFolder, manifest: Manifest) -> Manifest:
    """The manifest with settings, optimizer, steps and `changed` from the recording, as far as it can be read."""
    replace = msgspec.structs.replace
    if manifest.settings is None and (config := _settings(folder)):
        manifest = replace(manifest, settings=config.settings, optimizer=config.optimizer)
    if manifest.watched and manifest.state in ("running", "interrupted"):
        # A watched loop has no checkpoints, at which the manifest of another run is written.
        steps = newest_steps(folder)
        lanes = (replace(lane, step=max(lane.step, steps.get(lane.name, 0))) for lane in manifest.lanes)
        manifest = replace(manifest, lanes=tuple(lanes))
    # A manifest is written at checkpoints and at the end. A change since then is only in the events.
    is_known = manifest.changed or (manifest.changed is False and manifest.state in ("done", "failed"))
    return manifest if is_known else replace(manifest, changed=_changed(folder))


def _settings(folder: RunFolder) -> RunConfig | None:
    try:
        # Reading a pipe could block for ever.
        return from_options(read_toml(folder.config)) if folder.config.is_file() else None
    except BadInput:
        return None


def _changed(folder: RunFolder) -> bool | None:
    """Whether the events hold a change that was not planned, None if they cannot be read."""
    try:
        with open_regular(folder.events) as file:
            changes = [line for line in file if any(change in line for change in (_FORK, *_CHANGES))]
    except OSError:
        return None
    config = _settings(folder) if changes else None
    planned = {
        (lane.name, step): rule for lane in (config.lanes if config else ()) for step, rule in lane.clip_at.items()
    }
    return any(not _is_planned(line, planned) for line in changes)


def _is_planned(line: bytes, planned: dict[tuple[str, int], str]) -> bool:
    """Whether a line is a planned change, or a fork, whose planned changes are added to the others."""
    is_fork = _FORK in line
    if not planned or not (is_fork or _CLIP in line):
        return is_fork
    try:
        event = decode_sealed(line.removesuffix(b"\n"), decode_event)
    except (BadInput, DamagedLine, UnknownEvent):
        return is_fork
    if isinstance(event, LaneForked):
        planned.update({(event.lane, step): rule for step, rule in event.clip_at.items()})
        return True
    return isinstance(event, ClipChanged) and planned.get((event.lane, event.step)) == event.rule
