"""Runs a program in a pseudoterminal of a given size, and reads its output as it arrives."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

CLIPWATCH = ("-c", "from clipwatch.tui.start import main; raise SystemExit(main())")
_CHUNK = 1 << 16


class Pseudoterminal:
    """Runs Python with these arguments in a pseudoterminal. `output` is everything that it has written."""

    def __init__(self, size: tuple[int, int], arguments: Sequence[str], python: str = sys.executable) -> None:
        width, height = size
        self._terminal, program_side = os.openpty()
        fcntl.ioctl(program_side, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [python, *arguments],
            stdin=program_side,
            stdout=program_side,
            stderr=program_side,
            start_new_session=True,
            cwd=Path(__file__).parent,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONUTF8": "1"},
        )
        os.close(program_side)
        self.output = bytearray()

    def press(self, key: str) -> float:
        """Type a key; return the time."""
        now = time.perf_counter()
        os.write(self._terminal, key.encode())
        return now

    def read(self, seconds: float) -> bool:
        """Wait up to `seconds` for output and read it. Returns False at the end of the output."""
        if not select.select([self._terminal], [], [], max(0.0, seconds))[0]:
            return True
        try:
            chunk = os.read(self._terminal, _CHUNK)
        except OSError:
            # On Linux this error means that the program has closed its side.
            return False
        self.output += chunk
        return bool(chunk)

    def read_for(self, seconds: float) -> None:
        """Read for `seconds`, or to the end."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0 and self.read(left):
            pass

    def read_until(self, words: bytes, seconds: float = 60.0, since: int = 0) -> float:
        """Read until `words` (in one style) appear after the first `since` bytes; return seconds since the start."""
        seen, end = since, time.perf_counter() + seconds
        while self.output.find(words, seen) < 0:
            seen = max(since, len(self.output) - len(words))
            if time.perf_counter() > end or not self.read(end - time.perf_counter()):
                raise RuntimeError(f"{words!r} did not appear; the last output: {bytes(self.output[-200:])!r}")
        return time.perf_counter() - self.started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.finish()
        os.close(self._terminal)

    def finish(self) -> str:
        """Wait for the end of the program; return everything that it has written."""
        while self.read(60):
            pass
        self.process.wait()
        return self.output.decode(errors="replace")
