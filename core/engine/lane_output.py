"""What the code of a lane in a process of its own prints, as lines for the user."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable

# The most lines of one lane that are told, and the most bytes of one of them.
MAX_LINES, _MAX_LINE = 50, 500


class LaneOutput:
    """Reads the output of a process to its end in a thread; `tell` gets its first lines."""

    def __init__(self, process: subprocess.Popen[bytes], lane: str, tell: Callable[[str], None]) -> None:
        self._process, self._lane, self._tell = process, lane, tell
        self._lines = 0
        self._thread = threading.Thread(target=self._read, name=f"clipwatch-{lane}-output", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the end of the output, at most so long."""
        self._thread.join(seconds)

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as output:
            while line := output.readline(_MAX_LINE):
                # Reads on after the last line that is told: a full pipe would hold the lane.
                if line.strip() and self._lines <= MAX_LINES:
                    self._add(line.decode(errors="replace").strip())

    def _add(self, text: str) -> None:
        self._lines += 1
        more = "the lane prints more lines than are shown"
        self._tell(f"{self._lane}: {text if self._lines <= MAX_LINES else more}")
