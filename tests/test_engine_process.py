"""An engine at the far end of a pipe: what it says, what it is told, and however it ends."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clipwatch.core.errors import BadInput
from clipwatch.core.stream.codec import LONGEST_LINE, decode_command, decode_event, encode
from clipwatch.core.stream.commands import AnyCommand, Pause, SetClip, Stop
from clipwatch.core.stream.events import Event, LanePaused, Notice, RunFinished, RunStarted
from clipwatch.tui.engine_child.process import EngineProcess

SCRIPT = Path(__file__).with_name("scripted_engine.py")
DEADLINE = 20.0


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


class Talk:
    """An engine process, and every line that it has said so far."""

    def __init__(self, process: EngineProcess) -> None:
        self.process = process
        self.lines: list[bytes] = []

    @property
    def events(self) -> list[Event]:
        self.lines += self.process.lines(1.0)
        return [decode_event(line) for line in self.lines]

    def wait_for(self, kind: type[Event]) -> Event:
        until(lambda: any(isinstance(event, kind) for event in self.events))
        return next(event for event in self.events if isinstance(event, kind))


@contextmanager
def talking(*arguments: str) -> Iterator[Talk]:
    process = EngineProcess([sys.executable, str(SCRIPT), *arguments])
    try:
        yield Talk(process)
    finally:
        process.stop()


@contextmanager
def running(*command: str) -> Iterator[EngineProcess]:
    process = EngineProcess(command)
    try:
        yield process
    finally:
        process.stop()


def has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_events_come_and_commands_go(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    with talking("normal", "--heard", str(heard)) as talk:
        assert isinstance(talk.wait_for(RunStarted), RunStarted)
        assert talk.process.send(Pause())
        assert isinstance(talk.wait_for(LanePaused), LanePaused)
        assert talk.process.exit_code is None
    assert [decode_command(line) for line in heard.read_bytes().splitlines()] == [Pause(), Stop()]


def test_stopping_gives_what_the_engine_still_said() -> None:
    with talking("normal") as talk:
        talk.wait_for(RunStarted)
        rest = list(talk.process.stop())
        assert isinstance(decode_event(rest[-1]), RunFinished)
        assert talk.process.exit_code == 0


def test_an_engine_that_does_not_obey_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with talking("stubborn", "--pid", str(pid)) as talk:
        talk.wait_for(RunStarted)
        before = time.monotonic()
        talk.process.stop(0.3)
        assert time.monotonic() - before < 5
        assert talk.process.exit_code == -signal.SIGKILL
    assert has_ended(int(pid.read_text()))


def test_an_engine_that_hears_nothing_is_terminated() -> None:
    with running(sys.executable, "-c", "import time; time.sleep(60)") as process:
        process.stop(0.3)
        assert process.exit_code == -signal.SIGTERM


def test_half_a_line_waits_for_its_rest() -> None:
    with talking("slow") as talk:
        until(lambda: talk.events and talk.process.partial_line.endswith(b"the other"))
        assert not any(isinstance(event, Notice) for event in talk.events)
        talk.process.send(Pause())
        notice = talk.wait_for(Notice)
        assert isinstance(notice, Notice)
        assert notice.text == "the other half"


def test_half_a_line_at_the_end_is_known() -> None:
    with talking("half") as talk:
        until(lambda: talk.events and talk.process.exit_code is not None)
        assert talk.process.partial_line.endswith(b'"text":"the other')


def test_the_exit_code_waits_until_everything_is_read() -> None:
    with talking("half", "--evaluations", "100") as talk:
        until(lambda: talk.process._process.poll() is not None)
        assert talk.process.exit_code is None
        until(lambda: talk.events and talk.process.exit_code is not None)
        assert len(talk.lines) > 200


def test_a_killed_engine_is_gone_by_that_signal(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    with talking("normal", "--pid", str(pid)) as talk:
        talk.wait_for(RunStarted)
        os.kill(int(pid.read_text()), signal.SIGKILL)
        until(lambda: talk.events and talk.process.exit_code is not None)
        assert talk.process.exit_code == -signal.SIGKILL
        assert not talk.process.send(Pause())


def test_the_last_error_line_is_the_last_one_that_is_not_blank() -> None:
    with talking("dies") as talk:
        until(lambda: not talk.events and talk.process.exit_code is not None)
        assert talk.process.exit_code == 3
        assert talk.process.last_error_line == "clipwatch: no such luck"


def test_an_engine_that_does_not_read_holds_nobody_up() -> None:
    with running(sys.executable, "-c", "import time; time.sleep(60)") as process:
        command = SetClip(lane="clipped", rule="value:0.001")
        before = time.monotonic()
        assert not all(process.send(command) for _ in range(5000))
        assert time.monotonic() - before < DEADLINE
        process.stop(0.2)


def test_an_engine_that_talks_without_end_is_listened_to_for_no_longer_than_asked() -> None:
    endless = "import sys\nwhile True: sys.stdout.write('{}\\n' * 10000)"
    with running(sys.executable, "-c", endless) as process:
        until(lambda: list(process.lines(0.02)))
        before = time.monotonic()
        list(process.lines(0.02))
        assert time.monotonic() - before < 2
        process.stop(0.4)


def test_an_engine_that_says_no_more_but_lives_on_is_stopped() -> None:
    with running(sys.executable, "-c", "import os, time; os.close(1); time.sleep(60)") as process:
        before = time.monotonic()
        process.stop(0.3)
        assert time.monotonic() - before < 5
        assert process.exit_code == -signal.SIGTERM


@pytest.mark.parametrize("command", [["no-such-program-anywhere"], [str(SCRIPT.parent)]])
def test_a_program_that_cannot_be_started_is_named(command: list[str]) -> None:
    with pytest.raises(BadInput, match=r"the engine cannot be started: .+: \w+"):
        EngineProcess(command)


def test_stopping_twice_is_no_harm() -> None:
    with talking("normal") as talk:
        talk.process.stop()


@contextmanager
def outlived(script: str) -> Iterator[EngineProcess]:
    """An engine in a shell of which something lives on."""
    with running("sh", "-c", script) as process:
        try:
            yield process
        finally:
            os.killpg(process._process.pid, signal.SIGKILL)


def test_an_engine_has_ended_though_its_child_holds_the_pipe() -> None:
    with outlived("sleep 60 & echo no such host >&2; exit 255") as process:
        until(lambda: not list(process.lines(0.02)) and process.exit_code is not None)
        assert (process.exit_code, process.last_error_line) == (255, "no such host")


def test_what_an_engines_child_still_says_is_heard() -> None:
    said: list[bytes] = []
    with outlived("(for line in 1 2 3 4 5; do sleep 0.2; echo $line; done; printf 6; sleep 60) & exit 3") as process:
        until(lambda: said.extend(process.lines(0.02)) or process.exit_code is not None)
        assert (process.exit_code, said, process.partial_line) == (3, [b"1", b"2", b"3", b"4", b"5"], b"6")


def test_a_line_without_end_is_cut_and_its_rest_dropped() -> None:
    endless = f"[sys.stdout.write('x' * {LONGEST_LINE // 2}) for _ in range(5)]"
    lines: list[bytes] = []
    with running(sys.executable, "-c", f"import sys; {endless}; print('\\n{{}}')") as process:
        until(lambda: lines.extend(process.lines(0.1)) or process.exit_code is not None)
    cut, after = lines
    assert LONGEST_LINE < len(cut) < LONGEST_LINE + (1 << 20)
    assert after == b"{}"
    with pytest.raises(BadInput, match="longer than 64 MiB: 'xxx"):
        decode_event(cut)


@pytest.mark.parametrize("length", [1, 1000, 50_000, 200_000])
def test_a_command_comes_whole_or_not_at_all(length: int) -> None:
    deaf = "import os, signal, sys; os.kill(os.getpid(), signal.SIGSTOP); [print(end=line) for line in sys.stdin]"
    commands: list[AnyCommand] = [SetClip(lane="x" * (length + number % 7), rule="none") for number in range(2400)]
    with running(sys.executable, "-u", "-c", deaf) as process:
        os.waitpid(process._process.pid, os.WUNTRACED)
        taken = [encode(command) for command in commands if process.send(command)]
        assert 0 < len(taken) < len(commands)
        process._process.send_signal(signal.SIGCONT)
        heard: list[bytes] = []
        until(lambda: heard.extend(process.lines(0.02)) or len(heard) == len(taken))
        assert process.send(Pause())
        until(lambda: heard.extend(process.lines(0.02)) or len(heard) > len(taken))
        assert heard == [*taken, encode(Pause())]
