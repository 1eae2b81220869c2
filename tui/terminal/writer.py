"""A thread that writes to a terminal as fast as it reads, while nobody waits."""

from __future__ import annotations

import os
import select
import termios
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TextIO

# As many pieces as Textual makes of a frame.
_FRAME = 3
# Seconds after which a terminal that takes nothing counts as behind.
_PATIENCE = 0.05
# Seconds for a terminal to take what restores it.
_LEAVING = 0.5
# Ends an escape sequence that was cut off, and a frame.
_CUT_OFF = "\x18\x1b[?2026l"


class TerminalWriter(threading.Thread):
    """Takes any amount of text at once; who writes much looks first whether the terminal is `behind`."""

    def __init__(self, terminal: TextIO) -> None:
        super().__init__(name="clipwatch-terminal", daemon=True)
        self._terminal = _opened(terminal.fileno())
        self._encoding, self._errors = terminal.encoding, terminal.errors or "strict"
        self._queue: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        # What was written in an earlier age than this is not worth writing any more.
        self._age = 0
        self._stuck = False

    @property
    def behind(self) -> bool:
        """Whether the terminal has not taken what was written."""
        return self._stuck or self._queue.qsize() > _FRAME

    def write(self, text: str) -> None:
        """Have text written soon."""
        self._queue.put((self._age, text.encode(self._encoding, self._errors)))

    def drop(self) -> None:
        """Forget what the terminal has not taken, and have it forget what it has not read, which makes room."""
        self._age += 1
        with suppress(termios.error):
            termios.tcflush(self._terminal, termios.TCOFLUSH)
        self.write(_CUT_OFF)

    def finish(self) -> bool:
        """Write to the end; False if the terminal does not take it."""
        self._queue.put(None)
        self.join(_LEAVING)
        return not self.is_alive()

    def run(self) -> None:
        """Write until told to finish, or until the terminal is gone."""
        with suppress(OSError):
            while item := self._queue.get():
                self._put(*item)
        os.close(self._terminal)

    def _put(self, age: int, data: bytes) -> None:
        while data and age == self._age:
            self._stuck = not select.select([], [self._terminal], [], _PATIENCE)[1]
            if not self._stuck and age == self._age:
                with suppress(BlockingIOError):
                    data = data[os.write(self._terminal, data) :]
        self._stuck = False


def _opened(terminal: int) -> int:
    """The terminal opened anew, to be written to without waiting: as it is open already it is shared with the shell."""
    try:
        return os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        # Out of reach by its name, as after `su`: then it is only the thread that may wait for ever.
        return os.dup(terminal)
