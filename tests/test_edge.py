"""Whatever is raised, wherever, is one line at the program's edge; what can be told early is."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import program
import pytest

from clipwatch.core.data import run_dataset
from clipwatch.core.engine.engine import Engine
from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.runs.reader import read_recording
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import StageStarted
from clipwatch.core.stream.sweep_config import WITHOUT_EFFECT, sweep_config
from clipwatch.core.sweeps import workers
from clipwatch.core.sweeps.ray_backend import RayBackend
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.units import units
from clipwatch.tui.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[1]
RAISED = [
    (OSError(errno.EIO, "Input/output error", "a file"), 1, "clipwatch: a file: Input/output error\n"),
    (OSError(), 1, "OSError"),
    (ValueError("one\ntwo"), 1, "unexpected ValueError: one two; --debug"),
    (RuntimeError("no"), 1, "unexpected RuntimeError: no"),
    (NotImplementedError(), 1, "unexpected NotImplementedError;"),
    (RecursionError("too deep"), 1, "unexpected RecursionError: too deep"),
    (MemoryError(), 1, "unexpected MemoryError;"),
    (KeyError("x"), 1, "unexpected KeyError: 'x'"),
    ("\udcff".encode, 1, "unexpected UnicodeEncodeError: 'utf-8' codec"),
    (ExceptionGroup("two", [ValueError("a"), KeyError("b")]), 1, "unexpected ExceptionGroup: two"),
    (ClipwatchError("known"), 1, "clipwatch: known\n"),
    (BadInput("known"), 2, "clipwatch: known\n"),
]


@pytest.mark.parametrize(("closed", "code"), [("2>&-", 0), ("<&-", 0), ("<&- 2>&-", 0), (">&-", 2)])
def test_standard_streams_may_be_closed(closed: str, code: int, tmp_path: Path) -> None:
    run = [*program.COMMAND, "--no-ui", "--dataset", "digits", "--iterations", "2", "--runs-dir", str(tmp_path)]
    done = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *run], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    # Nothing but events has got into the recording.
    assert all(not read_recording(folder / "events.jsonl").damage for folder in tmp_path.iterdir())


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize("command", ["--control --iterations 5", "sweep --workers 1 --seeds 1 --iterations 3"])
def test_messages_that_get_nowhere_change_nothing(redirection: str, command: str, tmp_path: Path) -> None:
    run = [*program.COMMAND, *command.split(), "--no-ui", "--dataset", "digits", "--runs-dir", str(tmp_path)]
    shell = ["sh", "-c", f'echo garbage | "$@" {redirection}', "sh", *run]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert "steps/s" in done.stdout or "2 of 2 trainings done" in done.stdout
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("command", ["--no-ui --dataset digits", "sweep --no-ui --dataset digits", "runs"])
def test_a_current_folder_that_is_gone_is_said_to_be(command: str, tmp_path: Path) -> None:
    run = [*program.COMMAND, *command.split(), "--runs-dir", str(tmp_path)]
    gone = tmp_path / "gone"
    gone.mkdir()
    shell = ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *run]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60, cwd=gone)
    assert done.stderr == "clipwatch: the current folder was deleted; change to another folder\n"
    assert done.returncode == 2


def throw(error: object) -> None:
    if isinstance(error, BaseException):
        raise error
    error()  # type: ignore[operator]


@pytest.mark.parametrize(("error", "code", "words"), RAISED)
def test_whatever_is_raised_is_one_line(
    error: object, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("clipwatch.tui.exit_codes.discard_output", lambda number: None)
    monkeypatch.setitem(COMMANDS, "runs", replace(COMMANDS["runs"], perform=lambda given: throw(error)))
    assert main(["runs"]) == code
    told = capfd.readouterr().err
    assert words in told
    assert told.count("\n") == 1
    assert main(["runs", "--debug"]) == code
    told = capfd.readouterr().err
    assert "Traceback" in told
    assert words in told


@pytest.mark.parametrize("error", [RuntimeError("in a thread"), MemoryError(), RecursionError("in a thread")])
def test_so_is_what_a_thread_raises(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Engine, "_prepare", lambda *_: throw(error))
    assert main(["--no-ui", "--dataset", "digits", "--no-record"]) == 1
    told = capsys.readouterr().err
    assert f"unexpected {type(error).__name__}" in told
    assert told.count("\n") == 1


def test_so_is_what_keeps_a_worker_from_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(workers, "_worker", {})
    monkeypatch.setattr(workers, "UnitTrainer", lambda config: throw(MemoryError("no room")))
    monkeypatch.setenv("OMP_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1"))
    config = sweep_config(RunConfig(settings={"dataset": "digits"}), {"clip": ["none"]}, 1, ())
    workers._start_worker(config.base, workers.multiprocessing.get_context("spawn").Event())
    with pytest.raises(MemoryError, match="no room"):
        workers._train(next(iter(units(config, set()))))


@pytest.mark.parametrize("device", ["warp", "meta", "cuda:99", "hpu", "privateuseone"])
def test_a_device_that_is_not_here_is_told_before_data_is_asked_for(
    device: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def load(*_: object, **__: object) -> None:
        raise AssertionError("data was asked for")

    config = RunConfig(settings={"dataset": "kmnist"}, device=device)
    told: list[object] = []
    with pytest.raises(BadInput, match=f"device '{device}' cannot be used here"):
        told.extend(Engine(config, load=load).run())
    monkeypatch.setattr(run_dataset, "load", load)
    with pytest.raises(BadInput, match=f"device '{device}' cannot be used here") as caught:
        told.extend(Sweep(sweep_config(config, {"clip": ["none"]}, 1, ()), tmp_path).run())
    with pytest.raises(BadInput, match=f"device '{device}' cannot be used here"):
        next(RayBackend(config, None).run(iter(()), lambda: False, [].append))
    assert all(isinstance(event, StageStarted) for event in told)
    assert len(str(caught.value)) < 250


# Words


OPTIONS = {
    "pace": ["--pace", "3"],
    "checkpoint_every": ["--checkpoint-every", "5"],
    "diagnostics": ["--no-diagnostics"],
    "diagnose_every": ["--diagnose-every", "5"],
    "reset_moments": ["--reset-moments"],
}


@pytest.mark.parametrize("name", sorted(WITHOUT_EFFECT))
def test_a_setting_without_effect_in_a_sweep_is_refused_however_it_is_given(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(f"{name} = 1\n", encoding="utf-8")
    for arguments, said in (
        (OPTIONS[name], OPTIONS[name][0]),
        (["--config", str(file)], f"config file {file}: {name}"),
    ):
        assert main(["sweep", "--no-ui", *arguments]) == 2
        assert capsys.readouterr().err == f"clipwatch: {said} has no effect in a sweep; leave it out\n"
    with pytest.raises(BadInput, match="cannot be an axis"):
        sweep_config(RunConfig(), {name: [1, 2]}, 1, ())
    assert OPTIONS[name][0] not in COMMANDS["sweep"].by_name


def test_every_hint_names_an_extra_as_the_readme_installs_it() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    code = "".join(
        file.read_text(encoding="utf-8") for house in ("core", "tui") for file in (ROOT / house).rglob("*.py")
    )
    named = set(re.findall(r"installation\(['\"](\w+)['\"]\)", code))
    # Without the extra "gpu" one figure of a title is missing.
    assert named == set(extras) - {"test", "dev", "gpu"}
    assert "clipwatch[" not in code
