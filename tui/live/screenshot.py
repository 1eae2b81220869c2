"""An SVG of the screen after a recording's last event, rendered without a terminal."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

from ...core.errors import ClipwatchError
from ...core.runs.event_table import EventTable
from ...core.runs.timeline import Timeline
from ...core.stream.codec import encode
from ...core.stream.commands import AnyCommand
from ...core.stream.events import Event
from ..style.theme import LIGHT
from .app import ClipwatchApp

# Columns and rows: wide enough for everything on the screen, and readable at the width of a page.
SIZE = (132, 36)
# Seconds to wait for the layout of the screen, and between checks.
_TIMEOUT, _POLL_SECONDS = 60.0, 0.01
# Rich's references to fonts on the network. The reader's own fonts do, because every text element has a fixed width.
_REMOTE_FONTS = re.compile(r"@font-face\s*{[^}]*}\s*")


def picture(table: EventTable) -> str:
    """The screen in its light theme, as SVG without external files. ClipwatchError after a timeout."""
    try:
        return asyncio.run(asyncio.wait_for(_picture(table), _TIMEOUT))
    except TimeoutError as error:
        raise ClipwatchError(f"the picture of the screen was not ready after {_TIMEOUT:.0f} s") from error


async def _picture(table: EventTable) -> str:
    app = ClipwatchApp(_RecordedRun(table), keymap={})
    async with app.run_test(size=SIZE) as pilot:
        app.theme = LIGHT.name
        while not (app.view.runs and app.main.laid_out) and app.is_running:
            await asyncio.sleep(_POLL_SECONDS)
        app.main.draw_at_once()
        await pilot.pause()
        return _REMOTE_FONTS.sub("", app.export_screenshot(title="clipwatch"))


class _RecordedRun:
    """An `EngineConnection` that gives the events of a recording and takes no commands."""

    behind = False
    exit_code = None
    partial_line = b""
    last_error_line = ""

    def __init__(self, table: EventTable) -> None:
        self._events: Iterator[Event] = Timeline(table).condensed(0, len(table))

    def lines(self, seconds: float) -> Iterator[bytes]:
        yield from map(encode, self._events)

    def send(self, command: AnyCommand) -> bool:
        return False

    def stop(self) -> list[bytes]:
        return []

    def restart(self) -> None: ...
