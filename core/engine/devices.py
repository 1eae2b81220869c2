"""Looking at the device that a run asks for, before anything is fetched or read for it."""

from __future__ import annotations

from collections.abc import Iterator

from ..stream.events import StageStarted


def checked(name: str) -> Iterator[StageStarted]:
    """What is done about it; BadInput if it cannot be used. The processor always can be, and needs no torch yet."""
    if name != "cpu":
        yield StageStarted(stage="loading torch")
        from ..training.preparation import require_device

        require_device(name)
