"""Sweeps among the recorded runs: `clipwatch runs`."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import datetime
from pathlib import Path

import msgspec
import program
import pytest
from other_experiments import BITS
from recordings import DIGITS as RUN
from test_state import EVALUATED, FINISHED, LANE
from test_state import RUN as BEGUN
from test_sweep import DIGITS, INFO, replica, started
from virtual_terminal import CLIPWATCH, VirtualTerminal

from clipwatch.core.runs.changes import with_changes
from clipwatch.core.runs.folder import LaneOutcome, Manifest, RunFolder, create_run
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.events import ClipChanged, Event, MomentsReset, RunFinished
from clipwatch.core.stream.sweep_config import SweepConfig, sweep_config
from clipwatch.core.sweeps.overview import overview
from clipwatch.core.sweeps.recorded_folders import recorded_folders
from clipwatch.core.sweeps.store import SweepFolder, SweepWriter, create_sweep, read_sweep
from clipwatch.tui.cli.main import main
from clipwatch.tui.cli.runs_table import print_runs

END = RunFinished(reason="completed", seconds=9.0)
CONFIG = sweep_config(DIGITS, {"clip": ["none", "value:0.001"], "head": ["relu", "linear"]}, 2, ())


def write(home: Path, config: SweepConfig = CONFIG, *, seeds: int = 2) -> SweepFolder:
    folder = create_sweep(home, "digits", 0.0)
    with SweepWriter(folder) as writer:
        writer.write(started(config))
        for seed in range(seeds):
            for setting in range(len(config.settings)):
                writer.write(replica(setting, seed, 240 - 30 * setting - seed, loss=1.0 + setting))
    return folder


def test_an_overview_says_how_far_it_is_and_what_the_first_comparison_comes_to(tmp_path: Path) -> None:
    found = overview(write(tmp_path))
    assert (found.state, found.settings, found.seeds, found.done, found.total) == ("done", 4, 2, 8, 8)
    assert found.comparison
    assert found.comparison.name == "value:0.001 vs. not clipped (ReLU on the logits)"
    assert (found.comparison.seeds, found.comparison.nats) == (2, 2.0)
    assert found.comparison.points == pytest.approx(-20)


def test_the_difference_of_another_experiment_is_that_of_its_first_metric(tmp_path: Path) -> None:
    folder = create_sweep(tmp_path, BITS.name, 0.0)
    with SweepWriter(folder) as writer:
        config = sweep_config(DIGITS, {"clip": ["none", "norm:1"]}, 1, ())
        writer.write(msgspec.structs.replace(started(config), experiment=BITS))
        for setting, bits in enumerate((2.0, 2.5)):
            writer.write(replica(setting, 0, curve=((5, 1.2, 0.5),), metrics={BITS.main.name: bits}))
    compared = overview(folder).comparison
    assert compared
    assert (compared.main, compared.nats) == (0.5, 0.0)


def test_a_sweep_is_running_while_it_is_written_and_interrupted_afterwards(tmp_path: Path) -> None:
    folder = write(tmp_path, seeds=1)
    with SweepWriter(folder, read_sweep(folder)):
        assert overview(folder).state == "running"
    assert overview(folder).state == "interrupted"


def test_settings_without_a_seed_in_common_have_no_difference(tmp_path: Path) -> None:
    assert overview(write(tmp_path, seeds=0)).comparison is None
    assert overview(write(tmp_path, sweep_config(DIGITS, {"clip": ["none"]}, 2, ()))).comparison is None


def test_runs_lists_sweeps_among_runs(tmp_path: Path) -> None:
    sweep = write(tmp_path)
    assert program.call(*RUN, "--iterations", "5", "--runs-dir", str(tmp_path)).returncode == 0
    table = program.call("runs", "--runs-dir", str(tmp_path)).stdout
    for words in (
        sweep.path.name,
        "4 settings",
        "2 seeds",
        "8 of 8",
        "-0.200",
        "+2.0000",
        "(ReLU on the logits)",
        "For a sweep",
    ):
        assert words in table
    lines = program.call("runs", "--json", "--runs-dir", str(tmp_path)).stdout.splitlines()
    kinds = {json.loads(line)["kind"]: json.loads(line) for line in lines}
    assert len(lines) == len(kinds) == 2
    assert kinds["sweep"]["run"] == sweep.path.name
    assert kinds["sweep"]["comparison"]["points"] == pytest.approx(-20)


def test_a_sweep_that_cannot_be_read_is_told_of_and_the_others_are_listed(tmp_path: Path) -> None:
    broken, whole = write(tmp_path), write(tmp_path)
    broken.results.write_bytes(b"")
    done = program.call("runs", "--runs-dir", str(tmp_path))
    assert done.returncode == 0
    assert whole.path.name in done.stdout
    assert done.stderr == f"clipwatch: sweep {broken.path}: sweep.jsonl does not begin with a sweep\n"


def test_a_narrow_terminal_shows_every_name_in_full(tmp_path: Path) -> None:
    sweep = write(tmp_path)
    terminal = VirtualTerminal([*CLIPWATCH, "runs", "--list", "--runs-dir", str(tmp_path)], size=(80, 24))
    try:
        assert terminal.ends() == 0
        assert sweep.path.name in terminal.text
        assert "8 of 8" in terminal.text
        assert "-0.200" in terminal.text
    finally:
        terminal.close()


def test_a_thousand_runs_of_which_many_are_sweeps_are_listed_soon(tmp_path: Path) -> None:
    config = sweep_config(DIGITS, {"clip": ["none", "value:0.001"], "head": ["relu", "linear"]}, 32, ())
    curve = tuple((50 * number, 1 / number, number / 30) for number in range(1, 21))
    lines = [replica(setting, seed, curve=curve) for seed in range(32) for setting in range(4)]
    content = b"".join(seal(encode(event)) + b"\n" for event in (started(config), *lines))
    outcome = LaneOutcome(name="clipped", rule="value:0.001", step=1000, loss=1.0, accuracy=0.5)
    told = {"seed": 0, "dataset": INFO, "device": "cpu", "versions": {}, "lanes": (outcome, outcome), "changed": False}
    for number in range(1000):
        if number < 300:
            create_sweep(tmp_path, "digits", 60.0 * number).results.write_bytes(content)
        else:
            run = create_run(tmp_path, "digits", 0, 60.0 * number)
            run.write_manifest(Manifest(state="done", started=60.0 * number, **told))
    (tmp_path / "empty").mkdir()
    start, _ = _processor_time("runs", "--runs-dir", str(tmp_path / "empty"))
    taken, table = _processor_time("runs", "--runs-dir", str(tmp_path))
    assert table.count("128 of 128") == 300
    assert len(table.splitlines()) == 2000 + 4
    # A ratio, since machines differ.
    assert taken < 8 * start


def _processor_time(*arguments: str) -> tuple[float, str]:
    """What the program takes of a processor, which does not depend on what else is running, and what it prints."""
    before = os.times()
    printed = program.run(*arguments).stdout
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, printed


def test_without_curves_a_sweep_is_read_to_the_same_outcomes_and_damage(tmp_path: Path) -> None:
    folder = create_sweep(tmp_path, "digits", 0.0)
    with SweepWriter(folder) as writer:
        writer.write(started(CONFIG))
        for seed in range(2):
            writer.write(replica(0, seed, curve=((10, 2.0, 0.5), (20, 1.0, 0.6))))
    with folder.results.open("ab") as file:
        file.write(seal(encode(replica(1, 0))).replace(b"200", b"201") + b"\n" + b'{"v":1')
    whole, light = read_sweep(folder), read_sweep(folder, curves=False)
    assert len(light.damage) == 2
    assert (light.damage, light.whole_bytes) == (whole.damage, whole.whole_bytes)
    assert list(light.results.replicas.values()) == [replica(0, 0), replica(0, 1)]
    assert whole.results.replicas[0, 0].curve


@pytest.mark.parametrize("width", [60, 80, 100, 110, 130, 140, 160])
def test_a_table_is_no_wider_than_its_terminal(
    width: int, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    print_runs(tmp_path, json=False)
    table, _, explanation = capsys.readouterr().out.partition("\n\n")
    assert explanation
    assert max(map(len, table.splitlines())) <= width
    assert "value:0.001" in table
    # Where the data are not shown, they are in the name.
    assert width < 100 or ("relu, linear" in table and "adam" in table)


# Changed mid-run, and filters

CHANGED = ClipChanged(lane="a", step=40, rule="none", previous="value:0.001")
RESET = MomentsReset(lane="a", step=40)
NEW_FIELDS = ("settings", "optimizer", "changed")


def listed(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["runs", *arguments, "--runs-dir", str(home)]) == 0
    return capsys.readouterr().out


def objects(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in listed(home, capsys, "--json", *arguments).splitlines()]


def record(home: Path, *events: Event) -> RunFolder:
    before = {*recorded_folders(home, print)}
    list(Recorder(home).through([BEGUN, LANE, *events]))
    (folder,) = {*recorded_folders(home, print)} - before
    assert isinstance(folder, RunFolder)
    return folder


def make_old(folder: RunFolder) -> None:
    """Make the manifest one of an older version."""
    path = folder.path / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({key: value for key, value in manifest.items() if key not in NEW_FIELDS}))


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("change", [CHANGED, RESET])
def test_a_run_that_was_changed_is_marked_whatever_version_wrote_it(
    change: Event, old: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed, clean = record(tmp_path, change, FINISHED, END), record(tmp_path, EVALUATED, FINISHED, END)
    if old:
        make_old(changed)
        make_old(clean)
    found = objects(tmp_path, capsys)
    assert {each["run"]: each["changed"] for each in found} == {changed.path.name: True, clean.path.name: False}
    assert {(each["settings"]["head"], each["optimizer"]) for each in found} == {("relu", "adam")}
    table = listed(tmp_path, capsys)
    assert [row.count("done*") for row in table.splitlines() if " done" in row and "digits" in row] == [1, 0]
    assert "* changed mid-run: not a clean comparison of its lanes" in table
    assert [each["run"] for each in objects(tmp_path, capsys, "--changed")] == [changed.path.name]


def test_a_change_after_the_last_manifest_of_a_killed_run_is_seen(tmp_path: Path) -> None:
    folder = record(tmp_path)
    assert with_changes(folder, folder.manifest()).changed is False
    with folder.events.open("ab") as file:
        file.write(seal(encode(CHANGED)) + b"\n")
    assert folder.manifest().changed is False
    assert with_changes(folder, folder.manifest()).changed is True


def test_what_cannot_be_known_is_shown_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = record(tmp_path, FINISHED, END)
    make_old(folder)
    for path in (folder.events, folder.config):
        path.unlink()
        os.mkfifo(path)
    (found,) = objects(tmp_path, capsys)
    assert [found[key] for key in NEW_FIELDS] == [None] * 3
    table = listed(tmp_path, capsys)
    assert "done?" in table
    assert "? its events cannot be read" in table


def test_runs_are_filtered_by_data_and_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = time.time()
    for dataset, age in (("digits", 1.0), ("mnist", 2.0), ("mnist", 30.0)):
        started, info = now - 86400 * age, msgspec.structs.replace(INFO, name=dataset)
        manifest = Manifest(
            state="done", started=started, seed=0, dataset=info, device="cpu", versions={}, lanes=(), changed=False
        )
        create_run(tmp_path, dataset, 0, started).write_manifest(manifest)
    write(tmp_path)  # of 1970
    day = f"{datetime.fromtimestamp(now - 3 * 86400):%Y-%m-%d}"
    counts = {
        "": 4,
        "--dataset digits": 2,
        "--dataset mnist": 2,
        "--since 36h": 1,
        "--since 3d": 2,
        f"--since {day}": 2,
        f"--since {day}T00:00": 2,
        "--since 5w": 3,
        "--since 3d --dataset mnist": 1,
    }
    assert {each: len(objects(tmp_path, capsys, *each.split())) for each in counts} == counts
    assert listed(tmp_path, capsys, "--changed") == f"no such runs in {tmp_path}\n"


@pytest.mark.parametrize("when", ["soon", "3", "3m", "2026-13-01", "", "-3d", "inf"])
def test_a_time_that_is_none_is_one_line(when: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["runs", f"--since={when}"])
    assert "neither a date such as 2026-03-31 nor an age such as 12h" in capsys.readouterr().err


def test_what_was_started_first_is_first_whatever_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = write(tmp_path)
    later = create_run(tmp_path, "digits", 0, 9.0)
    later.write_manifest(
        Manifest(state="done", started=9.0, seed=0, dataset=INFO, device="cpu", versions={}, lanes=(), changed=False)
    )
    later.path.rename(tmp_path / "0")
    assert [each["run"] for each in objects(tmp_path, capsys)] == [first.path.name, "0"]
