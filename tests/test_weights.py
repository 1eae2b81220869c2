"""`clipwatch export --weights`: what a lane has learned, in a module that anybody can load."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import program
import pytest
import torch
from own_experiment import FILE
from recordings import read, record
from test_state import DATA
from torch import nn
from torch.nn import functional as F

from clipwatch import ElmanModule, LeNetModule, digits
from clipwatch.core.data.run_dataset import GENERATED_VALIDATION
from clipwatch.core.experiments.batches import seeded_generator
from clipwatch.core.experiments.experiment import Data, Experiment
from clipwatch.core.experiments.module import make_model
from clipwatch.core.experiments.temporal_order.data import draw_sequences
from clipwatch.core.experiments.user_file import load_experiment
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.commands import Fork
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.events import LaneFinished, RunStarted
from clipwatch.core.training.checkpoint_file import files_of_lane
from clipwatch.core.training.weights import encoded_weights
from clipwatch.tui.cli.main import main

LIBRARY = (Path(__file__).parents[1] / "docs" / "library.md").read_text(encoding="utf-8")
TINY = ["--iterations", "60", "--checkpoint-every", "20"]


def final(folder: Path, lane: str) -> LaneFinished:
    ends = {event.lane: event for event in read(folder).events if isinstance(event, LaneFinished)}
    return ends[lane]


def exported(folder: Path, *options: str) -> dict[str, Any]:
    """The weights as `torch.load` reads them, from standard output's file."""
    file = folder.parent / "weights.pt"
    done = program.call("export", str(folder), "--weights", str(file), *options)
    assert done.returncode == 0, done.stderr
    return torch.load(file, weights_only=True)


def refused(folder: Path, *options: str) -> str:
    file = folder.parent / "refused.pt"
    done = program.call("export", str(folder), "--weights", str(file), *options)
    assert done.returncode in (1, 2)
    assert not file.exists()
    (line,) = done.stderr.splitlines()
    return line


@pytest.fixture(scope="module", params=["relu", "linear"])
def lenet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    home = tmp_path_factory.mktemp("runs")
    return record(home, *TINY, "--head", request.param), request.param


@pytest.mark.parametrize("lane", ["clipped", "unclipped"])
def test_lenet_classifies_as_many_images_as_the_lane_did(lenet: tuple[Path, Any], lane: str) -> None:
    folder, head = lenet
    model, (images, labels) = LeNetModule(head), digits().validation
    model.load_state_dict(exported(folder, "--lane", lane), strict=True)
    with torch.no_grad():
        logits = model(images)
    end = final(folder, lane)
    assert int((logits.argmax(1) == labels).sum()) == end.correct
    assert F.cross_entropy(logits, labels).item() == pytest.approx(end.loss, rel=1e-5)


def test_an_earlier_checkpoint_has_other_weights(lenet: tuple[Path, Any]) -> None:
    folder, _ = lenet
    newest, earlier, last = (exported(folder, "--lane", "clipped", *at) for at in ((), ("--at", "40"), ("--at", "60")))
    assert all(torch.equal(newest[name], last[name]) for name in newest)
    assert not torch.equal(newest["conv1.weight"], earlier["conv1.weight"])


def test_what_cannot_be_exported_is_one_line(lenet: tuple[Path, Any]) -> None:
    folder, _ = lenet
    assert "which lane? add --lane unclipped or --lane clipped" in refused(folder)
    assert "no lane is called 'cliped'; add --lane" in refused(folder, "--lane", "cliped")
    assert "--at 30: clipped has no checkpoint at this step; there are: 20, 40, 60" in refused(
        folder, "--lane", "clipped", "--at", "30"
    )
    done = program.call("export", str(folder), "--csv", "-", "--at", "30")
    assert "--lane and --at select weights" in done.stderr


def test_weights_go_to_standard_output_under_the_lanes_name_on_the_screen(
    lenet: tuple[Path, Any], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder, _ = lenet
    assert main(["export", str(folder), "--weights", "-", "--lane", "B"]) == 0
    out, error = capsysbinary.readouterr()
    assert torch.load(io.BytesIO(out), weights_only=True).keys() == LeNetModule().state_dict().keys()
    assert error == b"clipwatch: the weights of clipped after 60 steps are on standard output\n"


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    folder = record(tmp_path, *TINY, "--lane", "one=none")
    newest = files_of_lane(folder / "checkpoints", "one")[0]
    newest.write_bytes(newest.read_bytes()[:-9])
    done = program.call("export", str(folder), "--weights", str(tmp_path / "weights.pt"))
    assert "damaged" in done.stderr
    assert "the weights of one after 40 steps are in" in done.stderr
    for file in files_of_lane(folder / "checkpoints", "one"):
        file.unlink()
    assert "one has no checkpoints" in refused(folder)


def test_temporal_order_has_the_loss_of_the_lane(tmp_path: Path) -> None:
    arguments = ("--no-ui", "--experiment", "temporal-order", *TINY, "--runs-dir", str(tmp_path))
    settings = ("--set", "length=12", "--set", "units=9", "--seed", "3", "--lane", "one=norm:1")
    assert program.call(*arguments, *settings).returncode == 0
    (folder,) = tmp_path.iterdir()
    model = ElmanModule(units=9)
    model.load_state_dict(exported(folder), strict=True)
    sequences, classes = draw_sequences(GENERATED_VALIDATION, 12, seeded_generator(3, "validation sequences"))
    with torch.no_grad():
        logits = model(sequences)
    assert F.cross_entropy(logits, classes).item() == pytest.approx(final(folder, "one").loss, rel=1e-5)
    assert int((logits.argmax(1) == classes).sum()) == final(folder, "one").correct


def test_an_experiment_of_ones_own_has_its_buffers_too(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(FILE)
    arguments = ("--no-ui", "--experiment", str(file), *TINY, "--runs-dir", str(tmp_path / "runs"))
    assert program.call(*arguments, "--lane", "one=norm:1").returncode == 0
    (folder,) = (tmp_path / "runs").iterdir()
    experiment = load_experiment(str(file), {})
    model = experiment.make_model()
    model.load_state_dict(exported(folder), strict=True)
    with torch.no_grad():
        found = experiment.evaluate(model.eval(), experiment.make_data().validation)
    end = final(folder, "one")
    assert (found.loss, found.correct) == (pytest.approx(end.loss, rel=1e-5), end.correct)
    assert model[1].num_batches_tracked == 60

    # Code that has changed since makes another model.
    file.write_text(FILE.replace("hidden: int = 8", "hidden: int = 9"))
    done = program.call("export", str(folder), "--weights", str(tmp_path / "changed.pt"))
    assert done.returncode == 0, "the settings of the run count, not the defaults of the file"
    file.write_text(FILE.replace("nn.Linear(self.hidden, 3)", "nn.Linear(self.hidden, 4)"))
    done = program.call("export", str(folder), "--weights", str(tmp_path / "changed.pt"))
    assert "its model has" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("option", ["--weights", "--script"])
def test_a_watched_run_and_a_sweep_are_refused(option: str, tmp_path: Path) -> None:
    started = RunStarted(config=RunConfig(), dataset=DATA, device="cpu", versions={}, time=0.0, watched=True)
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "events.jsonl").write_bytes(seal(encode(started)) + b"\n")
    (tmp_path / "many").mkdir()
    (tmp_path / "many" / "sweep.jsonl").touch()
    for name, message in (("watched", "was watched, not trained by clipwatch"), ("many", "is a sweep")):
        done = program.call("export", name, option, str(tmp_path / "file"), "--runs-dir", str(tmp_path))
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert message in line
        assert not (tmp_path / "file").exists()


def test_a_forked_lane_has_weights_of_its_own(tmp_path: Path) -> None:
    fork = encode(Fork(lane="one", name="two", rule="norm:0.01", at_step=30)).decode()
    folder = record(tmp_path, *TINY, "--lane", "one=none", "--control", input=fork)
    one, two = (exported(folder, "--lane", lane) for lane in ("one", "two"))
    assert not torch.equal(one["fc3.weight"], two["fc3.weight"])
    model, (images, labels) = LeNetModule(), digits().validation
    model.load_state_dict(two)
    with torch.no_grad():
        assert int((model(images).argmax(1) == labels).sum()) == final(folder, "two").correct


@dataclass(frozen=True)
class Tied(Experiment):
    """A model with tied and frozen parameters, and with layers that are not neighbours."""

    def make_model(self) -> nn.Module:
        model = nn.ModuleDict({"in": nn.Linear(3, 3), "frozen": nn.Linear(3, 3), "out": nn.Linear(3, 3)})
        model["out"].weight = model["in"].weight
        model["frozen"].requires_grad_(False)
        return model

    def make_data(self) -> Data:
        raise AssertionError("weights need no data")

    def loss(self, model: nn.Module, batch: Any) -> torch.Tensor:
        raise AssertionError


def test_tied_parameters_are_one_tensor_and_frozen_ones_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipwatch.core.training.weights.load_experiment", lambda *_: Tied())
    model, flat = make_model(Tied(), 0, 1, torch.device("cpu"))
    snapshot = {"parameters": torch.arange(15.0), "workload": {"buffers": {}}}
    content = encoded_weights(RunConfig(experiment="mine.py"), snapshot)
    state = torch.load(io.BytesIO(content), weights_only=True)
    flat.parameters.copy_(snapshot["parameters"])
    assert state.keys() == model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(state[name], value)
        assert state[name].untyped_storage().nbytes() == 4 * value.numel()
    assert state["in.weight"].data_ptr() == state["out.weight"].data_ptr()


def test_the_program_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (code,) = re.findall(r"^```python\n([^`]*LeNetModule.*?)^```", LIBRARY, re.S | re.M)
    folder = record(tmp_path / "runs", *TINY, "--clip", "norm:1", "--head", "linear")
    exported(folder, "--lane", "clipped")
    monkeypatch.chdir(folder.parent)
    exec(compile(code, "library.md", "exec"), {})
    end = final(folder, "clipped")
    assert capsys.readouterr().out == f"{end.correct} of 300 are right: accuracy {end.accuracy:.4f}\n"
