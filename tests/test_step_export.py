"""The series of a run in CSV and JSON: every step once, and all that the charts can show."""

from __future__ import annotations

import csv
import json
import math
import shutil
from pathlib import Path

import msgspec
import numpy as np
import program
import pytest
from measured import diagnosed
from test_state import DATA, EVALUATED

from clipwatch.core.errors import BadInput
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.export import COLUMNS, evaluation_rows, write_json
from clipwatch.core.runs.reader import Recorded
from clipwatch.core.runs.step_export import STEP_COLUMNS, write_steps
from clipwatch.core.stream.builtin_experiments import LENET
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    ClipChanged,
    Event,
    LaneForked,
    LanesCompared,
    LaneStarted,
    LearningRateChanged,
    RunStarted,
    StepsTrained,
)
from clipwatch.tui.cli.main import main
from clipwatch.tui.view.metrics import HISTOGRAM, metrics_of

LANES = (LaneConfig("a", "none"), LaneConfig("b", "norm:1"))
RUN = RunStarted(config=RunConfig(lanes=LANES), dataset=DATA, device="cpu", versions={}, time=0.0)
STARTS = [
    LaneStarted(lane=lane.name, step=0, rule=lane.rule, iterations=9, parameters=7, seconds=0.0) for lane in LANES
]
# The column of the CSV that holds each series.
COLUMN_OF = {
    "loss": "validation_loss",
    "accuracy": "validation_accuracy",
    "grad-norm": "gradient_norm",
    "clipped": "saturation",
    "clipped-norm": "clipped_norm",
    "counterfactual-distance": "shadow_distance",
    "counterfactual-cosine": "shadow_cosine",
    "dead-outputs": "dead_9",
}


def trained(lane: str, first: int, norms: list[float], clipped: list[bool]) -> StepsTrained:
    values = np.array(norms, "<f4")
    return StepsTrained(
        lane=lane,
        step=first + len(norms) - 1,
        losses=(values + 1).tobytes(),
        norms=values.tobytes(),
        clipped_norms=np.minimum(values, 1).tobytes(),
        clipped=bytes(clipped),
    )


def recorded(*events: Event) -> Recorded:
    return Recorded(EventTable.of([RUN, *STARTS, *events]), (), 0)


def written(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_steps_are_in_the_order_of_steps_then_lanes_each_once_with_its_rule(tmp_path: Path) -> None:
    run = recorded(
        trained("b", 0, [0.1], [False]),
        trained("b", 1, [0.5, 3.0], [False, True]),
        ClipChanged(lane="b", step=2, rule="none", previous="norm:1"),
        trained("a", 0, [0.1], [False]),
        trained("a", 1, [2.0, 4.0], [False, False]),
        # A resumed run trains steps again that are recorded.
        trained("b", 2, [9.0, 5.0], [True, True]),
    )
    write_steps(run, tmp_path / "steps.csv")
    rows = written(tmp_path / "steps.csv")
    assert tuple(rows[0]) == (*STEP_COLUMNS, "learning_rate")
    assert {row.pop("learning_rate") for row in rows} == {"0.001"}
    assert [tuple(row.values()) for row in rows] == [
        ("a", "none", "0", "1.1", "0.1", "0.1", "0"),
        ("b", "norm:1", "0", "1.1", "0.1", "0.1", "0"),
        ("a", "none", "1", "3.0", "2.0", "1.0", "0"),
        ("b", "norm:1", "1", "1.5", "0.5", "0.5", "0"),
        ("a", "none", "2", "5.0", "4.0", "1.0", "0"),
        ("b", "none", "2", "4.0", "3.0", "1.0", "1"),
        ("b", "none", "3", "6.0", "5.0", "1.0", "1"),
    ]


FORKED = (
    trained("b", 0, [1.0] * 3, [False] * 3),
    LearningRateChanged(lane="b", step=1, rate=0.01, previous=0.001),
    LaneForked(lane="b+1", step=2, parent="b", rule="none", learning_rate=0.1, seconds=1.0),
    LaneStarted(lane="b+1", step=2, rule="none", iterations=9, parameters=7, seconds=1.0, learning_rate=0.1),
    trained("b+1", 2, [1.0, 1.0], [False, False]),
)


def test_steps_have_the_learning_rate_that_held_and_those_of_a_fork_begin_with_it(tmp_path: Path) -> None:
    write_steps(recorded(*FORKED), tmp_path / "steps.csv")
    rows = [(row["lane"], row["rule"], row["step"], row["learning_rate"]) for row in written(tmp_path / "steps.csv")]
    assert rows == [
        ("b", "norm:1", "0", "0.001"),
        ("b", "norm:1", "1", "0.01"),
        ("b", "norm:1", "2", "0.01"),
        ("b+1", "none", "2", "0.1"),
        ("b+1", "none", "3", "0.1"),
    ]


def test_evaluations_have_the_learning_rate_and_where_a_fork_comes_from() -> None:
    evaluations = [msgspec.structs.replace(EVALUATED, lane=lane, step=3) for lane in ("b", "b+1")]
    one, other = evaluation_rows(recorded(*FORKED, *evaluations))
    assert (one["learning_rate"], one.get("parent")) == (0.01, None)
    assert (other["learning_rate"], other["rule"], other["parent"], other["forked_at"]) == (0.1, "none", "b", 2)
    # They come last, so that programs that read earlier columns by place go on.
    assert COLUMNS[-4:] == ("failure", "learning_rate", "parent", "forked_at")


def test_a_watched_loop_that_gives_its_learning_rate_has_one_column_of_that_name(tmp_path: Path) -> None:
    given = {"learning_rate": np.array([0.5], "<f4").tobytes()}
    write_steps(recorded(msgspec.structs.replace(trained("a", 0, [1.0], [False]), metrics=given)), tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text().splitlines()[0].count("learning_rate") == 1
    assert written(tmp_path / "s.csv")[0]["learning_rate"] == "0.5"


def test_what_is_not_finite_can_be_read_again(tmp_path: Path) -> None:
    run = recorded(trained("a", 0, [math.nan, math.inf, 1e-8], [False] * 3))
    write_steps(run, tmp_path / "steps.csv")
    # pandas and R read these spellings as numbers.
    assert [row["gradient_norm"] for row in written(tmp_path / "steps.csv")] == ["nan", "inf", "1e-08"]
    write_json(run, tmp_path / "run.json")
    (event,) = [one for one in json.loads((tmp_path / "run.json").read_text()) if one["event"] == "StepsTrained"]
    assert event["norms"] == ["NaN", "Infinity", 1e-8]
    assert event["clipped"] == [0, 0, 0]


def test_no_name_of_a_lane_moves_a_cursor(tmp_path: Path) -> None:
    run = recorded(trained("\x1b[2J", 0, [1.0], [False]))
    write_steps(run, tmp_path / "steps.csv")
    assert "\x1b" not in (tmp_path / "steps.csv").read_text()


def test_every_series_has_a_column() -> None:
    names = [metric.name for metric in metrics_of(LENET.info)]
    found = {name: COLUMN_OF.get(name, name.replace("-", "_")) for name in names if name != HISTOGRAM}
    assert not {*found.values()} - {*COLUMNS}


def test_an_evaluation_has_the_share_of_steps_clipped_since_the_last_and_the_distance_to_the_first_lane() -> None:
    run = recorded(
        trained("b", 0, [3.0], [True]),
        msgspec.structs.replace(EVALUATED, lane="b", step=0),
        # A pause parts the steps of one evaluation.
        trained("b", 1, [3.0, 1.0], [True, False]),
        trained("b", 3, [1.0, 1.0], [False, False]),
        diagnosed("b", 4),
        LanesCompared(step=4, lanes=("a", "b"), distance=0.25, disagreement=0.5),
        msgspec.structs.replace(EVALUATED, lane="b", step=4),
        # Steps that are not recorded have no share.
        msgspec.structs.replace(EVALUATED, lane="b", step=8),
        msgspec.structs.replace(EVALUATED, lane="a", step=8),
    )
    rows = {(row["lane"], row["step"]): row for row in evaluation_rows(run)}
    assert [rows["b", step].get("steps_clipped") for step in (0, 4, 8)] == ["1.0", "0.25", None]
    assert "steps_clipped" not in rows["a", 8]
    measured = rows["b", 4]
    assert (measured["distance"], measured["disagreement"]) == (0.25, 0.5)
    assert (measured["sign_cosine"], measured["dead_units"]) == (0.855, 38)
    assert all({*row} <= {*COLUMNS} for row in rows.values())


def test_a_recording_without_steps_says_so_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="not recorded"):
        write_steps(recorded(msgspec.structs.replace(EVALUATED, lane="b")), tmp_path / "steps.csv")
    shutil.copy(Path(__file__).parent / "schemas" / "1.jsonl", tmp_path / "events.jsonl")
    files = tmp_path / "run.csv", tmp_path / "steps.csv"
    done = program.call("export", str(tmp_path), "--csv", str(files[0]), "--steps", str(files[1]))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "not recorded" in line
    assert not any(file.exists() for file in files)


def test_the_program_exports_every_step_of_a_run(tmp_path: Path) -> None:
    arguments = ["--no-ui", "--dataset", "digits", "--iterations", "25", "--runs-dir", str(tmp_path)]
    assert program.call(*arguments).returncode == 0
    done = program.call("export", "last", "--runs-dir", str(tmp_path), "--steps", "-")
    assert (done.returncode, done.stderr) == (0, "")
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert [(row["lane"], int(row["step"])) for row in rows] == [
        (lane, step) for step in range(25) for lane in ("unclipped", "clipped")
    ]


@pytest.mark.parametrize("files", [("--csv", "--steps"), ("--csv", "--json")])
def test_two_outputs_are_not_written_to_one_file(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = files
    assert main(["export", "last", one, "x.csv", other, "x.csv", "--runs-dir", str(tmp_path)]) == 2
    assert "two outputs in one file" in capsys.readouterr().err
