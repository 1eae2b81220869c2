"""A watched loop in TensorBoard: its steps, its evaluations, what it uses, what the audit found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import watched_runs as watched
from test_tensorboard import board_of, reader, texts

from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.reader import read_recording
from clipwatch.core.stream.events import Event
from clipwatch.core.tensorboard.sink import export
from clipwatch.tui.text.wording import lane_message

# TensorBoard's reader interpolates up to the end of the last bucket, the largest number there is.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered")


def scalars(accumulator: object, tag: str) -> list[tuple[int, float]]:
    return [(one.step, one.value) for one in accumulator.Scalars(tag)]  # pyright: ignore[reportAttributeAccessIssue]


def written(directory: Path, *events: Event, lane: str = "loop") -> object:
    board = board_of(directory, *events)
    board.close()
    return reader(directory / "run" / lane)


def test_all_that_a_loop_gives_is_read_back(tmp_path: Path) -> None:
    found = written(tmp_path, *watched.story(bound=1.0, metrics=True))
    assert [step for step, _ in scalars(found, "steps/train_tokens")] == list(range(200))
    assert scalars(found, "perplexity/validation") == [(99, 4.5), (199, 4.5)]
    assert [step for step, _ in scalars(found, "resources/processor")] == [49, 99, 149, 199]
    assert scalars(found, "resources/memory")[0][1] == pytest.approx(612 * 2**20)
    ((step, text),) = texts(found, "audit")
    assert step == 99
    assert "your loop clips the norm to 1" in text
    ((_, settings),) = texts(found, "settings")
    assert "model = CharTransformer" in settings
    assert "batch" not in settings


def test_what_a_loop_does_not_give_is_not_written(tmp_path: Path) -> None:
    found = written(tmp_path, *watched.story(evaluated=False, loss=False))
    tags = found.Tags()["scalars"]  # pyright: ignore[reportAttributeAccessIssue]
    assert "steps/grad_norm" in tags
    assert not {"steps/train_loss", "loss/train", "loss/validation"} & {*tags}


def test_steps_have_times_without_evaluations(tmp_path: Path) -> None:
    found = written(tmp_path, *watched.story(evaluated=False))
    times = [one.wall_time for one in found.Scalars("steps/grad_norm")]  # pyright: ignore[reportAttributeAccessIssue]
    assert np.unique(np.round(np.diff(times), 3)).tolist() == pytest.approx([0.0, 5.0, 9.9], abs=0.1)


def test_lanes_that_begin_later_have_folders_unless_their_names_are_none(tmp_path: Path) -> None:
    events = [*watched.story(ends=False), watched.begun("critic"), watched.trained(0, lane="critic")]
    assert scalars(written(tmp_path, *events, lane="critic"), "steps/grad_norm")
    board_of(tmp_path, watched.started(), watched.begun("../evil"), watched.trained(0, lane="../evil")).close()
    assert not list(tmp_path.glob("**/evil"))


def test_an_export_says_nothing_of_checkpoints(tmp_path: Path) -> None:
    folder = RunFolder(watched.write(tmp_path / "runs"))
    said: list[str] = []
    export(read_recording(folder.events), folder, tmp_path / "board", lane_message, said.append)
    assert said == []
