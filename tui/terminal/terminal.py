"""What the screen needs of a terminal, and the terminal's oddities that Textual leaves to us."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import termios
from contextlib import suppress

from ...core.errors import BadInput
from ..text.messages import discard_output

# The most columns and rows that are drawn: a terminal may say that it is 65535 by 65535.
_LARGEST = 1000, 500


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
        # The console of Linux reads UTF-8, but its fonts have neither braille nor many lines and blocks.
        return os.environ.get("TERM", "").partition("-")[0] == "linux"
    for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return True


def let_go_of_terminal() -> None:
    """Have what is written to it from now on lost quietly, since the terminal takes nothing."""
    for number in (1, 2):
        if os.isatty(number):
            discard_output(number)


def terminal_size() -> tuple[int, int]:
    """Columns and rows of the terminal that is drawn on, wherever standard output goes and whatever COLUMNS says."""
    width = height = 0
    # A terminal that is gone has no size any more.
    with suppress(OSError):
        width, height = os.get_terminal_size(2)
    return min(width or 80, _LARGEST[0]), min(height or 24, _LARGEST[1])


def wait_for_foreground(terminal: int) -> None:
    """Setting nothing anew stops the program while another one has the terminal, until the shell's `fg`."""
    while True:
        try:
            termios.tcsetattr(terminal, termios.TCSANOW, termios.tcgetattr(terminal))
        except termios.error as error:
            if error.args[0] == errno.EINTR:
                continue
        return


def let_go_of_dead_terminal() -> None:
    """After SIGHUP nobody is there to read; what is still buffered must not spoil the exit code."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            discard_output(number)
