"""Child processes: they are handed values whole, import nothing from the current folder, and say why they end."""

from __future__ import annotations

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipwatch.core.runs.folder import Manifest, RunFolder
from clipwatch.core.stream.codec import decode_event
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import DatasetInfo, Event, ReplayStarted
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import SweepStarted
from clipwatch.core.sweeps.store import SweepWriter, create_sweep
from clipwatch.core.sweeps.units import units
from clipwatch.core.sweeps.workers import LocalBackend
from clipwatch.tui.cli.main import main
from clipwatch.tui.engine_child.process import EngineProcess
from clipwatch.tui.engine_child.request import (
    BackendConfig,
    Machine,
    ReplayRun,
    ResumeRun,
    ResumeSweep,
    ScreenOptions,
    ScreenRequest,
    TrainRun,
    TrainSweep,
    decoded_request,
    decoded_screen,
    encoded,
)
from clipwatch.tui.live import run as live
from clipwatch.tui.sweep import run as sweep_live
from clipwatch.tui.view.metrics import NAMES
from clipwatch.tui.web import serve

RECORDING = Path(__file__).parent / "schemas" / "1.jsonl"
DEADLINE = 60.0
# What Python, its libraries and clipwatch import: a file of such a name here must not take their place.
SHADOWS = ("queue", "random", "socket", "types", "heapq", "torch")

raw = st.binary(min_size=1, max_size=20).filter(lambda name: b"\0" not in name)
paths = raw.map(lambda name: Path(os.fsdecode(name)))
maybe_path = st.none() | paths
words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
names = st.sampled_from(["last", "-a", "不裁剪", "a.b+c"])
configs = st.builds(
    RunConfig,
    data_dir=st.none() | words | st.just("-data"),
    # A sweep takes it and the two after it.
    seed=st.integers(0, 2**63 - 3),
    pace=st.none() | st.floats(1e-300, 1e300),
    learning_rate=st.floats(1e-300, 1e300),
    device=words,
    lanes=st.lists(st.builds(LaneConfig, names, st.sampled_from(["none", "value::2", "zclip"])), min_size=1, max_size=3)
    .filter(lambda lanes: len({lane.name for lane in lanes}) == len(lanes))
    .map(tuple),
)
sweeps = st.builds(
    lambda base, rates, chosen: sweep_config(base, {"clip": ["none", "norm:1"], "learning_rate": rates}, 3, chosen),
    configs,
    st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=3, unique=True),
    st.lists(st.integers(0, 2**63 - 1), max_size=3, unique=True),
)
machines = st.builds(Machine, data_dir=maybe_path, device=st.none() | words)
workplaces = st.builds(BackendConfig, workers=st.none() | st.integers(1, 9), on_ray=st.booleans())
train_runs = st.builds(TrainRun, config=configs, record_in=maybe_path, tensorboard=maybe_path)
requests = (
    train_runs
    | st.builds(ResumeRun, folder=paths, iterations=st.none() | st.integers(1, 10**15), machine=machines)
    | st.builds(ReplayRun, folder=paths, speed=st.none() | st.floats(1e-300, 1e300))
    | st.builds(TrainSweep, config=sweeps, record_in=paths, backend=workplaces)
    | st.builds(ResumeSweep, folder=paths, machine=machines, backend=workplaces)
)


@given(requests)
def test_a_request_arrives_as_it_was(request: Any) -> None:
    assert decoded_request(encoded(request)) == request


shown_as = st.builds(ScreenOptions, keymap=st.just({"pause": "x"}), charts=st.lists(st.sampled_from(NAMES)).map(tuple))


@given(st.builds(ScreenRequest, engine=train_runs | st.lists(words), options=shown_as))
def test_so_does_a_screen_for_the_web_page(screen: ScreenRequest) -> None:
    assert decoded_screen(encoded(screen).decode()) == screen


@contextmanager
def engine(request: Any) -> Iterator[tuple[EngineProcess, list[bytes]]]:
    """An engine that has ended, and what it said."""
    process, lines, end = EngineProcess(request), list[bytes](), time.monotonic() + DEADLINE
    try:
        while process.exit_code is None:
            assert time.monotonic() < end, "the engine never ended"
            lines += process.lines(0.05)
        yield process, lines
    finally:
        process.stop()


@pytest.fixture
def shadowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, full of modules that are none of ours."""
    for name in SHADOWS:
        (tmp_path / f"{name}.py").write_text(f"open('imported', 'a').write('{name}'); raise SystemExit(9)")
    (tmp_path / "clipwatch").mkdir()
    (tmp_path / "clipwatch" / "__init__.py").write_text("open('imported', 'a').write('clipwatch')")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", [b"last", b"-first", b"--help", b"\xd4\xcb", "裁剪 ~".encode()])
def test_a_folder_is_a_folder_whatever_it_is_called(name: bytes, shadowed: Path) -> None:
    folder = Path(os.fsdecode(name))
    folder.mkdir()
    shutil.copy(RECORDING, folder / "events.jsonl")
    process = EngineProcess(ReplayRun(folder=folder))
    events: list[Event] = []
    try:
        while not any(isinstance(event, ReplayStarted) for event in events):
            assert process.exit_code is None, process.last_error_line
            events += map(decode_event, process.lines(0.05))
    finally:
        process.stop()
    assert not (shadowed / "imported").exists()


def test_a_request_that_no_pipe_holds_at_once_arrives() -> None:
    base = RunConfig(settings={"dataset": "digits"}, iterations=1, eval_size=100_000)
    config = sweep_config(base, {"clip": ["none"]}, 1, range(20_000))
    assert len(encoded(TrainSweep(config=config, record_in=Path(), backend=BackendConfig()))) > 1 << 16
    with engine(TrainSweep(config=config, record_in=Path("unused"), backend=BackendConfig())) as (process, _):
        assert process.exit_code == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"eval_size": 100_000}, "eval-size 100000: digits has only 300 images"),
        (
            {"settings": {"dataset": "kmnist"}, "offline": True, "data_dir": "/nonexistent"},
            "data dir /nonexistent: no such folder",
        ),
        ({"device": "warp"}, "device 'warp'"),
    ],
)
def test_a_sweep_that_cannot_be_trained_says_why(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    base = msgspec.structs.replace(RunConfig(settings={"dataset": "digits"}, iterations=1), **change)
    request = TrainSweep(
        config=sweep_config(base, {"clip": ["none"]}, 1, ()), record_in=tmp_path, backend=BackendConfig()
    )
    with engine(request) as (process, _):
        assert process.last_error_line.startswith(f"clipwatch: {words}"), process.last_error_line
        assert process.exit_code == 2


def test_workers_of_a_sweep_import_nothing_from_the_current_folder(shadowed: Path) -> None:
    config = sweep_config(RunConfig(settings={"dataset": "digits"}, iterations=1), {"clip": ["none"]}, 1, ())
    told: list[str] = []
    outcomes = LocalBackend(config.base, 1).run(units(config, set()), lambda: False, told.append)
    assert (len([*filter(None, outcomes)]), told) == (1, [])
    assert not (shadowed / "imported").exists()
    assert "PYTHONSAFEPATH" not in os.environ


# What the command line makes of options


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ScreenOptions]]:
    """What screens would have been shown, and how."""
    asked: list[tuple[Any, ScreenOptions]] = []

    def run_live(wanted: Any, options: ScreenOptions, **_: object) -> int:
        asked.append((wanted, options))
        return 0

    monkeypatch.setattr(live, "run_live", run_live)
    monkeypatch.setattr(sweep_live, "show_sweep", lambda request, **_: run_live(request, ScreenOptions()))
    return asked


def recording(folder: Path) -> Path:
    folder.mkdir(parents=True)
    shutil.copy(RECORDING, folder / "events.jsonl")
    data = DatasetInfo(name="digits", origin="embedded", training=1, validation=1, checksum="0")
    known = {"started": 1.0, "seed": 0, "dataset": data, "device": "cpu", "versions": {}, "lanes": ()}
    RunFolder(folder).write_manifest(Manifest(state="done", **known))
    return folder


@pytest.mark.parametrize("command", ["resume", "replay"])
def test_a_path_is_never_the_word_last(
    command: str, shown: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recording(tmp_path / "last")
    newest = recording(tmp_path / "runs" / "newest")
    assert main([command, "./last", "--runs-dir", "runs"]) == 0
    assert main([command, "last", "--runs-dir", "runs"]) == 0
    assert [request.folder.resolve() for request, _ in shown] == [tmp_path / "last", newest]


@contextmanager
def pipe(path: Path, text: str) -> Iterator[str]:
    """A config file that can be read once."""
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(text,), daemon=True)
    writer.start()
    yield str(path)
    writer.join(DEADLINE)
    assert not writer.is_alive(), "nobody read the file"


def test_a_config_file_is_read_once(shown: list[Any], tmp_path: Path) -> None:
    with pipe(tmp_path / "run", 'seed = 3\n[lanes]\n-a = "none"\n[keys]\npause = "x"\n') as file:
        assert main(["--config", file, "--data-dir=-data", "--no-record"]) == 0
    ((request, options),) = shown
    assert (request.config.seed, request.config.data_dir, options.keymap) == (3, "-data", {"pause": "x"})
    assert request.config.lanes == (LaneConfig("-a", "none"),)
    assert request.record_in is None


def test_a_sweeps_config_file_is_read_once(shown: list[Any], tmp_path: Path) -> None:
    with pipe(tmp_path / "sweep", "iterations = 5\nseeds = 2\n") as file:
        assert main(["sweep", "--config", file, "--runs-dir", str(tmp_path)]) == 0
    ((request, _),) = shown
    assert (request.config.base.iterations, request.config.seeds, request.record_in) == (5, 2, tmp_path)


@pytest.mark.parametrize("command", ["resume", "replay"])
def test_a_recorded_run_takes_keys_alone(
    command: str, shown: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = recording(tmp_path / "run")
    with pipe(tmp_path / "keys", 'seed = 3\n[keys]\npause = "x"\n') as file:
        assert main([command, str(run), "--config", file]) == 0
    assert [options.keymap for _, options in shown] == [{"pause": "x"}]
    assert capsys.readouterr().err == f"clipwatch: {file}: only [keys] applies to a recorded run; ignored: seed\n"


CHARTS = ["--charts", "loss, grad-norm,histogram"]


@pytest.mark.parametrize("command", ["", "resume", "replay"])
def test_the_charts_that_are_asked_for_are_shown(command: str, shown: list[Any], tmp_path: Path) -> None:
    arguments = [command, str(recording(tmp_path / "run"))] if command else ["--no-record"]
    assert main([*arguments, *CHARTS]) == 0
    assert main(arguments) == 0
    assert [options.charts for _, options in shown] == [("loss", "grad-norm", "histogram"), ()]


def test_a_page_shows_the_charts_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[ScreenRequest] = []
    monkeypatch.setattr(serve, "serve", lambda port, origins, screen: served.append(screen) or 0)
    assert main(["--web", *CHARTS, "--no-record"]) == 0
    assert [screen.options.charts for screen in served] == [("loss", "grad-norm", "histogram")]


def test_what_a_sweep_goes_on_with_is_handed_over(shown: list[Any], tmp_path: Path) -> None:
    sweep = create_sweep(tmp_path, "digits", 0.0)
    info = DatasetInfo(name="digits", origin="embedded", training=9, validation=9, checksum="0")
    config = sweep_config(RunConfig(settings={"dataset": "digits"}), {"clip": ["none"]}, 1, ())
    with SweepWriter(sweep) as writer:
        writer.write(SweepStarted(config=config, dataset=info, versions={}, time=0.0))
    folder = sweep.path
    given = ["--data-dir=-data", "--device", "cpu", "--workers", "2"]
    assert main(["resume", str(folder), *given, "--runs-dir", str(tmp_path)]) == 0
    wanted = ResumeSweep(
        folder=folder, machine=Machine(data_dir=Path("-data"), device="cpu"), backend=BackendConfig(workers=2)
    )
    assert [request for request, _ in shown] == [wanted]


def test_a_users_own_engine_keeps_its_folder(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("text = 'it'")
    script = tmp_path / "engine.py"
    script.write_text("import beside; print(beside.text)")
    with engine([sys.executable, str(script)]) as (process, lines):
        assert (process.exit_code, lines) == (0, [b"it"])
