"""The settings for loading data: where to look, whether to download, and how long to wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import Cancelled
from ..stream.events import AnyEvent


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of a download, in seconds unless stated otherwise.

    connect: for setting up a connection to each address of a mirror.
    stall: without progress. A mirror that sends fewer than `chunk` bytes in this time is given up.
    rounds: the number of times that every mirror is tried for a file.
    pause: before the second round; twice as long before the third, and so on.
    answer: for a mirror to begin to send, if there is other data to fall back on.
    poll: between two checks of whether the user has cancelled, and between two reports of progress.
    chunk: bytes.
    size: bytes of a file. A mirror that sends more is given up, because a file is held in memory.
    """

    connect: float = 5.0
    stall: float = 10.0
    rounds: int = 3
    pause: float = 1.0
    answer: float = 3.0
    poll: float = 0.1
    chunk: int = 16_384
    size: int = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request for data, independent of the data set."""

    data_dir: Path | None
    offline: bool
    report: Callable[[AnyEvent], None]
    cancelled: Callable[[], bool]
    limits: Limits

    def check_cancelled(self, activity: str) -> None:
        """Raise Cancelled, which names the activity, if the user has cancelled."""
        if self.cancelled():
            raise Cancelled(f"stopped while {activity}")
