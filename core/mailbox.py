"""Commands on their way to one lane, which takes them at its step boundaries."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Generic, TypeVar

from .commands import Command, Stop

C = TypeVar("C", bound=Command)


class Mailbox(Generic[C]):
    """Thread-safe; `lasting` says whether a lane that has done its steps waits here for an `Extend`."""

    def __init__(self, *, lasting: bool) -> None:
        self.lasting = lasting
        self._closed = self._woken = False
        self._commands: list[C] = []
        self._first_due: float = math.inf
        self._changed = threading.Condition()

    def put(self, command: C) -> None:
        """Leave a command; it waits for its `at_step`, if it has one."""
        with self._changed:
            self._commands.append(command)
            self._note_first_due()
            self._changed.notify()

    def wake(self) -> None:
        """Let a `take` that waits return at once."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def close(self) -> None:
        """No more commands will come: a lane that waits for one is told to stop."""
        with self._changed:
            self.lasting, self._closed = False, True
            self._changed.notify()

    def pending(self) -> Sequence[C | Stop]:
        """Commands that never came due; a `Stop` does not count."""
        return [command for command in self._commands if not isinstance(command, Stop)]

    def take(self, step: int, timeout: float | None) -> Sequence[C | Stop]:
        """The commands due at this boundary, as they came; waits up to `timeout` seconds (None: on and on)."""
        # Looked at without the lock at every step; a command that arrives in between is taken one step later.
        if timeout == 0 and step < self._first_due:
            return ()
        with self._changed:
            self._changed.wait_for(lambda: step >= self._first_due or self._woken or self._is_over(timeout), timeout)
            self._woken = False
            if self._is_over(timeout) and step < self._first_due:
                return (Stop(),)
            due = [command for command in self._commands if (command.at_step or 0) <= step]
            self._commands = [command for command in self._commands if (command.at_step or 0) > step]
            self._note_first_due()
            return due

    def _is_over(self, timeout: float | None) -> bool:
        """Whether there is nothing more to wait for, for one who would wait on and on."""
        return timeout is None and self._closed

    def _note_first_due(self) -> None:
        self._first_due = min((command.at_step or 0 for command in self._commands), default=math.inf)
