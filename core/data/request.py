"""What a caller asks of the data: where to look, whether to download, and how long each wait may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import Cancelled
from ..stream.events import AnyEvent


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a download may take. All in seconds, but for `rounds` and `chunk`.

    connect: to set up a connection, for each address of a mirror.
    stall: without `chunk` bytes (which must therefore come at least that fast), after which a mirror is left.
    rounds: times that every mirror is asked for a file.
    pause: before the second round; twice that before the third, and so on.
    answer: within which some mirror must begin to send, where there is other data to fall back on.
    poll: between two looks at whether the user has cancelled, and between two reports of progress.
    """

    connect: float = 5.0
    stall: float = 10.0
    rounds: int = 3
    pause: float = 1.0
    answer: float = 3.0
    poll: float = 0.1
    chunk: int = 16_384


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the user asks for and allows, whatever the data set."""

    data_dir: Path | None
    offline: bool
    report: Callable[[AnyEvent], None]
    cancelled: Callable[[], bool]
    limits: Limits

    def check_cancelled(self, activity: str) -> None:
        """Raise Cancelled, naming the activity, if the user has cancelled."""
        if self.cancelled():
            raise Cancelled(f"stopped while {activity}")
