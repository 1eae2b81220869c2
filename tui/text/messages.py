"""Lines to standard output and standard error, and the end of an output that nobody reads."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

from ...core.text import in_encoding


def tell(text: str) -> None:
    """One line to whoever started the program, on standard error."""
    print(f"clipwatch: {in_encoding(' '.join(text.splitlines()), sys.stderr.encoding)}", file=sys.stderr)


def say(text: str) -> None:
    """One line of a result, on standard output."""
    print(in_encoding(text, sys.stdout.encoding), flush=True)


def prepare_outputs() -> None:
    """Have characters that an output's encoding lacks written like `\\u88c1`, and messages that nobody hears lost."""
    for number in (0, 1, 2):
        # A file opened later would get the number of a standard stream that was closed before the program began.
        try:
            os.fstat(number)
        except OSError:
            # Workers have it, too.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stderr is sys.__stderr__:
        encoding = sys.stderr.encoding if sys.stderr else None
        buffer = io.BufferedWriter(_Messages(2, "w", closefd=False))
        sys.stderr = io.TextIOWrapper(buffer, encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _Messages(io.FileIO):
    """Standard error: what it does not take is lost, since no message may end a training or change an exit code."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content) or len(content)
        except OSError:
            return len(content)


def lose_output(number: int) -> None:
    """Let nothing that is written to a file number get anywhere: what is still buffered raises no more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
