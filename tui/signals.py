"""Signals that end the program: the first in good order, a second at once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# SIGHUP is none of Windows's.
_ENDING = [number for number in signal.Signals if number.name in ("SIGINT", "SIGTERM", "SIGHUP")]
# The same signal within so many seconds counts once: `timeout` signals the process and its group, and both the system
# and the shell report a closed terminal.
_ECHO = 0.2


@contextmanager
def ending_signals(stop: Callable[[int], object], at_once: Callable[[], object] = lambda: None) -> Iterator[list[int]]:
    """Call `stop` at the first SIGINT, SIGTERM or SIGHUP; at a second call `at_once` and end the program.

    Gives a list that the first is put into. A signal that is ignored when this begins, as under nohup or for a job in
    the background, stays ignored.
    """
    caught: list[int] = []
    first = 0.0

    def handle(number: int, frame: object) -> None:
        nonlocal first
        now = time.monotonic()
        if not caught:
            caught.append(number)
            first = now
            stop(number)
        elif number != caught[0] or now - first > _ECHO:
            try:
                at_once()
            finally:
                os._exit(128 + number)

    heeded = [number for number in _ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heeded}
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
