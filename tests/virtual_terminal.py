"""A terminal for a program under test: a pseudoterminal that controls it, and a screen that pyte keeps."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

import pyte

DEADLINE = 30.0
# Makes the pseudoterminal the controlling terminal, which a new session has none of, and becomes the program.
_LAUNCH = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, sys.argv[1:])"
_LAUNCH_WITHOUT = "import os, sys; os.execv(sys.executable, sys.argv[1:])"
CLIPWATCH = ("-m", "clipwatch.tui.cli.main")


class VirtualTerminal:
    """Runs Python with these arguments; `output` is all that it wrote, `text` what is on the screen.

    A terminal that is not `controlling` sends no signal when it goes; standard output is the terminal unless a file is
    given for it.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        size: tuple[int, int] = (120, 40),
        environment: Mapping[str, str] = {},
        controlling: bool = True,
        stdout: IO[bytes] | None = None,
    ) -> None:
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)
        self._terminal, program_side = pty.openpty()
        self._name = os.ttyname(program_side)
        self.resize(*size, tell=False)
        self.attributes = termios.tcgetattr(program_side)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH if controlling else _LAUNCH_WITHOUT, sys.executable, *arguments],
            stdin=program_side,
            stdout=stdout or program_side,
            stderr=program_side,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONUTF8": "1", **environment},
        )
        os.close(program_side)
        self.output = bytearray()

    @property
    def text(self) -> str:
        return "\n".join(self._screen.display)

    def type(self, keys: str | bytes) -> None:
        os.write(self._terminal, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, width: int, height: int, *, tell: bool = True) -> None:
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        if tell:
            self._screen.resize(height, width)

    def forget(self) -> None:
        """Show nothing, as after others had the terminal."""
        self._screen.reset()

    def echo(self) -> None:
        """Echo what is typed, as a shell does that has the terminal."""
        termios.tcsetattr(self._terminal, termios.TCSANOW, self.attributes)

    @property
    def as_it_was(self) -> bool:
        """Whether its attributes, echo among them, are those that it began with."""
        return termios.tcgetattr(self._terminal) == self.attributes

    def read(self, seconds: float) -> bool:
        """Take what comes within so long; False at the end."""
        if not select.select([self._terminal], [], [], seconds)[0]:
            return True
        try:
            chunk = os.read(self._terminal, 1 << 16)
        except OSError:
            # How Linux says that the program has closed its side.
            return False
        self.output += chunk
        self._stream.feed(chunk)
        return bool(chunk)

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, f"it never came true; on the screen:\n{self.text}"
            assert self.read(0.05) or condition(), f"the program ended; it wrote:\n{self.output[-3000:]!r}"

    def shows(self, *words: str) -> None:
        self.until(lambda: all(word in self.text for word in words))

    def ends(self) -> int:
        """Read to the end; the exit code."""
        end = time.monotonic() + DEADLINE
        while self.read(0.1) and time.monotonic() < end:
            pass
        return self.process.wait(max(0.1, end - time.monotonic()))

    @property
    def lines(self) -> list[str]:
        """What was written outside the screen."""
        _, _, after = self.output.rpartition(b"\x1b[?1049l")
        plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", after.decode(errors="replace"))
        return plain.replace("\r", "").splitlines()

    @property
    def restored(self) -> bool:
        """Whether the terminal was left as it was found: its own screen, and a cursor."""
        left, shown = self.output.rfind(b"\x1b[?1049l"), self.output.rfind(b"\x1b[?25h")
        return left > self.output.rfind(b"\x1b[?1049h") and shown > self.output.rfind(b"\x1b[?25l")

    def hang_up(self) -> None:
        """Take the terminal away, as a closed window does."""
        os.close(self._terminal)
        self._terminal = -1

    @property
    def full(self) -> bool:
        """Whether it holds as much unread output as it can."""
        program_side = os.open(self._name, os.O_WRONLY | os.O_NOCTTY)
        try:
            return not select.select([], [program_side], [], 0)[1]
        finally:
            os.close(program_side)

    def close(self) -> None:
        """End the program if it has not, and let go."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        if self._terminal >= 0:
            os.close(self._terminal)


def wait_until(condition: Callable[[], object]) -> None:
    """Wait without reading the terminal."""
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)
