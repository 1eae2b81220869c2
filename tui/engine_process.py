"""An engine at the far end of a pipe: spawn it, speak to it, notice its death."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, Protocol

from ..core.codec import encode
from ..core.commands import AnyCommand, Stop
from ..core.errors import BadInput
from .engine_request import AnyRequest, Wanted, encoded

_CHUNK = 1 << 16
# Seconds to wait for what an engine that has ended wrote on standard error, which is read by a thread.
_LAST_WORDS = 0.2


class Source(Protocol):
    """Where the screen's events come from and its commands go, see `EngineProcess`."""

    @property
    def behind(self) -> bool: ...

    @property
    def exit_code(self) -> int | None: ...

    @property
    def half_line(self) -> bytes: ...

    @property
    def last_words(self) -> str: ...

    def lines(self, seconds: float) -> Iterator[bytes]: ...

    def send(self, command: AnyCommand) -> bool: ...

    def stop(self) -> list[bytes]: ...


def _spawn(command: Sequence[str], descriptors: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    # A session of its own keeps the terminal's signals away from it: the screen decides when it stops.
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=descriptors,
        )
    except OSError as error:
        raise BadInput(f"the engine cannot be started: {command[0]}: {error.strerror}") from error


def _spawn_own(request: AnyRequest) -> subprocess.Popen[bytes]:
    """An engine of ours, given the request whole through a pipe: nothing of it is read as an option."""
    reading, writing = os.pipe()
    with open(reading, "rb") as theirs, open(writing, "wb") as ours:
        # -P: what lies in the current folder is not imported in place of the real thing.
        command = [sys.executable, "-P", "-m", "clipwatch.tui.engine_program", str(theirs.fileno())]
        process = _spawn(command, [theirs.fileno()])
        theirs.close()
        # One that has ended already says why itself.
        with contextlib.suppress(BrokenPipeError):
            ours.write(encoded(request))
            ours.flush()
    return process


class EngineProcess:
    """Speaks the event stream with a child process; never blocks the caller. BadInput if it cannot be started.

    `wanted` is a request to an engine of ours, or the user's own command.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._process = _spawn(wanted) if isinstance(wanted, Sequence) else _spawn_own(wanted)
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        os.set_blocking(self._process.stdin.fileno(), False)
        # What the caller has not asked for yet waits in the pipe, and behind it in the engine's queue: a thread that
        # took every line as it came would be woken hundreds of times a second, at the lanes' expense.
        self._pipe = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._said_all = False
        # Whether the engine says more than has been listened to.
        self.behind = False
        self._parts = [b""]
        self._last_words: deque[bytes] = deque(maxlen=20)
        self._listener = threading.Thread(target=self._read_messages, args=(self._process.stderr,), daemon=True)
        self._listener.start()

    def lines(self, seconds: float) -> Iterator[bytes]:
        """The whole lines that have come; stops soon after the caller has spent `seconds` on them."""
        deadline = time.perf_counter() + seconds
        self.behind = False
        while not self._said_all and time.perf_counter() < deadline:
            try:
                chunk = os.read(self._pipe, _CHUNK)
            except BlockingIOError:
                if len(self._parts) == 1:
                    return
                # In the middle of a long line the rest is on its way.
                select.select([self._pipe], [], [], max(0.0, deadline - time.perf_counter()))
                continue
            self._said_all = not chunk
            if self._said_all:
                return
            # A pipe that was full kept the engine waiting, which has more to say.
            self.behind |= len(chunk) == _CHUNK
            if b"\n" not in chunk:
                # A long line is joined once, at its end.
                self._parts.append(chunk)
                continue
            *whole, rest = b"".join((*self._parts, chunk)).split(b"\n")
            self._parts = [rest]
            yield from whole

    def send(self, command: AnyCommand) -> bool:
        """Pass a command on; False if the engine is gone, or does not read."""
        assert self._process.stdin
        try:
            self._process.stdin.write(encode(command) + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError):
            return False
        return True

    @property
    def exit_code(self) -> int | None:
        """How the engine ended (negative: by that signal), None while it lives or has unread output."""
        return self._process.poll() if self._said_all else None

    @property
    def half_line(self) -> bytes:
        """What the engine had written of a line that it has not ended yet."""
        return b"".join(self._parts)

    @property
    def last_words(self) -> str:
        """The last line on the engine's standard error that says anything."""
        if self._process.poll() is not None:
            self._listener.join(_LAST_WORDS)
        words = [line for line in b"".join(self._last_words).decode(errors="replace").splitlines() if line.strip()]
        return words[-1].strip() if words else ""

    def stop_soon(self) -> None:
        """Ask the engine to end, and leave it the time it takes."""
        self.send(Stop())

    def stop(self, seconds: float = 1.5) -> list[bytes]:
        """End the engine: ask it, then insist, then kill; it is gone when this returns its last lines."""
        self.send(Stop())
        assert self._process.stdin
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.close()
        lines: list[bytes] = []
        for insist in (None, self._process.terminate, self._process.kill):
            if insist:
                insist()
            deadline = time.perf_counter() + seconds / 2
            # A full pipe would keep it from ending, so what it says is taken until it is gone.
            while not self._said_all and (left := deadline - time.perf_counter()) > 0:
                select.select([self._pipe], [], [], left)
                lines += self.lines(left)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(max(0.0, deadline - time.perf_counter()))
                break
        self._process.wait()
        self._close()
        return lines

    def _close(self) -> None:
        """Let go of its output; something that the engine started may still hold its other end."""
        self._said_all = True
        assert self._process.stdout
        self._process.stdout.close()

    def _read_messages(self, pipe: IO[bytes]) -> None:
        with pipe:
            while chunk := os.read(pipe.fileno(), _CHUNK):
                self._last_words.append(chunk)
