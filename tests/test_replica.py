"""`clipwatch replica`: one training of a sweep again, as a run."""

from __future__ import annotations

from pathlib import Path

import msgspec
import program
import pytest
from recordings import only_run, read
from test_sweep import DIGITS, replica, started

from clipwatch.core.errors import BadInput
from clipwatch.core.runs.machine import Machine
from clipwatch.core.stream.config import LaneConfig
from clipwatch.core.stream.events import LaneFinished
from clipwatch.core.stream.experiment_info import ExperimentInfo
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import Results, diverged
from clipwatch.core.sweeps.recorded_folders import find_sweep
from clipwatch.core.sweeps.replica_run import numbered_setting, replica_run, typical_seed
from clipwatch.core.sweeps.store import read_sweep
from clipwatch.tui.cli.replica_command import replica_after_sweep
from clipwatch.tui.engine_child.request import TrainRun
from clipwatch.tui.text.replica_lines import replica_lines, trained_again

SMALL = ["--no-ui", "--experiment", "temporal-order", "--set", "length=12", "--set", "units=5", "--iterations", "30"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep of two rules at two learning rates over three seeds."""
    home = tmp_path_factory.mktemp("runs")
    axes = ["--clip", "none", "--clip", "norm:0.1", "--learning-rate", "0.1", "--learning-rate", "0.5"]
    done = program.call("sweep", *SMALL, *axes, "--seeds", "3", "--workers", "1", "--runs-dir", str(home))
    assert done.returncode == 0, done.stderr
    assert "to train a replica as a run: clipwatch replica" in done.stdout
    return home


def results(home: Path) -> Results:
    return read_sweep(find_sweep("last", home, print)).results


def test_the_run_ends_as_the_replica_did(home: Path) -> None:
    done = program.call("replica", "last", "4", "--seed", "2", "--no-ui", "--quiet", "--runs-dir", str(home))
    assert done.returncode == 0, done.stderr
    assert "norm:0.1, learning rate 0.5, seed 2 is trained again. Its numbers are the same" in done.stderr
    recorded = read(only_run(home))
    ends = {event.lane: (event.loss, event.correct) for event in recorded.events if isinstance(event, LaneFinished)}
    found = results(home)
    trained = {"unclipped": found.replicas[1, 2], "clipped": found.replicas[3, 2]}
    expected = {lane: (each.loss, each.correct) for lane, each in trained.items()}
    assert ends == expected
    assert recorded.started.config.learning_rate == 0.5
    # What a sweep does not measure.
    assert any(type(event).__name__ == "Diagnosed" for event in recorded.events)


def test_without_a_setting_they_are_listed_with_their_typical_seed(home: Path) -> None:
    done = program.call("replica", "last", "--runs-dir", str(home))
    lines = done.stdout.splitlines()
    assert [line.split(":")[0].strip()[:5] for line in lines] == ["1  no", "2  no", "3  no", "4  no"]
    found = results(home)
    for line, setting in zip(lines, found.started.config.settings, strict=True):
        seed = typical_seed(found, setting)
        values = sorted(figures.metrics["accuracy"] for figures in found.figures(setting.number).values())
        assert found.figures(setting.number)[seed].metrics["accuracy"] == values[1]
        assert f"{setting.name}: seed {seed}, accuracy {values[1]:.3f}" in line


def test_what_the_sweep_has_not_is_one_line(home: Path) -> None:
    for words, message in (
        (["last", "5"], "setting 5: the sweep has settings 1 to 4"),
        (["last", "0"], "setting 0: the sweep has settings 1 to 4"),
        (["last", "1", "--seed", "9"], "seed 9: the sweep has 0, 1, 2\n"),
    ):
        done = program.call("replica", *words, "--no-ui", "--runs-dir", str(home))
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
    with pytest.raises(BadInput, match="there is no sweep in"):
        find_sweep("last", home / "none", print)


def test_a_replica_without_clipping_is_alone() -> None:
    config = sweep_config(DIGITS, {"clip": ["none", "norm:1"], "head": ["relu", "linear"]}, 2, ())
    found = Results(started=started(config))
    setting = numbered_setting(found, 2)
    run = replica_run(found, setting, 1)
    assert run.lanes == (LaneConfig("replica", "none"),)
    assert (run.seed, run.settings["head"], run.settings["dataset"]) == (1, "linear", "digits")
    assert typical_seed(found, setting) == 0
    assert trained_again(setting, 1).endswith("A sweep rounds differently, so the result may differ")


@pytest.mark.parametrize(
    ("correct", "seed", "result"),
    [
        # In the order of the seeds; None: diverged.
        ([200, 240, None, 220, 230], 3, "accuracy 0.733"),
        ([None, None, None, 297, None], 2, "diverged"),
        ([None, 297, 200, None], 3, "diverged"),
        ([297], 0, "accuracy 0.990"),
        ([], 0, "no result yet"),
    ],
)
def test_a_seed_that_diverged_ranks_worst(correct: list[int | None], seed: int, result: str) -> None:
    config = sweep_config(DIGITS, {"clip": ["none"]}, 5, ())
    ends = [
        diverged(0, number, 5, 300, ()) if count is None else replica(0, number, count)
        for number, count in enumerate(correct)
    ]
    found = Results(started=started(config), replicas={end.key: end for end in ends})
    assert typical_seed(found, config.settings[0]) == seed
    assert replica_lines(found)[0].endswith(f": seed {seed}, {result}")


def test_where_less_is_better_a_seed_that_diverged_ranks_worst_too() -> None:
    config = sweep_config(DIGITS, {"clip": ["none"]}, 3, ())
    start = msgspec.structs.replace(started(config), experiment=ExperimentInfo(name="Mine"))
    ends = [replica(0, 0, loss=0.1), replica(0, 1, loss=2.0), diverged(0, 2, 5, 300, ())]
    found = Results(started=start, replicas={end.key: end for end in ends})
    assert typical_seed(found, config.settings[0]) == 1


def test_the_users_code_is_announced_however_a_replica_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("class Mine: pass\n", encoding="utf-8")
    base = msgspec.structs.replace(DIGITS, experiment=f"{mine}:Mine", settings={}, data_dir=str(tmp_path / "gone"))
    config = sweep_config(base, {"clip": ["none"]}, 3, ())
    info = ExperimentInfo(name="Mine", file=str(mine), checksum="0" * 64)
    found = Results(started=msgspec.structs.replace(started(config), experiment=info))
    shown: list[TrainRun] = []
    replica_after_sweep(lambda request: shown.append(request) or 0, Machine(data_dir=tmp_path))(found, 0, tmp_path)
    said = capsys.readouterr().err
    assert f"runs the code in {mine}" in said
    assert "has changed since it was recorded" in said
    assert shown[0].config.data_dir == str(tmp_path)


def test_from_the_screen_a_replica_is_recorded_beside_its_sweep(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[TrainRun] = []
    train = replica_after_sweep(lambda request: shown.append(request) or 7, Machine(device="cpu"), debug=True)
    assert train(results(home), 3, home) == 7
    (request,) = shown
    assert (request.record_in, request.debug) == (home, True)
    assert "trained again" in capsys.readouterr().err
    assert request.config.lanes == (LaneConfig("unclipped", "none"), LaneConfig("clipped", "norm:0.1"))
    assert request.config.seed == typical_seed(results(home), numbered_setting(results(home), 4))
