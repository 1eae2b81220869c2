"""A watched run on disk: read again, repaired, replayed with a seek, exported."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
import watched_runs as watched
from test_recording import read_bytes

from clipwatch.core.engine.replay import Replay
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.export import write_csv, write_json
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.lane_steps import lane_steps
from clipwatch.core.runs.reader import read_recording
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.runs.step_export import STEP_COLUMNS, write_steps
from clipwatch.core.runs.timeline import Timeline
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.commands import Seek
from clipwatch.core.stream.events import (
    Event,
    LoopEnded,
    ResourcesMeasured,
    SeriesEarlier,
    StepsTrained,
)
from clipwatch.tui.view.run_view import RunView


def written(events: list[Event]) -> bytes:
    return b"".join(seal(encode(event)) + b"\n" for event in events)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_watched_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    events = list(watched.story(metrics=True))
    folder = watched.write(tmp_path, *events)
    found = read_recording(folder / "events.jsonl")
    # Beside these there is one event, which names the folder.
    assert len(found.events) == len(events) + 1
    assert {encode(event) for event in events} <= {encode(event) for event in found.events}
    assert found.damage == ()
    assert [metric.name for metric in found.experiment.metrics] == ["accuracy", "perplexity"]
    assert [metric.name for metric in found.experiment.step_metrics] == ["train-tokens"]


def test_lanes_that_begin_later_belong_to_the_run(tmp_path: Path) -> None:
    # The second optimizer of a GAN, which continues from a checkpoint.
    later = [watched.begun("critic", step=100), watched.trained(100, lane="critic")]
    events = [watched.started(), watched.begun(), watched.trained(0), *later]
    found = read_bytes(written(events), tmp_path)
    assert (found.events, found.damage) == (events, ())
    assert found.lanes == ["loop", "critic"]
    # Its start comes first even where the lines are out of order.
    mixed = read_bytes(written([*events[:3], later[1], later[0]]), tmp_path)
    assert mixed.events == events
    # A run of the engine has the lanes of its settings alone.
    engine = [msgspec.structs.replace(watched.started(), watched=False), *events[1:]]
    assert read_bytes(written(engine), tmp_path).events == engine[:3]


def test_a_damaged_start_is_read_from_the_manifest(tmp_path: Path) -> None:
    folder = watched.write(tmp_path)
    lines = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "events.jsonl").write_bytes(b"".join([b"?\n", *lines[1:]]))
    found = read_recording(folder / "events.jsonl")
    assert found.started.watched
    assert found.started.experiment.name == "CharTransformer"


def test_the_manifest_shows_the_last_evaluation_and_the_metrics(tmp_path: Path) -> None:
    manifest = RunFolder(watched.write(tmp_path)).manifest()
    (lane,) = manifest.lanes
    assert (manifest.state, manifest.watched) == ("done", True)
    assert (lane.step, lane.ended) == (200, "completed")
    assert lane.loss == pytest.approx(1.35)
    assert (lane.accuracy, lane.metrics) == (pytest.approx(0.65), {"perplexity": 4.5})
    assert manifest.experiment.main.name == "accuracy"


def test_a_loop_without_evaluations_has_no_result(tmp_path: Path) -> None:
    (lane,) = RunFolder(watched.write(tmp_path, *watched.story(evaluated=False))).manifest().lanes
    assert (lane.step, lane.ended, lane.loss, lane.accuracy) == (200, "completed", None, None)


def test_while_it_is_watched_the_manifest_says_how_far_it_is(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    steps = []
    for event in recorder.through(watched.story(evaluated=False)):
        if isinstance(event, ResourcesMeasured) and recorder.folder:
            steps.append(recorder.folder.manifest().lanes[0].step)
    assert steps == [50, 100, 150, 200]


def test_a_loop_that_loads_an_older_checkpoint_is_shown_at_its_step(tmp_path: Path) -> None:
    measured = ResourcesMeasured(seconds=9.0, processor=1.0, memory=1)
    again = [watched.begun(step=10), measured]
    events = [watched.started(), watched.begun(), watched.trained(0, 100), *again]
    recorder = Recorder(tmp_path)
    shown = {
        recorder.folder.manifest().lanes[0].step
        for event in recorder.through(events)
        if event is measured and recorder.folder
    }
    assert shown == {10}


def test_metrics_that_are_not_numbers_leave_the_manifest_readable(tmp_path: Path) -> None:
    events = [
        msgspec.structs.replace(event, loss=math.nan, metrics={"perplexity": math.inf})
        if hasattr(event, "train_loss")
        else event
        for event in watched.story()
    ]
    (lane,) = RunFolder(watched.write(tmp_path, *events)).manifest().lanes
    assert (lane.loss, lane.metrics) == (None, {})


def seen(events: list[Event]) -> RunView:
    view = RunView()
    for event in events:
        view.fold(event)
    return view


def values(view: RunView, series: str) -> list[tuple[int, float]]:
    curve = view.lanes["loop"].series.get(series)
    points = [curve.nearest(step) for step in range(400)] if curve else []
    return list(dict.fromkeys(point for point in points if point))


@pytest.mark.parametrize("gives", ["everything", "no loss", "a metric sometimes"])
def test_a_seek_shows_what_the_run_showed(gives: str) -> None:
    events = list(watched.story(loss=gives != "no loss", bound=1.0, metrics=gives == "everything"))
    if gives == "a metric sometimes":
        tokens = np.full(watched.EVERY, np.nan)
        tokens[::10] = 7
        events = [
            watched.trained(event.step - 49, bound=1.0, metrics={"train-tokens": tokens})
            if isinstance(event, StepsTrained)
            else event
            for event in events
        ]
    live = seen(events)
    timeline = Timeline(EventTable.of(events))
    sought = seen(list(timeline.condensed(0, len(timeline))))
    assert live.lanes["loop"].series.keys() == sought.lanes["loop"].series.keys()
    for series in live.lanes["loop"].series:
        assert values(live, series) == values(sought, series), series
    assert ("train-loss" in live.lanes["loop"].series) == (gives != "no loss")
    tokens_at = [step for step, _ in values(live, "train-tokens")]
    assert tokens_at == {"everything": list(range(200)), "no loss": []}.get(gives, list(range(0, 200, 10)))
    # NaN is not itself.
    assert repr(sought.state) == repr(live.state)


def test_a_seek_sends_only_the_newest_of_the_resources() -> None:
    events = list(watched.story())
    timeline = Timeline(EventTable.of(events))
    sent = [event for event in timeline.condensed(0, len(timeline)) if isinstance(event, ResourcesMeasured)]
    assert sent == [event for event in events if isinstance(event, ResourcesMeasured)][-1:]


def test_a_loss_that_is_not_a_number_is_shown_where_the_gradient_is_not_finite() -> None:
    norms = np.array([1.0, np.nan, np.nan], "<f4").tobytes()
    losses = np.array([np.nan, np.nan, 2.0], "<f4").tobytes()
    steps = StepsTrained(lane="loop", step=2, losses=losses, norms=norms, clipped_norms=norms, clipped=bytes(3))
    events = [watched.started(), watched.begun(), steps]
    timeline = Timeline(EventTable.of(events))
    for view in (seen(events), seen(list(timeline.condensed(0, len(timeline))))):
        curve = view.lanes["loop"].series["train-loss"]
        assert len(curve) == 2
        assert curve.broken(0, 9) == (1, 0)


def test_a_replay_sends_resources_and_ends_with_the_loop() -> None:
    events = list(watched.story())
    replayed = list(Replay("run", EventTable.of(events), speed=None, lasting=False).run())
    assert sum(isinstance(event, ResourcesMeasured) for event in replayed) == 4
    assert any(isinstance(event, LoopEnded) for event in replayed)
    last = Replay("run", EventTable.of(events), speed=None, lasting=True)
    last.send(Seek(step=10**9))
    last.close()
    assert any(isinstance(event, SeriesEarlier) for event in last.run())


def test_metrics_by_step_are_columns_of_lane_steps() -> None:
    table = EventTable.of([watched.trained(0, 2), watched.trained(2, 2, metrics={"train-tokens": np.array([3, 4])})])
    metrics = lane_steps(table.step_logs, "loop").metrics
    assert metrics.keys() == {"train-tokens"}
    assert metrics["train-tokens"].tolist() == [pytest.approx(math.nan, nan_ok=True)] * 2 + [3, 4]


def test_csv_of_steps_has_the_metrics_and_leaves_empty_what_was_not_given(tmp_path: Path) -> None:
    with_metric = watched.trained(1, 1, loss=False, metrics={"train-accuracy": np.array([0.5])})
    run = watched.recorded(watched.started(), watched.begun(), watched.trained(0, 1), with_metric)
    write_steps(run, tmp_path / "steps.csv")
    first, second = rows(tmp_path / "steps.csv")
    assert tuple(first) == (*STEP_COLUMNS, "train_accuracy", "learning_rate")
    assert (first["train_loss"], first["train_accuracy"]) == ("3.5", "")
    assert (second["train_loss"], second["train_accuracy"]) == ("", "0.5")


def test_csv_of_a_loop_without_evaluations_has_its_measurements(tmp_path: Path) -> None:
    write_csv(watched.recorded(*watched.story(evaluated=False, bound=1.0)), tmp_path / "run.csv")
    found = rows(tmp_path / "run.csv")
    assert [(row["row"], row["step"]) for row in found] == [("measurement", str(step)) for step in (49, 99, 149, 199)]
    assert {row["gradient_norm"] for row in found} == {"2.5"}
    assert all(float(row["steps_clipped"]) > 0.5 for row in found)


def test_csv_of_evaluations_has_the_metrics_that_the_loop_gave(tmp_path: Path) -> None:
    write_csv(watched.recorded(), tmp_path / "run.csv")
    found = [row for row in rows(tmp_path / "run.csv") if row["row"] == "evaluation"]
    assert [row["validation_perplexity"] for row in found] == ["4.5", "4.5"]
    assert [row["validation_accuracy"] for row in found] == ["0.55", "0.65"]


def test_json_has_numbers_in_place_of_bytes(tmp_path: Path) -> None:
    steps = watched.trained(0, 2, loss=False, metrics={"train-accuracy": np.array([0.5, math.nan])})
    write_json(watched.recorded(watched.started(), watched.begun(), steps), tmp_path / "run.json")
    (event,) = [one for one in json.loads((tmp_path / "run.json").read_text()) if one["event"] == "StepsTrained"]
    assert event["metrics"] == {"train-accuracy": [0.5, "NaN"]}
    assert event["losses"] == ["NaN", "NaN"]
