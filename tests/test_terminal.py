"""The program in a terminal, from end to end: few tests, on a pseudoterminal that controls it."""

from __future__ import annotations

import base64
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from virtual_terminal import CLIPWATCH, VirtualTerminal, wait_until

from clipwatch.tui.terminal.capabilities import terminal_size

SCRIPT = Path(__file__).with_name("scripted_engine.py")
DIGITS = ("--dataset", "digits", "--no-record")
ENDLESS = (*DIGITS, "--pace", "max", "--iterations", "1000000")
SIGNALS = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}


@contextmanager
def clipwatch(
    *arguments: str,
    size: tuple[int, int] = (120, 40),
    environment: dict[str, str] | None = None,
    controlling: bool = True,
) -> Iterator[VirtualTerminal]:
    terminal = VirtualTerminal(
        [*CLIPWATCH, *arguments], size=size, environment=environment or {}, controlling=controlling
    )
    try:
        yield terminal
    finally:
        terminal.close()


@contextmanager
def scripted(
    folder: Path, behaviour: str = "normal", *more: str, **options: object
) -> Iterator[tuple[VirtualTerminal, Path]]:
    """clipwatch over the scripted engine; the file that will hold the engine's process id."""
    pid = folder / "pid"
    engine = shlex.join([sys.executable, str(SCRIPT), behaviour, "--pid", str(pid)])
    with clipwatch("--engine-command", engine, *more, **options) as terminal:
        yield terminal, pid


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_within(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(pid)


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to see processes end")


@pytest.mark.parametrize(("told", "drawn"), [((65535, 65535), (1000, 500)), ((0, 0), (80, 24)), ((120, 40), (120, 40))])
def test_no_more_is_drawn_than_a_screen_can_have(
    told: tuple[int, int], drawn: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.get_terminal_size", lambda number: told)
    assert terminal_size() == drawn


def test_it_trains_and_shows_what_the_clip_does() -> None:
    with clipwatch(*DIGITS, "--pace", "40") as terminal:
        terminal.shows("digits", "seed 0", "A   unclipped", "every element within ±0.001")
        terminal.shows("Step: 0 validation accuracy: ", "Step: 10 validation accuracy: ")
        terminal.type("c")
        terminal.shows("clip value:0.001 -> none", "rule changed mid-run: not a clean comparison", "▼")
        terminal.type(" ")
        terminal.shows("paused")
        terminal.type("q")
        terminal.shows("This run is not recorded. Quitting discards it.")
        terminal.type("y")
        assert terminal.ends() == 0
        assert terminal.restored
        # What is said while the engine ends is wiped away when it has.
        assert b"\rclipwatch: ending the run ...\r\x1b[K" in terminal.output
        summary = "\n".join(terminal.lines)
        for words in ("digits, seed 0", "unclipped", "none, changed mid-run", "steps/s", "stopped"):
            assert words in summary
        assert "Traceback" not in summary


def test_text_selected_with_the_mouse_gets_to_the_terminals_clipboard(tmp_path: Path) -> None:
    with scripted(tmp_path) as (terminal, _):
        line = "Step: 200 validation accuracy: 0.2 loss: 2.2 "
        terminal.shows(line)
        row = next(number for number, text in enumerate(terminal.text.splitlines(), 1) if line in text)
        # SGR mouse reports: button 0 pressed, moved (32 more) and released, at a column and a row.
        terminal.type(f"\x1b[<0;2;{row}M\x1b[<32;6;{row}M\x1b[<32;10;{row}M\x1b[<0;10;{row}m")
        terminal.shows("Selected. ctrl+c: copy")
        terminal.type("\x03")
        terminal.shows("Copied the selection: Step: 200")
        assert b"\x1b]52;c;" + base64.b64encode(b"Step: 200") + b"\a" in terminal.output
        terminal.type("\x03")
        terminal.shows("Quitting discards it.")


def test_it_trains_to_the_end_and_quits_when_done() -> None:
    with clipwatch(*DIGITS, "--pace", "max", "--iterations", "60", "--quit-when-done") as terminal:
        assert terminal.ends() == 0
        assert terminal.restored
        summary = "\n".join(terminal.lines)
        assert "60" in summary
        assert "(95 %)" in summary
        assert "stopped" not in summary


def test_a_sweep_of_the_run_follows_in_the_same_terminal(tmp_path: Path) -> None:
    short = ("--iterations", "2", "--eval-every", "1", "--pace", "max", "--runs-dir", str(tmp_path))
    with clipwatch("--dataset", "digits", "--lane", "one=norm:1", *short) as terminal:
        terminal.shows("completed")
        terminal.type("S")
        terminal.shows("Run 32 seeds (0 to 31) of this configuration:", "about ")
        terminal.type("\r")
        terminal.shows("clipwatch sweep", "32 / 32", "q quit")
        terminal.type("q")
        assert terminal.ends() == 0
        assert terminal.restored
        run, sweep = sorted(folder.name for folder in tmp_path.iterdir())
        # Lines of the terminal show only what came last: its second screen has overwritten the run's summary.
        printed = terminal.output.decode(errors="replace")
        places = [printed.rindex(words) for words in (run, "32 of 32 trainings done", sweep)]
        assert places == sorted(places)
        assert "digits, seed 0" in printed


@needs_proc
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: signal.Signals(number).name)
def test_a_signal_ends_it_in_good_order(number: int, tmp_path: Path) -> None:
    with scripted(tmp_path) as (terminal, pid):
        terminal.shows("Step: 200 ")
        terminal.process.send_signal(number)
        assert terminal.ends() == SIGNALS[number]
        assert terminal.restored
        assert b"Traceback" not in terminal.output
        assert gone_within(int(pid.read_text()), 2)


@needs_proc
def test_a_signal_ends_it_with_the_real_engine_too() -> None:
    with clipwatch(*DIGITS) as terminal:
        terminal.shows("Step: 10 validation")
        (engine,) = children(terminal.process.pid)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ends() == 143
        assert terminal.restored
        assert b"Traceback" not in terminal.output
        assert gone_within(engine, 2)


@needs_proc
def test_a_killed_screen_leaves_no_engine_behind() -> None:
    with clipwatch(*DIGITS) as terminal:
        terminal.shows("Step: 10 validation")
        (engine,) = children(terminal.process.pid)
        terminal.process.kill()
        assert gone_within(engine, 2)


@needs_proc
def test_a_closed_window_leaves_nothing_behind(tmp_path: Path) -> None:
    with scripted(tmp_path) as (terminal, pid):
        terminal.shows("Step: 200 ")
        terminal.hang_up()
        assert terminal.process.wait(10) == 129
        assert gone_within(int(pid.read_text()), 2)


@needs_proc
@pytest.mark.parametrize("controlling", [True, False], ids=["controlling", "not controlling"])
def test_a_terminal_that_vanishes_at_full_speed_leaves_nothing_behind(controlling: bool) -> None:
    with clipwatch(*ENDLESS, controlling=controlling) as terminal:
        terminal.shows("Step: 100 validation")
        (engine,) = children(terminal.process.pid)
        terminal.hang_up()
        assert terminal.process.wait(2) == 129
        assert gone_within(engine, 0)


@needs_proc
@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: signal.Signals(number).name)
def test_a_signal_ends_it_though_the_terminal_reads_nothing(number: int) -> None:
    with clipwatch(*ENDLESS) as terminal:
        terminal.shows("Step: 100 validation")
        (engine,) = children(terminal.process.pid)
        wait_until(lambda: terminal.full)
        terminal.process.send_signal(number)
        assert terminal.process.wait(2) == SIGNALS[number]
        assert gone_within(engine, 0)
        # What lay there unread made room for what gives the terminal back.
        assert terminal.ends() == SIGNALS[number]
        assert terminal.restored
        assert b"Traceback" not in terminal.output


@needs_proc
def test_a_terminal_out_of_reach_by_its_name_holds_nothing_up() -> None:
    program = (
        "import os\n"
        "def nameless(number): raise OSError('no such name')\n"
        "os.ttyname = nameless\n"
        "from clipwatch.tui.cli.main import main\n"
        f"raise SystemExit(main({list(ENDLESS)!r}))\n"
    )
    terminal = VirtualTerminal(["-c", program])
    try:
        terminal.shows("Step: 100 validation")
        (engine,) = children(terminal.process.pid)
        wait_until(lambda: terminal.full)
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.process.wait(3) == 143
        assert gone_within(engine, 0)
    finally:
        terminal.close()


def test_keys_are_obeyed_though_the_terminal_reads_nothing(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    heard.touch()
    engine = shlex.join([sys.executable, str(SCRIPT), "normal", "--heard", str(heard)])
    with clipwatch("--engine-command", engine) as terminal:
        terminal.shows("Step: 200 ")
        # Each of these draws the charts anew.
        while not terminal.full:
            terminal.type("lm")
            time.sleep(0.01)
        terminal.type("lm" * 150)
        terminal.type("]")
        wait_until(lambda: "SetClip" in heard.read_text())
        terminal.shows("value:0.001 -> value:0.002")
        terminal.type("qy")
        assert terminal.ends() == 0
        assert terminal.restored


@needs_proc
def test_an_engine_that_does_not_obey_is_gone_too(tmp_path: Path) -> None:
    with scripted(tmp_path, "stubborn") as (terminal, pid):
        terminal.shows("Step: 200 ")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ends() == 143
        assert not alive(int(pid.read_text()))


def test_bytes_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    with scripted(tmp_path) as (terminal, _):
        terminal.shows("Step: 200 ")
        terminal.type(b"\xff\xfe\x80\xc3(\xf0\x9f")
        terminal.type("]")
        terminal.shows("value:0.001 -> value:0.002")
        terminal.type("b")
        terminal.shows("◆ B  clip: value:0.002")
        terminal.type(b"\xff\xc3")
        terminal.shows("not a rule")
        terminal.type("\x03\x03")
        assert terminal.ends() == 0
        assert b"Traceback" not in terminal.output


def test_a_storm_of_sizes_is_weathered(tmp_path: Path) -> None:
    with scripted(tmp_path) as (terminal, _):
        terminal.shows("Step: 200 ")
        for width, height in [(1, 1), (200, 3), (2, 80), (59, 15), (60, 16), (300, 90), (1, 1), (70, 12)]:
            terminal.resize(width, height)
            terminal.read(0.02)
        terminal.shows("clipwatch needs 60 x 16", "this terminal has 70 x 12")
        terminal.resize(100, 30)
        terminal.shows("200 acc", "unclipped", "? help")
        terminal.type("qy")
        assert terminal.ends() == 0


def test_a_terminal_that_is_slow_to_read_gets_everything_in_the_end(tmp_path: Path) -> None:
    with scripted(tmp_path, "normal", size=(200, 60)) as (terminal, _):
        terminal.shows("Step: 200 ")
        # Each of these draws the charts anew: far more than a pseudoterminal holds unread.
        terminal.type("lm" * 150)
        terminal.type("]")
        terminal.shows("value:0.001 -> value:0.002")
        terminal.type("qy")
        assert terminal.ends() == 0
        assert terminal.restored
        assert b"Traceback" not in terminal.output


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
    ids=["C", "latin-1"],
)
def test_a_terminal_without_utf8_gets_ascii(environment: dict[str, str], tmp_path: Path) -> None:
    with scripted(tmp_path, environment=environment) as (terminal, _):
        terminal.shows("Step: 200 ", "* A   unclipped", "-+-")
        terminal.type("?")
        terminal.shows("Pause or resume all lanes")
        terminal.type("\x1b")
        terminal.until(lambda: "Pause or resume all lanes" not in terminal.text)
        terminal.type("qy")
        assert terminal.ends() == 0
        assert terminal.output.isascii()
        assert b"Traceback" not in terminal.output


def test_no_color_means_no_colour(tmp_path: Path) -> None:
    for wish, colours in [("1", 0), ("", 2)]:
        with scripted(tmp_path, environment={"NO_COLOR": wish}) as (terminal, _):
            terminal.shows("Step: 200 ", "unclipped")
            terminal.type("qy")
            assert terminal.ends() == 0
            # Leaving may cut a sequence off, so only whole ones count.
            written = set(re.findall(rb"38;2;(\d+);(\d+);(\d+)[;m]", bytes(terminal.output)))
            assert len(written) >= colours
            assert colours or all(len(set(value)) == 1 for value in written), "more than greys"


def test_keys_come_from_the_config_file(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text('[keys]\npause = "x"\n', encoding="utf-8")
    with scripted(tmp_path, "normal", "--config", str(config)) as (terminal, _):
        terminal.shows("Step: 200 ", " x pause")
        terminal.type("x")
        terminal.shows("Step: 210 paused")


def test_the_charts_come_from_the_command_line(tmp_path: Path) -> None:
    with scripted(tmp_path, "normal", "--charts", "dead-outputs,loss,distance") as (terminal, _):
        terminal.shows("dead outputs", "validation loss", "parameter distance")


def test_a_wrong_key_in_the_config_file_is_one_line(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text('[keys]\npause = "c"\n', encoding="utf-8")
    with clipwatch("--config", str(config)) as terminal:
        assert terminal.ends() == 2
        assert (
            terminal.output.decode().split("\r\n")[0]
            == "clipwatch: [keys] clip = 'c': that key is already used for pause"
        )


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        (DIGITS, {"TERM": "dumb"}, 2, "this terminal cannot show the screen (TERM is unset or dumb); use --no-ui"),
        (DIGITS, {"TERM": ""}, 2, "use --no-ui to print the run instead"),
        (
            ("--engine-command", "no-such-program-anywhere"),
            {},
            2,
            "no-such-program-anywhere: No such file or directory",
        ),
        (("--engine-command", "'unbalanced"), {}, 2, "--engine-command"),
        (("--engine-command", "  "), {}, 2, "--engine-command"),
        (("--engine-command", f"{sys.executable} {SCRIPT} dies"), {}, 3, "no such luck"),
        (("--dataset", "mnist", "--offline"), {}, 2, "mnist"),
        (("--clip", "value:nonsense"), {}, 2, "'nonsense' is not a number"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    arguments: tuple[str, ...], environment: dict[str, str], code: int, words: str, tmp_path: Path
) -> None:
    environment = {"CLIPWATCH_CACHE_DIR": str(tmp_path), **environment}
    with clipwatch(*arguments, environment=environment) as terminal:
        assert terminal.ends() == code
        lines = [line for line in terminal.lines if line.strip()]
        assert len(lines) == 1, lines
        assert lines[0].startswith("clipwatch: ")
        assert words in lines[0]
        assert b"\x1b[?1049h" not in terminal.output or terminal.restored


def test_without_a_terminal_it_says_what_to_do() -> None:
    done = subprocess.run(
        [sys.executable, *CLIPWATCH, *DIGITS], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "clipwatch: the screen needs a terminal for input and output; use --no-ui to print the run instead\n"
    )


def test_the_cursor_comes_back_after_a_crash(tmp_path: Path) -> None:
    program = (
        "from clipwatch.tui.engine_child.request import ScreenOptions\n"
        "from clipwatch.tui.live.run import run_live\n"
        "from clipwatch.tui.screens.main import MainScreen\n"
        "def boom(self, key): raise RuntimeError('boom')\n"
        "MainScreen.action_change_charts = boom\n"
        f"raise SystemExit(run_live({[sys.executable, str(SCRIPT), 'normal']!r}, ScreenOptions()))\n"
    )
    terminal = VirtualTerminal(["-c", program])
    try:
        terminal.shows("Step: 200 ")
        terminal.type("l")
        assert terminal.ends() == 1
        assert terminal.restored
        assert b"boom" in terminal.output
    finally:
        terminal.close()
