"""Forked runs in the list of runs: below their parents, also where these are gone."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_runs_screen import row_of, write_run
from test_state import FINISHED, LANE, RUN

from clipwatch.core.errors import BadInput
from clipwatch.core.files.recorded_names import MANIFEST
from clipwatch.core.runs.changes import with_changes
from clipwatch.core.runs.folder import LaneOutcome, Manifest, RunFolder
from clipwatch.core.runs.reader import read_recording
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.config import LaneConfig, RunConfig, to_toml
from clipwatch.core.stream.events import ClipChanged, Event, LaneForked, LearningRateChanged, RunFinished
from clipwatch.core.stream.fork_events import ForkOrigin
from clipwatch.core.sweeps.housekeeping import delete, rename
from clipwatch.core.sweeps.listing import EVERYTHING, Recording, recordings
from clipwatch.core.sweeps.tree import tree
from clipwatch.tui.cli.runs_table import print_runs
from clipwatch.tui.runs.rows import arranged, fitting

FORKED = LaneForked(lane="a+1", step=40, parent="a", rule="norm:1", learning_rate=0.01, seconds=1.0)


def write_fork(home: Path, started: float, parent: RunFolder, step: int = 300) -> RunFolder:
    folder = write_run(home, started)
    origin = ForkOrigin(run=parent.path.name, lane="unclipped", step=step)
    folder.write_manifest(msgspec.structs.replace(folder.manifest(), forked_from=origin))
    return folder


def origin_of(folder: RunFolder) -> ForkOrigin | None:
    return folder.manifest().forked_from


def family(home: Path) -> list[RunFolder]:
    """Two runs, two forks of the first one, and a fork of the first of these."""
    first, second = write_run(home, 1.0), write_run(home, 2.0)
    forks = [write_fork(home, started, first) for started in (3.0, 4.0)]
    return [first, second, *forks, write_fork(home, 5.0, forks[0], 450)]


def listed(home: Path) -> list[Recording]:
    return recordings(home, EVERYTHING, lambda problem: pytest.fail(problem))


def shape(found: list[tuple[Recording, int]]) -> list[tuple[int, int]]:
    """The seed, which is the time of the start, and the depth of each."""
    return [(int(recording.overview.started), depth) for recording, depth in found]


def test_forked_runs_stand_below_the_run_that_they_come_from(tmp_path: Path) -> None:
    family(tmp_path)
    found = listed(tmp_path)
    assert shape(tree(found)) == [(1, 0), (3, 1), (5, 2), (4, 1), (2, 0)]
    assert shape(tree(found[::-1])) == [(2, 0), (1, 0), (4, 1), (3, 1), (5, 2)]


def test_a_run_whose_parent_was_deleted_stays_and_stands_on_its_own(tmp_path: Path) -> None:
    folders = family(tmp_path)
    delete(folders[0])
    assert shape(tree(listed(tmp_path))) == [(2, 0), (3, 0), (5, 1), (4, 0)]


def test_a_run_keeps_its_forks_if_it_is_renamed(tmp_path: Path) -> None:
    folders = family(tmp_path)
    (folders[3].path / MANIFEST).write_text("damaged", encoding="utf-8")
    rename(folders[0], "first")
    assert origin_of(folders[2]) == ForkOrigin(run="first", lane="unclipped", step=300)
    assert origin_of(folders[4]) == ForkOrigin(run=folders[2].path.name, lane="unclipped", step=450)


def test_a_fork_that_is_resumed_knows_the_new_name_and_no_run_is_renamed_meanwhile(tmp_path: Path) -> None:
    parent = write_run(tmp_path, 1.0)
    run = msgspec.structs.replace(RUN, forked_from=ForkOrigin(run=parent.path.name, lane="unclipped", step=300))
    for _ in Recorder(tmp_path).through(iter([run, LANE])):
        pass
    (fork,) = (one.folder for one in listed(tmp_path) if one.folder != parent and isinstance(one.folder, RunFolder))
    assert rename(parent, "first") == tmp_path / "first"
    recorder = Recorder(tmp_path)
    recorder.reopen(fork, fork.claim(), read_recording(fork.events))
    assert origin_of(fork) == ForkOrigin(run="first", lane="unclipped", step=300)
    with pytest.raises(BadInput, match="another process is writing it"):
        rename(RunFolder(tmp_path / "first"), "second")
    assert (tmp_path / "first").is_dir()
    for _ in recorder.through(iter([])):
        pass


@given(st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_every_recording_is_listed_once_whatever_the_names_of_parents(parents: list[int]) -> None:
    found = [recording(number, parent) for number, parent in enumerate(parents)]
    arranged = tree(found)
    assert sorted(one.name for one, _ in arranged) == sorted(one.name for one in found)
    before: list[str] = []
    for one, depth in arranged:
        if depth:
            assert str(parents[int(one.name)]) in before
        before.append(one.name)


def recording(number: int, parent: int) -> Recording:
    outcome = LaneOutcome(name="a", rule="none", step=1)
    origin = ForkOrigin(run=str(parent), lane="a", step=1)
    manifest = Manifest(
        state="done",
        started=number,
        seed=0,
        dataset=RUN.dataset,
        device="cpu",
        versions={},
        lanes=(outcome,),
        forked_from=origin,
    )
    return Recording(RunFolder(Path("/") / str(number)), manifest)


def test_the_table_shows_the_tree_and_json_has_the_origin(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = family(tmp_path)
    print_runs(tmp_path, json=False)
    out = capsys.readouterr().out
    assert "forked from" in out
    (line,) = [line for line in out.splitlines() if folders[4].path.name in line]
    assert f"   └─ {folders[4].path.name} " in line
    assert " unclipped@450 " in line
    delete(folders[0])
    print_runs(tmp_path, json=False)
    assert f"unclipped@300 of {folders[0].path.name}" in capsys.readouterr().out
    print_runs(tmp_path, json=True)
    origins = [json.loads(line)["forked_from"] for line in capsys.readouterr().out.splitlines()]
    assert {"run": folders[2].path.name, "lane": "unclipped", "step": 450} in origins


def test_a_list_without_forks_has_no_column_for_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path, 1.0)
    print_runs(tmp_path, json=False)
    assert "forked from" not in capsys.readouterr().out
    assert "forked from" not in [column.name for column in fitting([row_of(write_run(tmp_path, 2.0))], 200)]


def test_learning_rates_are_shown_where_lanes_have_different_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lanes = [
        LaneOutcome(name=name, rule="none", step=1, learning_rate=rate) for name, rate in (("a", 0.1), ("b", 0.01))
    ]
    write_run(tmp_path, 1.0, lanes=tuple(lanes))
    print_runs(tmp_path, json=False)
    out = capsys.readouterr().out
    assert "none, lr 0.1 " in out
    assert "none, lr 0.01" in out
    delete(listed(tmp_path)[0].folder)
    write_run(tmp_path, 2.0, lanes=(lanes[0], msgspec.structs.replace(lanes[0], name="b")))
    print_runs(tmp_path, json=False)
    assert "lr 0" not in capsys.readouterr().out


def test_the_manifest_names_the_optimizers_of_all_lanes(tmp_path: Path) -> None:
    lanes = (LaneConfig("a", "none"), LaneConfig("b", "none", optimizer="sgd"))
    run = msgspec.structs.replace(RUN, config=RunConfig(lanes=lanes))
    for _ in Recorder(tmp_path).through(iter([run, LANE, RunFinished(reason="stopped", seconds=9.0)])):
        pass
    assert listed(tmp_path)[0].overview.optimizer == "adam, sgd"


@pytest.mark.parametrize("ascii", [False, True])
def test_the_screens_rows_are_a_tree_that_a_filter_cuts(tmp_path: Path, ascii: bool) -> None:
    folders = family(tmp_path)
    rows = [row_of(folder, ascii=ascii) for folder in folders]
    shown = arranged(rows, ascii=ascii)
    branch = "`- " if ascii else "└─ "
    assert [row.cells["name"].startswith(branch) for row in shown] == [False, True, False, True, False]
    assert shown[1].cells["forked from"] == "unclipped@300"
    forks = [row for row in rows if row.matches("forked")]
    assert [row.depth for row in arranged(forks, ascii=ascii)] == [0, 1, 0]


# What the recorder writes, and what a killed one did not


def test_the_manifest_says_what_a_run_and_its_lanes_were_forked_from(tmp_path: Path) -> None:
    origin = ForkOrigin(run="earlier", lane="a", step=30)
    events: list[Event] = [msgspec.structs.replace(RUN, forked_from=origin), LANE, FORKED]
    ends = [msgspec.structs.replace(FINISHED, lane=lane) for lane in ("a", "a+1")]
    recorder = Recorder(tmp_path)
    for _ in recorder.through(iter([*events, *ends, RunFinished(reason="completed", seconds=9.0)])):
        pass
    (folder,) = tmp_path.iterdir()
    manifest = RunFolder(folder).manifest()
    assert manifest.forked_from == origin
    assert [(lane.parent, lane.forked_at) for lane in manifest.lanes] == [(None, None), ("a", 40)]
    assert [lane.learning_rate for lane in manifest.lanes] == [0.001, 0.01]
    # A fork is no change of a lane.
    assert manifest.changed is False


@pytest.mark.parametrize(
    ("event", "changed"),
    [
        (LearningRateChanged(lane="warm", step=5, rate=0.1, previous=0.01), True),
        (ClipChanged(lane="warm", step=5, rule="none", previous="norm:1"), True),
        (ClipChanged(lane="warm", step=300, rule="norm:5", previous="norm:1"), False),
        (FORKED, False),
    ],
)
def test_a_killed_run_is_changed_if_its_events_hold_a_change_that_was_not_planned(
    tmp_path: Path, event: Event, changed: bool
) -> None:
    folder = write_run(tmp_path, 1.0, changed=False)
    folder.write_manifest(msgspec.structs.replace(folder.manifest(), state="interrupted"))
    lanes = (LaneConfig("warm", "norm:1", clip_at={300: "norm:5"}),)
    folder.config.write_text(to_toml(RunConfig(lanes=lanes)))
    folder.events.write_bytes(seal(encode(event)) + b"\n")
    assert with_changes(folder, folder.manifest()).changed is changed
