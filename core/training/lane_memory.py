"""Two numbers in memory that a lane's process shares with the engine's, so that a step costs no message."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_SIZE = 16


class LaneMemory:
    """The lane's step, which its process writes, and the first boundary at which a command is due for it."""

    def __init__(self, descriptor: int) -> None:
        view = memoryview(mmap.mmap(descriptor, _SIZE))
        self._step, self._first_due = view[:8].cast("q"), view[8:].cast("d")

    @property
    def step(self) -> int:
        """The boundary that the lane has reached."""
        return self._step[0]

    @step.setter
    def step(self, step: int) -> None:
        self._step[0] = step

    @property
    def first_due(self) -> float:
        """The first boundary at which the lane must ask for commands, infinity if none is due."""
        return self._first_due[0]

    @first_due.setter
    def first_due(self, first_due: float) -> None:
        self._first_due[0] = first_due


@contextmanager
def memory_file() -> Iterator[int]:
    """The descriptor of a nameless file for a `LaneMemory`. Raises OSError if there is no space for it."""
    with tempfile.TemporaryFile() as file:
        # Written, because memory over a hole in a file on a full disk ends the process.
        file.write(bytes(_SIZE))
        file.flush()
        yield file.fileno()
