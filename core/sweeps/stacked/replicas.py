"""Trains many replicas of LeNet as one batched program."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ...errors import Cancelled, ClipwatchError
from ...experiments.batches import StackedBatches, seeded_generator
from ...experiments.lenet.network import initial_parameters, views
from ...optimizers.optimizer import make_optimizer
from ...stream.config import RunConfig
from ...stream.rules import parse_rule
from ...stream.sweep_events import Curve, ReplicaFinished, diverged, is_on_curve
from ..units import Unit
from . import passes
from .clipping import clip_stacked_
from .logits import kernels, logits

# Images at a time when networks are evaluated on a CPU: as many as fit the cache.
_CHUNK = 50

Tensors = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class StackEvaluation:
    """For each replica: mean loss in nats, number of correct predictions, and largest value of each output."""

    loss: Tensor
    correct: Tensor
    largest: Tensor


class DoesNotFit(ClipwatchError):
    """A unit does not fit the device's memory."""


class Stack:
    """The replicas of a unit in training, in the order of `Unit.replicas`."""

    def __init__(self, unit: Unit, training: Tensors, validation: Tensors, *, fused: bool = False) -> None:
        self._config: RunConfig = unit.settings[0].config
        self._device, self._fused = training[0].device, fused
        self._count, self._shared = len(unit.replicas), len(unit.settings)
        initial = [
            _initial(float(setting.config.settings["init_std"]), seed)
            for seed in unit.seeds
            for setting in unit.settings
        ]
        self.weights = torch.stack(initial).to(self._device)
        heads = [setting.config.settings["head"] for _ in unit.seeds for setting in unit.settings]
        floors = [0.0 if head == "relu" else -torch.inf for head in heads]
        self.floor = torch.tensor(floors, device=self._device)[:, None, None]
        self._rules = [parse_rule(setting.rule) for setting in unit.settings]
        self._workspace = passes.workspace(
            self.weights, self.floor, len(unit.seeds), self._config.batch_size, fused=fused
        )
        self.gradient = torch.zeros_like(self.weights)
        self._backward = passes.backward_workspace(self._workspace, self.gradient)
        self._optimizer = make_optimizer(self._config, self.weights)
        self._training, self._validation = (
            StackedBatches(*data, [seeded_generator(seed, purpose) for seed in unit.seeds], size)
            for data, purpose, size in (
                (training, "training batches", self._config.batch_size),
                (validation, "validation batches", self._config.eval_size),
            )
        )
        self._diverged = torch.full((self._count,), -1, device=self._device)
        self.step = 0

    @property
    def diverged(self) -> list[int | None]:
        """The step at which each replica's loss or weights became NaN or infinite, or None."""
        finite = self.weights.sum(1).isfinite()
        steps = torch.where((self._diverged < 0) & ~finite, self.step - 1, self._diverged)
        return [None if step < 0 else step for step in steps.tolist()]

    def train_step(self) -> Tensor:
        """Train each replica by one step; return their training losses."""
        images, labels = self._training.next_batches()
        loss = passes.loss_and_gradient(images, labels, self._workspace, self._backward)
        fresh = ~loss.isfinite() & (self._diverged < 0)
        self._diverged.masked_fill_(fresh, self.step)
        for place, rule in enumerate(self._rules):
            clip_stacked_(self.gradient[place :: self._shared], rule)
        self._optimizer.step(self.gradient)
        self.step += 1
        return loss

    def evaluate_next(self) -> StackEvaluation:
        """Evaluate on the next validation batch of each seed."""
        return self.evaluate(*self._validation.next_batches())

    def skip_evaluation(self) -> None:
        """Skip the next validation batch of each seed."""
        self._validation.skip()

    def evaluate(self, images: Tensor, labels: Tensor) -> StackEvaluation:
        """Evaluate on bytes (seeds, n, 28, 28) and classes (seeds, n), or on (1, n, ...) shared by all seeds."""
        loss = torch.zeros(self._count, device=self._device)
        correct = torch.zeros(self._count, dtype=torch.long, device=self._device)
        largest = torch.full((self._count, 10), -torch.inf, device=self._device)
        size, logits_of = self._logits()
        for chunk, classes in zip(images.split(size, 1), labels.split(size, 1), strict=True):
            outputs = logits_of(chunk)
            targets = classes.repeat_interleave(self._count // len(classes), 0)
            loss -= torch.log_softmax(outputs, 2).gather(2, targets[:, :, None]).sum((1, 2))
            correct += (outputs.argmax(2) == targets).sum(1)
            torch.maximum(largest, outputs.amax(1), out=largest)
        return StackEvaluation(loss / labels.size(1), correct, largest)

    def _logits(self) -> tuple[int, Callable[[Tensor], Tensor]]:
        """The number of images at a time, and the current networks as a function of bytes (seeds or 1, n, 28, 28)."""
        if self._device.type == "cpu" and not self._fused:
            networks = kernels(self.weights)
            return _CHUNK, lambda images: logits(images, networks, self.floor)
        # On a GPU, convolutions in thousands of groups take four times as long as the passes of training.
        seeds, size = self._count // self._shared, self._config.batch_size

        def batch_logits(images: Tensor) -> Tensor:
            whole = torch.zeros(seeds, size, *images.shape[2:], dtype=images.dtype, device=self._device)
            whole[:, : images.size(1)] = images
            return passes.logits(whole, self._workspace)[:, : images.size(1)]

        return size, batch_logits


@lru_cache(maxsize=8)
def _initial(std: float, seed: int) -> Tensor:
    """Initial weights in the layout of `passes`. Cached, because the settings of a seed share them."""
    initial = initial_parameters(std, seeded_generator(seed, "weights"))
    flat = torch.empty_like(initial)
    for view, tensor in zip(passes.weights(flat[None]), views(initial).values(), strict=True):
        view[0].copy_(tensor.movedim(0, -1) if tensor.dim() == 4 else tensor)
    return flat


def train_stack(
    unit: Unit,
    training: Tensors,
    validation: Tensors,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    fused: bool = False,
) -> list[ReplicaFinished]:
    """Train a unit. Raises Cancelled soon after `cancelled()` returns true, DoesNotFit if it needs too much memory.

    `fused`: see `passes.Workspace`.
    """
    device = training[0].device
    # Triton launches on the current device, not on that of the tensors.
    on_device = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
    try:
        with torch.no_grad(), on_device:
            return _train(unit, training, validation, cancelled, fused=fused)
    except RuntimeError as error:
        # TorchScript turns an OutOfMemoryError into another RuntimeError.
        if "out of memory" not in str(error) and "ALLOC_FAILED" not in str(error):
            raise
        raise DoesNotFit(f"device {device} has no memory for {len(unit.replicas)} networks at once") from error


def _train(
    unit: Unit, training: Tensors, validation: Tensors, cancelled: Callable[[], bool], *, fused: bool
) -> list[ReplicaFinished]:
    stack = Stack(unit, training, validation, fused=fused)
    config = unit.settings[0].config
    curves: list[list[Curve]] = [[] for _ in unit.replicas]
    for step in range(config.iterations):
        if cancelled():
            raise Cancelled("the sweep was stopped")
        stack.train_step()
        if step % config.eval_every == 0:
            if is_on_curve(step, config):
                _add_points(curves, step, stack.evaluate_next(), config.eval_size)
            else:
                stack.skip_evaluation()
    final = stack.evaluate(validation[0][None], validation[1][None])
    return _outcomes(unit, stack, final, curves, len(validation[1]))


def _add_points(curves: list[list[Curve]], step: int, evaluation: StackEvaluation, size: int) -> None:
    finite = evaluation.loss.isfinite().tolist()
    points = zip(curves, evaluation.loss.tolist(), evaluation.correct.tolist(), finite, strict=True)
    for curve, loss, correct, is_finite in points:
        if is_finite:
            curve.append((step, loss, correct / size))


def _outcomes(
    unit: Unit, stack: Stack, final: StackEvaluation, curves: list[list[Curve]], total: int
) -> list[ReplicaFinished]:
    # An output of plain logits gets its gradient at every value, so it cannot die.
    dead = ((final.largest <= 0) & (stack.floor[:, 0] == 0)).tolist()
    losses, correct = final.loss.tolist(), final.correct.tolist()
    found: list[ReplicaFinished] = []
    for place, ((setting, seed), failed_at) in enumerate(zip(unit.replicas, stack.diverged, strict=True)):
        curve = tuple(curves[place])
        if failed_at is not None or not math.isfinite(losses[place]):
            step = stack.step if failed_at is None else failed_at
            found.append(diverged(setting, seed, step, total, curve))
            continue
        found.append(
            ReplicaFinished(
                setting=setting,
                seed=seed,
                step=stack.step,
                reason="completed",
                loss=losses[place],
                correct=correct[place],
                total=total,
                dead=tuple(kind for kind, is_dead in enumerate(dead[place]) if is_dead),
                curve=curve,
            )
        )
    return found
