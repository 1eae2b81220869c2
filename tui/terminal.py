"""What the screen needs of a terminal, and the terminal's oddities that Textual leaves to us."""

from __future__ import annotations

import codecs
import io
import os
import sys

from ..core.errors import BadInput
from .messages import lose_output


def prepare_terminal() -> bool:
    """Whether only ASCII can be shown; BadInput where there is no terminal to draw on."""
    if "TEXTUAL_DRIVER" not in os.environ:
        # Textual reads keys from standard input and draws on standard error.
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise BadInput("the screen needs a terminal to read and draw on; --no-ui prints the training instead")
        if os.environ.get("TERM", "") in ("", "dumb"):
            raise BadInput("TERM is dumb: this terminal cannot show a screen; --no-ui prints the training instead")
    # Textual takes a NO_COLOR that is set but empty for a wish.
    if os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]
    if codecs.lookup(sys.stderr.encoding or "ascii").name == "utf-8":
        return False
    for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return True


def let_go_of_terminal() -> None:
    """Have what is written to it from now on lost quietly, since the terminal takes nothing."""
    for number in (1, 2):
        if os.isatty(number):
            lose_output(number)
