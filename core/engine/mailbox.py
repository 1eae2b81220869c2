"""The queue of commands for one lane, which takes them between two steps."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from ..stream.commands import Command, Fork, Stop

C = TypeVar("C", bound=Command)
# More commands than a user types at once.
_MAX_COMMANDS = 1000


class Mailbox(Generic[C]):
    """A thread-safe queue; `lasting` says whether a lane that has done its steps waits for an `Extend`.

    A boundary is the moment before a step, and has that step's number. Commands are taken in the order in which they
    were put, except those with an `at_step`, which are scheduled. Commands put after `not_before` is set take effect at
    that boundary at the earliest, except `Stop`.
    """

    def __init__(self, *, lasting: bool) -> None:
        self.lasting = lasting
        self.not_before = 0
        self._closed = self._woken = self._ended = False
        # Each command with the first boundary at which it is due.
        self._commands: list[tuple[int, C]] = []
        self._first_due: float = math.inf
        self._publish: Callable[[float], object] = lambda first_due: None
        self._waits_at: int | None = None
        self._changed = threading.Condition(threading.RLock())

    def put(self, command: C, *, earliest: int = 0) -> bool:
        """Add a command for boundary `earliest` or later; return False if the lane has ended."""
        with self._changed:
            if self._ended:
                return False
            self._commands.append((self._boundary(command, earliest), command))
            self._update_first_due()
            self._changed.notify()
            return True

    def _boundary(self, command: C, earliest: int) -> int:
        """The first boundary at which a command is due."""
        if command.at_step is not None:
            return max(command.at_step, self.not_before)
        before = (due for due, other in self._commands if other.at_step is None)
        due = max(earliest, self.not_before, *before)
        return 0 if isinstance(command, Stop) and due == self.not_before else due

    def inherit(self, other: Mailbox[C]) -> None:
        """Add the commands for all lanes that wait in the mailbox of another lane."""
        for due, command in other._commands:
            if command.lane is None:
                self.put(command, earliest=due)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep the lane from passing its next boundary in this context."""
        with self._changed:
            # Makes the lane acquire the lock at its next boundary.
            self._set_first_due(-1)
            yield
            self._update_first_due()

    def mirror(self, publish: Callable[[float], object]) -> None:
        """Call `publish` with the first boundary at which a command is due, now and whenever it changes.

        A negative one holds the lane: `take` must be called at its next boundary. Infinity: none is due.
        """
        with self._changed:
            self._publish = publish
            publish(self._first_due)

    def wake(self) -> None:
        """Make a `take` that waits return at once."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def close(self) -> None:
        """Announce that no more commands will come: a lane that waits for one gets a `Stop`."""
        with self._changed:
            self.lasting, self._closed = False, True
            self._changed.notify()

    def end(self) -> Sequence[C]:
        """Accept no more commands; return those that were never taken."""
        with self._changed:
            self._ended = True
            return self.waiting

    @property
    def ended(self) -> bool:
        """Whether the mailbox accepts no more commands."""
        return self._ended

    @property
    def waiting(self) -> Sequence[C]:
        """The commands that have not been taken."""
        return [command for _, command in self._commands]

    @property
    def is_full(self) -> bool:
        """Whether too many commands wait."""
        return len(self._commands) >= _MAX_COMMANDS

    @property
    def waits_at(self) -> int | None:
        """The boundary at which the lane waits, None while it is between two; exact only inside `hold`."""
        return self._waits_at

    def take(self, step: int, timeout: float | None) -> Sequence[C | Stop]:
        """The commands due at this boundary; waits up to `timeout` seconds, None without limit.

        A `Stop` or a `Fork` is the last of them. After a fork the others are due at the same boundary.
        """
        # Read without the lock, because this runs at every step; a command that arrives now is taken one step later.
        if timeout == 0 and step < self._first_due:
            return ()
        idle = timeout is None
        with self._changed:
            self._waits_at = step
            self._changed.wait_for(lambda: self._due(step, idle) or self._woken or (idle and self._closed), timeout)
            self._waits_at, self._woken = None, False
            due = self._due(step, idle)
            if not due and idle and self._closed:
                return (Stop(),)
            taken = set(map(id, due))
            self._commands = [item for item in self._commands if id(item) not in taken]
            self._update_first_due()
            return [command for _, command in due]

    def _due(self, step: int, idle: bool) -> list[tuple[int, C]]:
        due = [item for item in self._commands if item[0] <= step]
        if not due and idle:
            # An idle lane reaches no other boundary until it has obeyed a command.
            ordered = [item for item in self._commands if item[1].at_step is None]
            due = [item for item in ordered if item[0] == ordered[0][0]]
        last = next((place for place, item in enumerate(due) if isinstance(item[1], Stop | Fork)), len(due))
        return due[: last + 1]

    def _update_first_due(self) -> None:
        self._set_first_due(min((due for due, _ in self._commands), default=math.inf))

    def _set_first_due(self, first_due: float) -> None:
        self._first_due = first_due
        self._publish(first_due)
