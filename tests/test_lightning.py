"""The callback for Lightning, in trainings by the real `Trainer`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from watched_recordings import WatchedRecording

from clipwatch.core.errors import BadInput
from clipwatch.core.runs import control_file
from clipwatch.core.stream.commands import Stop
from clipwatch.core.stream.events import StepsTrained

lightning = pytest.importorskip("lightning.pytorch", reason="lightning is not installed")
from torch.nn import functional as F  # noqa: E402

from clipwatch.lightning import ClipwatchCallback  # noqa: E402

# Lightning's own, such as those about the number of workers.
pytestmark = [pytest.mark.filterwarnings("ignore:::lightning"), pytest.mark.filterwarnings("ignore:::torch.jit")]
BATCHES = 6


class Classifier(lightning.LightningModule):
    """Logs what `nn.Module`s of users log."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
        self.losses: list[float] = []

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        inputs, labels = batch
        loss = F.cross_entropy(self.layers(inputs), labels)
        self.log("train_loss", loss)
        self.losses.append(loss.item())
        return loss

    def validation_step(self, batch: list[torch.Tensor], index: int) -> None:
        inputs, labels = batch
        output = self.layers(inputs)
        self.log_dict({"val_loss": F.cross_entropy(output, labels), "val/f1": 0.25})
        self.log("val_acc", (output.argmax(1) == labels).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.5)


class Adversaries(lightning.LightningModule):
    """Two optimizers, stepped by hand; the critic steps in every batch, the generator in every second one."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator, self.critic = torch.nn.Linear(4, 4), torch.nn.Linear(4, 1)

    def training_step(self, batch: list[torch.Tensor], index: int) -> None:
        for place, optimizer in enumerate(self.optimizers()):
            if place == 1 or index % 2 == 0:
                optimizer.zero_grad()
                self.manual_backward(self.critic(self.generator(batch[0])).mean() * (1 - 2 * place))
                optimizer.step()

    def configure_optimizers(self) -> list[torch.optim.Optimizer]:
        return [torch.optim.Adam(part.parameters()) for part in (self.generator, self.critic)]


def loader() -> torch.utils.data.DataLoader[Any]:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(BATCHES * 4, 4, generator=generator)
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, (inputs[:, 0] > 0).long()), batch_size=4)


def fit(
    callback: Any, folder: Path, module: Any = None, *, validate: bool = False, checkpoint: Any = None, **options: Any
) -> Any:
    module = module or Classifier()
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    defaults = {"max_epochs": 1, "enable_checkpointing": False, "default_root_dir": folder, **quiet}
    callbacks = callback if isinstance(callback, list) else [callback]
    trainer = lightning.Trainer(callbacks=callbacks, **{**defaults, **options})
    trainer.fit(module, loader(), loader() if validate else None, ckpt_path=checkpoint)
    return trainer


def test_the_losses_the_norms_and_the_validation_are_recorded(tmp_path: Path) -> None:
    module = Classifier()
    fit(ClipwatchCallback(runs_dir=tmp_path / "runs"), tmp_path, module, validate=True)
    run = WatchedRecording.only_one_in(tmp_path / "runs")
    assert run.of_steps("losses") == pytest.approx(module.losses)
    assert len(run.of_steps("norms")) == BATCHES
    assert run.of_steps("norms") == run.of_steps("clipped_norms")
    # One evaluation: the sanity check before the training is none.
    (evaluated,) = run.evaluations
    assert 0 <= evaluated.accuracy <= 1
    assert evaluated.loss > 0
    assert evaluated.metrics == {"f1": 0.25}
    assert run.state.lanes["loop"].status == "completed"
    assert run.state.lanes["loop"].planned == BATCHES


def test_a_rule_clips(tmp_path: Path) -> None:
    fit(ClipwatchCallback("norm:0.01", runs_dir=tmp_path), tmp_path)
    run = WatchedRecording.only_one_in(tmp_path)
    assert min(run.of_steps("norms")) > 0.01
    assert run.of_steps("clipped_norms") == pytest.approx([0.01] * BATCHES)


def test_clipping_by_the_trainer_is_seen(tmp_path: Path) -> None:
    fit(ClipwatchCallback(runs_dir=tmp_path, measure_every=1), tmp_path, gradient_clip_val=0.02)
    audit = WatchedRecording.only_one_in(tmp_path).state.lanes["loop"].audit
    assert pytest.approx(0.02, rel=1e-3) in audit["clips-norm"].figures.values()


def test_two_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gradient_clip_val=0.5\) would both clip: remove one") as raised:
        fit(ClipwatchCallback("norm:1", runs_dir=tmp_path), tmp_path, gradient_clip_val=0.5)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_the_loss_of_accumulated_batches_is_their_mean(tmp_path: Path) -> None:
    module = Classifier()
    fit(ClipwatchCallback(runs_dir=tmp_path), tmp_path, module, accumulate_grad_batches=2)
    pairs = zip(module.losses[::2], module.losses[1::2], strict=True)
    assert WatchedRecording.only_one_in(tmp_path).of_steps("losses") == pytest.approx([sum(pair) / 2 for pair in pairs])


def test_each_optimizer_is_a_lane(tmp_path: Path) -> None:
    fit(ClipwatchCallback(runs_dir=tmp_path), tmp_path, Adversaries())
    run = WatchedRecording.only_one_in(tmp_path)
    assert {name: lane.step for name, lane in run.state.lanes.items()} == {
        "generator": BATCHES // 2,
        "critic": BATCHES,
    }


class Hook(lightning.Callback):
    """Calls a function after the first batch."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function = function

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == 1:
            self.function()


def test_stop_ends_the_training(tmp_path: Path) -> None:
    callback = ClipwatchCallback(runs_dir=tmp_path)
    stop = Hook(lambda: control_file.append(callback.watches["loop"].folder, Stop()))
    trainer = fit([callback, stop], tmp_path, max_epochs=2000)
    assert trainer.global_step < 2000 * BATCHES
    assert WatchedRecording.only_one_in(tmp_path).state.lanes["loop"].status == "stopped"


def test_an_exception_ends_the_watch_as_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        fit([ClipwatchCallback(runs_dir=tmp_path), Hook(lambda: 1 / 0)], tmp_path)
    failed = WatchedRecording.only_one_in(tmp_path).state.lanes["loop"].failed
    assert failed is not None
    assert "ZeroDivisionError" in failed.cause


def test_a_checkpoint_restores_the_step_and_the_rule_with_its_memory(tmp_path: Path) -> None:
    first = ClipwatchCallback("autoclip:50", runs_dir=tmp_path / "first")
    change = Hook(lambda: first.watches["loop"].set_rule("autoclip:20"))
    trainer = fit([first, change], tmp_path)
    trainer.save_checkpoint(tmp_path / "saved.ckpt")
    second = ClipwatchCallback("autoclip:50", runs_dir=tmp_path / "second")
    fit(second, tmp_path, max_epochs=2, checkpoint=tmp_path / "saved.ckpt")
    run = WatchedRecording.only_one_in(tmp_path / "second")
    assert next(event.step for event in run.events if isinstance(event, StepsTrained)) == 2 * BATCHES - 1
    assert len(run.of_steps("norms")) == BATCHES
    assert run.state.lanes["loop"].rule == "autoclip:20"
    # All steps from the change of the rule on, and those of the second training.
    assert len(second.state_dict()["loop"]["clipper"]["norms"]) == 2 * BATCHES - 1


def test_a_wrong_rule_is_refused_at_once() -> None:
    with pytest.raises(BadInput, match="nrm:1"):
        ClipwatchCallback("nrm:1")


def test_a_loss_scale_is_divided_out(tmp_path: Path) -> None:
    from lightning.pytorch.plugins import MixedPrecision

    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    plugin = MixedPrecision("16-mixed", "cpu", scaler)
    fit(ClipwatchCallback(runs_dir=tmp_path / "plain"), tmp_path, max_steps=1)
    callback = ClipwatchCallback("norm:0.01", runs_dir=tmp_path / "scaled")
    fit(callback, tmp_path, max_steps=1, plugins=[plugin])
    plain, scaled = (WatchedRecording.only_one_in(tmp_path / name) for name in ("plain", "scaled"))
    assert scaled.of_steps("norms") == pytest.approx(plain.of_steps("norms"), rel=0.02)
    assert scaled.of_steps("clipped_norms") == pytest.approx([0.01])
    assert "still-scaled" not in scaled.state.lanes["loop"].audit
