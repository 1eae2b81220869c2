"""Messages to standard error, and the end of an output that nobody reads."""

from __future__ import annotations

import os
import sys


def tell(text: str) -> None:
    """One line to whoever started the program."""
    print(f"clipwatch: {' '.join(text.splitlines())}", file=sys.stderr)


def lose_output(number: int) -> None:
    """Let nothing that is written to a file number get anywhere: what is still buffered raises no more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)
