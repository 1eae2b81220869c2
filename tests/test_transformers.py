"""The callback for transformers, in trainings by the real `Trainer`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F
from watched_recordings import WatchedRecording

from clipwatch.core.errors import BadInput
from clipwatch.core.runs import control_file
from clipwatch.core.stream.commands import Stop

transformers = pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

from clipwatch.hf import ClipwatchCallback  # noqa: E402

STEPS = 6


class Classifier(torch.nn.Module):
    """Has the inputs and outputs that the `Trainer` expects."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))

    def forward(self, inputs: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        output = self.layers(inputs)
        return {"loss": F.cross_entropy(output, labels), "logits": output}


class Hook(transformers.TrainerCallback):
    """Calls a function after the first step."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function = function

    def on_step_end(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        if state.global_step == 1:
            self.function()


def accuracy(prediction: Any) -> dict[str, float]:
    return {"accuracy": float((prediction.predictions.argmax(1) == prediction.label_ids).mean()), "f1": 0.25}


def trainer(callbacks: list[Any], folder: Path, **options: Any) -> Any:
    inputs = torch.randn(4 * STEPS, 4, generator=torch.Generator().manual_seed(1))
    data = [{"inputs": each, "labels": int(each[0] > 0)} for each in inputs]
    quiet = {"report_to": "none", "disable_tqdm": True, "use_cpu": True, "save_strategy": "no"}
    defaults = {"max_steps": STEPS, "per_device_train_batch_size": 4, "logging_steps": 1, "learning_rate": 0.1, **quiet}
    return transformers.Trainer(
        model=Classifier(),
        args=transformers.TrainingArguments(output_dir=str(folder / "output"), **{**defaults, **options}),
        train_dataset=data,
        eval_dataset=data,
        compute_metrics=accuracy,
        callbacks=callbacks,
    )


def test_losses_norms_and_evaluations_are_recorded(tmp_path: Path) -> None:
    training = trainer(
        [ClipwatchCallback(runs_dir=tmp_path / "runs")], tmp_path, eval_strategy="steps", eval_steps=3, max_grad_norm=0
    )
    training.train()
    run = WatchedRecording.only_one_in(tmp_path / "runs")
    logged = [each for each in training.state.log_history if "loss" in each]
    assert run.of_steps("losses") == pytest.approx([each["loss"] for each in logged], rel=1e-3)
    assert run.of_steps("norms") == pytest.approx([each["grad_norm"] for each in logged], rel=1e-3)
    assert run.metric_of_steps("learning-rate") == pytest.approx([each["learning_rate"] for each in logged])
    assert [each.step for each in run.evaluations] == [2, 5]
    assert run.evaluations[0].metrics == {"f1": 0.25}
    evaluated = next(each for each in training.state.log_history if "eval_loss" in each)
    assert run.evaluations[0].loss == pytest.approx(evaluated["eval_loss"])
    assert run.evaluations[0].accuracy == evaluated["eval_accuracy"]
    assert run.state.lanes["loop"].status == "completed"
    assert run.state.lanes["loop"].planned == STEPS


def test_a_rule_clips_in_place_of_the_trainer_and_says_so(tmp_path: Path) -> None:
    training = trainer([ClipwatchCallback("norm:0.01", runs_dir=tmp_path / "runs")], tmp_path, max_grad_norm=0.5)
    with pytest.warns(UserWarning, match=r"clips by norm:0.01, so max_grad_norm=0.5 is set to 0"):
        training.train()
    run = WatchedRecording.only_one_in(tmp_path / "runs")
    assert min(run.of_steps("norms")) > 0.01
    assert run.of_steps("clipped_norms") == pytest.approx([0.01] * STEPS)
    assert "clipped-twice" not in run.state.lanes["loop"].audit
    assert training.args.max_grad_norm == 0.5


def test_clipping_by_the_trainer_is_seen(tmp_path: Path) -> None:
    callback = ClipwatchCallback(runs_dir=tmp_path / "runs", measure_every=1)
    trainer([callback], tmp_path, max_grad_norm=0.02).train()
    audit = WatchedRecording.only_one_in(tmp_path / "runs").state.lanes["loop"].audit
    assert pytest.approx(0.02, rel=1e-3) in audit["clips-norm"].figures.values()


def test_stop_ends_the_training(tmp_path: Path) -> None:
    callback = ClipwatchCallback(runs_dir=tmp_path / "runs")

    def stop() -> None:
        assert callback.run is not None
        control_file.append(callback.run.folder, Stop())

    training = trainer([callback, Hook(stop)], tmp_path, max_steps=5000)
    training.train()
    assert training.state.global_step < 5000
    assert WatchedRecording.only_one_in(tmp_path / "runs").state.lanes["loop"].status == "stopped"


def saved_after(callback: Any, folder: Path, *hooks: Any) -> str:
    """The checkpoint at the end of a training."""
    trainer([callback, *hooks], folder, save_strategy="steps", save_steps=STEPS, max_grad_norm=0).train()
    return str(folder / "output" / f"checkpoint-{STEPS}")


@pytest.mark.parametrize("restores", [False, True], ids=["the callback of the script", "one made by the Trainer"])
def test_a_checkpoint_restores_the_step_and_the_rule_with_its_memory(tmp_path: Path, restores: bool) -> None:
    first = ClipwatchCallback("autoclip:50", runs_dir=tmp_path / "first")

    def change() -> None:
        assert first.run is not None
        first.run.set_rule("autoclip:20")

    checkpoint = saved_after(first, tmp_path, Hook(change))
    second = ClipwatchCallback("autoclip:50", runs_dir=tmp_path / "second")
    options = {"restore_callback_states_from_checkpoint": restores, "max_grad_norm": 0}
    training = trainer([second], tmp_path, max_steps=2 * STEPS, save_strategy="steps", save_steps=2 * STEPS, **options)
    training.train(resume_from_checkpoint=checkpoint)
    saved = json.loads((tmp_path / "output" / f"checkpoint-{2 * STEPS}" / "trainer_state.json").read_text())
    state = saved["stateful_callbacks"]["ClipwatchCallback"]["attributes"]["watched"]
    assert state["step"] == 2 * STEPS
    assert state["rule"] == "autoclip:20"
    # All steps from the change of the rule on, and those of the second training.
    assert len(state["clipper"]["norms"]) == 2 * STEPS - 1


def test_a_checkpoint_of_a_training_without_the_callback_can_be_continued_with_it(tmp_path: Path) -> None:
    class Other(transformers.TrainerCallback):
        pass

    checkpoint = saved_after(Other(), tmp_path)
    runs = tmp_path / "runs"
    training = trainer(
        [ClipwatchCallback(runs_dir=runs)], tmp_path, max_steps=2 * STEPS, save_strategy="steps", save_steps=2 * STEPS
    )
    training.train(resume_from_checkpoint=checkpoint)
    assert len(WatchedRecording.only_one_in(runs).of_steps("norms")) == STEPS


def test_a_training_that_an_exception_ended_can_be_started_again(tmp_path: Path) -> None:
    first = trainer([ClipwatchCallback(runs_dir=tmp_path / "first"), Hook(lambda: 1 / 0)], tmp_path)
    with pytest.raises(ZeroDivisionError):
        first.train()
    trainer([ClipwatchCallback(runs_dir=tmp_path / "second")], tmp_path).train()
    assert WatchedRecording.only_one_in(tmp_path / "first").state.lanes["loop"].status == "failed"
    assert WatchedRecording.only_one_in(tmp_path / "second").state.lanes["loop"].status == "completed"


def test_a_wrong_rule_is_refused_at_once() -> None:
    with pytest.raises(BadInput, match="nrm:1"):
        ClipwatchCallback("nrm:1")


def test_a_loss_scale_of_accelerate_is_divided_out(tmp_path: Path) -> None:
    from accelerate import Accelerator
    from accelerate.optimizer import AcceleratedOptimizer

    settings = transformers.TrainingArguments(str(tmp_path), use_cpu=True, report_to="none", max_grad_norm=0)
    # The optimizer needs its state, which the arguments of the `Trainer` reset.
    Accelerator(cpu=True)
    model = Classifier()
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    optimizer = AcceleratedOptimizer(torch.optim.SGD(model.parameters(), lr=0.1), scaler=scaler)
    callback = ClipwatchCallback("norm:0.01", runs_dir=tmp_path)
    state, control = transformers.TrainerState(stateful_callbacks=[callback]), transformers.TrainerControl()
    callback.on_train_begin(settings, state, control, model=model, optimizer=optimizer)
    loss = model(torch.ones(2, 4), torch.zeros(2, dtype=torch.int64))["loss"]
    norm = torch.nn.utils.get_total_norm(torch.autograd.grad(loss, list(model.parameters()), retain_graph=True))
    scaler.scale(loss).backward()
    optimizer.step()
    callback.on_train_end(settings, state, control)
    run = WatchedRecording.only_one_in(tmp_path)
    assert run.of_steps("norms") == pytest.approx([norm.item()])
    assert run.of_steps("clipped_norms") == pytest.approx([0.01])
