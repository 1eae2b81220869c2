"""Lanes of a user's experiment train in processes of their own, which obey, fail and end as lanes in threads do."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec
import program
import pytest
import recordings
from own_experiment import own_config, processes, write

from clipwatch.core.engine import lane_processes
from clipwatch.core.engine.engine import Engine
from clipwatch.core.engine.lane_output import MAX_LINES
from clipwatch.core.engine.lane_process import LaneProcess
from clipwatch.core.engine.resumption import Resumption
from clipwatch.core.engine.session import Session
from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.runs.reader import read_recording
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.commands import (
    AnyCommand,
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
from clipwatch.core.stream.config import RunConfig, to_toml
from clipwatch.core.stream.events import (
    ClipChanged,
    Evaluated,
    Event,
    LaneEvent,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LanesCompared,
    LaneStepped,
    MomentsReset,
    Notice,
    PaceChanged,
    RunFinished,
    RunStarted,
    StageStarted,
)
from clipwatch.core.training.checkpoint_file import EncodedCheckpoint

DEADLINE = 60.0
Reaction = Callable[[Engine, Event], None]


def events_of(
    config: RunConfig,
    commands: Iterable[AnyCommand] = (),
    react: Reaction = lambda engine, event: None,
    *,
    lasting: bool = False,
    in_threads: bool = False,
) -> list[Event]:
    engine = Engine(config, lasting=lasting, in_threads=in_threads)
    for command in commands:
        engine.send(command)
    events = []
    for event in engine.run():
        events.append(event)
        react(engine, event)
    return events


def of(kind: type, events: Iterable[Event], lane: str | None = None) -> list:
    return [event for event in events if isinstance(event, kind) and lane in (None, getattr(event, "lane", None))]


def timeless(events: Iterable[Event], lane: str) -> list[Event]:
    """A lane's events without times of the clock."""
    return [
        msgspec.structs.replace(
            event, **{name: 0.0 for name in ("seconds", "training_seconds") if hasattr(event, name)}
        )
        for event in of(LaneEvent, events, lane)
    ]


def is_alive(process: int) -> bool:
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout
    # Nobody waits for a process whose parent was killed.
    return found.strip()[:1] not in ("", "Z")


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


@pytest.fixture(autouse=True)
def _none_left_behind(tmp_path: Path) -> Iterator[None]:
    yield
    if (tmp_path / "notes").exists():
        wait_until(lambda: not any(map(is_alive, processes(tmp_path))))


def test_a_lane_gives_the_same_events_in_a_process_as_in_a_thread(tmp_path: Path) -> None:
    config = own_config(tmp_path)
    both = events_of(config)
    for lane in config.lanes:
        alone = events_of(msgspec.structs.replace(config, lanes=(lane,)), in_threads=True)
        assert timeless(both, lane.name) == timeless(alone, lane.name)
    assert len(processes(tmp_path)) == 2
    assert of(LaneFinished, both)[0].step == 60


def test_lanes_whose_rule_never_binds_are_identical_and_are_compared(tmp_path: Path) -> None:
    events = events_of(own_config(tmp_path, lanes={"a": "none", "b": "norm:1000000"}))
    compared = of(LanesCompared, events)
    assert [(event.step, event.distance, event.disagreement) for event in compared] == [
        (0, 0, 0),
        (25, 0, 0),
        (50, 0, 0),
    ]
    assert compared[0].lanes == ("a", "b")


def test_the_order_of_a_set_does_not_tell_lanes_apart(tmp_path: Path) -> None:
    config = own_config(tmp_path, iterations=5, lanes={"a": "none", "b": "norm:1000000"})
    file = write(tmp_path)
    file.write_text(file.read_text().replace("manual_seed(7)", "manual_seed(abs(hash('a text')))"))
    assert [event.distance for event in of(LanesCompared, events_of(config))] == [0]
    first, second = of(Evaluated, events_of(config))
    assert first.loss == second.loss


def test_the_run_is_described_by_the_process_and_this_one_imports_neither_torch_nor_the_file(tmp_path: Path) -> None:
    config = own_config(tmp_path, iterations=5)
    code = """
import sys
import msgspec
from clipwatch.core.engine.engine import Engine
from clipwatch.core.stream.config import RunConfig, to_toml
from clipwatch.core.stream.events import RunStarted
config = msgspec.json.decode(sys.argv[1], type=RunConfig)
(started,) = [event for event in Engine(config).run() if isinstance(event, RunStarted)]
print(started.experiment.name, started.dataset.training, started.dataset.validation, started.config.settings["hidden"])
print([name for name in sys.modules if "mine" in name or name == "torch"])
"""
    text = msgspec.json.encode(config).decode()
    done = subprocess.run([sys.executable, "-c", code, text], capture_output=True, text=True, timeout=DEADLINE)
    assert done.stdout == "Mine 150 50 8\n[]\n", done.stderr


def test_an_error_in_the_preparation_is_one_line_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"mine\.py:\d+: ValueError: these data are bad$"):
        events_of(own_config(tmp_path, {"fault": "data"}))


def test_a_setting_of_the_wrong_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="hidden"):
        events_of(own_config(tmp_path, {"hidden": "many"}))


def test_a_process_that_dies_in_the_preparation_is_one_line(tmp_path: Path) -> None:
    config = own_config(tmp_path)
    write(tmp_path).write_text("import os\nos._exit(5)\n")
    with pytest.raises(ClipwatchError, match=r"^lane \w+ cannot be prepared: its process ended with exit code 5$"):
        events_of(config)


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("killed", r"its process was killed \(SIGKILL\); is there enough memory\?"),
        ("exit", "its process ended with exit code 3"),
        ("segfault", r"its process crashed \(SIGSEGV\)"),
        ("memory", r".*mine\.py:\d+: MemoryError"),
        ("error", r".*mine\.py:\d+: ValueError: this batch is bad"),
    ],
)
def test_a_lane_that_fails_says_why_and_the_other_goes_on(fault: str, cause: str, tmp_path: Path) -> None:
    events = events_of(own_config(tmp_path, {"fault": fault}))
    (failed,) = of(LaneFailed, events)
    (finished,) = of(LaneFinished, events)
    assert re.fullmatch(cause, failed.cause)
    assert failed.reason == "error"
    assert 10 < failed.step < 60
    assert finished.step == 60
    (end,) = of(RunFinished, events)
    assert end.reason == "completed"
    # Python's fault handler shows the line of the user's code.
    assert any("Segmentation fault" in event.text for event in of(Notice, events)) == (fault == "segfault")


def test_what_the_code_prints_becomes_notices_and_nothing_reaches_standard_output(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    events = events_of(own_config(tmp_path, {"fault": "print"}))
    told = [event.text for event in of(Notice, events) if event.level == "info"]
    assert {f"{lane}: {text}" for lane in "ab" for text in ("from Python", "from the descriptor", "x" * 40)} <= set(
        told
    )
    assert capfd.readouterr() == ("", "")


def test_code_that_prints_without_end_neither_floods_the_run_nor_waits(tmp_path: Path) -> None:
    events = events_of(own_config(tmp_path, {"fault": "flood"}, lanes={"a": "none"}))
    told = [event.text for event in of(Notice, events)]
    assert len(told) == MAX_LINES + 1
    assert told[-1] == "a: the lane prints more lines than are shown"
    assert of(LaneFinished, events)


def test_commands_are_obeyed_at_their_steps(tmp_path: Path) -> None:
    def react(engine: Engine, event: Event) -> None:
        if isinstance(event, LaneExtended) and event.lane == "a":
            engine.close()

    events = events_of(
        own_config(tmp_path),
        [
            SetClip(lane="a", rule="norm:0.5", at_step=20),
            ResetMoments(lane="b", at_step=30),
            Extend(iterations=10, lane="a"),
        ],
        react,
        lasting=True,
    )
    (changed,), (reset,) = of(ClipChanged, events), of(MomentsReset, events)
    assert (changed.lane, changed.step, reset.lane, reset.step) == ("a", 20, "b", 30)
    assert {event.lane: event.step for event in of(LaneFinished, events)} == {"a": 70, "b": 60}


def test_a_pause_holds_both_lanes_at_one_step_until_they_resume(tmp_path: Path) -> None:
    paused: dict[str, int] = {}
    stepped: list[str] = []

    def react(engine: Engine, event: Event) -> None:
        match event:
            case Evaluated(lane="a", step=0):
                engine.send(Pause())
            case LanePaused() if not stepped:
                paused[event.lane] = event.step
                if len(paused) == 2:
                    engine.send(StepOnce(count=3))
            case LaneStepped():
                stepped.append(event.lane)
            case LanePaused():
                paused[event.lane] += event.step - paused[event.lane]
                if paused["a"] == paused["b"]:
                    engine.send(SetPace(pace=500))
                    engine.send(Resume())
            case LaneResumed(lane="b"):
                engine.send(Stop())

    events = events_of(own_config(tmp_path, iterations=10**9, pace=1000), (), react)
    first, second = of(LanePaused, events, "a"), of(LanePaused, events, "b")
    assert [event.step for event in first] == [event.step for event in second]
    assert first[1].step == first[0].step + 3
    assert [event.pace for event in of(PaceChanged, events)] == [500, 500]
    assert events[-1].reason == "stopped"


def test_a_restart_ends_the_processes_and_starts_new_ones(tmp_path: Path) -> None:
    session = Session(own_config(tmp_path, iterations=10**9))
    alive: list[list[int]] = []
    for event in session.run():
        if isinstance(event, Evaluated) and event.step == 50 and event.lane == "a":
            alive.append([process for process in processes(tmp_path) if is_alive(process)])
            session.send(Restart(seed=5) if len(alive) == 1 else Stop())
    first, second = alive
    assert len(first) == len(second) == 2
    assert not set(first) & set(second)


def test_a_restart_with_bad_settings_keeps_the_run_or_goes_back_to_its_settings(tmp_path: Path) -> None:
    session = Session(own_config(tmp_path, {"at": 10**9}, iterations=10**9))
    events: list[Event] = []
    for event in session.run():
        events.append(event)
        if isinstance(event, Evaluated) and event.step == 50 and event.lane == "a":
            if len(of(RunStarted, events)) == 1:
                session.send(Restart(settings={"hiden": 3}))
                session.send(Restart(settings={"hidden": "many"}))
            else:
                session.send(Stop())
        if isinstance(event, Notice) and "'many'" in event.text:
            session.send(Restart(settings={"fault": "data"}))
    first, second = of(RunStarted, events)
    assert first.config == second.config
    name, kind, code = [notice.text for notice in of(Notice, events)]
    assert name == "Restart: no setting 'hiden' (did you mean 'hidden'?)"
    assert kind.startswith("Restart: setting hidden 'many': ")
    assert "mine.py:" in code
    assert code.endswith("ValueError: these data are bad; the settings are those of before")


def test_a_stop_ends_a_preparation_that_takes_for_ever(tmp_path: Path) -> None:
    engine = Engine(own_config(tmp_path, {"fault": "hanging data"}))
    events = []
    for event in engine.run():
        events.append(event)
        if isinstance(event, StageStarted) and "process" in event.stage:
            threading.Thread(
                target=lambda: (wait_until(lambda: bool(processes(tmp_path))), engine.send(Stop()))
            ).start()
    assert isinstance(events[-1], RunFinished)
    assert events[-1].reason == "stopped"


def test_a_lane_that_hangs_is_killed_some_time_after_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane_processes, "STOP_SECONDS", 1.0)

    def react(engine: Engine, event: Event) -> None:
        if isinstance(event, LaneFinished):
            engine.send(Stop())

    events = events_of(own_config(tmp_path, {"fault": "hang"}), (), react)
    (failed,) = of(LaneFailed, events)
    assert failed.cause == "the lane did not end within 1 s of the stop, and its process was killed"


def test_a_lane_waits_while_its_events_are_not_read(tmp_path: Path) -> None:
    engine = Engine(own_config(tmp_path, iterations=10**7, eval_every=1, diagnostics=False, lanes={"a": "none"}))
    events = engine.run()
    next(event for event in events if isinstance(event, Evaluated))
    (lane,) = engine._made.lanes
    assert isinstance(lane, LaneProcess)
    wait_until(lambda: engine.behind)

    def is_held() -> bool:
        before = lane.step
        threading.Event().wait(0.5)
        return lane.step == before

    wait_until(is_held)
    engine.send(Stop())
    *_, finished, end = events
    assert isinstance(finished, LaneFinished)
    assert finished.step == lane.step
    assert end.reason == "stopped"


def test_a_lane_goes_on_from_a_checkpoint_bit_for_bit(tmp_path: Path) -> None:
    kept: list[EncodedCheckpoint] = []
    config = own_config(tmp_path, checkpoint_every=20, optimizer="adam")
    whole = list(Engine(config, keep=kept.append).run())
    assert sorted((one.lane, one.step) for one in kept) == [(lane, step) for lane in "ab" for step in (20, 40, 60)]
    middle = {one.lane: one.snapshot for one in kept if one.step == 40}
    again = list(Engine(config, resumption=Resumption(snapshots=middle)).run())
    for lane in "ab":
        after = [event for event in timeless(whole, lane) if event.step >= 40 and not isinstance(event, LanePaused)]
        assert timeless(again, lane)[1:] == after


def test_a_recorded_run_is_resumed_and_verified_bit_for_bit(tmp_path: Path) -> None:
    config = own_config(tmp_path, checkpoint_every=20)
    recorder = Recorder(tmp_path / "runs")
    session = Session(config, keep=recorder.keep)
    session.send(SetClip(lane="b", rule="norm:0.3", at_step=25))
    session.send(Stop(at_step=35))
    assert list(recorder.through(session.run()))
    run = recordings.only_run(tmp_path / "runs")
    stopped = read_recording(run / "events.jsonl")
    assert {event.step for event in of(LaneFinished, stopped.events)} == {35}
    resumed = program.call("resume", str(run), "--no-ui")
    assert resumed.returncode == 0, resumed.stderr
    whole = read_recording(run / "events.jsonl")
    assert {event.step for event in of(LaneFinished, whole.events)} == {35, 60}
    verified = program.call("verify", str(run))
    assert "identical bit for bit" in verified.stdout, verified
    assert "has changed" not in verified.stderr
    write(tmp_path).write_text((tmp_path / "mine.py").read_text() + "# other\n")
    assert program.call("verify", str(run)).stderr.count(f"{tmp_path}/mine.py has changed since it was recorded") == 1


SCRIPT = """
import sys
import msgspec
from clipwatch.core.engine.engine import Engine
from clipwatch.core.stream.config import RunConfig, to_toml
from clipwatch.core.stream.events import Evaluated
for event in Engine(msgspec.json.decode(sys.argv[1], type=RunConfig)).run():
    if isinstance(event, Evaluated) and event.step >= 50:
        print(event.step, flush=True)
"""


@pytest.mark.parametrize("paused", [False, True], ids=["training", "paused"])
def test_no_process_survives_an_engine_that_is_killed(paused: bool, tmp_path: Path) -> None:
    settings, pace = {"fault": "start a process"}, None
    script = SCRIPT
    if paused:
        # The speed limit holds the lanes after their first step.
        settings, pace, script = {}, 0.001, SCRIPT.replace(">= 50", ">= 0")
    config = own_config(tmp_path, settings, iterations=10**9, **({"pace": pace} if pace else {}))
    engine = subprocess.Popen(
        [sys.executable, "-c", script, msgspec.json.encode(config).decode()], stdout=subprocess.PIPE
    )
    assert engine.stdout
    with engine, contextlib.closing(engine.stdout):
        assert engine.stdout.readline()
        alive = [process for process in processes(tmp_path) if is_alive(process)]
        assert len(alive) >= 2
        os.kill(engine.pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_alive, alive)))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_no_process_survives_the_program(number: signal.Signals, code: int, tmp_path: Path) -> None:
    settings = tmp_path / "run.toml"
    settings.write_text(to_toml(own_config(tmp_path, {"fault": "start a process"}, iterations=10**9)))
    with program.running("--config", str(settings), "--no-ui", "--runs-dir", str(tmp_path / "runs")) as process:
        assert process.stdout
        assert any("Step: 50" in line for line in process.stdout)
        alive = [each for each in processes(tmp_path) if is_alive(each)]
        assert len(alive) == 4
        process.send_signal(number)
        # Read on, as a terminal does.
        assert process.stdout.read() or number == signal.SIGKILL
        assert process.wait(DEADLINE) == code
        wait_until(lambda: not any(map(is_alive, alive)))
