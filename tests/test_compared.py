"""Lanes of several runs: the settings in which they differ, their values, their times, and the table of them."""

from __future__ import annotations

import math
import os
from pathlib import Path

import msgspec
import numpy as np
import pytest
from compared_runs import compared, finished, recorded, started, story, trained
from fake_loop import FakeLoop
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from test_runs_table import write as write_sweep
from watched_runs import story as watched_story

from clipwatch.core.runs.compared import ComparedLane, ComparedRun, common_metrics, compared_lanes, compared_metrics
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.followed_run import FollowedRun, lane_times
from clipwatch.core.runs.lane_settings import differing
from clipwatch.core.stream.builtin_experiments import ACCURACY
from clipwatch.core.stream.events import (
    ClipChanged,
    Event,
    ForkOrigin,
    LaneForked,
    LaneStarted,
    LearningRateChanged,
    MomentsReset,
)
from clipwatch.core.stream.experiment_info import LOSS
from clipwatch.tui.charts.curve import Curve
from clipwatch.tui.cli.main import main
from clipwatch.tui.compare.console import table_lines
from clipwatch.tui.compare.placed_curve import MOST_POINTS, PlacedCurve
from clipwatch.tui.compare.table import table_columns
from clipwatch.tui.compare.times import PER_SECOND, Times
from clipwatch.tui.compare.words import best_words, differences, experiments_text, step_text, value_text

FORK = [
    LaneForked(lane="new", step=50, parent="clipped", rule="none", learning_rate=0.001, seconds=0.5),
    LaneStarted(lane="new", step=50, rule="none", iterations=100, parameters=7, seconds=0.5, learning_rate=0.001),
    *trained("new", 50, 100, pace=50.0),
]


def lanes(*stories: list[Event]) -> list[ComparedLane]:
    return compared_lanes(compared(*stories))


def of(lane: ComparedLane) -> dict[str, object]:
    return {name: lane.settings.get(name) for name in lane.differing}


# In which settings they differ


def test_lanes_differ_by_what_has_several_values_over_all_runs() -> None:
    found = lanes(story(), story(seed=1, head="linear"))
    assert [lane.mark for lane in found] == ["1A", "1B", "2A", "2B"]
    assert [of(lane) for lane in found] == [
        {"clip": "none", "head": "relu", "seed": 0},
        {"clip": "value:0.001", "head": "relu", "seed": 0},
        {"clip": "none", "head": "linear", "seed": 1},
        {"clip": "value:0.001", "head": "linear", "seed": 1},
    ]


def test_the_own_settings_of_a_lane_count_and_not_those_of_the_run() -> None:
    own = {"lanes": {"a": "none", "b": "none,lr=0.01,optimizer=sgd"}}
    found = lanes(story(**own), story(lanes={"a": "none"}))
    assert [of(lane) for lane in found] == [
        {"learning_rate": 0.001, "optimizer": "adam"},
        {"learning_rate": 0.01, "optimizer": "sgd"},
        {"learning_rate": 0.001, "optimizer": "adam"},
    ]


def test_changes_and_forks_are_written_with_their_steps() -> None:
    changes = [
        ClipChanged(lane="clipped", step=30, rule="norm:1", previous="value:0.001"),
        LearningRateChanged(lane="clipped", step=40, rate=0.01, previous=0.001),
        MomentsReset(lane="clipped", step=45),
    ]
    found = lanes(story(), story(*changes, *FORK))
    assert [of(lane) for lane in found[3:]] == [
        {"clip": "value:0.001", "changes": "norm:1@30, lr=0.01@40, reset@45", "fork": ""},
        {"clip": "none", "changes": "", "fork": "clipped@50"},
    ]
    assert differences(found[0]) == "clip none"
    assert differences(found[4]) == "clip none, fork clipped@50"


def test_a_forked_run_says_where_it_comes_from() -> None:
    origin = ForkOrigin(run="run1", lane="clipped", step=50)
    child = story(start=msgspec.structs.replace(started(), forked_from=origin))
    assert of(lanes(story(), child)[2])["forked from"] == "clipped@50 of run1"


def test_a_lane_of_another_experiment_does_not_also_differ_by_its_defaults() -> None:
    found = lanes(story(), story(experiment="temporal-order", learning_rate=0.5))
    assert found[0].differing == ("clip", "learning_rate", "experiment")
    usual = lanes(story(), story(experiment="temporal-order"))
    assert usual[0].differing == ("clip", "experiment")


def test_of_a_watched_loop_only_what_it_gave_is_a_setting() -> None:
    found = lanes(story(seed=3), [*watched_story()])
    assert found[2].settings["clip"] == "observed"
    assert "seed" not in found[2].settings
    assert "seed" not in found[0].differing


def test_versions_and_devices_are_named_where_they_differ() -> None:
    other = msgspec.structs.replace(started(), device="cuda", versions={"torch": "3"})
    assert lanes(story(), story(start=other))[0].differing == ("clip", "device", "torch version")


def test_a_setting_that_one_lane_lacks_is_no_difference() -> None:
    assert differing([{"clip": "none", "beta1": 0.5}, {"clip": "none"}]) == []


# Values


def test_final_values_have_an_interval_and_earlier_ones_their_step() -> None:
    done, going = lanes(story(lanes={"a": "none"}), story(lanes={"a": "none"}, ends=False))
    assert value_text(done, ACCURACY) == "0.600 (0.502-0.691)"
    assert value_text(done, LOSS) == "0.5000"
    assert value_text(going, ACCURACY) == "0.495 at 99"
    assert (step_text(done), step_text(going)) == ("100", "100 of 100")


def test_metrics_of_all_runs_come_first_and_the_loss_is_always_one() -> None:
    runs = compared(story(), [*watched_story()])
    assert [metric.name for metric in common_metrics(runs)] == ["accuracy", "loss"]
    assert [metric.name for metric in compared_metrics(runs)] == ["accuracy", "loss", "perplexity"]
    assert "different experiments: lenet, CharTransformer; metrics in common: accuracy and loss" in experiments_text(
        runs
    )
    assert experiments_text(compared(story(), story(seed=1))) == ""


def test_the_best_lane_is_named_with_those_that_cannot_be_told_from_it() -> None:
    runs = compared(story(), story(seed=1))
    runs[1].fold(finished("unclipped", correct=20))
    found = compared_lanes(runs)
    assert best_words(found, runs) == (
        "Accuracy: 1A 0.600 (0.502-0.691) is best. The intervals of these lanes overlap it: 1B and 2B."
    )
    assert best_words(found[:1], runs) == ""
    assert best_words([found[0], found[2]], runs).endswith("is best. No other interval overlaps it.")


def test_lanes_with_the_same_bits_are_equal() -> None:
    runs = compared(story(), story(device="cuda"))
    found = compared_lanes(runs)
    assert best_words([found[0], found[2]], runs).endswith("is best. Bit-identical results: 1A and 2A.")


# Times


def test_a_step_is_placed_between_the_evaluations_around_it() -> None:
    times = Times(lane_times(EventTable.of(story(pace=50.0)))["clipped"])
    assert times.places(np.array([9, 14, 19])).tolist() == [200_000, 300_000, 400_000]
    assert times.newest == 2 * PER_SECOND


def test_a_forked_lane_has_the_times_of_its_parent_before_the_fork() -> None:
    times = lane_times(EventTable.of(story(*FORK)))["new"]
    assert times.steps.tolist() == [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]
    assert times.seconds.tolist() == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.2, 1.4, 1.6, 1.8, 2.0])


def test_a_loop_without_evaluations_has_the_times_at_which_its_process_was_measured() -> None:
    times = lane_times(EventTable.of([*watched_story(evaluated=False, ends=False)]))["loop"]
    assert len(times.steps) > 3
    assert (np.diff(times.seconds) >= 0).all()


@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0, 1e6)), max_size=30))
def test_places_always_grow(known: list[tuple[int, float]]) -> None:
    times = Times()
    for boundary, seconds in known:
        times.add(boundary, seconds)
    if known:
        assert (np.diff(times.places(np.arange(200))) > 0).all()


def test_a_curve_by_time_waits_for_the_time_of_its_newest_steps() -> None:
    source, times = Curve(), Times()
    placed = PlacedCurve(source, times)
    source.extend(0, 1, np.arange(10, dtype=np.float32))
    assert len(placed.update()) == 0
    times.add(0, 0.0)
    times.add(5, 1.0)
    assert placed.update().last == (1_000_000, 4.0)
    times.add(10, 3.0)
    assert placed.update().last == (3_000_000, 9.0)
    assert len(placed.curve) == 10


def test_of_a_long_curve_the_extremes_are_placed_and_no_nan_is_lost() -> None:
    source, times = Curve(), Times()
    values = np.zeros(10 * MOST_POINTS, np.float32)
    values[12_345], values[54_321], values[99_999] = 7, -7, math.nan
    source.extend(0, 1, values)
    times.add(0, 0.0)
    times.add(len(values), 100.0)
    curve = PlacedCurve(source, times).update()
    assert len(curve) <= 1.1 * MOST_POINTS
    columns = curve.columns(0, 100 * PER_SECOND, 10)
    assert (columns.high[0], columns.low[1], columns.broken[2]) == (7, -7, True)


# Following


def test_a_run_under_way_is_read_on_until_its_process_ends(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path)
    loop.train(10)
    run = FollowedRun(loop.folder)
    assert [type(event).__name__ for event in run.begin()][-1] == "StepsTrained"
    assert run.is_followed
    assert run.more() == []
    loop.train(10)
    (event,) = run.more()
    assert event.step == 19  # pyright: ignore[reportAttributeAccessIssue]
    loop.append(b"damaged\n")
    assert run.more() == []
    loop.die()
    assert run.more() == []
    assert not run.is_followed
    assert run.lost == ""


def test_a_recording_that_is_cut_is_lost_with_one_line(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path)
    run = FollowedRun(loop.folder)
    run.begin()
    os.truncate(loop.folder.events, 0)
    assert run.more() == []
    assert "cannot be followed any more: it was cut" in run.lost
    assert not run.is_followed
    loop.die()


def test_reading_tells_how_far_it_is(tmp_path: Path) -> None:
    (folder,) = recorded(tmp_path, story())
    seen: list[int] = []
    FollowedRun(folder).begin(seen.append)
    assert seen[-1] == folder.events.stat().st_size


# The table


FOUR = [story(seed=seed, head=head) for seed in (0, 1) for head in ("relu", "linear")]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
def test_the_table_fits_and_a_wide_one_has_a_column_for_each_setting(width: int) -> None:
    runs = compared(*FOUR)
    lines = list(table_lines(compared_lanes(runs), compared_metrics(runs), width))
    assert max(map(cell_len, lines)) <= width
    text = "\n".join(lines)
    assert text.count("0.600 (0.502-0.691)") == 4
    assert text.count("linear") == 4
    wide = "clip         head    seed  steps" in text
    assert wide == (width >= 100)
    assert ("differs by" in text) != wide
    # Where there is no room for the names of the runs in the table, they stand above it.
    assert text.count("run1") == (2 if wide else 1)


def test_what_no_lane_has_gets_no_column() -> None:
    runs = compared(story(), [*watched_story()])
    names = [column.name for column, _ in table_columns(compared_lanes(runs), compared_metrics(runs), 200)]
    assert "perplexity" in names
    only = [column.name for column, _ in table_columns(compared_lanes(runs)[:2], compared_metrics(runs), 200)]
    assert "perplexity" not in only


# The command


def test_the_table_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = recorded(tmp_path, *FOUR[:2])
    assert main(["compare", "run1", str(folders[1].path), "--no-ui", "--runs-dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "2B" in out
    assert "0.590 (" in out


def test_different_experiments_are_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(tmp_path, story(), [*watched_story()])
    assert main(["compare", "run1", "run2", "--no-ui", "--runs-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().err == (
        "clipwatch: runs of different experiments: lenet, CharTransformer; metrics in common: accuracy and loss\n"
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["run1"], "compare: name two runs or more; clipwatch runs lists them"),
        (["run1", "./run1/"], "compare: run 'run1' is named twice: name each run once"),
        (["run1", "nothing"], "run 'nothing': no such folder with events.jsonl or sweep.jsonl"),
        (["run1", "sweep"], "'sweep' is a sweep"),
        (["run1", "run2", "--charts", "loss"], "compare: --charts is for the screen; leave it out"),
        (["run1", "run2", "--lang", "zh"], "compare: --lang is for a report; add -o FILE, or leave it out"),
        (["run1", "run2", "-o", "x.md"], "compare: a report opens no screen and prints no table; leave --no-ui out"),
    ],
)
def test_bad_input_is_one_line(
    names: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(tmp_path, *FOUR[:2])
    write_sweep(tmp_path).path.rename(tmp_path / "sweep")
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *names, "--no-ui", "--runs-dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "x.pdf"], "unknown format"),
        (["-o", "x.md", "--json"], "leave --json out"),
        (["-o", "x.md", "--charts", "loss"], "compare: --charts is for the screen; leave it out"),
        (["--charts", "loss,histogram"], "the heat map is of one run"),
    ],
)
def test_options_without_effect_are_refused(
    options: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded(tmp_path, *FOUR[:2])
    monkeypatch.chdir(tmp_path)
    assert main(["compare", "run1", "run2", *options, "--runs-dir", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.md").exists()


def test_each_lane_is_a_json_object(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    going = story(lanes={"a": "none"}, ends=False)
    going.append(msgspec.structs.replace(going[-1], step=100, loss=math.nan))
    recorded(tmp_path, story(), going)
    assert main(["compare", "run1", "run2", "--json", "--runs-dir", str(tmp_path)]) == 0
    found = [msgspec.json.decode(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert [lane["mark"] for lane in found] == ["1A", "1B", "2A"]
    assert (found[1]["run"], found[1]["lane"], found[1]["settings"]["clip"]) == ("run1", "clipped", "value:0.001")
    assert found[1]["differing"] == ["clip"]
    assert found[1]["values"]["loss"] == {"value": 0.5, "interval": None, "at": None}
    assert found[0]["values"]["accuracy"]["interval"] == pytest.approx([0.502, 0.691], abs=0.001)
    assert found[2]["values"]["loss"] == {"value": None, "interval": None, "at": 100}


# Runs that cannot be read


def broken(home: Path, *stories: list[Event]) -> None:
    """Recorded runs, the first one of which cannot be read."""
    first, *_ = recorded(home, *stories)
    first.events.write_bytes(b"nothing\n")
    first.config.unlink()


ONE_IS_BROKEN = (story(), story(experiment="temporal-order"), story(experiment="temporal-order", seed=1))


def test_a_run_that_cannot_be_read_is_of_no_experiment() -> None:
    runs = [ComparedRun("broken", fault="holds no run"), *compared(*ONE_IS_BROKEN[1:])]
    assert experiments_text(runs) == ""
    assert [metric.name for metric in common_metrics(runs)] == ["accuracy", "loss"]
    watched = [ComparedRun("broken"), *compared([*watched_story()])]
    assert [metric.name for metric in common_metrics(watched)] == ["accuracy", "perplexity", "loss"]


def test_a_run_that_cannot_be_read_is_named_below_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken(tmp_path, *ONE_IS_BROKEN)
    assert main(["compare", "run1", "run2", "run3", "--no-ui", "--runs-dir", str(tmp_path)]) == 1
    out, error = capsys.readouterr()
    assert [mark in out for mark in ("1A", "2A", "3B")] == [False, True, True]
    assert out.splitlines()[-1].startswith("1  run1: ")
    assert "holds no run" in out.splitlines()[-1]
    assert error == ""


def test_a_damaged_run_is_compared_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, _ = recorded(tmp_path, *FOUR[:2])
    lines = first.events.read_bytes().splitlines(keepends=True)
    first.events.write_bytes(b"".join([*lines[:3], b"damage\n", *lines[4:]]))
    assert main(["compare", "run1", "run2", "--no-ui", "--runs-dir", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "1A" in out
    assert "1  run1: events.jsonl: line 4" in out


def test_if_no_run_can_be_read_the_reasons_are_all_that_is_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in recorded(tmp_path, *FOUR[:2]):
        folder.events.write_bytes(b"nothing\n")
        folder.config.unlink()
    assert main(["compare", "run1", "run2", "--no-ui", "--runs-dir", str(tmp_path)]) == 1
    assert [line[:9] for line in capsys.readouterr().out.splitlines()] == ["1  run1: ", "2  run2: "]
    assert main(["compare", "run1", "run2", "-o", str(tmp_path / "x.html"), "--runs-dir", str(tmp_path)]) == 2
    assert "none of the runs can be read" in capsys.readouterr().err
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_names_a_run_that_cannot_be_read(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(tmp_path, *ONE_IS_BROKEN)
    output = tmp_path / "report.md"
    command = ["compare", "run1", "run2", "run3", "-o", str(output), "--lang", language]
    assert main([*command, "--runs-dir", str(tmp_path)]) == 1
    assert "run1 is left out: " in capsys.readouterr().err
    page = output.read_text()
    assert "holds no run" in page
    assert "lenet" not in page
    assert "2A" in page
    assert "1A" not in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_report_has_the_table_and_a_curve_of_each_metric(
    language: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path, story(*FORK), story(seed=1), [*watched_story()])
    output = tmp_path / "report.html"
    command = ["compare", "run1", "run2", "run3", "-o", str(output), "--lang", language]
    assert main([*command, "--runs-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    page = output.read_text()
    assert page.count("<svg") == 3
    for words in ("3A</td>", "0.600 (0.502\N{EN DASH}0.691)", "clipped@50", "value:0.001", "CharTransformer"):
        assert words in page
    assert ("The lanes differ by" in page) == (language == "en")


def test_the_report_says_once_for_each_run_where_it_was_forked(tmp_path: Path) -> None:
    origin = ForkOrigin(run="another", lane="clipped", step=50)
    recorded(tmp_path, story(), story(start=msgspec.structs.replace(started(), forked_from=origin)))
    output = tmp_path / "report.md"
    assert main(["compare", "run1", "run2", "-o", str(output), "--runs-dir", str(tmp_path)]) == 0
    assert output.read_text().count("clipped@50 of another |") == 1


def test_the_report_in_markdown_has_its_figures_beside_it(tmp_path: Path) -> None:
    recorded(tmp_path, *FOUR[:2])
    output = tmp_path / "report.md"
    assert main(["compare", "run1", "run2", "-o", str(output), "--runs-dir", str(tmp_path)]) == 0
    assert (
        "| ■ 2B | clipped | 100 | 0.590 (0.492\N{EN DASH}0.681) | 0.5000 | value:0.001 | linear |" in output.read_text()
    )
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["report-accuracy.svg", "report-loss.svg"]
