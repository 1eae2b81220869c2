"""The command line: what it refuses, and how it says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import program
import pytest

from clipwatch.tui.cli.main import main

DIGITS = ["--no-ui", "--dataset", "digits"]


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code and the one line of a refusal."""
    try:
        code = main([*arguments])
    except SystemExit as leaving:
        code = int(str(leaving.code))
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("clipwatch: ")
    return code, line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nonsense"], "--nonsense"),
        (["--iter", "5"], "--iter"),
        (["surprise"], "unknown command 'surprise'; the commands are sweep, runs"),
        (["--two\nlines"], "--two lines"),
        (["--config", "two\nlines"], "two lines"),
        (["--seed"], "--seed"),
        (["--seed", "1\n2"], "not a whole number"),
        (["--dataset", "mnits"], "did you mean 'mnist'"),
        (["--clip", "value:"], "value:"),
        (["--clip", "value:abc"], "abc"),
        (["--clip", "value:2:1"], "value:2:1"),
        (["--clip", "value:nan"], "finite"),
        (["--clip", "median:3"], "not a rule"),
        (["--iterations", "many"], "'many' is not a whole number"),
        (["--iterations", "1.5"], "'1.5' is not a whole number"),
        (["--batch-size", "0"], "batch-size 0"),
        (["--learning-rate", "much"], "'much' is not a number"),
        (["--pace", "slow"], "'slow' is not a number"),
        (["--charts", "loss,acuracy"], "there is no chart 'acuracy'; did you mean accuracy?"),
        (["--charts", "norm"], "did you mean grad-norm?"),
        (["--charts", "xx"], "the charts are loss, accuracy, grad-norm, "),
        (["--charts", ""], "there is no chart ''"),
        (["--charts", "loss,cosine,loss"], "loss appears twice"),
        (["--charts", "loss,accuracy,clipped,cosine,distance,dead-units,step-size"], "7 charts; name at most 6"),
        (["replay", "last", "--charts", "Loss"], "did you mean loss?"),
        (["sweep", "--charts", "loss"], "--charts has no effect in a sweep"),
        (["--config", "nowhere.toml"], "nowhere.toml"),
        ([*DIGITS, "--batch-size", "1498"], "batch-size 1498: digits has only 1,497 images"),
        ([*DIGITS, "--eval-size", "301"], "eval-size 301: digits has only 300 images"),
        ([*DIGITS, "--device", "warp"], "device 'warp'"),
        ([*DIGITS, "--device", "cuda:99"], "device 'cuda:99'"),
        (["--no-ui", "--dataset", "mnist", "--data-dir", "/nowhere/at/all"], "/nowhere/at/all"),
        (["--no-ui", "--dataset", "mnist"], "mnist"),
        (["--web", "0"], "--web 0"),
        (["runs", "--runs-dir", __file__], "Not a directory"),
        (["report", "last", "-o", "a.pdf"], "report: a.pdf: unknown format; use a name that ends in .html or .md"),
        ([], "--no-ui"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEXTUAL_DRIVER", raising=False)
    code, line = refused(capsys, *arguments)
    assert code == 2
    assert words in line


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--no-ui", "--clip", "value:", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_print_config_prints_what_would_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "run.toml"
    file.write_text('seed = 3\n[lanes]\na = "value:1e-2"\n', encoding="utf-8")
    assert main(["--no-ui", "--config", str(file), "--iterations", "5", "--print-config"]) == 0
    printed = tomllib.loads(capsys.readouterr().out)
    assert (printed["seed"], printed["iterations"], printed["pace"]) == (3, 5, "max")
    assert printed["lanes"] == {"a": "value:0.01"}


@pytest.mark.parametrize(
    ("options", "pace"),
    [
        ([], 40.0),
        (["--quit-when-done"], 40.0),
        (["--web"], 40.0),
        (["--no-ui"], "max"),
        (["--json"], "max"),
        (["--control"], "max"),
        (["--pace", "max"], "max"),
        (["--pace", "7"], 7.0),
        (["--no-ui", "--pace", "7"], 7.0),
        (["--config", "slow.toml"], 3),
        (["--config", "slow.toml", "--pace", "max"], "max"),
    ],
)
def test_a_run_that_is_watched_has_a_speed_limit_unless_the_user_sets_one(
    options: list[str], pace: float | str, tmp_path: Path
) -> None:
    (tmp_path / "slow.toml").write_text("pace = 3")
    done = program.call(*options, "--print-config", cwd=tmp_path)
    assert tomllib.loads(done.stdout)["pace"] == pace


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_need_neither_torch_nor_numpy_nor_a_screen(flag: str) -> None:
    code = (
        "import sys\nfrom clipwatch.tui.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as leaving:\n    assert leaving.code == 0\n"
        "heavy = {'torch', 'torchvision', 'numpy', 'rich', 'textual', 'plotext', 'shtab'} & sys.modules.keys()\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, flag], capture_output=True, text=True, check=True)
    assert "clipwatch" in done.stdout


def test_on_windows_it_says_in_one_line_that_it_does_not_run_there() -> None:
    code = (
        "import sys\nsys.platform = 'win32'\nsys.modules.update(dict.fromkeys(['fcntl', 'termios', 'tty']))\n"
        "from clipwatch.tui.start import main\nsys.exit(main())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=program.DEADLINE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "clipwatch: Windows is not supported; run clipwatch on Linux, on macOS or in WSL\n"


def test_a_fault_in_the_program_has_code_1_and_one_line() -> None:
    # A torch that cannot be imported stands for any fault outside the user's input.
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom clipwatch.tui.cli.main import main\n"
        "sys.exit(main(['--no-ui', '--dataset', 'digits']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=program.DEADLINE)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("clipwatch: torch cannot be imported")
    assert "pip install --force-reinstall torch torchvision" in line


def test_a_run_leaves_no_thread_and_no_handler_behind(capsys: pytest.CaptureFixture[str]) -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    threads = set(threading.enumerate())
    assert main([*DIGITS, "--iterations", "5"]) == 0
    assert not [thread.name for thread in set(threading.enumerate()) - threads if thread.name.startswith("clipwatch")]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert capsys.readouterr().out.startswith("Start Training...\n")


def through_shell(redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *program.COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=program.DEADLINE,
    )


@pytest.mark.parametrize(("redirection", "code"), [(">/dev/full", 1), (">&-", 2)])
@pytest.mark.parametrize("arguments", ["--no-ui --print-config", "--help", "sweep --help", "--version"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written_is_one_line(
    redirection: str, code: int, arguments: str, unbuffered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    done = through_shell(redirection, *arguments.split())
    assert done.returncode == code
    (line,) = done.stderr.splitlines()
    assert line.startswith("clipwatch: ")


def test_help_that_nobody_reads_is_no_fault() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*program.COMMAND, "--help"], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 141


def test_a_closed_standard_input_holds_no_commands() -> None:
    done = through_shell("<&-", *DIGITS, "--iterations", "5", "--control")
    assert done.returncode == 0
    assert done.stderr == ""
    assert "steps/s" in done.stdout
