"""Completes the manifest of a run: older versions wrote less, and a killed run did not write its last changes."""

from __future__ import annotations

import msgspec

from ..errors import BadInput
from ..files.atomic import open_regular
from ..stream.config import RunConfig, from_options, read_toml
from .folder import Manifest, RunFolder
from .newest_step import newest_steps

_CHANGES = (b'"event":"ClipChanged"', b'"event":"MomentsReset"')


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
    """Whether the events hold a change, None if they cannot be read."""
    try:
        with open_regular(folder.events) as file:
            return any(change in line for line in file for change in _CHANGES)
    except OSError:
        return None
