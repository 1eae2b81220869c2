"""Tells errors of ours from those that a signal handler of the user raises while our code runs."""

from __future__ import annotations

import signal
import traceback


def raised_by_signal_handler(error: BaseException) -> bool:
    """Whether a handler of the user, as for a time limit, has raised this error: it is meant for the loop."""
    handlers = {getattr(signal.getsignal(each), "__code__", None) for each in signal.valid_signals()} - {None}
    return any(frame.f_code in handlers for frame, _ in traceback.walk_tb(error.__traceback__))
