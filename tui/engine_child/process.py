"""An engine in a child process: starts it, reads its event lines, sends it commands and notices its end."""

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
from .request import AnyRequest, EngineSource, encoded

_CHUNK = 1 << 16
# Seconds to wait for the thread that reads standard error, once the engine has ended.
_STDERR_TIMEOUT = 0.2
# Once the process is gone: seconds without a line after which its output counts as ended.
_SILENCE = 0.5


class EngineConnection(Protocol):
    """The screen's source of event lines and target of commands, see `EngineProcess`."""

    @property
    def behind(self) -> bool: ...

    @property
    def exit_code(self) -> int | None: ...

    @property
    def partial_line(self) -> bytes: ...

    @property
    def last_error_line(self) -> str: ...

    def lines(self, seconds: float) -> Iterator[bytes]: ...

    def send(self, command: AnyCommand) -> bool: ...

    def stop(self) -> list[bytes]: ...

    def restart(self) -> None: ...


def _spawn(command: Sequence[str], descriptors: Sequence[int] = ()) -> subprocess.Popen[bytes]:
    # A new session keeps the terminal's signals away from the engine: the screen decides when it stops.
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


def _spawn_for_request(request: AnyRequest) -> subprocess.Popen[bytes]:
    """Start an engine of clipwatch. It reads the request from a pipe, so no part of it is parsed as an option."""
    read_end, write_end = os.pipe()
    with open(read_end, "rb") as reader, open(write_end, "wb") as writer:
        # -P: modules in the current folder must not shadow the installed ones.
        command = [sys.executable, "-P", "-m", "clipwatch.tui.cli.engine_program", str(reader.fileno())]
        process = _spawn(command, [reader.fileno()])
        reader.close()
        # An engine that has already ended reports the reason itself.
        with contextlib.suppress(BrokenPipeError):
            writer.write(encoded(request))
            writer.flush()
    return process


class EngineProcess:
    """A child process that writes event lines and reads commands. Sending never blocks; reading has a time limit.

    `source` is a request to an engine of clipwatch, or the user's own command. BadInput if it cannot be started.
    """

    def __init__(self, source: EngineSource) -> None:
        self._source = source
        self._start()

    def restart(self) -> None:
        """Start the engine again after it has ended. BadInput if it cannot be started."""
        self.stop()
        self._start()

    def _start(self) -> None:
        source = self._source
        self._process = _spawn(source) if isinstance(source, Sequence) else _spawn_for_request(source)
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        os.set_blocking(self._process.stdin.fileno(), False)
        # Lines that the caller has not read wait in the pipe, and behind it in the engine's queue. A thread that read
        # each line at once would wake up hundreds of times a second and slow the lanes down.
        self._pipe = self._process.stdout.fileno()
        os.set_blocking(self._pipe, False)
        self._output_ended = False
        # Once the process is gone: when that was noticed, or when the last line came after that.
        self._silent_since: float | None = None
        # Whether the engine has written more than has been read.
        self.behind = False
        # The unfinished last line.
        self._partial_line = bytearray()
        # Whether the rest of a line that was too long is being dropped.
        self._dropping = False
        # The end of a command of which the pipe has taken only the beginning.
        self._unwritten = b""
        self._error_output: deque[bytes] = deque(maxlen=20)
        self._error_reader = threading.Thread(
            target=_read_error_output, args=(self._process.stderr, self._error_output), daemon=True
        )
        self._error_reader.start()

    def lines(self, seconds: float) -> Iterator[bytes]:
        """The complete lines that have arrived; stops soon after the caller has spent `seconds` on them."""
        deadline = time.perf_counter() + seconds
        self.behind = False
        self._finish_command()
        while not self._output_ended and time.perf_counter() < deadline:
            try:
                chunk = os.read(self._pipe, _CHUNK)
            except BlockingIOError:
                self._output_ended = self._is_silent()
                # A line longer than PIPE_BUF is not written atomically: the rest of it is still on its way.
                if self._output_ended or len(self._partial_line) < select.PIPE_BUF:
                    return
                select.select([self._pipe], [], [], max(0.0, deadline - time.perf_counter()))
                continue
            self._output_ended = not chunk
            if self._output_ended:
                return
            # The pipe was full, so the engine is waiting to write more.
            self.behind |= len(chunk) == _CHUNK
            yield from self._complete_lines(chunk)

    def _complete_lines(self, chunk: bytes) -> list[bytes]:
        """The lines that end in this chunk. A line that is too long is cut off, and the rest of it is dropped."""
        if b"\n" in chunk:
            self._silent_since = None
            *lines, rest = b"".join((self._partial_line, chunk)).split(b"\n")
            self._partial_line = bytearray(rest)
            dropped, self._dropping = self._dropping, False
            return lines[dropped:]
        if not self._dropping:
            # Appended in place, so that a long line is split only once, at its end.
            self._partial_line += chunk
        if len(self._partial_line) <= LONGEST_LINE:
            return []
        cut, self._partial_line, self._dropping = bytes(self._partial_line), bytearray(), True
        return [cut]

    def _is_silent(self) -> bool:
        """Whether the process is gone and writes no more. A child of it may keep the pipe open for a long time."""
        if self._silent_since is None and self._process.poll() is not None:
            self._silent_since = time.perf_counter()
        return self._silent_since is not None and time.perf_counter() - self._silent_since > _SILENCE

    def send(self, command: AnyCommand) -> bool:
        """Send a command. False, with nothing sent, if the engine is gone or is not reading."""
        if not self._finish_command():
            return False
        line = self._unwritten = encode(command) + b"\n"
        self._finish_command()
        if self._unwritten == line:
            self._unwritten = b""
            return False
        return True

    def _finish_command(self) -> bool:
        """Write the rest of the last command, as far as the pipe has room; return whether all of it is written."""
        assert self._process.stdin
        try:
            while self._unwritten:
                self._unwritten = self._unwritten[os.write(self._process.stdin.fileno(), self._unwritten) :]
        except (OSError, ValueError):
            return False
        return True

    @property
    def exit_code(self) -> int | None:
        """The exit code (negative: the signal), None while the engine runs or more output may come."""
        return self._process.poll() if self._output_ended else None

    @property
    def partial_line(self) -> bytes:
        """The unfinished last line of the engine's output."""
        return bytes(self._partial_line)

    @property
    def last_error_line(self) -> str:
        """The last line of the engine's standard error that is not blank."""
        if self._process.poll() is not None:
            self._error_reader.join(_STDERR_TIMEOUT)
        text = b"".join(self._error_output).decode(errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""

    def request_stop(self) -> None:
        """Send Stop without waiting for the engine to end."""
        self.send(Stop())

    def stop(self, seconds: float = 1.5) -> list[bytes]:
        """End the engine: send Stop, then SIGTERM, then SIGKILL. Returns its last lines once the process is gone."""
        self.send(Stop())
        assert self._process.stdin
        with contextlib.suppress(OSError, ValueError):
            self._process.stdin.close()
        lines: list[bytes] = []
        for signal_process in (None, self._process.terminate, self._process.kill):
            if signal_process:
                signal_process()
            deadline = time.perf_counter() + seconds / 2
            # A full pipe would keep the process from ending, so its output is read until it is gone.
            while not self._output_ended and (remaining := deadline - time.perf_counter()) > 0:
                select.select([self._pipe], [], [], remaining)
                lines += self.lines(remaining)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(max(0.0, deadline - time.perf_counter()))
                break
        self._process.wait()
        self._close()
        return lines

    def _close(self) -> None:
        """Close its output. A child of the engine may still hold the other end."""
        self._output_ended = True
        assert self._process.stdout
        self._process.stdout.close()


def _read_error_output(pipe: IO[bytes], chunks: deque[bytes]) -> None:
    with pipe:
        while chunk := os.read(pipe.fileno(), _CHUNK):
            chunks.append(chunk)
