"""Calls something once, after some time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.message_pump import MessagePump


def call_once(pump: MessagePump, seconds: float, callback: Callable[[], object]) -> asyncio.TimerHandle:
    """Call `callback` after so many seconds, among the messages of an app, a screen or a widget.

    Textual's `set_timer` drops a timer whose time has passed before it first looks at it: nearly always with a wait of
    less than 1 µs, and with any wait if the process gets no processor at that moment. What was to go on with it stops.
    """
    return asyncio.get_running_loop().call_later(seconds, pump.call_later, callback)
