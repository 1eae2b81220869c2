"""The program in a pseudoterminal of a given size, and a reader that takes everything as it comes."""

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

CLIPWATCH = ("-c", "from clipwatch.tui.cli.main import main; raise SystemExit(main())")
_CHUNK = 1 << 16


class Pseudoterminal:
    """Runs Python with these arguments; its keys and its screen are the terminal, `output` is all that it wrote."""

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
        """Type a key; the time it was typed at."""
        now = time.perf_counter()
        os.write(self._terminal, key.encode())
        return now

    def read(self, seconds: float) -> bool:
        """Wait so long for output and take what there is; False at its end."""
        if not select.select([self._terminal], [], [], max(0.0, seconds))[0]:
            return True
        try:
            chunk = os.read(self._terminal, _CHUNK)
        except OSError:
            # How Linux says that the program has closed its side.
            return False
        self.output += chunk
        return bool(chunk)

    def read_for(self, seconds: float) -> None:
        """Read on for so long, or to the end."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0 and self.read(left):
            pass

    def read_until(self, words: bytes, seconds: float = 60.0, since: int = 0) -> float:
        """Read until `words` (of one style) come after the first `since` bytes; seconds since the start."""
        seen, end = since, time.perf_counter() + seconds
        while self.output.find(words, seen) < 0:
            seen = max(since, len(self.output) - len(words))
            if time.perf_counter() > end or not self.read(end - time.perf_counter()):
                raise RuntimeError(f"{words!r} never came; the terminal's last: {bytes(self.output[-200:])!r}")
        return time.perf_counter() - self.started

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.finish()
        os.close(self._terminal)

    def finish(self) -> str:
        """Read to the end of the program; everything that it wrote."""
        while self.read(60):
            pass
        self.process.wait()
        return self.output.decode(errors="replace")
