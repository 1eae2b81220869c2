"""A picture of the screen as it is after a recording's last event, taken without a terminal."""

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

# Wide enough for all that the screen has to say, and readable at the width of a page.
SIZE = (132, 36)
# Seconds that the screen may take to lay itself out, and between two looks whether it has.
_PATIENCE, _BREATH = 60.0, 0.01
# The fonts that Rich would fetch from a network; the reader's own will do, for every text has its width.
_FETCHED = re.compile(r"@font-face\s*{[^}]*}\s*")


def picture(table: EventTable) -> str:
    """The screen in its light theme, as SVG that loads nothing; ClipwatchError if it is never ready."""
    try:
        return asyncio.run(asyncio.wait_for(_picture(table), _PATIENCE))
    except TimeoutError as error:
        raise ClipwatchError(f"the picture of the screen was not ready after {_PATIENCE:.0f} s") from error


async def _picture(table: EventTable) -> str:
    app = ClipwatchApp(_RecordedRun(table), keymap={})
    async with app.run_test(size=SIZE) as pilot:
        app.theme = LIGHT.name
        while not (app.view.runs and app.main.laid_out) and app.is_running:
            await asyncio.sleep(_BREATH)
        app.main.draw_at_once()
        await pilot.pause()
        return _FETCHED.sub("", app.export_screenshot(title="clipwatch"))


class _RecordedRun:
    """An engine that has said all that a recording holds, and obeys nothing."""

    behind = False
    exit_code = None
    half_line = b""
    last_words = ""

    def __init__(self, table: EventTable) -> None:
        self._events: Iterator[Event] = Timeline(table).condensed(0, len(table))

    def lines(self, seconds: float) -> Iterator[bytes]:
        yield from map(encode, self._events)

    def send(self, command: AnyCommand) -> bool:
        return False

    def stop(self) -> list[bytes]:
        return []

    def restart(self) -> None: ...
