"""Handling of SIGINT, SIGTERM and SIGHUP: the first signal stops the program cleanly, a second one immediately."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# By name, because Windows has no SIGHUP.
_ENDING = [number for number in signal.Signals if number.name in ("SIGINT", "SIGTERM", "SIGHUP")]
# Repeats of the first signal within this many seconds are ignored: `timeout` signals the process and its group, and
# both the kernel and the shell send SIGHUP when a terminal closes.
_REPEAT_SECONDS = 0.2


@contextmanager
def ending_signals(stop: Callable[[int], object], cleanup: Callable[[], object] = lambda: None) -> Iterator[list[int]]:
    """Call `stop` on the first SIGINT, SIGTERM or SIGHUP; on a second one, call `cleanup` and exit the process.

    Yields a list to which the first signal is appended. Signals that were ignored on entry, as under nohup or in a
    background job, stay ignored.
    """
    received: list[int] = []
    first_time = 0.0

    def handle(number: int, frame: object) -> None:
        nonlocal first_time
        now = time.monotonic()
        if not received:
            received.append(number)
            first_time = now
            stop(number)
        elif number != received[0] or now - first_time > _REPEAT_SECONDS:
            try:
                cleanup()
            finally:
                os._exit(128 + number)

    handled = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    previous_handlers = {number: signal.signal(number, handle) for number in handled}
    try:
        yield received
    finally:
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)
