"""Work that may block longer than anyone wants to wait (a name lookup, a silent server), left behind when it does.

The thread is a daemon: what is left behind keeps neither the caller nor the end of the program waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")


def in_background(work: Callable[[], Result]) -> Future[Result]:
    """Start `work` in a thread of its own; its result or exception is the future's."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # the thread's boundary: whoever waits gets it
            future.set_exception(error)

    Thread(target=run, daemon=True, name="clipwatch-download").start()
    return future


def awaited(future: Future[Result], check: Callable[[], None], poll: float) -> Result:
    """The future's result. `check` is called every `poll` seconds; what it raises ends the wait, not the work."""
    while not future.done():
        check()
        wait([future], timeout=poll)
    return future.result()
