"""The screen under a pilot, attached to a fake loop by a follower in a thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from fake_loop import FakeLoop
from watched_screen import Watched

from clipwatch.core.engine.following import Follower
from clipwatch.core.stream.codec import encode
from clipwatch.core.stream.commands import AnyCommand, Stop
from clipwatch.tui.live.app import ClipwatchApp


class FollowerConnection:
    """What the screen knows as its engine: a follower's events, through the written form."""

    behind, exit_code, partial_line, last_error_line = False, None, b"", ""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        for event in self._follower.run():
            self._lines.put(encode(event))

    def lines(self, seconds: float) -> Iterator[bytes]:
        while not self._lines.empty():
            yield self._lines.get()

    def send(self, command: AnyCommand) -> bool:
        self._follower.send(command)
        return True

    def stop(self) -> list[bytes]:
        self._follower.send(Stop())
        self._thread.join(10)
        return list(self.lines(0))

    def restart(self) -> None:
        raise NotImplementedError


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, path: Path) -> None:
        self.now = path.stat().st_mtime

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def attached(
    loop: FakeLoop, *, clock: Clock | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Watched]:
    """The screen once the loop's lane is on it."""
    follower = Follower(loop.folder, lasting=True, clock=clock or Clock(loop.folder.events), poll=0.005)
    app = ClipwatchApp(FollowerConnection(follower), keymap={})
    try:
        async with app.run_test(size=size) as pilot:
            screen = Watched(app, pilot, loop.folder.path)
            await screen.until(lambda: app.main.selected and "loop" in screen.text)
            yield screen
    finally:
        app.engine.stop()
