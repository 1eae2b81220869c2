"""The edge of the program: turns every exception into a one-line message and an exit code."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable

from ..core.errors import BadInput, ClipwatchError, one_line
from .text.messages import discard_output, prepare_outputs, tell


def exit_code(perform: Callable[[], int], *, debug: bool = False) -> int:
    """Call `perform` and return the program's exit code.

    0: done. 1: failed. 2: bad input. 130 or 143: interrupted. 141: nothing reads standard output. With `debug`, also
    print the traceback. `perform` must raise the exceptions of its threads and worker processes again.
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
        tell(_message(error))
        if isinstance(error, OSError):  # for example, standard output is on a full disk
            discard_output(sys.stdout.fileno())
        return error.exit_code if isinstance(error, ClipwatchError) else 1


def _check_folder() -> None:
    """Raise BadInput if the current folder was deleted: workers cannot start there and torch cannot be imported."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise BadInput("the current folder was deleted; change to another folder") from None


def _message(error: Exception) -> str:
    is_expected = isinstance(error, ClipwatchError | OSError)
    return one_line(error) if is_expected else f"unexpected {one_line(error)}; --debug shows the traceback"
