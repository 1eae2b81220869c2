"""A picture of the screen as it is after a recording's last event, taken without a terminal."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

from ..core.codec import encode
from ..core.commands import AnyCommand
from ..core.event_table import EventTable
from ..core.events import Event
from ..core.timeline import Timeline
from .app import ClipwatchApp
from .look import LIGHT

# Wide enough for all that the screen has to say, and readable at the width of a page.
SIZE = (132, 36)
# How often the screen may ask for more time to lay itself out.
_PATIENCE = 1000
# The fonts that Rich would fetch from a network; the reader's own will do, for every text has its width.
_FETCHED = re.compile(r"@font-face\s*{[^}]*}\s*")


def picture(table: EventTable) -> str:
    """The screen in its light theme, as SVG that loads nothing."""
    return asyncio.run(_picture(table))


async def _picture(table: EventTable) -> str:
    app = ClipwatchApp([], keymap={}, start=lambda _: _Told(table))
    async with app.run_test(size=SIZE) as pilot:
        app.theme = LIGHT.name
        for _ in range(_PATIENCE):
            if app.view.runs and app.main.laid_out:
                break
            await pilot.pause()
        app.main.draw_at_once()
        await pilot.pause()
        return _FETCHED.sub("", app.export_screenshot(title="clipwatch"))


class _Told:
    """An engine that has said everything, and obeys nothing."""

    behind = False
    exit_code = None
    half_line = b""
    last_words = ""

    def __init__(self, table: EventTable) -> None:
        self._events: Iterator[Event] = Timeline(table).told(0, len(table))

    def lines(self, seconds: float) -> Iterator[bytes]:
        yield from map(encode, self._events)

    def send(self, command: AnyCommand) -> bool:
        return False

    def stop(self) -> list[bytes]:
        return []
