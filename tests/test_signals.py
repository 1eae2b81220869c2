"""Signals of runs and sweeps without a screen, and ends that nobody asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import program
import pytest

from clipwatch.tui import signals
from clipwatch.tui.signals import ending_signals

DIGITS = ["--no-ui", "--dataset", "digits"]
RUN = [*DIGITS, "--no-record", "--iterations", "1000000", "--pace", "200"]
SWEEP = ["sweep", *DIGITS, "--workers", "1", "--seeds", "400", "--iterations", "60", "--yes"]


class Ended(Exception):
    """The program would have ended here."""


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        raise Ended

    monkeypatch.setattr(signals.os, "_exit", end)
    return codes


def test_the_first_stops_and_another_ends_at_once(codes: list[int]) -> None:
    stopped: list[int] = []
    restored: list[bool] = []
    before = signal.getsignal(signal.SIGTERM)
    with ending_signals(stopped.append, lambda: restored.append(True)) as caught:
        signal.raise_signal(signal.SIGTERM)
        # The same at once is the same one: `timeout` tells the process and its group.
        signal.raise_signal(signal.SIGTERM)
        assert (stopped, codes) == ([signal.SIGTERM], [])
        with pytest.raises(Ended):
            signal.raise_signal(signal.SIGHUP)
    assert caught == [signal.SIGTERM]
    assert codes == [128 + signal.SIGHUP]
    assert restored == [True]
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_same_signal_again_ends_at_once_after_a_while(codes: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((0.0, 1.0))
    monkeypatch.setattr(signals.time, "monotonic", lambda: next(times))
    with ending_signals(lambda _: None):
        signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Ended):
            signal.raise_signal(signal.SIGTERM)


def test_ctrl_c_while_the_interpreter_shuts_down_prints_no_traceback() -> None:
    program_that_shuts_down_slowly = (
        "import atexit, signal, sys\n"
        "import clipwatch.tui.cli.main as cli\n"
        "from clipwatch.tui.start import main\n"
        "cli.main = lambda: 0\n"
        "atexit.register(signal.raise_signal, signal.SIGINT)\n"
        "sys.exit(main())\n"
    )
    command = [sys.executable, "-c", program_that_shuts_down_slowly]
    done = subprocess.run(command, capture_output=True, text=True, timeout=program.DEADLINE)
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""


@contextmanager
def started(*arguments: str, ignoring: str = "") -> Iterator[subprocess.Popen[str]]:
    """The program in a session of its own, with a signal ignored from the start."""
    shell = f"trap '' {ignoring}; exec \"$@\"" if ignoring else 'exec "$@"'
    with subprocess.Popen(
        ["sh", "-c", shell, "sh", *program.COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_what_was_ignored_when_it_began_stays_ignored(number: int) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with ending_signals(lambda _: None):
            assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_a_run_goes_on_where_a_closed_terminal_was_ignored_from_the_start() -> None:
    with started(*RUN, ignoring="HUP") as process:
        program.line_with(process.stdout, "Step: 10 ")
        os.killpg(process.pid, signal.SIGHUP)
        program.line_with(process.stdout, "Step: 50 ")
        process.terminate()
        out, err = process.communicate(timeout=program.DEADLINE)
        assert process.returncode == 143
        assert "stopped" in out
        assert err == ""


def test_a_closed_terminal_ends_a_sweep_with_its_summary(tmp_path: Path) -> None:
    with started(*SWEEP, "--runs-dir", str(tmp_path)) as process:
        program.line_with(process.stderr, "done")
        # The system tells all processes in the foreground, and the shell tells them once more.
        for _ in range(2):
            os.killpg(process.pid, signal.SIGHUP)
        out, err = process.communicate(timeout=program.DEADLINE)
        assert process.returncode == 129
        assert ", stopped" in out
        assert "Traceback" not in err
        assert "died" not in err


def test_an_error_while_lanes_train_is_the_last_word() -> None:
    failing = (
        "from clipwatch.core.stream.config import RunConfig\n"
        "from clipwatch.core.engine.engine import Engine\n"
        "from clipwatch.core.stream.events import Evaluated\n"
        "events = Engine(RunConfig(settings={'dataset': 'digits'}, iterations=1000000)).run()\n"
        "for event in events:\n"
        "    if isinstance(event, Evaluated): raise RuntimeError('no such luck')\n"
    )
    done = subprocess.run([sys.executable, "-c", failing], capture_output=True, text=True, timeout=program.DEADLINE)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "RuntimeError: no such luck"
