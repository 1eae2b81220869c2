"""An engine at the far end of a pipe: spawn it, speak to it, notice its death."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence

from ..core.codec import encode
from ..core.commands import AnyCommand, Stop
from ..core.config import RunConfig

_CHUNK = 1 << 16
# Unread output in chunks; a reader that falls this far behind leaves the rest in the pipe, and the engine queues it.
_BACKLOG = 256


def local_engine(config: RunConfig) -> list[str]:
    """The command that runs this configuration on this machine."""
    return [sys.executable, "-m", "clipwatch.tui.cli", "--no-ui", "--json", "--control", *config_arguments(config)]


def config_arguments(config: RunConfig) -> list[str]:
    """A configuration as command-line options."""
    arguments = [] if config.data_dir is None else ["--data-dir", config.data_dir]
    arguments += ["--offline"] if config.offline else []
    for lane in config.lanes:
        arguments += ["--lane", f"{lane.name}={lane.rule}"]
    for name in config.__struct_fields__:
        if name not in ("data_dir", "offline", "lanes", "pace"):
            arguments += [f"--{name.replace('_', '-')}", str(getattr(config, name))]
    return [*arguments, "--pace", "max" if config.pace is None else repr(config.pace)]


class EngineProcess:
    """Speaks the event stream with a child process; never blocks the caller."""

    def __init__(self, command: Sequence[str]) -> None:
        # A session of its own keeps the terminal's signals away from it: the screen decides when it stops.
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        os.set_blocking(self._process.stdin.fileno(), False)
        self._chunks: queue.Queue[bytes] = queue.Queue(_BACKLOG)
        self._rest = b""
        self._last_words: deque[bytes] = deque(maxlen=20)
        self._readers = [
            threading.Thread(target=self._read_events, args=(self._process.stdout.fileno(),), daemon=True),
            threading.Thread(target=self._read_messages, args=(self._process.stderr.fileno(),), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def lines(self, seconds: float) -> list[bytes]:
        """The whole lines that have come; at most as many as can be split in `seconds`."""
        deadline, lines = time.perf_counter() + seconds, []
        while not self._chunks.empty() and time.perf_counter() < deadline:
            *whole, self._rest = (self._rest + self._chunks.get()).split(b"\n")
            lines += whole
        return lines

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
        if self._process.poll() is None or not self._chunks.empty() or self._readers[0].is_alive():
            return None
        return self._process.returncode

    @property
    def half_line(self) -> bytes:
        """What the engine had written of a line that it has not ended yet."""
        return self._rest

    @property
    def last_words(self) -> str:
        """The last line on the engine's standard error that says anything."""
        words = [line for line in b"".join(self._last_words).decode(errors="replace").splitlines() if line.strip()]
        return words[-1].strip() if words else ""

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
            while self._readers[0].is_alive() and time.perf_counter() < deadline:
                lines += self.lines(0.05)
                self._readers[0].join(0.005)
            if not self._readers[0].is_alive():
                break
        self._process.wait()
        return lines + self.lines(seconds)

    def _read_events(self, pipe: int) -> None:
        while chunk := os.read(pipe, _CHUNK):
            self._chunks.put(chunk)

    def _read_messages(self, pipe: int) -> None:
        while chunk := os.read(pipe, _CHUNK):
            self._last_words.append(chunk)
