"""A thread that writes to the terminal, so that the event loop never blocks on a slow one."""

from __future__ import annotations

import os
import select
import termios
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TextIO

# The number of writes that Textual makes per frame.
_WRITES_PER_FRAME = 3
# Seconds without progress after which the terminal counts as behind.
_STUCK_SECONDS = 0.05
# Seconds for the terminal to take the sequences that restore it.
_FINISH_TIMEOUT = 0.5
# Ends an escape sequence that was cut off, and a synchronized frame.
_END_FRAME = "\x18\x1b[?2026l"


class TerminalWriter(threading.Thread):
    """Queues any amount of text without blocking. Callers check `behind` before they draw a frame."""

    def __init__(self, terminal: TextIO) -> None:
        super().__init__(name="clipwatch-terminal", daemon=True)
        self._terminal = _reopen(terminal.fileno())
        self._encoding, self._errors = terminal.encoding, terminal.errors or "strict"
        self._queue: SimpleQueue[tuple[int, bytes] | None] = SimpleQueue()
        # Text of an earlier generation is dropped.
        self._generation = 0
        self._writing = threading.Lock()
        self._stuck = False

    @property
    def behind(self) -> bool:
        """Whether the terminal has not taken the last frame."""
        return self._stuck or self._queue.qsize() > _WRITES_PER_FRAME

    def write(self, text: str) -> None:
        """Queue text."""
        self._queue.put((self._generation, text.encode(self._encoding, self._errors)))

    def drop(self) -> None:
        """Drop the queued text and the terminal's unread output, which makes room for what follows."""
        # A write of dropped text after the flush would begin in the middle of an escape sequence. Where writes block,
        # this waits for none.
        held = self._writing.acquire(timeout=_STUCK_SECONDS)
        try:
            self._generation += 1
            with suppress(termios.error):
                termios.tcflush(self._terminal, termios.TCOFLUSH)
        finally:
            if held:
                self._writing.release()
        self.write(_END_FRAME)

    def finish(self) -> bool:
        """Write the rest of the queue; False if the terminal does not take it in time."""
        self._queue.put(None)
        self.join(_FINISH_TIMEOUT)
        return not self.is_alive()

    def run(self) -> None:
        """Write queued text until `finish` is called or the terminal is closed."""
        with suppress(OSError):
            while item := self._queue.get():
                self._write_all(*item)
        os.close(self._terminal)

    def _write_all(self, generation: int, data: bytes) -> None:
        while data and generation == self._generation:
            self._stuck = not select.select([], [self._terminal], [], _STUCK_SECONDS)[1]
            with self._writing, suppress(BlockingIOError):
                if not self._stuck and generation == self._generation:
                    data = data[os.write(self._terminal, data) :]
        self._stuck = False


def _reopen(terminal: int) -> int:
    """Open the terminal again in non-blocking mode; the existing descriptor shares its mode with the shell."""
    try:
        return os.open(os.ttyname(terminal), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        # It cannot be opened by name, for example after `su`. A blocking write then blocks only this thread.
        return os.dup(terminal)
