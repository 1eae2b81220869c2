"""The real program, in a process of its own or in this one, and waiting for what it says."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from clipwatch.tui.cli.main import main

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


def call(
    *arguments: str, input: str | bytes = "", cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """As `run`, but in this process, which has loaded torch: where no start and no end of a process is tested."""
    with ExitStack() as stack:
        out, err = (stack.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline="")) for _ in range(2))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in environment.items():
            patch.setenv(name, value)
        if cwd:
            patch.chdir(cwd)
        given = input if isinstance(input, bytes) else input.encode()
        with _standard_streams(given), redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(list(arguments))
            except SystemExit as end:
                code = end.code
        said = [stream.seek(0) or stream.read() for stream in (out, err)]
    return subprocess.CompletedProcess(arguments, code, *said)


@contextmanager
def _standard_streams(given: bytes) -> Iterator[None]:
    """The descriptors that `--control` listens to: 0 with the input, and 1 with a reader who leaves at the end."""
    before = [os.dup(number) for number in (0, 1)]
    reader, writer = os.pipe()
    with tempfile.TemporaryFile() as source:
        source.write(given)
        source.seek(0)
        os.dup2(source.fileno(), 0)
    os.dup2(writer, 1)
    os.close(writer)
    try:
        yield
    finally:
        os.close(reader)
        for number, descriptor in enumerate(before):
            os.dup2(descriptor, number)
            os.close(descriptor)


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
