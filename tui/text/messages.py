"""Print results to standard output and messages to standard error, in any encoding and even if closed."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

from ...core.text import in_encoding


def tell(text: str) -> None:
    """Print a message as one line on standard error, after the program's name."""
    print(f"clipwatch: {in_encoding(' '.join(text.splitlines()), sys.stderr.encoding)}", file=sys.stderr)


def say(text: str) -> None:
    """Print one line of a result on standard output."""
    print(in_encoding(text, sys.stdout.encoding), flush=True)


def prepare_outputs() -> None:
    """Escape characters that the encoding lacks (`\\u88c1`), and ignore failed writes to standard error."""
    for number in (0, 1, 2):
        # If the parent closed a standard stream, the next file opened would get its descriptor.
        try:
            os.fstat(number)
        except OSError:
            # Worker processes inherit it.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stderr is sys.__stderr__:
        encoding = sys.stderr.encoding if sys.stderr else None
        buffer = io.BufferedWriter(_Stderr(2, "w", closefd=False))
        sys.stderr = io.TextIOWrapper(buffer, encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class _Stderr(io.FileIO):
    """Standard error that drops what it cannot write: a message must not end a training or change the exit code."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content) or len(content)
        except OSError:
            return len(content)


def discard_output(number: int) -> None:
    """Redirect the descriptor to /dev/null, so that flushing what is still buffered raises no error."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, number)
    os.close(null)
