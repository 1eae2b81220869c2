"""Runs on disk: written as they happen, read back whatever happened to them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import numpy as np
import program
import pytest
import recordings
from hypothesis import given
from hypothesis import strategies as st
from test_state import EVALUATED, FINISHED, LANE, RUN

from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.export import COLUMNS, evaluation_rows, write_csv
from clipwatch.core.runs.folder import RunFolder, create_run, runs_folder
from clipwatch.core.runs.reader import Recorded, read_recording
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.codec import encode, is_sealed, seal
from clipwatch.core.stream.config import from_options, read_toml
from clipwatch.core.stream.events import (
    Diagnosed,
    Evaluated,
    Event,
    LaneFailed,
    LaneFinished,
    Notice,
    RecordingStarted,
    RunFinished,
    StepsTrained,
)
from clipwatch.core.stream.series import step_values

END = RunFinished(reason="completed", seconds=9.0)
STORY = [Notice(text="first"), RUN, LANE, EVALUATED, FINISHED, END]


def recorded(home: Path, events: list[Event]) -> list[Event]:
    """What a recorder passes on."""
    return list(Recorder(home).through(events))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded run of the program."""
    arguments = ["--iterations", "40", "--checkpoint-every", "15", "--seed", "4"]
    return recordings.record(tmp_path_factory.mktemp("runs"), *arguments)


def test_a_run_leaves_its_settings_events_manifest_and_checkpoints(run: Path) -> None:
    assert run.name.endswith("-digits-4")
    config = from_options(read_toml(run / "config.toml"))
    assert (config.seed, config.iterations) == (4, 40)
    read = recordings.read(run)
    assert read.damage == ()
    assert read.started.config == config
    assert isinstance(read.events[-1], RunFinished)
    manifest = RunFolder(run).manifest()
    assert (manifest.state, manifest.seed, manifest.dataset.name) == ("done", 4, "digits")
    assert [(lane.name, lane.step) for lane in manifest.lanes] == [("unclipped", 40), ("clipped", 40)]
    names = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert names == [f"{lane}-{step:010d}.pt" for lane in ("clipped", "unclipped") for step in (15, 30, 40)]


def test_nothing_is_kept_where_nothing_is_to_be(tmp_path: Path) -> None:
    done = program.call(*recordings.DIGITS, "--iterations", "5", "--no-record", "--runs-dir", str(tmp_path))
    assert done.returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_every_event_is_written_before_it_is_passed_on(tmp_path: Path) -> None:
    stream = Recorder(tmp_path).through(STORY)
    for event in stream:
        if isinstance(event, Notice):
            continue
        written = recordings.only_run(tmp_path).joinpath("events.jsonl").read_bytes()
        assert seal(encode(event)) in written


def test_an_event_that_was_just_written_is_not_encoded_again(tmp_path: Path) -> None:
    recorder, known = Recorder(tmp_path), []
    for event in recorder.through(STORY):
        assert recorder.line(event) == encode(event)
        if recorder.line(event) is recorder.line(event):
            known.append(event)
    assert known == [LANE, EVALUATED, FINISHED, END]


def test_what_was_told_before_the_run_began_is_in_the_recording(tmp_path: Path) -> None:
    recorded(tmp_path, STORY)
    assert STORY[0] in recordings.read(recordings.only_run(tmp_path)).events


def test_a_run_that_is_left_is_interrupted_and_one_under_way_is_running(tmp_path: Path) -> None:
    stream = Recorder(tmp_path).through(STORY)
    for event in stream:
        if event == EVALUATED:
            break
    folder = RunFolder(recordings.only_run(tmp_path))
    assert folder.manifest().state == "running"
    stream.close()
    assert folder.manifest().state == "interrupted"


def test_two_runs_of_one_second_get_folders_of_their_own(tmp_path: Path) -> None:
    first, second = (create_run(tmp_path, "mnist", 0, 1.0) for _ in range(2))
    assert first.path != second.path


def test_a_restart_begins_another_recording(tmp_path: Path) -> None:
    recorded(tmp_path, [*STORY[1:], *STORY[1:]])
    assert [RunFolder(path).manifest().state for path in tmp_path.iterdir()] == ["done", "done"]


def test_a_folder_that_cannot_be_made_refuses_the_run_before_it_trains(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ClipwatchError, match="--no-record"):
        recorded(tmp_path / "file", STORY)
    done = program.call(*recordings.DIGITS, "--runs-dir", str(tmp_path / "file"))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "Start Training" not in done.stdout


@pytest.fixture(scope="module")
def whole() -> bytes:
    return b"".join(seal(encode(event)) + b"\n" for event in STORY[1:])


def read_bytes(content: bytes, folder: Path):
    (folder / "events.jsonl").write_bytes(content)
    return read_recording(folder / "events.jsonl")


def test_the_last_line_may_end_anywhere(whole: bytes, tmp_path: Path) -> None:
    start = whole.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(start, len(whole)):
        read = read_bytes(whole[:end], tmp_path)
        assert read.events == STORY[1:-1]
        assert read.whole_bytes == start
        assert len(read.damage) == (end > start)
    assert read_bytes(whole, tmp_path).damage == ()


def test_a_flipped_bit_anywhere_is_told_with_its_line_and_costs_no_other(whole: bytes, tmp_path: Path) -> None:
    lines = whole.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    for place in range(starts[1], len(whole) - 1):
        content = bytearray(whole)
        content[place] ^= 1 << place % 8
        read = read_bytes(bytes(content), tmp_path)
        hit = max(number for number, start in enumerate(starts) if start <= place)
        assert read.damage
        assert f"line {hit + 1} " in read.damage[0]
        untouched = [event for number, event in enumerate(STORY[1:]) if number not in (hit, hit + 1)]
        assert [event for event in read.events if event in untouched] == untouched


@given(st.binary(max_size=80).filter(lambda line: b"\n" not in line))
def test_no_line_of_bytes_but_a_sealed_one_is_taken_for_one(line: bytes) -> None:
    assert not is_sealed(line)


def test_a_damaged_line_is_left_out_and_told_with_its_number(whole: bytes, tmp_path: Path) -> None:
    lines = whole.splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"step":30', b'"step":3x')
    read = read_bytes(b"".join(lines), tmp_path)
    assert EVALUATED not in read.events
    assert len(read.events) == len(STORY) - 2
    (told,) = read.damage
    assert "line 3" in told


def test_a_line_is_counted_from_the_beginning_of_the_recording(
    whole: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipwatch.core.runs.reader._PART", 100)
    assert read_bytes(whole, tmp_path).events == STORY[1:]
    beginning, start, evaluated, *end = whole.splitlines(keepends=True)
    more = (msgspec.structs.replace(EVALUATED, step=step) for step in range(5))
    lines = [beginning, start, *(seal(encode(event)) + b"\n" for event in more), evaluated, *end]
    lines[7] = lines[7].replace(b'"step":30', b'"step":31')
    read = read_bytes(b"".join(lines), tmp_path)
    assert len(read.events) == len(lines) - 1
    assert read.damage == ("events.jsonl: line 8 is not as it was written and is left out",)


def test_a_recording_of_another_schema_is_refused(whole: bytes, tmp_path: Path) -> None:
    lines = [encode(event).replace(b'"v":1', b'"v":9') for event in STORY[1:]]
    content = b"".join(seal(line) + b"\n" for line in lines)
    with pytest.raises(BadInput, match="line 1: schema 9"):
        read_bytes(content, tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n", b"nothing\n", b"\x00\xff\n"])
def test_what_is_no_recording_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no run"):
        read_bytes(content, tmp_path)
    with pytest.raises(BadInput, match="No such file"):
        read_recording(tmp_path / "elsewhere.jsonl")


def test_recordings_of_every_schema_are_read_for_ever() -> None:
    for file in (Path(__file__).parent / "schemas").glob("*.jsonl"):
        read = read_recording(file)
        assert read.damage == ()
        assert any(isinstance(event, RecordingStarted) for event in read.events)
        assert isinstance(read.events[-1], RunFinished)


def test_runs_lists_what_there_is(run: Path, tmp_path: Path) -> None:
    done = program.call("runs", "--runs-dir", str(run.parent))
    assert done.returncode == 0
    for words in (run.name, "digits", "done", "value:0.001", "40"):
        assert words in done.stdout
    (line,) = program.call("runs", "--json", "--runs-dir", str(run.parent)).stdout.splitlines()
    assert json.loads(line)["run"] == run.name
    assert json.loads(line)["kind"] == "run"
    assert "no runs in" in program.call("runs", "--runs-dir", str(tmp_path / "none")).stdout


def test_runs_tells_of_a_damaged_manifest_and_lists_the_others(tmp_path: Path) -> None:
    recorded(tmp_path, STORY[1:])
    recorded(tmp_path, STORY[1:])
    broken, whole = sorted(tmp_path.iterdir())
    (broken / "manifest.json").write_text("{")
    done = program.call("runs", "--runs-dir", str(tmp_path))
    assert whole.name in done.stdout
    assert "manifest.json is damaged" in done.stderr


def test_where_runs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPWATCH_RUNS_DIR", "/somewhere")
    assert runs_folder(None) == Path("/somewhere")
    assert runs_folder("/else") == Path("/else")
    monkeypatch.delenv("CLIPWATCH_RUNS_DIR")
    assert runs_folder(None).name == "runs"


def test_export_writes_every_figure_exactly(run: Path, tmp_path: Path) -> None:
    import csv

    files = [tmp_path / "run.csv", tmp_path / "run.json"]
    done = program.call("export", str(run), "--csv", str(files[0]), "--json", str(files[1]))
    assert (done.returncode, done.stderr) == (0, "")
    read = recordings.read(run)
    with files[0].open(newline="") as file:
        rows = list(csv.DictReader(file))
    written = sorted(
        (row["lane"], int(row["step"]), *(float(row[f"{name}"]) for name in ("validation_loss", "validation_accuracy")))
        for row in rows
        if row["row"] == "evaluation"
    )
    assert written == sorted(row[:4] for row in recordings.figures(read.events) if len(row) == 5)
    assert {row["rule"] for row in rows if row["lane"] == "clipped"} == {"value:0.001"}
    measured = {(event.lane, event.step): event for event in read.events if isinstance(event, Diagnosed)}
    assert measured
    for row in rows:
        event = measured.get((row["lane"], int(row["step"])))
        assert row["saturation"] == (repr(event.total.clipped_share) if event else "")
        if row["row"] == "evaluation":
            assert [row[f"dead_{output}"] for output in range(10)] == dead(event.dead_outputs if event else None)
    ends = {event.lane: event for event in read.events if isinstance(event, LaneFinished)}
    assert [row["lane"] for row in rows if row["row"] == "final"] == ["unclipped", "clipped"]
    for row in rows[-2:]:
        end = ends[row["lane"]]
        assert row["row"] == "final"
        assert (int(row["step"]), float(row["validation_loss"])) == (end.step, end.loss)
        assert float(row["validation_accuracy"]) == end.correct / end.total
        assert [row[f"dead_{output}"] for output in range(10)] == dead(end.silent_outputs)
    assert [(int(row["step"]), row["lane"]) for row in rows] == sorted(
        ((int(row["step"]), row["lane"]) for row in rows), key=lambda place: (place[0], place[1] == "clipped")
    )
    exported = json.loads(files[1].read_text())
    for event, found in zip(read.events, exported, strict=True):
        if isinstance(event, StepsTrained):
            values = step_values(event)
            assert np.array(found["norms"], np.float32).tolist() == values.series["grad-norm"].tolist()
            assert found["clipped"] == list(event.clipped)
            assert (found["v"], found["event"], found["step"]) == (1, "StepsTrained", event.step)
        else:
            assert found == json.loads(encode(event))
    piped = program.call("export", str(run), "--csv", "-")
    assert piped.stdout == files[0].read_bytes().decode()
    nowhere = program.call("export", str(run), "--csv", str(tmp_path / "no" / "run.csv"))
    assert nowhere.returncode == 1
    assert len(nowhere.stderr.splitlines()) == 1


def dead(outputs: tuple[int, ...] | None) -> list[str]:
    return [""] * 10 if outputs is None else [str(int(output in outputs)) for output in range(10)]


def test_a_table_is_in_the_order_of_steps_with_each_row_once(tmp_path: Path) -> None:
    def evaluated(lane: str, step: int) -> Evaluated:
        return msgspec.structs.replace(EVALUATED, lane=lane, step=step)

    events = [
        RUN,
        LANE,
        msgspec.structs.replace(LANE, lane="b"),
        *(evaluated("b", step) for step in (0, 10, 20)),
        *(evaluated("a", step) for step in (0, 10, 10, 20)),
        msgspec.structs.replace(FINISHED, lane="b", step=21),
        LaneFailed(lane="a", step=20, reason="diverged", cause="nan", seconds=1.0),
    ]
    rows = evaluation_rows(Recorded(EventTable.of(events), (), 0))
    assert [(row["step"], row["lane"], row["row"][0]) for row in rows] == [
        (0, "a", "e"),
        (0, "b", "e"),
        (10, "a", "e"),
        (10, "b", "e"),
        (20, "a", "e"),
        (20, "a", "f"),
        (20, "b", "e"),
        (21, "b", "f"),
    ]
    assert all({*row} <= {*COLUMNS} for row in rows)


def test_nothing_in_a_table_moves_a_cursor(tmp_path: Path) -> None:
    failed = LaneFailed(lane="a", step=1, reason="error", cause="\x1b[2Jgone", seconds=1.0)
    recorded = Recorded(EventTable.of([RUN, LANE, failed]), (), 0)
    write_csv(recorded, tmp_path / "run.csv")
    assert "error: \\x1b[2Jgone" in (tmp_path / "run.csv").read_text()


def test_none_of_these_needs_torch() -> None:
    import subprocess
    import sys

    for modules in (
        "clipwatch.tui.cli.runs_table",
        "clipwatch.core.runs.reader, clipwatch.core.runs.export, clipwatch.core.runs.recorder",
    ):
        code = f"import sys, {modules}; sys.exit('torch' in sys.modules or 'textual' in sys.modules)"
        subprocess.run([sys.executable, "-c", code], check=True)
