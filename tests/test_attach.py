"""`clipwatch attach`: which run it shows, the table of runs, and a real loop that is steered from another process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TypeVar

import program
import pytest
from fake_loop import FakeLoop
from watched_screen import Watched, on_a_loop

from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.stream.codec import decode_event, encode
from clipwatch.core.stream.commands import AnyCommand, SetClip, Stop
from clipwatch.core.stream.events import Attached, ClipChanged, Event, RunFinished
from clipwatch.core.sweeps.attachable import newest_running
from clipwatch.tui.engine_child.process import EngineProcess
from clipwatch.tui.engine_child.request import AttachRun, decoded_request, encoded
from clipwatch.tui.live.app import ClipwatchApp
from clipwatch.tui.runs import show

LOOP = """
import sys, torch, clipwatch
torch.manual_seed(0)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
with clipwatch.watch(model, optimizer, runs_dir=sys.argv[1]) as run:
    print("begun", flush=True)
    while not run.stopped:
        loss = model(torch.randn(8, 4)).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        run.step(loss)
"""


def attach(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return program.call("attach", *arguments, "--runs-dir", str(home))


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[FakeLoop]:
    loop = FakeLoop(tmp_path)
    yield loop
    loop.die()


def test_without_a_running_run_one_line_says_what_to_do(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path)
    loop.end()
    done = attach(tmp_path, "--no-ui")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"clipwatch: no run is running in {tmp_path}; ")
    assert len(done.stderr.splitlines()) == 1


def test_the_newest_running_run_is_the_default(loop: FakeLoop, tmp_path: Path) -> None:
    FakeLoop(tmp_path, name="ended").end()
    earlier = FakeLoop(tmp_path, name="earlier", started=1.6e9)
    loop.train(30)
    assert newest_running(tmp_path, print) == loop.folder
    earlier.die()


def test_a_run_that_has_ended_is_shown_to_its_end(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path)
    loop.train(20)
    loop.evaluate(1.5, seconds=1.0)
    loop.end()
    done = attach(tmp_path, "last", "--no-ui")
    assert done.returncode == 0, done.stderr
    assert "[loop] Step: 19 validation loss: 1.5" in done.stdout
    assert "20" in done.stdout


def test_a_killed_run_is_no_interrupted_screen(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path)
    loop.train(20)
    loop.die()
    done = attach(tmp_path, "loop-run", "--no-ui")
    assert done.returncode == 0
    assert "has gone, or no longer records it; its last step was 19" in done.stderr


def test_the_table_lists_running_runs_first_with_their_steps_and_signs_of_life(loop: FakeLoop, tmp_path: Path) -> None:
    ended = FakeLoop(tmp_path, name="ended", started=1.8e9)
    ended.train(5)
    ended.end()
    killed = FakeLoop(tmp_path, name="killed", started=1.75e9)
    killed.train(7)
    killed.die()
    silent = FakeLoop(tmp_path, name="quiet", started=1.6e9)
    before = time.time() - 100
    os.utime(silent.folder.events, (before, before))
    own = FakeLoop(tmp_path, name="own", started=1.5e9, watched=False)
    loop.train(1500)
    done = attach(tmp_path, "--list")
    heading, _, *rows = done.stdout.splitlines()
    assert heading.split() == ["kind", "name", "state", "step", "last", "sign", "of", "life", "folder"]
    found = [row.split() for row in rows]
    assert [row[:4] for row in found] == [
        ["watched", "loop-run", "running", "1,499"],
        ["watched", "quiet", "silent", "0"],
        ["trained", "own", "running", "0"],
        ["watched", "ended", "interrupted", "5"],
        ["watched", "killed", "interrupted", "6"],
    ]
    assert "1 min 40 s ago" in rows[1]
    assert all(row.endswith(str(tmp_path / cells[1])) for row, cells in zip(rows, found, strict=True))
    silent.die()
    own.die()


def test_a_request_survives_its_way_to_the_engine(tmp_path: Path) -> None:
    request = AttachRun(folder=tmp_path / os.fsdecode(b"\xd4"))
    assert decoded_request(encoded(request)) == request


def test_a_run_under_way_is_attached_to_from_the_list(
    loop: FakeLoop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr("clipwatch.tui.live.run.run_live", lambda request, **_: opened.append(request) or 0)
    show._open(loop.folder, pytest.fail, pytest.fail)
    loop.die()
    show._open(RunFolder(loop.folder.path), lambda run, show: lambda fork: 0, pytest.fail)
    assert [type(request).__name__ for request in opened] == ["AttachRun", "ReplayRun"]


def test_lists_show_a_watched_run_and_how_far_it_is(loop: FakeLoop, tmp_path: Path) -> None:
    loop.train(700)
    done = program.call("runs", "--list", "--runs-dir", str(tmp_path))
    row = done.stdout.splitlines()[2].split()
    assert (row[0], row[1]) == ("watched", "loop-run")
    assert "running" in row
    assert "699" in row
    assert "observed" in row
    assert "none" not in row
    listed = json.loads(program.call("runs", "--json", "--runs-dir", str(tmp_path)).stdout)
    assert (listed["kind"], listed["watched"]) == ("run", True)


Kind = TypeVar("Kind", bound=Event)


def send(pipe: IO[bytes], command: AnyCommand) -> None:
    pipe.write(encode(command) + b"\n")
    pipe.flush()


def read_until(pipe: IO[bytes], kind: type[Kind]) -> Kind:
    for line in pipe:
        if isinstance(event := decode_event(line), kind):
            return event
    raise AssertionError(f"no {kind.__name__}")


def test_a_real_loop_changes_its_rule_and_stops_as_another_process_asks(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(LOOP)
    home = tmp_path / "runs"
    attaching = [*program.COMMAND, "attach", "--no-ui", "--json", "--control", "--runs-dir", str(home)]
    with ExitStack() as children:
        trains = children.enter_context(
            subprocess.Popen([sys.executable, str(script), str(home)], stdout=subprocess.PIPE)
        )
        children.callback(trains.kill)
        assert trains.stdout
        assert trains.stdout.readline() == b"begun\n"
        screen = children.enter_context(subprocess.Popen(attaching, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        children.callback(screen.kill)
        assert screen.stdin
        assert screen.stdout
        attached = read_until(screen.stdout, Attached)
        assert attached.unsteerable is None
        send(screen.stdin, SetClip(lane="loop", rule="norm:0.001"))
        changed = read_until(screen.stdout, ClipChanged)
        assert (changed.rule, changed.previous) == ("norm:0.001", "none")
        send(screen.stdin, Stop(lane="loop"))
        assert read_until(screen.stdout, RunFinished).reason == "stopped"
        screen.stdin.close()
        assert (screen.wait(20), trains.wait(20)) == (0, 0)


@on_a_loop
async def test_the_screen_shows_a_loop_at_the_far_end_of_an_engine_command(loop: FakeLoop, tmp_path: Path) -> None:
    loop.train(42)
    # On another machine, ssh and its name would come first.
    command = [*program.COMMAND, "attach", str(loop.folder.path), "--no-ui", "--json", "--control"]
    app = ClipwatchApp(EngineProcess(command), keymap={})
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            screen = Watched(app, pilot, tmp_path)
            await screen.shows("step 42")
            await screen.press("R")
            await screen.until(lambda: [loop.obey(command) or command for command in loop.heard()])
            await screen.says("optimizer state reset")
            await screen.press("q")
            assert await screen.ends() == 0
    finally:
        app.engine.stop()
    assert loop.heard() == []
