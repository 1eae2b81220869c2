"""The screens of a run, a sweep, a comparison and the list of runs: signals, terminal behaviour, any input."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from compared_runs import recorded, story
from test_runs_screen import write_run
from test_sweep_screen import script
from virtual_terminal import DEADLINE, VirtualTerminal, wait_until

RUN = [sys.executable, str(Path(__file__).with_name("scripted_engine.py")), "normal"]
Start = Callable[..., VirtualTerminal]
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc to see processes stop")


def of_run(folder: Path, before: str = "") -> str:
    return (
        "from clipwatch.tui.engine_child.request import ScreenOptions\n"
        "from clipwatch.tui.live.run import run_live\n"
        f"{before}\n"
        f"raise SystemExit(run_live({RUN!r}, ScreenOptions()))\n"
    )


def of_sweep(folder: Path, before: str = "") -> str:
    return (
        "from clipwatch.tui.sweep import run as live\n"
        "from clipwatch.tui.sweep.app import SweepApp\n"
        f"{before}\n"
        f"live.SweepApp = lambda _, **given: SweepApp({script(folder, ends=False)!r}, **given)\n"
        "raise SystemExit(live.show_sweep([], quit_when_done=False))\n"
    )


def of_list(folder: Path, before: str = "") -> str:
    for started in (1.0, 2.0):
        write_run(folder / "runs", started)
    return (
        "from pathlib import Path\n"
        "from clipwatch.core.sweeps.listing import EVERYTHING\n"
        "from clipwatch.tui.runs.show import show_runs\n"
        f"{before}\n"
        f"code = show_runs(Path({str(folder / 'runs')!r}), EVERYTHING, lambda *_, **__: None, lambda *_: None)\n"
        "print('left')\n"
        "raise SystemExit(code)\n"
    )


def of_comparison(folder: Path, before: str = "") -> str:
    (folder / "runs").mkdir(exist_ok=True)
    runs = recorded(folder / "runs", story(), story(seed=1))
    return (
        "from pathlib import Path\n"
        "from clipwatch.core.runs.folder import RunFolder\n"
        "from clipwatch.tui.compare.run import show_comparison\n"
        f"{before}\n"
        f"raise SystemExit(show_comparison([RunFolder(Path(path)) for path in {[str(run.path) for run in runs]!r}]))\n"
    )


# How to start each screen, its text once all is drawn, and the keys that quit it.
SCREENS = {
    "run": (of_run, ("Step: 200 ", "q quit", "\u2809", "8 s left"), "qy"),
    "list": (of_list, ("2 recordings", "q quit", "19700101-000002", "seed 2"), "q"),
    "comparison": (of_comparison, ("4 lanes", "q quit", "0.600 (0.502", "2B"), "q"),
    "sweep": (of_sweep, ("32 / 32", "q quit", "the result", "the cause", "q stops and"), "q"),
}


class Screen:
    """One of the screens in a terminal, and the keys that quit it."""

    def __init__(self, name: str, folder: Path) -> None:
        self._program, self.words, self.leave = SCREENS[name]
        self._folder = folder
        self.program = folder / "program.py"

    def start(self, before: str = "", *, shell: bool = False, **options: object) -> VirtualTerminal:
        """Start the screen, or a shell that can start it."""
        self.program.write_text(self._program(self._folder, before))
        bash = "import os; os.environ['PS1'] = '$ '; os.execlp('bash', 'bash', '--norc', '-i')"
        started = ["-c", bash] if shell else [str(self.program)]
        self.terminal = VirtualTerminal(started, **options)
        return self.terminal


@pytest.fixture(params=SCREENS)
def screen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Screen]:
    screen = Screen(request.param, tmp_path)
    yield screen
    screen.terminal.close()


def state(terminal: VirtualTerminal) -> str:
    return Path(f"/proc/{terminal.process.pid}/stat").read_text().rpartition(")")[2].split()[0]


FOREIGN = (
    b"\xff\xfe\x80",
    b"\x1b[40;5:1u",
    b"\x1b[1114112u",
    b"\x1b[97;1:4u",
    b"\x1b[55296u",
    b"\x1b[97;1;55296:99999999999999u",
    b"\x1b[48;0;0;0;0t",
    b"\x1b[48;9999;9999;0;0t",
    b"\x1b[<0;99999999999999999999;5M",
    b"\x1b[?2026;9$y",
)


def test_no_input_ends_a_screen(screen: Screen) -> None:
    terminal = screen.start()
    terminal.shows(*screen.words)
    for typed in FOREIGN:
        terminal.type(typed)
    # FOREIGN includes reports of absurd sizes; the screen keeps the terminal's size.
    terminal.type("tt")
    terminal.resize(100, 30)
    terminal.until(lambda: screen.words[1] in terminal.text.splitlines()[29])
    terminal.type(screen.leave)
    assert terminal.ends() == 0
    assert b"Traceback" not in terminal.output


def test_after_stop_and_continue_it_redraws_and_restores_the_terminal(screen: Screen) -> None:
    terminal = screen.start()
    terminal.shows(*screen.words)
    tasks = Path(f"/proc/{terminal.process.pid}/task")
    before, threads = terminal.text, len(os.listdir(tasks))
    for _ in range(2):
        terminal.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: state(terminal) == "T")
        terminal.forget()
        terminal.echo()
        terminal.process.send_signal(signal.SIGCONT)
        terminal.until(lambda: whole(terminal.text, before))
    wait_until(lambda: len(os.listdir(tasks)) <= threads)
    terminal.type(screen.leave)
    assert terminal.ends() == 0
    assert terminal.restored
    assert terminal.as_it_was


@pytest.mark.skipif(not shutil.which("bash"), reason="needs a shell with jobs")
def test_ctrl_z_suspends_to_the_shell_and_fg_resumes(screen: Screen, tmp_path: Path) -> None:
    terminal = screen.start(shell=True)
    terminal.type(f"{sys.executable} {screen.program}\n")
    terminal.shows(*screen.words)
    before = terminal.text
    terminal.type("\x1a")
    terminal.shows("Stopped")
    terminal.forget()
    terminal.type("fg\n")
    terminal.until(lambda: whole(terminal.text, before))
    terminal.type(screen.leave)
    # What is typed before the shell's prompt is lost, because the terminal's modes are restored with a flush.
    terminal.until(lambda: terminal.restored and terminal.output.endswith(b"$ "))
    terminal.type("stty -a; exit\n")
    assert terminal.ends() == 0
    assert " echo " in terminal.output.decode(errors="replace").rpartition("stty -a")[2]


def whole(now: str, before: str) -> bool:
    """Whether every line that had text still has some; numbers may change."""
    return all(line.strip() or not was.strip() for line, was in zip(now.split("\n"), before.split("\n"), strict=True))


def test_its_size_is_the_terminals_even_if_stdout_is_redirected(screen: Screen, tmp_path: Path) -> None:
    with open(tmp_path / "summary", "wb") as summary:
        terminal = screen.start(stdout=summary, size=(120, 40), environment={"COLUMNS": "70", "LINES": "17"})
        for size in ((120, 40), (100, 30), (130, 45)):
            terminal.resize(*size)
            terminal.until(lambda rows=size[1]: screen.words[1] in terminal.text.splitlines()[rows - 1])
        terminal.type(screen.leave)
        assert terminal.ends() == 0
        assert terminal.restored
    assert (tmp_path / "summary").read_bytes()


def test_a_signal_ends_it_even_if_the_terminal_reads_nothing(screen: Screen) -> None:
    terminal = screen.start(size=(300, 100))
    terminal.shows(*screen.words)
    while not terminal.full:
        terminal.type("t")
        time.sleep(0.01)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.process.wait(DEADLINE) == 143
    assert terminal.ends() == 143
    assert terminal.restored
    assert b"Traceback" not in terminal.output


def test_a_second_signal_ends_it_at_once_even_if_it_is_busy(screen: Screen, tmp_path: Path) -> None:
    busy = (
        "from clipwatch.tui.live.app import ClipwatchApp\n"
        "from clipwatch.tui.sweep.app import SweepApp\n"
        "from clipwatch.tui.runs.app import RunsApp\n"
        "from clipwatch.tui.compare.app import CompareApp\n"
        "def busy(self):\n"
        f"    open({str(tmp_path / 'busy')!r}, 'w').close()\n"
        "    while True: pass\n"
        "for app in ClipwatchApp, SweepApp, RunsApp, CompareApp:\n"
        "    app.action_next_theme = busy\n"
    )
    terminal = screen.start(busy)
    terminal.shows(*screen.words)
    terminal.type("t")
    wait_until((tmp_path / "busy").exists)
    terminal.process.send_signal(signal.SIGHUP)
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.ends() in (129, 143)
    assert terminal.restored
    assert terminal.as_it_was


def test_a_screen_that_crashed_never_exits_0(screen: Screen) -> None:
    crashing = (
        "from clipwatch.tui.terminal.terminal_app import ScreenApp\n"
        "ScreenApp.on_key = lambda self, event: self.panic('no such luck')"
    )
    terminal = screen.start(crashing)
    terminal.shows(*screen.words)
    terminal.type("%")
    assert terminal.ends() == 1
    assert terminal.restored
    assert b"no such luck" in terminal.output
