"""What is written for TensorBoard, read back by TensorBoard's own reader."""

from __future__ import annotations

import errno
import itertools
import json
import math
import os
import shutil
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import program
import pytest
import recordings
import torch
from PIL import Image
from test_state import EVALUATED, FINISHED, LANE, RUN
from torch.utils.tensorboard import RecordWriter
from virtual_terminal import wait_until

from clipwatch.core.errors import BadInput, ClipwatchError
from clipwatch.core.experiments.batches import seeded_generator
from clipwatch.core.experiments.lenet import network as lenet
from clipwatch.core.experiments.lenet.torch_module import LeNetModule
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    ClipChanged,
    Diagnosed,
    Evaluated,
    Event,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LanePaused,
    LanesCompared,
    LaneStarted,
    LearningRateChanged,
    Notice,
    RunFinished,
    RunStarted,
    StepsTrained,
)
from clipwatch.core.stream.measures import BIN_EDGES
from clipwatch.core.stream.series import step_values
from clipwatch.core.tensorboard.lane_writer import LaneWriter
from clipwatch.core.tensorboard.sink import TensorBoard, with_checkpoints
from clipwatch.core.training import checkpoint
from clipwatch.tui.cli.main import main
from clipwatch.tui.engine_child.request import ResumeRun, TrainRun
from clipwatch.tui.headless.tensorboard import LiveTensorBoard
from clipwatch.tui.text.wording import lane_message


def _run_of(*lanes: str) -> RunStarted:
    return msgspec.structs.replace(RUN, config=RunConfig(lanes=tuple(LaneConfig(name, "none") for name in lanes)))


LANES = ("unclipped", "clipped")
COMMANDS = """
    {"command":"SetClip","lane":"clipped","rule":"none","at_step":17}
    {"command":"Extend","iterations":8,"lane":"clipped","at_step":50}
"""
SETTINGS = ["--iterations", "60", "--checkpoint-every", "15", "--head", "linear", "--seed", "3"]
TAGS = {name.replace(".", "/") for name in lenet.SHAPES}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(home: Path) -> Path:
    """A run that wrote for TensorBoard while it was under way, in `live` beside the runs."""
    (home / "runs").mkdir()
    arguments = [*SETTINGS, "--control", "--tensorboard", str(home / "live")]
    return recordings.record(home / "runs", *arguments, input=COMMANDS)


@pytest.fixture(scope="module")
def exported(run: Path, home: Path) -> Path:
    """The folder that the run was exported to afterwards, twice."""
    for _ in range(2):
        done = program.run("export", str(run), "--tensorboard", str(home / "exported"))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return home / "exported"


@pytest.fixture(params=["live", "exported"])
def board(request: pytest.FixtureRequest, run: Path, exported: Path, home: Path) -> Path:
    """The folder of the run's lanes, written live or exported."""
    assert [path.name for path in (home / request.param).iterdir()] == [run.name]
    return home / request.param / run.name


def reader(folder: Path) -> Any:
    """TensorBoard's reader of one TensorBoard run, which keeps everything."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    kinds = ("scalars", "histograms", "images", "tensors", "compressedHistograms", "audio")
    accumulator = EventAccumulator(str(folder), size_guidance=dict.fromkeys(kinds, 0))
    accumulator.Reload()
    return accumulator


def texts(accumulator: Any, tag: str) -> list[tuple[int, str]]:
    found = accumulator.Tensors(f"{tag}/text_summary")
    return [(text.step, text.tensor_proto.string_val[0].decode()) for text in found]


def board_of(directory: Path, *events: Event, name: str = "run") -> TensorBoard:
    """A board that has received these events."""
    board = TensorBoard(directory, lane_message, lambda: RunFolder(Path(name)))
    for event in events:
        board.receive(event)
    return board


def of_lane(run: Path, lane: str, kind: type[Any]) -> list[Any]:
    return [event for event in recordings.read(run).events if isinstance(event, kind) and event.lane == lane]


def test_the_learning_rate_is_a_scalar_and_forks_are_texts(tmp_path: Path) -> None:
    start = msgspec.structs.replace(LANE, learning_rate=0.001)
    board_of(
        tmp_path,
        RUN,
        start,
        EVALUATED,
        LearningRateChanged(lane="a", step=40, rate=0.01, previous=0.001),
        LaneForked(lane="a+1", step=40, parent="a", rule="none", learning_rate=0.1, seconds=4.0),
        msgspec.structs.replace(start, lane="a+1", step=40, learning_rate=0.1),
        *(msgspec.structs.replace(EVALUATED, lane=lane, step=50) for lane in ("a", "a+1")),
    ).close()
    rates = {lane: reader(tmp_path / "run" / lane).Scalars("learning_rate") for lane in ("a", "a+1")}
    assert [(one.step, one.value) for one in rates["a"]] == [
        (30, pytest.approx(0.001)),
        (40, pytest.approx(0.01)),
        (50, pytest.approx(0.01)),
    ]
    assert [(one.step, one.value) for one in rates["a+1"]] == [(50, pytest.approx(0.1))]
    (text,) = reader(tmp_path / "run" / "a+1").Tensors("interventions/text_summary")
    assert b"forked from a" in text.tensor_proto.string_val[0]
    assert (text.step, text.wall_time) == (40, RUN.time + 4.0)


@pytest.mark.parametrize("lane", LANES)
def test_every_scalar_step_and_time_is_read_back_exactly(lane: str, run: Path, board: Path) -> None:
    read, began = reader(board / lane), recordings.read(run).started.time
    measured = ("clip", "dead", "gradient_norm", "clipped_norm", "update_ratio", "steps", "lanes")
    assert {tag for tag in read.Tags()["scalars"] if tag.partition("/")[0] not in measured} == {
        *("loss/train", "loss/validation", "accuracy/validation", "loss/validation_all", "accuracy/validation_all"),
        "learning_rate",
    }

    def same(tag: str, expected: list[tuple[float, int, float]]) -> None:
        assert [(scalar.wall_time, scalar.step, scalar.value) for scalar in read.Scalars(tag)] == [
            (began + seconds, step, float(np.float32(value))) for seconds, step, value in expected
        ]

    evaluated = of_lane(run, lane, Evaluated)
    assert len(evaluated) == (7 if lane == "clipped" else 6)
    same("loss/train", [(event.seconds, event.step, event.train_loss) for event in evaluated])
    same("loss/validation", [(event.seconds, event.step, event.loss) for event in evaluated])
    same("accuracy/validation", [(event.seconds, event.step, event.accuracy) for event in evaluated])
    # Losses of batches are 32-bit floats to begin with.
    assert [scalar.value for scalar in read.Scalars("loss/validation")] == [event.loss for event in evaluated]
    ends = of_lane(run, lane, LaneFinished)
    assert len(ends) == 1
    same("loss/validation_all", [(event.seconds, event.step, event.loss) for event in ends])
    same("accuracy/validation_all", [(event.seconds, event.step, event.correct / event.total) for event in ends])


@pytest.mark.parametrize("lane", LANES)
def test_what_the_clip_did_is_read_back(lane: str, run: Path, board: Path) -> None:
    read = reader(board / lane)
    diagnosed = of_lane(run, lane, Diagnosed)
    assert [event.step for event in diagnosed] == [0, 50]

    def values(tag: str) -> list[tuple[int, float]]:
        return [(scalar.step, scalar.value) for scalar in read.Scalars(tag)]

    def told(value: Callable[[Any], float]) -> list[tuple[int, float]]:
        return [(event.step, float(np.float32(value(event)))) for event in diagnosed]

    assert values("clip/saturation") == told(lambda event: event.total.clipped_share)
    assert values("clip/cosine") == told(lambda event: event.total.cosine)
    assert values("gradient_norm/fc1") == told(lambda event: event.layers["fc1"].norm)
    assert values("dead/outputs") == told(lambda event: len(event.dead_outputs))
    for layer in ("conv1", "fc3"):
        for event, found in zip(diagnosed, read.Histograms(f"gradient/{layer}"), strict=True):
            counted = event.layers[layer].histogram
            assert found.step == event.step
            assert list(found.histogram_value.bucket) == [counted.zero + counted.under, *counted.counts, counted.over]
            assert list(found.histogram_value.bucket_limit)[:-1] == list(BIN_EDGES)
            assert found.histogram_value.num == counted.finite


@pytest.mark.parametrize("lane", LANES)
def test_every_training_step_is_read_back(lane: str, run: Path, board: Path) -> None:
    read, logged = reader(board / lane), [step_values(event) for event in of_lane(run, lane, StepsTrained)]
    for name in ("train_loss", "grad_norm", "clipped_norm"):
        expected = np.concatenate([values.series[name.replace("_", "-")] for values in logged]).tolist()
        found = read.Scalars(f"steps/{name}")
        assert [(scalar.step, scalar.value) for scalar in found] == list(enumerate(expected))
        assert len(found) >= 60
    clipped = [scalar.value for scalar in read.Scalars("steps/clipped")]
    assert set(clipped) <= ({0.0} if lane == "unclipped" else {0.0, 1.0})


def test_comparisons_are_read_back_in_the_second_lane(run: Path, board: Path) -> None:
    compared = [event for event in recordings.read(run).events if isinstance(event, LanesCompared)]
    scalars = reader(board / "clipped").Scalars("lanes/distance")
    assert [(one.step, one.value) for one in scalars] == [(e.step, float(np.float32(e.distance))) for e in compared]
    assert "lanes/distance" not in reader(board / "unclipped").Tags()["scalars"]


def weights_at(run: Path, lane: str, step: int) -> dict[str, np.ndarray]:
    """A lane's weights by tag: the initial ones, or those of its checkpoint."""
    if step == 0:
        flat = lenet.initial_parameters(0.1, seeded_generator(3, "weights"))
    else:
        flat = checkpoint.load(run / "checkpoints" / f"{lane}-{step:010d}.pt")["parameters"]
    return {name.replace(".", "/"): view.numpy() for name, view in lenet.views(flat).items()}


STEPS = {"unclipped": [30, 45, 60], "clipped": [45, 60, 68]}


@pytest.mark.parametrize("lane", LANES)
def test_histograms_of_all_ten_tensors_tell_the_checkpoints_weights(lane: str, run: Path, board: Path) -> None:
    read = reader(board / lane)
    assert {tag for tag in read.Tags()["histograms"] if not tag.startswith("gradient/")} == TAGS
    for tag in TAGS:
        found = {event.step: event.histogram_value for event in read.Histograms(tag)}
        steps = sorted({0, 15, 30, *STEPS[lane]}) if board.parent.name == "live" else [0, *STEPS[lane]]
        assert list(found) == steps
        for step in (0, *STEPS[lane]):
            weights = weights_at(run, lane, step)[tag].astype(np.float64).ravel()
            histogram = found[step]
            assert (histogram.min, histogram.max, histogram.num) == (weights.min(), weights.max(), weights.size)
            assert histogram.sum == pytest.approx(weights.sum(), rel=1e-12, abs=1e-12)
            assert histogram.sum_squares == pytest.approx((weights**2).sum(), rel=1e-12)
            # How many weights lie below each limit is where the buckets say so.
            limits = np.array(histogram.bucket_limit)
            assert limits[-1] == weights.max()
            below = [(weights < limit).sum() for limit in limits[:-1]]
            assert np.cumsum(histogram.bucket)[:-1].tolist() == below
            assert sum(histogram.bucket) == weights.size


@pytest.mark.parametrize("lane", LANES)
def test_the_second_fully_connected_layer_is_an_image_of_120_by_84_from_0_to_1(
    lane: str, run: Path, board: Path
) -> None:
    images = {image.step: image for image in reader(board / lane).Images("fc2/weight/image")}
    for step in (0, *STEPS[lane]):
        image = images[step]
        assert (image.height, image.width) == (120, 84)
        colours = np.asarray(Image.open(BytesIO(image.encoded_image_string)))
        assert (colours.shape, colours.dtype) == ((120, 84, 3), np.uint8)
        pixels = colours[:, :, 0]
        assert (colours == pixels[:, :, None]).all()
        weights = weights_at(run, lane, step)["fc2/weight"].T
        scaled = (weights - weights.min()) / (weights.max() - weights.min())
        assert (pixels.min(), pixels.max()) == (0, 255)
        assert np.abs(pixels / 255 - scaled).max() < 0.51 / 255


def test_a_tag_is_of_one_kind_for_tensorboard_shows_no_other(board: Path) -> None:
    tags = reader(board / "clipped").Tags()
    names = [name for kind in ("scalars", "histograms", "images", "tensors") for name in tags[kind]]
    assert len(names) == len(set(names))


def test_checkpoints_stand_at_the_time_of_the_evaluation_before(run: Path, board: Path) -> None:
    began = recordings.read(run).started.time
    seconds = {event.step: event.seconds for event in of_lane(run, "unclipped", Evaluated)}
    found = {event.step: event.wall_time for event in reader(board / "unclipped").Histograms("fc3/bias")}
    assert [found[step] for step in (30, 45, 60)] == [began + seconds[step] for step in (20, 40, 50)]


def test_interventions_and_settings_are_texts(board: Path) -> None:
    clipped, unclipped = reader(board / "clipped"), reader(board / "unclipped")
    assert texts(clipped, "interventions") == [
        (17, "Step: 17 clip value:0.001 -&gt; none"),
        (50, "Step: 50 extended to 68 steps"),
    ]
    assert unclipped.Tags()["tensors"] == ["settings/text_summary"]
    ((step, settings),) = texts(unclipped, "settings")
    assert step == 0
    assert "    seed = 3\n" in settings


def test_the_graph_has_the_layers(board: Path) -> None:
    for lane in LANES:
        nodes = list(reader(board / lane).Graph().node)
        for layer in ("Conv2d[conv1]", "Conv2d[conv2]", "Linear[fc1]", "Linear[fc2]", "Linear[fc3]"):
            for tensor in ("weight", "bias"):
                assert any(node.name.startswith(f"LeNetModule/{layer}/{tensor}") for node in nodes)
        # The run's head is linear.
        assert [node.op for node in nodes].count("aten::relu") == 4
        (output,) = [node for node in nodes if node.name.startswith("output/")]
        (shape,) = output.attr["_output_shapes"].list.shape
        assert [dim.size for dim in shape.dim] == [1, 10]


@pytest.mark.parametrize("head", ["relu", "linear"])
def test_the_module_in_the_graph_computes_what_the_network_computes(head: Any) -> None:
    flat = lenet.initial_parameters(0.1, torch.Generator().manual_seed(1))
    module = LeNetModule(head)
    assert {name: tuple(value.shape) for name, value in module.state_dict().items()} == lenet.SHAPES
    module.load_state_dict(lenet.views(flat))
    images = torch.randint(256, (5, 28, 28), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    with torch.no_grad():
        found = module(images[:, None] / 255)
    torch.testing.assert_close(found, lenet.LeNet(flat, head).logits(images))


def test_a_reader_that_is_open_sees_what_is_written_again_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.summary.writer import event_file_writer

    # Names begin with the second, and programs do not start within the same one.
    seconds = itertools.count(1_000_000_000)
    monkeypatch.setattr(event_file_writer, "time", SimpleNamespace(time=lambda: next(seconds)))

    def write(count: int) -> None:
        evaluated = [msgspec.structs.replace(EVALUATED, step=step) for step in range(count)]
        board = board_of(tmp_path, msgspec.structs.replace(RUN, time=1.0), LANE, *evaluated)
        board.flush()
        board.close()

    # As an older version called it.
    lane = tmp_path / "run" / "a"
    lane.mkdir(parents=True)
    (lane / "events.out.tfevents.1.000000.clipwatch.0000").touch()
    write(3)
    open_reader = reader(lane)
    for count in (5, 4, 7):
        write(count)
        open_reader.Reload()
        assert [found.step for found in open_reader.Scalars("loss/train")] == list(range(count))
        assert [found.step for found in reader(lane).Scalars("loss/train")] == list(range(count))
    assert len(list(lane.iterdir())) == 2


def test_runs_of_one_name_in_one_folder_have_folders_of_their_own(tmp_path: Path) -> None:
    for start in (1.0, 2.0, 1.0, 2.0):
        board_of(tmp_path, msgspec.structs.replace(RUN, time=start), LANE, EVALUATED).close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "run-2"]
    assert [found.step for found in reader(tmp_path / "run" / "a").Scalars("loss/train")] == [EVALUATED.step]


def test_exporting_again_replaces_what_was_exported(exported: Path, run: Path) -> None:
    assert [path.name for path in exported.iterdir()] == [run.name]
    steps = [found.step for found in reader(exported / run.name / "clipped").Scalars("loss/train")]
    assert steps == sorted(set(steps))


def copied(run: Path, home: Path, *, without: str = "") -> Path:
    """A copy of a run, with its checkpoints but for those named."""
    folder = home / "copy"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns(".lock", *([without] if without else [])))
    return folder


def test_a_run_without_checkpoints_is_exported_without_weights(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(run, tmp_path, without="*.pt")
    assert main(["export", str(folder), "--tensorboard", str(tmp_path / "board")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "no checkpoint of unclipped, clipped: histograms and images of weights are missing" in line
    read = reader(tmp_path / "board" / "copy" / "unclipped")
    assert len(read.Scalars("loss/validation")) == 6
    assert not [tag for tag in read.Tags()["histograms"] if not tag.startswith("gradient/")]
    assert read.Tags()["images"] == []
    assert read.Tags()["graph"]


def test_a_damaged_checkpoint_is_told_and_left_out(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copied(run, tmp_path)
    broken = folder / "checkpoints" / "clipped-0000000060.pt"
    broken.write_bytes(broken.read_bytes()[:-1])
    assert main(["export", str(folder), "--tensorboard", str(tmp_path / "board")]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "clipped-0000000060.pt: damaged" in line
    histograms = reader(tmp_path / "board" / "copy" / "clipped").Histograms("fc1/bias")
    assert [found.step for found in histograms] == [0, 45, 68]


def test_checkpoints_that_may_not_be_read_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("os.listdir", refuse)
    monkeypatch.setattr("os.scandir", refuse)
    told: list[str] = []
    assert list(with_checkpoints([EVALUATED], tmp_path / "checkpoints", told.append, told.append)) == [EVALUATED]
    assert told == [f"{tmp_path / 'checkpoints'}: Permission denied; left out"]


def test_initial_weights_are_left_out_where_another_torch_might_draw_others(run: Path, tmp_path: Path) -> None:
    folder = copied(run, tmp_path)
    events = recordings.read(folder).events
    # A lane may start after the other one has been evaluated.
    before = [event for event in events if isinstance(event, RunStarted | LaneStarted)]
    other = {"versions": {**recordings.read(folder).started.versions, "torch": "0.1"}}
    changed = [msgspec.structs.replace(event, **other) if isinstance(event, RunStarted) else event for event in before]
    board = board_of(tmp_path / "board", *changed, name="other")
    board.keep(checkpoint.Checkpoint("clipped", 60, checkpoint.load(folder / "checkpoints" / "clipped-0000000060.pt")))
    board.close()
    found = reader(tmp_path / "board" / "other" / "clipped").Histograms("fc1/bias")
    assert [histogram.step for histogram in found] == [60]


def test_a_resumed_run_is_written_from_its_beginning(run: Path, tmp_path: Path) -> None:
    folder = copied(run, tmp_path)
    arguments = ["--no-ui", "--quiet", "--iterations", "90", "--tensorboard", str(tmp_path / "board")]
    assert main(["resume", str(folder), *arguments]) == 0
    read = reader(tmp_path / "board" / "copy" / "unclipped")
    assert [scalar.step for scalar in read.Scalars("loss/validation")] == list(range(0, 90, 10))
    assert [found.step for found in read.Histograms("fc1/bias")] == [0, 30, 45, 60, 75, 90]
    # Its recording has ended twice by now.
    assert main(["export", str(folder), "--tensorboard", str(tmp_path / "again")]) == 0
    again = reader(tmp_path / "again" / "copy" / "unclipped")
    for tag in ("loss/validation", "loss/validation_all"):
        assert again.Scalars(tag) == read.Scalars(tag)


def test_a_run_that_is_not_recorded_is_named_alike_and_has_its_histograms(tmp_path: Path) -> None:
    arguments = ["--iterations", "20", "--no-record", "--quiet", "--tensorboard", str(tmp_path / "board")]
    done = program.run(*recordings.DIGITS, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    (folder,) = (tmp_path / "board").iterdir()
    assert folder.name.endswith("-digits-0")
    read = reader(folder / "clipped")
    assert [scalar.step for scalar in read.Scalars("loss/train")] == [0, 10]
    assert [found.step for found in read.Histograms("conv1/weight")] == [0, 20]


def test_a_restart_is_a_run_of_its_own(tmp_path: Path) -> None:
    restart = '{"command":"Restart","seed":5}\n'
    arguments = [*recordings.DIGITS, "--control", "--json", "--iterations", "1000000", "--no-record"]
    with program.running(*arguments, "--tensorboard", str(tmp_path)) as process:
        assert process.stdin
        program.line_with(process.stdout, '"Evaluated"')
        process.stdin.write(restart)
        process.stdin.flush()
        program.line_with(process.stdout, '"seed":5')
        program.line_with(process.stdout, '"Evaluated"')
        process.stdin.write('{"command":"Stop"}\n')
        process.stdin.close()
        assert process.stdout
        process.stdout.read()
        assert process.wait() == 0
    assert sorted(folder.name.rpartition("-")[2] for folder in tmp_path.iterdir()) == ["0", "5"]
    for folder in tmp_path.iterdir():
        assert reader(folder / "clipped").Scalars("loss/train")[0].step == 0


@pytest.fixture
def no_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = ("tensorboard", "torch.utils.tensorboard", "clipwatch.core.tensorboard.lane_writer")
    for name in [name for name in sys.modules if name.startswith(ours)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)


@pytest.mark.usefixtures("no_tensorboard")
def test_without_tensorboard_one_line_says_how_to_get_it(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments in (["export", str(run)], ["--no-ui", "--dataset", "digits"], ["resume", str(run), "--no-ui"]):
        assert main([*arguments, "--tensorboard", str(tmp_path / "board")]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        (line,) = err.splitlines()
        assert 'pip install ".[tensorboard]"' in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_is_refused_in_one_line_before_anything_trains(
    place: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    for arguments in (["export", str(run)], ["--no-ui", "--dataset", "digits"]):
        assert main([*arguments, "--tensorboard", str(tmp_path / place)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        (line,) = err.splitlines()
        assert str(tmp_path / place) in line


def test_export_needs_something_to_write(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(run)]) == 2
    assert "--tensorboard DIR" in capsys.readouterr().err


# The file's version, the graph with its metadata, the settings, an evaluation, the end.
RECORDS = 6


def break_disk(patch: pytest.MonkeyPatch, first: int, error: Exception) -> None:
    """Let event files take no record from number `first` on."""
    write, records = RecordWriter.write, itertools.count()

    def write_here(writer: RecordWriter, record: bytes) -> None:
        if next(records) >= first:
            raise error
        write(writer, record)

    patch.setattr(RecordWriter, "write", write_here)


def through_live_board(directory: Path, events: list[Event]) -> list[Event]:
    """What a live board passes on."""
    with closing(LiveTensorBoard(directory, lambda: RunFolder(Path("run")))) as board:
        return list(board.through(events))


STORY = [_run_of("a"), LANE, EVALUATED, FINISHED, RunFinished(reason="completed", seconds=9.0)]


@pytest.mark.parametrize("first", [0, 1, 4, 5, RECORDS])
def test_a_run_goes_on_without_a_disk_and_says_so_once_before_it_ends(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    break_disk(monkeypatch, first, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    passed = through_live_board(tmp_path, STORY)
    assert [event for event in passed if not isinstance(event, Notice)] == STORY
    assert passed[-1] == STORY[-1]
    told = [event.text for event in passed if isinstance(event, Notice)]
    cause = "No space left on device; the run continues without TensorBoard"
    assert told == ([f"cannot write for TensorBoard in {tmp_path}: {cause}"] if first < RECORDS else [])
    # The thread that wrote prints nothing of its own.
    assert capsys.readouterr().err == ""
    assert ("loss/train" in reader(tmp_path / "run" / "a").Tags()["scalars"]) == (first > 4)


def test_whatever_tensorboard_raises_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_disk(monkeypatch, 4, RuntimeError("no such luck"))
    passed = through_live_board(tmp_path, STORY)
    assert Notice(text="RuntimeError: no such luck; the run continues without TensorBoard") in passed
    assert passed[-1] == STORY[-1]


def test_lanes_without_an_error_keep_what_was_written_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = LaneWriter.receive

    def receive(writer: LaneWriter, event: LaneEvent) -> None:
        if event.lane == "b":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        write(writer, event)

    monkeypatch.setattr(LaneWriter, "receive", receive)
    lanes = [msgspec.structs.replace(LANE, lane=name) for name in ("a", "b")]
    before = threading.active_count()
    board = LiveTensorBoard(tmp_path, lambda: RunFolder(Path("run")))
    list(board.through([_run_of("a", "b"), *lanes, EVALUATED, msgspec.structs.replace(EVALUATED, lane="b")]))
    assert threading.active_count() == before
    assert reader(tmp_path / "run" / "a").Tags()["scalars"]


def test_a_running_lane_can_be_read(tmp_path: Path) -> None:
    with closing(board_of(tmp_path, _run_of("a"), LANE)) as board:
        board.receive(EVALUATED)
        wait_until(lambda: reader(tmp_path / "run" / "a").Tags()["scalars"])


def test_what_went_wrong_is_in_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    break_disk(monkeypatch, 0, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    arguments = [*recordings.DIGITS, "--quiet", "--iterations", "10", "--runs-dir", str(tmp_path / "runs")]
    assert main([*arguments, "--tensorboard", str(tmp_path / "board")]) == 0
    recorded = recordings.read(recordings.only_run(tmp_path / "runs"))
    assert sum(isinstance(event, Notice) and "No space left" in event.text for event in recorded.events) == 1


def test_an_export_without_a_disk_fails_in_one_line(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader

    folder, board = copied(run, tmp_path), tmp_path / "board"
    # A run that was killed has no end at which the board is flushed.
    *lines, _ = (folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "events.jsonl").write_bytes(b"".join(lines))
    assert main(["export", str(folder), "--tensorboard", str(board)]) == 0
    files = [path for path in board.rglob("*") if path.is_file()]
    records = sum(len(list(RawEventFileLoader(str(path)).Load())) for path in files)
    # The very last one: what replaces a file begins with two more that purge it.
    break_disk(monkeypatch, records + 2 * len(LANES) - 1, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert main(["export", str(folder), "--tensorboard", str(board)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"cannot write for TensorBoard in {board}: No space left on device" in line


@pytest.mark.parametrize("name", ["..", "."])
def test_a_lane_of_dots_stays_in_its_run(name: str, tmp_path: Path) -> None:
    lanes = [msgspec.structs.replace(LANE, lane=lane) for lane in (name, "../elsewhere")]
    board_of(tmp_path / "board", _run_of(name), *lanes).close()
    assert [path.name for path in tmp_path.iterdir()] == ["board"]
    assert [path.name for path in (tmp_path / "board" / "run").iterdir()] == [f"_{name}"]


def test_what_ends_a_lane_and_what_stops_it_are_texts_and_the_rest_is_not(tmp_path: Path) -> None:
    at = {"lane": "a", "step": 7}
    failed = LaneFailed(**at, reason="diverged", cause="the training loss is nan", seconds=3.0)
    other = ClipChanged(lane="b", step=7, rule="none", previous="none")
    board_of(tmp_path, _run_of("a"), LANE, Notice(text="said"), LanePaused(**at), failed, other).close()
    read = reader(tmp_path / "run" / "a")
    assert texts(read, "interventions") == [(7, "Step: 7 paused")]
    assert texts(read, "failure") == [(7, "Step: 7 diverged: the training loss is nan")]
    assert read.Tensors("failure/text_summary")[0].wall_time == RUN.time + 3.0


def test_equal_weights_are_one_bucket_and_a_black_image(tmp_path: Path) -> None:
    board = board_of(tmp_path, _run_of("a"), LANE)
    board.keep(checkpoint.Checkpoint("a", 1, {"parameters": torch.full((lenet.PARAMETERS,), 0.1)}))
    board.close()
    read = reader(tmp_path / "run" / "a")
    (found,) = (event.histogram_value for event in read.Histograms("fc3/bias"))
    assert (list(found.bucket), list(found.bucket_limit)) == ([10], [float(np.float32(0.1))])
    (image,) = read.Images("fc2/weight/image")
    assert not np.asarray(Image.open(BytesIO(image.encoded_image_string))).any()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_read_back(value: float, tmp_path: Path) -> None:
    evaluated = msgspec.structs.replace(EVALUATED, loss=value, train_loss=value)
    board_of(tmp_path, _run_of("a"), LANE, evaluated).close()
    read = reader(tmp_path / "run" / "a")
    for tag in ("loss/train", "loss/validation"):
        assert [scalar.value for scalar in read.Scalars(tag)] == [pytest.approx(value, nan_ok=True)]


@pytest.fixture
def engine_requests(monkeypatch: pytest.MonkeyPatch) -> list[TrainRun | ResumeRun]:
    """What the engines that the screen would have started were asked for."""
    from clipwatch.tui.live import run as live

    asked: list[TrainRun | ResumeRun] = []

    def run_live(wanted: TrainRun | ResumeRun, *_: object, **__: object) -> int:
        asked.append(wanted)
        return 0

    monkeypatch.setattr(live, "run_live", run_live)
    return asked


def test_the_screen_passes_the_folder_to_its_engine(run: Path, engine_requests: list[TrainRun | ResumeRun]) -> None:
    assert main(["--dataset", "digits", "--tensorboard", "somewhere"]) == 0
    assert main(["resume", str(run), "--tensorboard", "somewhere"]) == 0
    assert [request.tensorboard for request in engine_requests] == [Path("somewhere")] * 2


def test_an_engine_elsewhere_is_to_be_told_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--engine-command", "anything", "--tensorboard", "somewhere"]) == 2
    assert "put it into the --engine-command" in capsys.readouterr().err


def test_the_stream_is_the_same_with_and_without(run: Path, tmp_path: Path) -> None:
    plain = recordings.record(tmp_path, *SETTINGS, "--control", input=COMMANDS)
    assert recordings.figures(recordings.read(plain).events) == recordings.figures(recordings.read(run).events)
    assert RunFolder(run).manifest().state == "done"


def test_json_is_not_touched(tmp_path: Path) -> None:
    done = program.run(*recordings.DIGITS, "--iterations", "5", "--json", "--no-record", "--tensorboard", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert all(json.loads(line)["event"] for line in done.stdout.splitlines())


def test_the_sink_raises_one_line_for_a_folder_that_vanished(tmp_path: Path) -> None:
    board = board_of(tmp_path / "board", _run_of("a"))
    shutil.rmtree(tmp_path / "board")
    (tmp_path / "board").write_text("in the way")
    with pytest.raises(ClipwatchError, match="cannot write for TensorBoard"):
        board.receive(LANE)


def test_a_folder_whose_name_tensorboard_cannot_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"UTF-8"):
        board_of(tmp_path / os.fsdecode(b"\xd4"))
