"""A callback that watches the training of transformers' `Trainer`: see `clipwatch.hf`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from ..optional_packages import installation
from ..stream.rules import parse_rule
from .user_warnings import warn
from .validation_metrics import validation_metrics
from .watch import Watch, watch

try:
    from transformers.trainer_callback import ExportableState, TrainerCallback, TrainerControl, TrainerState
    from transformers.training_args import TrainingArguments
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"clipwatch.hf needs transformers: {installation('transformers')}") from error

# What the `Trainer` logs for a step that is no metric of it, or is recorded anyway.
_NO_METRICS = {"loss", "epoch", "grad_norm"}
_in_training: set[ClipwatchCallback] = set()


class ClipwatchCallback(TrainerCallback, ExportableState):
    """Watches the training of a `Trainer`, and clips by `rule` if one is given: `clipwatch.watch`.

    The `Trainer` clips by `max_grad_norm` (1 by default) before any callback sees the gradients. With a `rule` it is 0
    during the training, and a warning says so. What the `Trainer` logs is recorded; its loss is the mean since it last
    logged, so `logging_steps=1` gives that of each step. A screen that stops the run sets
    `control.should_training_stop`. Checkpoints hold the rule, what it remembers, and the step.
    """

    def __init__(
        self,
        rule: str | None = None,
        *,
        measure_every: int = 50,
        runs_dir: Path | str | None = None,
        control: bool = True,
        layers: int = 1,
    ) -> None:
        self.rule = None if rule is None else str(parse_rule(rule))
        self._options: dict[str, Any] = {
            "rule": self.rule,
            "measure_every": measure_every,
            "runs_dir": None if runs_dir is None else str(runs_dir),
            "control": control,
            "layers": layers,
        }
        # During a training.
        self.run: Watch | None = None
        self._max_grad_norm: float | None = None

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: nn.Module | None = None,
        optimizer: Any = None,
        **others: Any,
    ) -> None:
        # The `Trainer` tells no callback of an exception. Only one trains at a time.
        for earlier in list(_in_training):
            earlier.end(args, RuntimeError("the training ended by an exception"))
        assert model is not None
        self.run = watch(
            model,
            optimizer,
            total_steps=state.max_steps if state.max_steps > 0 else None,
            scaler=getattr(optimizer, "scaler", None),
            **self._options,
        )
        # A checkpoint that was saved without this callback has no entry for it, and the `Trainer` would miss it.
        callbacks: Any = state.stateful_callbacks
        saved = callbacks.setdefault(type(self).__name__, self.state())
        saved = saved[0] if isinstance(saved, list) else saved
        if state.global_step and (watched := saved["attributes"].get("watched")):
            self.run.load_state_dict(watched)
        _in_training.add(self)
        self._leave_clipping_to_the_rule(args)

    def _leave_clipping_to_the_rule(self, args: TrainingArguments) -> None:
        if self.rule is not None and args.max_grad_norm:
            warn(
                f"clipwatch clips by {self.rule}, so max_grad_norm={args.max_grad_norm} is set to 0 for this training; "
                "set it to 0 yourself to remove this warning"
            )
            self._max_grad_norm, args.max_grad_norm = args.max_grad_norm, 0.0

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any) -> None:
        if self.run and self.run.stopped:
            control.should_training_stop = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **others: Any,
    ) -> None:
        logs = logs or {}
        if self.run and "loss" in logs:
            numbers = {name: value for name, value in logs.items() if isinstance(value, int | float)}
            self.run.step(logs["loss"], **{name: numbers[name] for name in numbers.keys() - _NO_METRICS})

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **others: Any,
    ) -> None:
        if self.run and (found := validation_metrics(metrics or {})):
            self.run.evaluated(found.loss, found.accuracy, **found.others)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        self.end(args)

    def end(self, args: TrainingArguments, error: Exception | None = None) -> None:
        """End the watch, and give the `Trainer` its `max_grad_norm` back."""
        _in_training.discard(self)
        if self.run:
            self.run.__exit__(type(error) if error else None, error, None)
            self.run = None
        if self._max_grad_norm is not None:
            args.max_grad_norm, self._max_grad_norm = self._max_grad_norm, None

    def state(self) -> dict[str, Any]:
        """What the `Trainer` writes into its checkpoints, as JSON."""
        return {"args": self._options, "attributes": {"watched": self.run.state_dict() if self.run else None}}
