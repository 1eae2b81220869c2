"""Checks and settings of the terminal that Textual does not handle."""

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

# The most columns and rows that are drawn: a terminal may report 65535 by 65535.
_LARGEST = 1000, 500


def prepare_terminal() -> bool:
    """Check the terminal and return whether only ASCII can be shown. BadInput if there is no usable terminal."""
    if "TEXTUAL_DRIVER" not in os.environ:
        # Textual reads keys from standard input and draws on standard error.
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise BadInput("the screen needs a terminal for input and output; use --no-ui to print the run instead")
        if os.environ.get("TERM", "") in ("", "dumb"):
            raise BadInput(
                "this terminal cannot show the screen (TERM is unset or dumb); use --no-ui to print the run instead"
            )
    # An empty NO_COLOR means nothing, but Textual would turn colours off.
    if os.environ.get("NO_COLOR") == "":
        del os.environ["NO_COLOR"]
    if codecs.lookup(sys.stderr.encoding or "ascii").name == "utf-8":
        # The Linux console decodes UTF-8, but its fonts lack braille and most box and block characters.
        return os.environ.get("TERM", "").partition("-")[0] == "linux"
    for stream in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    return True


def discard_terminal_output() -> None:
    """Redirect standard output and error to /dev/null where they are a terminal, which takes nothing any more."""
    for number in (1, 2):
        if os.isatty(number):
            discard_output(number)


def terminal_size() -> tuple[int, int]:
    """Columns and rows of the terminal on standard error; standard output and COLUMNS do not matter."""
    width = height = 0
    # A closed terminal has no size.
    with suppress(OSError):
        width, height = os.get_terminal_size(2)
    return min(width or 80, _LARGEST[0]), min(height or 24, _LARGEST[1])


def wait_for_foreground(terminal: int) -> None:
    """Block until this process is in the foreground of the terminal."""
    # In the background, setting the attributes (to what they are) stops the process until the shell's `fg`.
    while True:
        try:
            termios.tcsetattr(terminal, termios.TCSANOW, termios.tcgetattr(terminal))
        except termios.error as error:
            if error.args[0] == errno.EINTR:
                continue
        return


def discard_output_of_closed_terminal() -> None:
    """Flush the outputs; redirect those that fail, as after SIGHUP, so that they do not change the exit code."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            discard_output(number)
