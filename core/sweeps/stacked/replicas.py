"""Training of many replicas as one batched program."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ...errors import Cancelled, ClipwatchError
from ...experiments.lenet.network import initial_parameters, views
from ...optimizers.optimizer import make_optimizer
from ...stream.config import RunConfig
from ...stream.rules import parse_rule
from ...stream.sweep_events import Curve, ReplicaFinished, diverged, is_on_curve
from ...training.batches import StackedBatches, seeded_generator
from ..units import Unit
from . import passes
from .clipping import clip_stacked_
from .logits import kernels, logits

# Images at a time when networks are measured on a processor: what the cache holds.
_CHUNK = 50

Tensors = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Measured:
    """Of each replica: mean loss in nats, right answers, and the largest output of each class, on some images."""

    loss: Tensor
    correct: Tensor
    largest: Tensor


class DoesNotFit(ClipwatchError):
    """The device's memory does not hold a unit."""


class Stack:
    """The replicas of a unit; their order is `Unit.replicas`."""

    def __init__(self, unit: Unit, training: Tensors, validation: Tensors, *, fused: bool = False) -> None:
        self._config: RunConfig = unit.settings[0].config
        self._device, self._fused = training[0].device, fused
        self._count, self._shared = len(unit.replicas), len(unit.settings)
        initial = [_initial(setting.config.init_std, seed) for seed in unit.seeds for setting in unit.settings]
        self.weights = torch.stack(initial).to(self._device)
        heads = [setting.config.head for _ in unit.seeds for setting in unit.settings]
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
        """The step at which each replica's loss or weights stopped being finite."""
        finite = self.weights.sum(1).isfinite()
        steps = torch.where((self._diverged < 0) & ~finite, self.step - 1, self._diverged)
        return [None if step < 0 else step for step in steps.tolist()]

    def train_step(self) -> Tensor:
        """One step of every replica; each one's training loss."""
        images, labels = self._training.next_batches()
        loss = passes.loss_and_gradient(images, labels, self._workspace, self._backward)
        fresh = ~loss.isfinite() & (self._diverged < 0)
        self._diverged.masked_fill_(fresh, self.step)
        for place, rule in enumerate(self._rules):
            clip_stacked_(self.gradient[place :: self._shared], rule)
        self._optimizer.step(self.gradient)
        self.step += 1
        return loss

    def look(self, *, wanted: bool) -> Measured | None:
        """Measure on the next validation images of each seed; if not `wanted`, only step over them."""
        if wanted:
            return self.measure(*self._validation.next_batches())
        self._validation.skip()
        return None

    def measure(self, images: Tensor, labels: Tensor) -> Measured:
        """Measure on bytes (seeds, n, 28, 28) and classes (seeds, n); with one seed's worth, all on the same."""
        loss = torch.zeros(self._count, device=self._device)
        correct = torch.zeros(self._count, dtype=torch.long, device=self._device)
        largest = torch.full((self._count, 10), -torch.inf, device=self._device)
        size, answers_to = self._answers()
        for chunk, classes in zip(images.split(size, 1), labels.split(size, 1), strict=True):
            answers = answers_to(chunk)
            right = classes.repeat_interleave(self._count // len(classes), 0)
            loss -= torch.log_softmax(answers, 2).gather(2, right[:, :, None]).sum((1, 2))
            correct += (answers.argmax(2) == right).sum(1)
            torch.maximum(largest, answers.amax(1), out=largest)
        return Measured(loss / labels.size(1), correct, largest)

    def _answers(self) -> tuple[int, Callable[[Tensor], Tensor]]:
        """How many images at a time, and the networks as they are, as a function of bytes (seeds or 1, n, 28, 28)."""
        if self._device.type == "cpu" and not self._fused:
            networks = kernels(self.weights)
            return _CHUNK, lambda images: logits(images, networks, self.floor)
        # On a GPU convolutions in thousands of groups take four times as long as the passes, whose workspace is there.
        seeds, size = self._count // self._shared, self._config.batch_size

        def answers(images: Tensor) -> Tensor:
            whole = torch.zeros(seeds, size, *images.shape[2:], dtype=images.dtype, device=self._device)
            whole[:, : images.size(1)] = images
            return passes.logits(whole, self._workspace)[:, : images.size(1)]

        return size, answers


@lru_cache(maxsize=8)
def _initial(std: float, seed: int) -> Tensor:
    """A network's weights in the order that the passes keep them in; the settings of a seed share most of them."""
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
    """Train a unit from beginning to end; Cancelled as soon as `cancelled()`, DoesNotFit if it takes too much memory.

    `fused`: see `stacked_passes.Workspace`.
    """
    place = training[0].device
    # Triton launches on the device that is set, wherever its tensors are.
    there = torch.cuda.device(place) if place.type == "cuda" else nullcontext()
    try:
        with torch.no_grad(), there:
            return _trained(unit, training, validation, cancelled, fused=fused)
    except RuntimeError as error:
        # What TorchScript passes on is no OutOfMemoryError any more.
        if "out of memory" not in str(error) and "ALLOC_FAILED" not in str(error):
            raise
        raise DoesNotFit(f"device {place} has no memory for {len(unit.replicas)} networks at once") from error


def _trained(
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
            look = stack.look(wanted=is_on_curve(step, config))
            if look:
                _note(curves, step, look, config.eval_size)
    final = stack.measure(validation[0][None], validation[1][None])
    return _outcomes(unit, stack, final, curves, len(validation[1]))


def _note(curves: list[list[Curve]], step: int, look: Measured, size: int) -> None:
    finite = look.loss.isfinite().tolist()
    points = zip(curves, look.loss.tolist(), look.correct.tolist(), finite, strict=True)
    for curve, loss, correct, is_finite in points:
        if is_finite:
            curve.append((step, loss, correct / size))


def _outcomes(
    unit: Unit, stack: Stack, final: Measured, curves: list[list[Curve]], total: int
) -> list[ReplicaFinished]:
    # Without the last ReLU an output below 0 is nothing special, and still gets its gradient.
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
