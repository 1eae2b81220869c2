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

from ...core.errors import BadInput
from ...core.stream.codec import LONGEST_LINE, encode
from ...core.stream.commands import AnyCommand, Stop
from .request import AnyRequest, Wanted, encoded

_CHUNK = 1 << 16
# Seconds to wait for what an engine that has ended wrote on standard error, which is read by a thread.
_LAST_WORDS = 0.2
# Seconds without a line after which an engine whose process is gone has ended.
_SILENCE = 0.5


class EngineConnection(Protocol):
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

    def restart(self) -> None: ...


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
        command = [sys.executable, "-P", "-m", "clipwatch.tui.cli.engine_program", str(theirs.fileno())]
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
        self._wanted = wanted
        self._start()

    def restart(self) -> None:
        """Start the engine again, once it has ended. BadInput if it cannot be started."""
        self.stop()
        self._start()

    def _start(self) -> None:
        wanted = self._wanted
        self._process = _spawn(wanted) if isinstance(wanted, Sequence) else _spawn_own(wanted)
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        os.set_blocking(self._process.stdin.fileno(), False)
        # What the caller has not asked for yet waits in the pipe, and behind it in the engine's queue: a thread that
        # took every line as it came would be woken hundreds of times a second, at the lanes' expense.
        self._pipe = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._output_ended = False
        # When the process was first seen gone, or the last line since then.
        self._silent_since: float | None = None
        # Whether the engine says more than has been listened to.
        self.behind = False
        self._rest = bytearray()
        self._dropping = False
        # What the pipe had no room for of a command that it has begun to take.
        self._unwritten = b""
        self._last_words: deque[bytes] = deque(maxlen=20)
        self._listener = threading.Thread(
            target=_read_messages, args=(self._process.stderr, self._last_words), daemon=True
        )
        self._listener.start()

    def lines(self, seconds: float) -> Iterator[bytes]:
        """The whole lines that have come; stops soon after the caller has spent `seconds` on them."""
        deadline = time.perf_counter() + seconds
        self.behind = False
        self._finish_command()
        while not self._output_ended and time.perf_counter() < deadline:
            try:
                chunk = os.read(self._pipe, _CHUNK)
            except BlockingIOError:
                self._output_ended = self._has_fallen_silent()
                # A line that did not come at once is still on its way.
                if self._output_ended or len(self._rest) < select.PIPE_BUF:
                    return
                select.select([self._pipe], [], [], max(0.0, deadline - time.perf_counter()))
                continue
            self._output_ended = not chunk
            if self._output_ended:
                return
            # A pipe that was full kept the engine waiting, which has more to say.
            self.behind |= len(chunk) == _CHUNK
            yield from self._ended_in(chunk)

    def _ended_in(self, chunk: bytes) -> list[bytes]:
        """The lines that end in this chunk; of one that has become too long what has come, and its rest is dropped."""
        if b"\n" in chunk:
            self._silent_since = None
            *whole, rest = b"".join((self._rest, chunk)).split(b"\n")
            self._rest = bytearray(rest)
            dropped, self._dropping = self._dropping, False
            return whole[dropped:]
        if not self._dropping:
            # A long line is taken apart once, at its end.
            self._rest += chunk
        if len(self._rest) <= LONGEST_LINE:
            return []
        cut, self._rest, self._dropping = bytes(self._rest), bytearray(), True
        return [cut]

    def _has_fallen_silent(self) -> bool:
        """Whether the process is gone and no more comes; what it has started may hold the pipe open for long."""
        if self._silent_since is None and self._process.poll() is not None:
            self._silent_since = time.perf_counter()
        return self._silent_since is not None and time.perf_counter() - self._silent_since > _SILENCE

    def send(self, command: AnyCommand) -> bool:
        """Pass a command on; False, and none of it passed on, if the engine is gone, or does not read."""
        if not self._finish_command():
            return False
        line = self._unwritten = encode(command) + b"\n"
        self._finish_command()
        if self._unwritten == line:
            self._unwritten = b""
            return False
        return True

    def _finish_command(self) -> bool:
        """Write what is left of a command; whether nothing is. A pipe takes a long one in pieces, as it has room."""
        assert self._process.stdin
        try:
            while self._unwritten:
                self._unwritten = self._unwritten[os.write(self._process.stdin.fileno(), self._unwritten) :]
        except (OSError, ValueError):
            return False
        return True

    @property
    def exit_code(self) -> int | None:
        """How the engine ended (negative: by that signal), None while it lives or more may come of it."""
        return self._process.poll() if self._output_ended else None

    @property
    def half_line(self) -> bytes:
        """What the engine had written of a line that it has not ended yet."""
        return bytes(self._rest)

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
            while not self._output_ended and (left := deadline - time.perf_counter()) > 0:
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
        self._output_ended = True
        assert self._process.stdout
        self._process.stdout.close()


def _read_messages(pipe: IO[bytes], words: deque[bytes]) -> None:
    with pipe:
        while chunk := os.read(pipe.fileno(), _CHUNK):
            words.append(chunk)
