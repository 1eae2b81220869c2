"""Checks the device of a run before its data is downloaded or read."""

from __future__ import annotations

from collections.abc import Iterator

from ..stream.events import StageStarted


def check_device(name: str) -> Iterator[StageStarted]:
    """Yield the stages of checking a device. Raises BadInput if it cannot be used. For `cpu`, torch is not imported."""
    if name != "cpu":
        yield StageStarted(stage="loading torch")
        from ..training.preparation import require_device

        require_device(name)
