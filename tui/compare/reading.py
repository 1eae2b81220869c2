"""Reads the runs of a comparison in a thread: their beginnings one after the other, then what is appended to them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from ...core.errors import ClipwatchError, one_line
from ...core.runs.folder import RunFolder
from ...core.runs.followed_run import FollowedRun, LaneTimes
from ...core.stream.events import Event

# Seconds between two looks at the runs under way.
POLL = 0.25


@dataclass(frozen=True)
class Begun:
    """The beginning of the run at this place among the runs was read."""

    place: int
    events: list[Event]
    times: dict[str, LaneTimes]
    followed: bool
    damage: tuple[str, ...]


@dataclass(frozen=True)
class Appended:
    """More events of a run. `followed`: whether even more may come; `lost`: why not, if that is a fault."""

    place: int
    events: list[Event]
    followed: bool
    lost: str = ""


@dataclass(frozen=True)
class ReadingFailed:
    """A run cannot be read."""

    place: int
    why: str


News = Begun | Appended | ReadingFailed


class Reader:
    """Reads runs until `stop`. `progress`: how many bytes of each run have been read; `sizes`: how many there are."""

    def __init__(self, folders: Sequence[RunFolder]) -> None:
        self._runs = [FollowedRun(folder) for folder in folders]
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="reading runs", daemon=True)
        self.progress = [0] * len(folders)
        self.sizes = [_size(folder) for folder in folders]

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self, seconds: float = 1.0) -> None:
        """Stop reading. A thread that is in the middle of a large recording is not waited for longer."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def news(self) -> News | None:
        """The next thing that was read; None if there is nothing new."""
        try:
            return self._news.get_nowait()
        except queue.Empty:
            return None

    def _read(self) -> None:
        for place, run in enumerate(self._runs):
            if self._stop.is_set():
                return
            try:
                events = run.begin(lambda count, place=place: self._note(place, count))
            except (ClipwatchError, OSError) as error:
                self._news.put(ReadingFailed(place, one_line(error)))
            else:
                self._news.put(Begun(place, events, run.times, run.is_followed, run.damage))
        while any(run.is_followed for run in self._runs) and not self._stop.wait(POLL):
            for place, run in enumerate(self._runs):
                if run.is_followed:
                    events = run.more()
                    if events or not run.is_followed:
                        self._news.put(Appended(place, events, run.is_followed, run.lost))
        for run in self._runs:
            run.close()

    def _note(self, place: int, count: int) -> None:
        self.progress[place] = count


def _size(folder: RunFolder) -> int:
    try:
        return folder.events.stat().st_size
    except OSError:
        return 0
