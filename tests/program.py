"""Starting the real program, and waiting for what it says."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = [sys.executable, "-m", "clipwatch.tui.cli.main"]
DEADLINE = 60.0


def run(
    *arguments: str, input: str | bytes = "", cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """The program from beginning to end, started in `cwd`; bytes of input need not be text."""
    given = input if isinstance(input, bytes) else input.encode()
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=given,
        capture_output=True,
        timeout=DEADLINE,
        cwd=cwd,
        env={**os.environ, **environment},
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The program under way, killed at the end and after a deadline, so that no test can hang."""
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    watchdog = threading.Timer(DEADLINE, process.kill)
    watchdog.start()
    try:
        yield process
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def line_with(stream: object, words: str) -> str:
    """The next line of a stream that has these words."""
    for line in stream:  # type: ignore[attr-defined]
        if words in line:
            return line
    raise AssertionError(f"the program ended without {words!r}")
