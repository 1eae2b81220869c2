"""The examples of the documents: each is short, and trains as a user's experiment."""

from __future__ import annotations

import math
import runpy
from pathlib import Path

import pytest
import torch
from user_experiments import of_kind, prepared, trained, trainers
from watched_recordings import WatchedRecording

from clipwatch.core.stream.events import Evaluated, LaneFinished

FOLDER = Path(__file__).parent.parent / "examples"
FILES = sorted(FOLDER.glob("*.py"))
# Small settings, for speed.
SETTINGS = {"transformer": {"width": "16", "length": "16"}}


def test_there_are_three_examples_of_under_forty_lines() -> None:
    assert [file.stem for file in FILES] == ["mlp_dropout", "resnet18", "transformer"]
    for file in FILES:
        assert sum(bool(line.strip()) for line in file.read_text().splitlines()) < 40


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_example_trains(file: Path) -> None:
    options = {
        "iterations": 3,
        "eval_every": 2,
        "batch_size": 4,
        "eval_size": 60,
        "settings": SETTINGS.get(file.stem, {}),
    }
    (lane, *_) = trainers(str(file), **options)
    events = trained(lane)
    (finished,) = of_kind(events, LaneFinished)
    assert finished.reason == "completed"
    assert len(of_kind(events, Evaluated)) == 2
    assert math.isfinite(finished.loss)
    if file.stem == "transformer":
        assert finished.metrics["bits-per-character"] == pytest.approx(finished.loss / math.log(2))
    else:
        assert finished.total == 300
        assert finished.correct is not None


def test_the_transformer_ties_its_weights() -> None:
    experiment = prepared(str(FOLDER / "transformer.py"), settings=SETTINGS["transformer"])
    workload = experiment.make_workload()
    # `embedding`, which holds the output too, comes before the blocks; a layer `output` would be a second copy.
    assert list(workload.layout.layers) == ["position", "embedding", "blocks"]
    assert workload.layout.layers["embedding"] == 128 * 16


def test_the_transformer_sees_no_later_characters() -> None:
    from clipwatch.core.experiments.user_file import load_experiment

    experiment = load_experiment(str(FOLDER / "transformer.py"), SETTINGS["transformer"])
    model = experiment.make_model().eval()
    text = torch.randint(128, (1, 16))
    changed = text.clone()
    changed[0, 10:] = 0
    with torch.no_grad():
        torch.testing.assert_close(model(text)[:, :10], model(changed)[:, :10])


@pytest.mark.parametrize("rule", [None, "norm:0.5"])
def test_the_loop_is_watched_and_continues_from_its_checkpoint(tmp_path: Path, rule: str | None) -> None:
    loop = runpy.run_path(str(FOLDER / "loops" / "character_model.py"))
    sizes = {"warm-up": 2, "batch": 2, "length": 8, "width": 8, "depth": 1, "validate-every": 3}
    small = [f"--{name}={value}" for name, value in {**sizes, "validation-batches": 1}.items()]
    small += [f"--checkpoint={tmp_path / 'saved.pt'}", *([f"--rule={rule}"] if rule else [])]
    for runs, steps in ("first", 6), ("second", 12):
        model = loop["train"](loop["parse"]([*small, f"--steps={steps}", f"--runs-dir={tmp_path / runs}"]))
    assert len(model.write("The ", 5)) == 9
    first, second = (WatchedRecording.only_one_in(tmp_path / name) for name in ("first", "second"))
    assert [event.step for event in first.evaluations + second.evaluations] == [2, 5, 8, 11]
    last = second.evaluations[-1]
    assert last.metrics["bits-per-character"] == pytest.approx(last.loss / math.log(2))
    assert len(second.of_steps("losses")) == len(second.metric_of_steps("learning-rate")) == 6
    if rule:
        assert max(second.of_steps("clipped_norms")) <= 0.5 < min(second.of_steps("norms"))
