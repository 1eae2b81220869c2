"""`clipwatch.open_run`: a recorded run in a notebook or a program."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from recordings import record
from test_step_export import RUN, STARTS, trained

import clipwatch
from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.notebooks.columns import Columns, joined
from clipwatch.core.notebooks.opened_run import OpenedRun
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.export import write_csv
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.reader import Recorded
from clipwatch.core.runs.step_export import write_steps
from clipwatch.core.stream.events import Evaluated, Event, LaneForked, Notice

LANE = {"unclipped": "none", "clipped": "norm:1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("runs"), "--iterations", "60", "--clip", "norm:1", "--diagnose-every", "2")


@pytest.fixture
def run(folder: Path) -> OpenedRun:
    return clipwatch.open_run("last", runs_dir=folder.parent)


def opened(*events: Event) -> OpenedRun:
    """A run that holds these events after its start."""
    return OpenedRun(RunFolder(Path("one")), Recorded(EventTable.of([RUN, *STARTS, *events]), (), 0), False)


def evaluated(lane: str, step: int, loss: float, **metrics: float) -> Evaluated:
    return Evaluated(lane=lane, step=step, loss=loss, accuracy=0.5, train_loss=1.0, seconds=1.0, metrics=metrics)


def same(columns: Columns, rows: list[dict[str, str]], names: dict[str, str]) -> None:
    for name, column in names.items():
        values = columns[name]
        kind = values.dtype.type if values.dtype == np.float32 else float
        assert np.array_equal(values.astype(kind), [kind(row[column]) for row in rows]), name


def test_the_columns_hold_what_the_csv_files_do(run: OpenedRun, tmp_path: Path) -> None:
    write_csv(run.recorded, tmp_path / "rows.csv")
    rows = [*csv.DictReader((tmp_path / "rows.csv").read_text().splitlines())]
    for lane in LANE:
        of_lane = [row for row in rows if row["lane"] == lane and row["row"] == "evaluation"]
        names = {"step": "step", "loss": "validation_loss", "accuracy": "validation_accuracy", "seconds": "seconds"}
        same(run.lanes[lane].evaluations, of_lane, names | {"train_loss": "train_loss"})
        (end,) = (row for row in rows if row["lane"] == lane and row["row"] == "final")
        assert run.lanes[lane].final == {
            "loss": float(end["validation_loss"]),
            "accuracy": float(end["validation_accuracy"]),
        }
        measured = [row for row in of_lane if row["cosine"]]
        names = {"step": "step", "clipped": "saturation", "step_size": "step_size", "update_ratio": "update_ratio"}
        same(run.lanes[lane].diagnostics, measured, names)
    assert run.lanes["clipped"].diagnostics["distance"][-1] > 0
    write_steps(run.recorded, tmp_path / "steps.csv")
    steps = [*csv.DictReader((tmp_path / "steps.csv").read_text().splitlines())]
    names = {name: name for name in ("step", "train_loss", "clipped")}
    names |= {"grad_norm": "gradient_norm", "clipped_norm": "clipped_norm"}
    same(run.lanes["clipped"].steps, [row for row in steps if row["lane"] == "clipped"], names)
    assert run.steps.rows == 120


def test_it_knows_settings_and_lanes(run: OpenedRun, folder: Path) -> None:
    assert run.name == folder.name
    assert run.settings.iterations == 60
    assert {name: lane.rule for name, lane in run.lanes.items()} == LANE
    assert all(lane.status == "completed" and lane.step == 60 and lane.parent is None for lane in run.lanes.values())
    assert repr(run) == f"OpenedRun({folder.name}: unclipped=none, clipped=norm:1)"
    assert repr(run.lanes["clipped"]) == "OpenedLane(clipped: norm:1, 60 steps, completed)"
    assert repr(run.evaluations) == "Columns(12 rows: lane, step, seconds, train_loss, loss, accuracy)"


def test_a_forked_lane_names_its_parent() -> None:
    fork = LaneForked(lane="c", step=5, parent="b", rule="none", learning_rate=0.1, seconds=1.0)
    lane = opened(fork, evaluated("c", 6, 0.5), trained("c", 5, [1.0, 2.0], [True, False])).lanes["c"]
    assert (lane.parent, lane.forked_at, lane.rule, lane.learning_rate) == ("b", 5, "none", 0.1)
    assert lane.step == 7
    assert repr(lane) == "OpenedLane(c: none, fork of b at 5, 7 steps, interrupted)"


def test_metrics_of_one_lane_are_not_a_number_in_another() -> None:
    run = opened(evaluated("a", 0, 1.0, f1=0.3), evaluated("b", 0, 2.0), evaluated("a", 0, 1.5, f1=0.4))
    assert run.lanes["a"].evaluations["loss"].tolist() == [1.5]
    assert run.evaluations["lane"].tolist() == ["a", "b"]
    assert np.array_equal(run.evaluations["f1"], [0.4, np.nan], equal_nan=True)


def test_names_are_those_of_attributes() -> None:
    assert [*opened(evaluated("a", 0, 1.0, **{"top-5": 0.3})).lanes["a"].evaluations][-1] == "top_5"


def test_a_run_without_anything_yet_can_be_opened() -> None:
    run = opened()
    assert (run.evaluations.rows, run.steps.rows, run.diagnostics.rows) == (0, 0, 0)
    assert [lane.status for lane in run.lanes.values()] == ["interrupted"] * 2
    assert joined({}).rows == 0


def test_a_run_under_way_is_opened_again_with_more(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    growing = RunFolder(tmp_path / "growing")
    growing.path.mkdir()
    (growing.path / "manifest.json").write_bytes((folder / "manifest.json").read_bytes())
    lock = growing.claim()
    try:
        growing.events.write_bytes(b"".join(lines[:12]) + lines[12][:20])
        first = clipwatch.open_run(growing.path)
        assert {lane.status for lane in first.lanes.values()} == {"running"}
        assert first.notices == ()
        growing.events.write_bytes(b"".join(lines[:30]))
        assert clipwatch.open_run(growing.path).evaluations.rows > first.evaluations.rows
    finally:
        lock.release()
    growing.events.write_bytes(b"".join(lines[:12]) + lines[12][:20])
    (notice,) = clipwatch.open_run(growing.path).notices
    assert "incomplete" in notice


def test_the_charts_need_no_script_and_no_other_file(run: OpenedRun) -> None:
    page = run._repr_html_()
    assert page.count("<svg") >= 3
    assert "<script" not in page
    assert 'href="http' not in page.replace("http://www.w3.org", "")
    assert "clipped" in page
    # It has no conclusion that names a sweep, and no style of its own.
    assert "One seed says nothing about clipping in general." in page
    assert "conclusion" not in page
    assert page.count('<table cellpadding="5"') == page.count("<table")


def test_text_of_a_recording_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    run = opened(evaluated("a", 0, 1.0), Notice(text="<script>alert(1)</script>"))
    page = run._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    assert "need matplotlib" in run._repr_html_()


def test_frames_are_those_of_pandas(run: OpenedRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ClipwatchError, match=r"^to_frame needs pandas: pip install pandas$"):
        run.evaluations.to_frame()
    pandas: Any = ModuleType("pandas")
    pandas.DataFrame = dict
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    frame = run.evaluations.to_frame()
    assert [*frame] == ["lane", "step", "seconds", "train_loss", "loss", "accuracy"]


def test_what_cannot_be_opened_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in (None, 5):
        with pytest.raises(BadInput, match=f"open_run: {wrong} is neither the name nor the folder of a run"):
            clipwatch.open_run(wrong)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no such folder"):
        clipwatch.open_run("nothing", runs_dir=tmp_path)
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "sweep.jsonl").touch()
    with pytest.raises(BadInput, match="'many' is a sweep: clipwatch report"):
        clipwatch.open_run("many", runs_dir=tmp_path)
    monkeypatch.setenv("CLIPWATCH_RUNS_DIR", str(tmp_path))
    with pytest.raises(BadInput, match="there is no run in"):
        clipwatch.open_run("last")


def test_the_program_of_the_page(folder: Path, run: OpenedRun, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    page = (Path(__file__).parents[1] / "docs" / "library.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n([^`]*open_run.*?)^```", page, re.S | re.M)
    monkeypatch.setenv("CLIPWATCH_RUNS_DIR", str(folder.parent))
    exec(compile(code, "library.md", "exec"), {})
    first, _, loss, norm = capsys.readouterr().out.splitlines()
    assert first.startswith("unclipped: none, completed, accuracy 0.")
    assert loss.startswith(f"smallest validation loss {run.lanes['clipped'].evaluations['loss'].min():.3f} at step ")
    assert " of steps clipped, largest gradient norm" in norm
