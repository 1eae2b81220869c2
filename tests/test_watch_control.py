"""A watched loop obeys commands between two steps, and no fault of the recording ends or hangs it."""

from __future__ import annotations

import math
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from full_disk import Disk
from watched_loops import events_of, series_of, small_model, train

import clipwatch
from clipwatch.core.runs import control_file
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.stream.commands import (
    Command,
    Extend,
    Pause,
    ResetMoments,
    Restart,
    Resume,
    SetClip,
    SetPace,
    StepOnce,
    Stop,
)
from clipwatch.core.stream.events import (
    ClipChanged,
    LanePaused,
    LaneResumed,
    LaneStepped,
    LoopEnded,
    MomentsReset,
    Notice,
    PaceChanged,
    RunFinished,
    StepsTrained,
)

WAIT = 30.0


class Loop:
    """A loop in a thread, which ends after `steps` steps, or where it is stopped."""

    def __init__(self, folder: Path, steps: int = 100_000) -> None:
        model = small_model()
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
        self.run = clipwatch.watch(model, self.optimizer, measure_every=1000, runs_dir=folder)
        self._model, self._steps = model, steps
        self.thread = threading.Thread(target=self._train)

    def _train(self) -> None:
        with self.run:
            for _ in range(self._steps):
                train(self._model, self.optimizer, 1, run=self.run)
                if self.run.stopped:
                    return

    def send(self, *commands: Command) -> None:
        """Send commands as a screen does."""
        assert self.run.folder
        for command in commands:
            control_file.append(self.run.folder, command)

    def end(self) -> Path:
        """Wait for the loop's end; returns the folder."""
        self.thread.join(WAIT)
        assert not self.thread.is_alive()
        assert self.run.folder
        return self.run.folder


def test_commands_are_obeyed_in_their_order_and_answered(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    loop.send(SetClip(rule="norm:0.001"), ResetMoments(), SetPace(pace=1e6), Pause(), StepOnce(count=2))
    loop.send(Extend(iterations=5), Restart(), Resume(), Stop())
    loop.thread.start()
    folder = loop.end()
    (changed,) = events_of(folder, ClipChanged)
    assert (changed.rule, changed.previous) == ("norm:0.001", "none")
    assert [event.step for event in events_of(folder, MomentsReset)] == [changed.step]
    assert [event.pace for event in events_of(folder, PaceChanged)] == [1e6]
    assert [event.count for event in events_of(folder, LaneStepped)] == [2]
    assert len(events_of(folder, LanePaused)) == len(events_of(folder, LaneResumed)) == 1
    texts = [event.text for event in events_of(folder, Notice)]
    assert any("cannot be extended" in text for text in texts)
    assert any(text.startswith("Restart: the loop is its own program") for text in texts)
    assert [event.reason for event in events_of(folder, LoopEnded)] == ["stopped"]
    assert [event.reason for event in events_of(folder, RunFinished)] == ["stopped"]
    assert max(series_of(folder, "clipped-norm")[changed.step :]) == pytest.approx(0.001)


def test_a_paused_loop_waits_and_takes_single_steps(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    loop.send(Pause())
    loop.thread.start()
    folder = loop.run.folder
    assert folder

    def paused(times: int) -> list[LanePaused]:
        while len(found := events_of(folder, LanePaused)) < times:
            loop.thread.join(0.01)
            assert loop.thread.is_alive()
        return found

    (first,) = paused(1)
    loop.send(StepOnce(count=3))
    assert [event.step for event in paused(2)] == [first.step, first.step + 3]
    loop.send(Stop())
    loop.end()
    # A paused loop that is stopped trains on, so that it can end.
    assert len(events_of(folder, LaneResumed)) == 1
    # The pause after a single step leaves the loop the time to give the loss.
    assert not any(map(math.isnan, series_of(folder, "train-loss")))


def test_an_error_of_a_signal_handler_reaches_a_paused_loop(tmp_path: Path) -> None:
    """A time limit of the user's, say. The pause waits in our code, but the error is not ours."""

    def late(*_: object) -> None:
        raise ValueError("time is up")

    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = signal.signal(signal.SIGALRM, late)
    try:
        run = clipwatch.watch(model, optimizer, runs_dir=tmp_path)
        assert run.folder
        control_file.append(run.folder, Pause())
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(ValueError, match="time is up"), run:
            train(model, optimizer, 100_000, run=run)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert [event.reason for event in events_of(run.folder, RunFinished)] == ["failed"]


def test_an_interrupt_ends_a_pause(tmp_path: Path) -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    main = threading.main_thread().ident
    assert main

    def interrupt(folder: Path) -> None:
        waits = threading.Event()
        while not events_of(folder, LanePaused):
            waits.wait(0.01)
        signal.pthread_kill(main, signal.SIGINT)

    def train_paused() -> None:
        with run:
            train(model, optimizer, 100_000, run=run)

    run = clipwatch.watch(model, optimizer, runs_dir=tmp_path)
    assert run.folder
    control_file.append(run.folder, Pause())
    interrupter = threading.Thread(target=interrupt, args=(run.folder,))
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        train_paused()
    interrupter.join(WAIT)
    assert [event.reason for event in events_of(run.folder, LoopEnded)] == ["stopped"]


def test_a_rule_set_by_the_loop_holds_from_the_next_step_on(tmp_path: Path) -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        train(model, optimizer, 2, run=run)
        run.set_rule("norm:0.01")
        train(model, optimizer, 2, run=run)
    assert [event.step for event in events_of(run.folder, ClipChanged)] == [2]
    assert b"".join(event.clipped for event in events_of(run.folder, StepsTrained)) == b"\0\0\1\1"


def test_a_reset_leaves_the_optimizer_as_new(tmp_path: Path) -> None:
    loop = Loop(tmp_path, steps=40)
    loop.send(ResetMoments(at_step=39))
    loop.thread.start()
    loop.end()
    assert {int(state["step"]) for state in loop.optimizer.state.values()} == {1}


def test_without_control_no_command_is_read(tmp_path: Path) -> None:
    model = small_model()
    with clipwatch.watch(model, torch.optim.SGD(model.parameters()), control=False, runs_dir=tmp_path) as run:
        assert run.folder
        assert not (run.folder / "control.jsonl").exists()


def test_a_full_disk_costs_the_recording_and_not_the_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = small_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    Disk(lambda name: name == "events.jsonl", 4).install(monkeypatch)
    run = clipwatch.watch(model, optimizer, rule="norm:0.001", measure_every=2, runs_dir=tmp_path)

    def train_on() -> None:
        while run._run and run._run.records:
            train(model, optimizer, 1, run=run)
        assert len(train(model, optimizer, 3, run=run)) == 3
        run.close()

    with pytest.warns(UserWarning, match="stopped recording, the loop trains on"):
        train_on()
    assert run.folder
    assert RunFolder(run.folder).manifest().state == "interrupted"


def test_a_loop_that_is_paused_as_its_folder_vanishes_trains_on(tmp_path: Path) -> None:
    loop = Loop(tmp_path)
    loop.send(Pause())
    loop.thread.start()
    folder = loop.run.folder
    assert folder
    while not events_of(folder, LanePaused):
        loop.thread.join(0.01)
    shutil.rmtree(folder)
    # Any event notices it; the next one is that of the resources.
    assert loop.run._run
    loop.run._run.put(Notice(text="anything"))
    loop.run._lane.mailbox.put(Stop(), earliest=3)
    loop.thread.join(WAIT)
    assert not loop.thread.is_alive()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_neither_writes_nor_hangs(tmp_path: Path) -> None:
    model = small_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        train(model, optimizer, 2, run=run)
        child = os.fork()
        if not child:
            train(model, optimizer, 2, run=run)
            run.evaluated(1.0)
            run.close()
            os._exit(7 if run.active else 0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert RunFolder(run.folder or tmp_path).is_being_written()
        train(model, optimizer, 2, run=run)
    assert len(series_of(run.folder, "grad-norm")) == 4


SCRIPT = """
import sys, torch, clipwatch
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
run = clipwatch.watch(model, optimizer, runs_dir=sys.argv[1])
for _ in range(3):
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
if sys.argv[2] == "fork":
    import os
    if not os.fork():
        sys.exit(0)
    os.wait()
if sys.argv[2] == "error":
    raise RuntimeError("out of memory")
"""


@pytest.mark.parametrize("end", ["fork", "error"])
def test_a_program_that_does_not_close_its_watch(tmp_path: Path, end: str) -> None:
    """The recording is complete as the interpreter exits, and a forked child's exit changes nothing of it."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), end], capture_output=True, text=True, timeout=120, check=False
    )
    (folder,) = tmp_path.iterdir()
    (finished,) = events_of(folder, RunFinished)
    assert finished.reason == ("failed" if end == "error" else "completed")
    assert len(series_of(folder, "grad-norm")) == 3
    assert RunFolder(folder).manifest().state == ("failed" if end == "error" else "done")
    assert end == "error" or not result.stderr
