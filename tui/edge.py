"""The program's edge: whatever ends it becomes one line and an exit code."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable

from ..core.errors import ClipwatchError
from .messages import lose_output, tell


def exit_code(perform: Callable[[], int], *, debug: bool = False) -> int:
    """The exit code of `perform`: 0 done, 1 failed, 2 bad input, 130 or 143 interrupted, 141 nobody reads.

    With `debug` the traceback of an error is shown, too.
    """
    try:
        return perform()
    except ClipwatchError as error:
        if debug:
            traceback.print_exc()
        tell(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        lose_output(sys.stdout.fileno())
        return 141
    except OSError as error:
        # What can be foreseen is a ClipwatchError by now; this is a full disk under standard output, or the like.
        if debug:
            traceback.print_exc()
        tell(str(error))
        lose_output(sys.stdout.fileno())
        return 1
