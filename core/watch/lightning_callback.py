"""A callback that watches the training of Lightning's `Trainer`: see `clipwatch.lightning`."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.optim import Optimizer

from ..errors import BadInput
from ..optional_packages import installation
from ..stream.rules import parse_rule
from .parameters import Layers
from .validation_metrics import validation_metrics
from .watch import Watch, watch

try:
    # Lightning has two names, whose classes do not mix: the one is taken that the program has imported.
    if TYPE_CHECKING or "lightning.pytorch" in sys.modules or "pytorch_lightning" not in sys.modules:
        from lightning.pytorch import Callback, LightningModule, Trainer
    else:
        from pytorch_lightning import Callback, LightningModule, Trainer
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"clipwatch.lightning needs lightning: {installation('lightning')}") from error


class ClipwatchCallback(Callback):
    """Watches each optimizer of a Lightning training, and clips by `rule` if one is given: `clipwatch.watch`.

    The run has a lane for each optimizer. The training loss is recorded at every step, and after each validation what
    was logged as `val_loss`, `val_acc`, `val_...` (or `val/...`). A screen that stops the run sets
    `trainer.should_stop`. Checkpoints of the trainer hold the rule, what it remembers, and the step.
    """

    def __init__(
        self,
        rule: str | None = None,
        *,
        measure_every: int = 50,
        runs_dir: Path | str | None = None,
        control: bool = True,
        layers: Layers = 1,
    ) -> None:
        self.rule = None if rule is None else str(parse_rule(rule))
        self._options: dict[str, Any] = {
            "rule": self.rule,
            "measure_every": measure_every,
            "runs_dir": runs_dir,
            "control": control,
            "layers": layers,
        }
        # By the names of their lanes, during a training.
        self.watches: dict[str, Watch] = {}
        self._restored: dict[str, Any] = {}
        self._steps = 0
        # The sum over the batches of a step; Lightning divides each one's loss by their number.
        self._loss: torch.Tensor | float = 0.0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if self.rule is not None and trainer.gradient_clip_val:
            raise BadInput(
                f"ClipwatchCallback(rule={self.rule!r}) and Trainer(gradient_clip_val={trainer.gradient_clip_val}) "
                "would both clip: remove one of them"
            )

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        planned = trainer.estimated_stepping_batches
        self._steps = trainer.global_step
        for name, optimizer in _named(trainer.optimizers, pl_module).items():
            run = watch(
                pl_module,
                optimizer,
                name=name,
                total_steps=int(planned) if 0 < planned < math.inf else None,
                scaler=getattr(trainer.precision_plugin, "scaler", None),
                **self._options,
            )
            self.watches[name] = run
            if name in self._restored:
                run.load_state_dict(self._restored[name])

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        loss = outputs.get("loss") if isinstance(outputs, dict) else outputs
        if isinstance(loss, torch.Tensor):
            self._loss = self._loss + loss.detach() if pl_module.automatic_optimization else loss.detach()
        if trainer.global_step > self._steps:
            self._steps = trainer.global_step
            for run in self.watches.values():
                if isinstance(self._loss, torch.Tensor):
                    run.step(self._loss)
            self._loss = 0.0
        if any(run.stopped for run in self.watches.values()):
            trainer.should_stop = True

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # There are no watches yet while Lightning tries the validation out before the training.
        if self.watches and (metrics := validation_metrics(trainer.callback_metrics)):
            for run in self.watches.values():
                run.evaluated(metrics.loss, metrics.accuracy, **metrics.others)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end(None)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._end(exception)

    def _end(self, error: BaseException | None) -> None:
        self._restored = self.state_dict()
        for run in self.watches.values():
            run.__exit__(type(error) if error else None, error, None)
        self.watches = {}

    def state_dict(self) -> dict[str, Any]:
        return {name: run.state_dict() for name, run in self.watches.items()} or self._restored

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._restored = state_dict


def _named(optimizers: list[Optimizer], module: nn.Module) -> dict[str, Optimizer]:
    """The optimizers by the names of their lanes: the submodule that they train, else a number."""
    if len(optimizers) == 1:
        return {"loop": optimizers[0]}
    return {_trained(each, module) or f"optimizer {place}": each for place, each in enumerate(optimizers)}


def _trained(optimizer: Optimizer, module: nn.Module) -> str | None:
    """The submodule that has all of the optimizer's parameters; None if there is none."""
    trained = {id(each) for group in optimizer.param_groups for each in group["params"]}
    for name, child in module.named_children():
        if trained <= {id(each) for each in child.parameters()}:
            return name
    return None
