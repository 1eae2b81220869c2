"""`clipwatch --no-ui` as a process: what it prints, obeys, and survives."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import program
import pytest

from clipwatch.core.stream.codec import decode_event
from clipwatch.core.stream.events import (
    ClipChanged,
    Evaluated,
    Event,
    LaneExtended,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStepped,
    Notice,
    PaceChanged,
    RunFinished,
    RunStarted,
)
from clipwatch.tui.cli.main import main
from clipwatch.tui.headless.console import ConsoleSink

SHORT = ["--no-ui", "--dataset", "digits", "--iterations", "30"]
LONG = ["--no-ui", "--dataset", "digits", "--iterations", "1000000", "--pace", "200"]
LINE = re.compile(r"\[(unclipped|clipped)\] +Step: (\d+) validation accuracy: [\d.]+ loss: [\d.]+$")


@pytest.fixture(scope="module")
def short() -> subprocess.CompletedProcess[str]:
    return program.run(*SHORT)


def training_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("[")]


def test_a_run_prints_the_assignments_lines_in_order_and_a_summary(short: subprocess.CompletedProcess[str]) -> None:
    assert short.returncode == 0
    assert short.stderr == ""
    assert short.stdout.splitlines()[0] == "Start Training..."
    seen = [LINE.match(line) for line in training_lines(short.stdout)]
    expected = [(lane, str(step)) for step in (0, 10, 20) for lane in ("unclipped", "clipped")]
    assert [match.groups() for match in seen if match] == expected
    for words in ("last 100 images", "all 300 (95 %)", "steps/s", "value:0.001"):
        assert words in short.stdout
    assert "\x1b" not in short.stdout


def test_two_runs_with_one_seed_print_the_same_bytes(short: subprocess.CompletedProcess[str]) -> None:
    again = program.call(*SHORT, "--pace", "400")
    assert training_lines(again.stdout) == training_lines(short.stdout)
    other = program.call(*SHORT, "--seed", "1")
    assert training_lines(other.stdout) != training_lines(short.stdout)


def test_auto_without_network_says_which_data_it_uses_and_why() -> None:
    done = program.call("--no-ui", "--iterations", "1")
    assert done.returncode == 0
    assert "using the embedded digits" in done.stderr
    assert "offline" in done.stderr
    assert "digits" in done.stdout


def events_in(text: str) -> list[Event]:
    return [decode_event(line) for line in text.splitlines()]


def test_json_prints_the_stream_and_nothing_else() -> None:
    done = program.call(*SHORT, "--json")
    events = events_in(done.stdout)
    assert isinstance(events[-1], RunFinished)
    assert sum(isinstance(event, RunStarted) for event in events) == 1
    assert sum(isinstance(event, Evaluated) for event in events) == 6
    assert done.stderr == ""


def test_control_obeys_and_answers_with_steps() -> None:
    commands = """
        {"command":"SetClip","lane":"clipped","rule":"none","at_step":7}
        {"command":"SetPace","pace":1000,"lane":"clipped","at_step":9}
        {"command":"StepOnce","count":2,"lane":"clipped","at_step":11}
        {"command":"Resume","lane":"clipped","at_step":13}
        {"command":"Extend","iterations":5,"lane":"clipped","at_step":20}
    """
    done = program.call(*SHORT, "--json", "--control", input=commands)
    assert done.returncode == 0
    told = [(type(event), event.step) for event in events_in(done.stdout) if getattr(event, "lane", "") == "clipped"]
    for answer in [(ClipChanged, 7), (PaceChanged, 9), (LaneStepped, 11), (LanePaused, 13), (LaneResumed, 13)]:
        assert answer in told
    assert (LaneExtended, 20) in told
    assert (LaneFinished, 35) in told


GARBAGE = [
    b"\xff\xfe",
    b'{"command":',
    b'{"command":"Dance"}',
    b"null",
    b"[1]",
    b"1e999",
    b'{"command":"SetClip","rule":"x"}',
    b'["',
    b"[" * 100_000,
    b'{"command":"Extend","iterations":' + b"9" * 40 + b"}",
]


def test_garbage_on_standard_input_is_told_and_the_run_goes_on() -> None:
    unknown = b'{"command":"Pause","lane":"nobody"}'
    done = program.call(*SHORT, "--json", "--control", input=b"\n".join([*GARBAGE, b"", unknown, b'{"command":"Pa']))
    events = events_in(done.stdout)
    notices = [event.text for event in events if isinstance(event, Notice)]
    assert sum("not understood" in text for text in notices) == len(GARBAGE) + 1
    assert any("'nobody'" in text for text in notices)
    assert all(len(text.splitlines()) == 1 for text in notices)
    assert done.returncode == 0
    assert sum(isinstance(event, Evaluated) for event in events) == 6


def test_a_held_run_waits_for_more_until_it_is_stopped() -> None:
    with program.running(*SHORT, "--json", "--control") as process:
        assert process.stdin
        for expected in (30, 40):
            for _ in range(2):
                event = decode_event(program.line_with(process.stdout, '"LaneFinished"'))
                assert isinstance(event, LaneFinished)
                assert event.step == expected
            process.stdin.write('{"command":"Extend","iterations":10}\n' if expected == 30 else '{"command":"Stop"}\n')
            process.stdin.flush()
        assert process.wait(program.DEADLINE) == 0


def test_an_engine_whose_master_died_ends() -> None:
    # It evaluates too seldom to find out by writing.
    with program.running(*LONG, "--eval-every", "1000000", "--json", "--control") as process:
        for _ in range(2):
            program.line_with(process.stdout, '"Evaluated"')
        assert process.stdin
        assert process.stdout
        process.stdin.close()
        process.stdout.close()
        assert process.wait(program.DEADLINE) == 141


def test_a_run_that_waits_ends_when_no_more_commands_can_come() -> None:
    done = program.call(*LONG, "--json", "--control", input='{"command":"Pause","at_step":5}\n')
    events = events_in(done.stdout)
    assert [event.step for event in events if isinstance(event, LanePaused)] == [5, 5]
    assert [event.step for event in events if isinstance(event, LaneFinished)] == [5, 5]
    assert done.returncode == 0


def test_a_summary_that_nobody_reads_is_no_fault() -> None:
    with program.running(*SHORT, "--quiet") as process:
        assert process.stdout
        process.stdout.close()
        assert process.wait(program.DEADLINE) == 141
        assert process.stderr
        assert process.stderr.read() == ""


def test_a_reader_that_leaves_is_no_fault() -> None:
    with program.running(*LONG) as process:
        assert process.stdout
        for _ in range(3):
            process.stdout.readline()
        process.stdout.close()
        assert process.wait(program.DEADLINE) == 141
        assert process.stderr
        assert process.stderr.read() == ""


@pytest.mark.skipif(not hasattr(select, "poll"), reason="needs poll to see that nobody reads")
def test_an_engine_that_waits_for_commands_ends_when_nobody_reads() -> None:
    with program.running(*LONG, "--json", "--control") as process:
        assert process.stdin
        assert process.stdout
        program.line_with(process.stdout, '"Evaluated"')
        process.stdin.write('{"command":"Pause"}\n')
        process.stdin.flush()
        for _ in range(2):
            program.line_with(process.stdout, '"LanePaused"')
        process.stdout.close()
        assert process.wait(program.DEADLINE) == 141


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_ends_the_run_in_good_order_with_the_summary(
    number: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def receive(sink: ConsoleSink, event: Event) -> None:
        if isinstance(event, Evaluated) and event.step == 10:
            signal.raise_signal(number)
        printed(sink, event)

    printed = ConsoleSink.receive
    monkeypatch.setattr(ConsoleSink, "receive", receive)
    done = program.call(*LONG)
    assert done.returncode == code
    assert "stopped" in done.stdout
    assert "steps/s" in done.stdout
    assert done.stderr == ""


def test_a_second_signal_ends_it_at_once() -> None:
    with program.running(*LONG) as process:
        program.line_with(process.stdout, "Step: 10 ")
        process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=program.DEADLINE)
        assert process.returncode in (130, 143)
        assert "steps/s" not in out
        assert err == ""


def test_interrupted_again_and_again_it_ends_at_once() -> None:
    with program.running(*LONG, "--json") as process:
        program.line_with(process.stdout, '"loading torch"')
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.05)
        out, err = process.communicate()
        assert process.returncode == 130
        # In good order it would have ended with the end of the run, once torch had been loaded.
        assert out == ""
        assert err == ""


def test_a_signal_while_preparing_ends_the_run() -> None:
    with program.running(*LONG, "--json") as process:
        program.line_with(process.stdout, '"loading torch"')
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=program.DEADLINE)
        assert process.returncode == 130
        events = events_in(out)
        assert isinstance(events[-1], RunFinished)
        assert events[-1].reason == "stopped"


def test_on_a_terminal_lanes_are_coloured_and_without_wish_not(tmp_path: Path) -> None:
    shutil.copy(Path(__file__).parent / "schemas" / "1.jsonl", tmp_path / "events.jsonl")

    def output(**environment: str) -> str:
        ours, theirs = pty.openpty()
        command = [*program.COMMAND, "replay", str(tmp_path), "--no-ui", "--speed", "max"]
        with subprocess.Popen(
            command, stdout=theirs, env={**os.environ, "TERM": "xterm-256color", **environment}
        ) as child:
            os.close(theirs)
            seen = b""
            try:
                while chunk := os.read(ours, 4096):
                    seen += chunk
            except OSError:
                pass  # Linux says so when the other end is closed.
            os.close(ours)
            assert child.wait(program.DEADLINE) == 0
        return seen.decode()

    assert "\x1b[36m[unclipped]\x1b[0m" in output()
    assert "\x1b[36m" in output(NO_COLOR="", FORCE_COLOR="")
    assert "\x1b[3" not in output(NO_COLOR="1")


@pytest.mark.skipif("CLIPWATCH_TEST_MNIST" not in os.environ, reason="CLIPWATCH_TEST_MNIST names no folder with MNIST")
def test_real_mnist_trains() -> None:
    done = program.call(
        "--no-ui", "--iterations", "200", "--head", "linear", "--data-dir", os.environ["CLIPWATCH_TEST_MNIST"]
    )
    assert done.stderr == ""
    assert "mnist, seed 0" in done.stdout
    accuracies = [float(line.split("accuracy: ")[1].split()[0]) for line in training_lines(done.stdout)]
    assert accuracies[0] < 0.3
    # 200 steps of 8 images already tell most digits apart when no class can die.
    assert min(accuracies[-6:]) > 0.6


@pytest.mark.parametrize("headless", ["--no-ui", "--json", "--control"])
def test_an_engine_command_is_refused_rather_than_ignored(headless: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([headless, "--engine-command", "an engine"]) == 2
    assert "--engine-command works only with the screen" in capsys.readouterr().err
