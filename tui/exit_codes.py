"""The end of the program: every exception becomes one line and an exit code."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable

from ..core.errors import BadInput, ClipwatchError, one_line
from .text.messages import discard_output, prepare_outputs, tell


def exit_code(perform: Callable[[], int], *, debug: bool = False) -> int:
    """The exit code of `perform`: 0 done, 1 failed, 2 bad input, 130 or 143 interrupted, 141 nobody reads its output.

    With `debug` it also shows the traceback. Exceptions of threads and worker processes are raised again in `perform`.
    """
    prepare_outputs()
    if debug:
        logging.basicConfig(level=logging.DEBUG)
    try:
        _check_folder()
        return perform()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        discard_output(sys.stdout.fileno())
        return 141
    except Exception as error:
        if debug:
            traceback.print_exc()
        tell(_line(error))
        if isinstance(error, OSError):  # a full disk under standard output, or the like
            discard_output(sys.stdout.fileno())
        return error.exit_code if isinstance(error, ClipwatchError) else 1


def _check_folder() -> None:
    """BadInput if the current folder was deleted: no worker starts there, and torch does not load."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise BadInput("the current folder was deleted; change to another") from None


def _line(error: Exception) -> str:
    is_expected = isinstance(error, ClipwatchError | OSError)
    return one_line(error) if is_expected else f"unexpected {one_line(error)}; --debug shows where it was raised"
