"""`clipwatch.watch`: measures what gradient clipping does in a training loop that is not clipwatch's own.

    with clipwatch.watch(model, optimizer) as run:
        for inputs, labels in loader:
            loss = F.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            run.step(loss)

It works by hooks of the optimizer and of tensors; nothing else of torch or of the loop is changed. An error of ours
ends the watch with a warning, never the training.
"""

from __future__ import annotations

import functools
import sys
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from ..engine.mailbox import Mailbox
from ..errors import BadInput, ClipwatchError, one_line
from ..runs.folder import runs_folder
from ..stream.commands import LaneCommand, SetClip
from ..stream.config import LaneConfig
from ..stream.events import LaneFailed, LoopEnded
from ..stream.limits import MOST
from ..stream.rules import parse_rule
from . import watched_run
from .description import describe
from .lane import WatchedLane
from .parameters import Layers, WatchedParameters, why_not_clipped
from .ranks import SharedCommands, make_broadcast, processes, rank
from .signal_handlers import raised_by_signal_handler
from .step_hooks import StepHooks
from .user_warnings import warn
from .watched_run import NameTaken, WatchedRun

P = ParamSpec("P")
R = TypeVar("R")

_watched: weakref.WeakSet[Optimizer] = weakref.WeakSet()


def watch(
    model: nn.Module,
    optimizer: Optimizer,
    *,
    rule: str | None = None,
    name: str | None = None,
    measure_every: int = 50,
    total_steps: int | None = None,
    runs_dir: Path | str | None = None,
    control: bool = True,
    scaler: GradScaler | None = None,
    layers: Layers = 1,
) -> Watch:
    """Watch the training of `model` by `optimizer` until `close`, and record it in a new folder of `runs_dir`.

    Without a `rule` nothing of the training changes. With one, such as "norm:1", gradients are clipped by it in
    `optimizer.step`. `name` tells several watches of one process apart. Every `measure_every` steps all diagnostics are
    measured, by layer: a module path cut at depth `layers`, or what `layers` returns for a parameter's name. With
    `control`, `clipwatch attach` can steer the loop. Give the `scaler` if the loop has one. Raises BadInput.
    """
    optimizer = _inner(optimizer)
    _require(isinstance(model, nn.Module), f"watch: model is {type(model).__name__}; give an nn.Module")
    _require(_is_count(measure_every), f"watch: measure_every is {measure_every!r}; give a whole number above 0")
    _require(
        total_steps is None or _is_count(total_steps),
        f"watch: total_steps is {total_steps!r}; give a whole number above 0, or None if no end is planned",
    )
    for what, given in (("name", name), ("rule", rule)):
        _require(given is None or isinstance(given, str), f"watch: {what} is {given!r}; give a string, or None")
    _require(
        scaler is None or isinstance(scaler, GradScaler), f"watch: scaler is {type(scaler).__name__}; give a GradScaler"
    )
    _require(isinstance(layers, int) or callable(layers), f"watch: layers is {layers!r}; give a number or a function")
    _require(optimizer not in _watched, "watch: this optimizer is watched already; close its other watch first")
    config = LaneConfig(name or "loop", "none" if rule is None else str(parse_rule(rule)))
    parameters = WatchedParameters(model, optimizer, layers)
    described = describe(model, config, measure_every=measure_every, total_steps=total_steps)

    why_no_rule = _why_not_ruled(model, optimizer) or why_not_clipped(parameters.all)
    if config.rule != "none" and why_no_rule:
        raise BadInput(f"watch: rule {config.rule} cannot be used, watch without it: {why_no_rule}")

    def begin() -> WatchedRun:
        return WatchedRun(runs_folder(None if runs_dir is None else str(runs_dir)), described, control=control)

    # First, because it may raise, and a lane that has joined a run must end.
    broadcast = make_broadcast() if processes() > 1 else None
    run, mailbox = _join(begin, config.name) if rank() == 0 else (None, Mailbox[LaneCommand](lasting=False))
    commands = SharedCommands(mailbox, broadcast, rank()) if broadcast else mailbox
    lane = WatchedLane(
        config.name,
        parameters,
        optimizer,
        rule=None if config.rule == "none" else config.rule,
        why_no_rule=why_no_rule,
        run=run,
        mailbox=mailbox,
        commands=commands,
        processes=processes(),
        scaler=scaler,
        measure_every=measure_every,
        total_steps=total_steps,
    )
    try:
        return Watch(lane, optimizer, run)
    except Exception as error:
        if run:
            run.end_lane(lane.failed(one_line(error)))
        raise BadInput(f"watch: {type(optimizer).__name__} cannot be watched: {one_line(error)}") from error


def _why_not_ruled(model: nn.Module, optimizer: Optimizer) -> str | None:
    """Why no rule can clip for this model or optimizer; None if one can."""
    if isinstance(optimizer, torch.optim.LBFGS):
        return "LBFGS computes gradients several times a step, and its line search relies on them"
    split = {"FullyShardedDataParallel", "DeepSpeedEngine"} & {type(each).__name__ for each in model.modules()}
    if split:
        return f"{min(split)} splits the gradients over processes; use its own clipping"
    return None


def _inner(optimizer: Any) -> Optimizer:
    """The optimizer of torch itself: Accelerate and Lightning wrap it."""
    while isinstance(inner := getattr(optimizer, "optimizer", None), Optimizer):
        optimizer = inner
    _require(
        isinstance(optimizer, Optimizer),
        f"watch: optimizer is {type(optimizer).__name__}; give a torch.optim.Optimizer",
    )
    return optimizer


def _join(begin: Callable[[], WatchedRun], name: str) -> tuple[WatchedRun | None, Mailbox[LaneCommand]]:
    """The run with a new lane; None if nothing can be recorded."""
    try:
        return watched_run.join_run(begin, name)
    except NameTaken:
        raise
    except ClipwatchError as error:
        warn(f"clipwatch records nothing of this loop: {error}")
        return None, Mailbox[LaneCommand](lasting=False)


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise BadInput(problem)


def _is_count(value: object) -> bool:
    # To look for anything but an int in a `range` is to compare it with each number.
    return isinstance(value, int) and 0 < value <= MOST


def _harmless(method: Callable[Concatenate[Watch, P], R]) -> Callable[Concatenate[Watch, P], R | None]:
    """Make a method end the watch where it would raise, and do nothing once the watch has ended."""

    @functools.wraps(method)
    def called(self: Watch, *args: P.args, **kwargs: P.kwargs) -> R | None:
        if not self.active:
            return None
        try:
            return method(self, *args, **kwargs)
        except Exception as error:
            if raised_by_signal_handler(error):
                raise
            self.give_up(error)
            return None

    return called


class Watch:
    """A watched loop. Its methods never raise; once closed they do nothing."""

    def __init__(self, lane: WatchedLane, optimizer: Optimizer, run: WatchedRun | None) -> None:
        self._lane, self._optimizer, self._run = lane, optimizer, run
        self.active = True
        self._hooks = StepHooks(optimizer, self)
        _watched.add(optimizer)
        watched_run.opened(self)

    @property
    def folder(self) -> Path | None:
        """The folder of the recording; None if nothing is recorded."""
        return self._run.folder if self._run else None

    @property
    def rule(self) -> str | None:
        """The rule that clips; None if the loop is only observed."""
        return self._lane.rule

    @property
    def stopped(self) -> bool:
        """Whether a screen asked the loop to stop. The loop decides what to do about it."""
        return self._lane.steering.stopped

    @_harmless
    def step(self, loss: Tensor | float | None = None, **metrics: Tensor | float) -> None:
        """Give the training loss of the newest step, and other values of it by name. Optional."""
        self._lane.give(loss, metrics)

    @_harmless
    def evaluated(
        self, loss: Tensor | float, accuracy: Tensor | float | None = None, **metrics: Tensor | float
    ) -> None:
        """Give the results of an evaluation after the newest step: loss, share of correct predictions, others."""
        self._lane.evaluated(loss, accuracy, metrics)

    @_harmless
    def set_rule(self, rule: str) -> None:
        """Clip by another rule from the next step on. A rule that does not exist is a warning."""
        try:
            command = SetClip(rule=rule)
        except BadInput as error:
            warn(str(error))
            return
        self._lane.mailbox.put(command)

    def state_dict(self) -> dict[str, Any]:
        """The step, the rule and what the rule remembers, for a checkpoint of the loop."""
        return self._lane.state

    @_harmless
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue at the step and with the rule of a `state_dict`. A damaged one is a warning."""
        try:
            self._lane.restore(state)
        except Exception as error:
            warn(f"clipwatch goes on as before, because this state of a watch cannot be used: {one_line(error)}")

    def close(self) -> None:
        """End the watch: all hooks are removed and the recording is complete. Harmless if it has ended."""
        reason = "stopped" if self.stopped else "completed"
        self._end(lambda: self._lane.ended(reason))
        # A watch that has ended by an error within a hook has left its hooks, which do nothing.
        self._hooks.remove()

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """A copy of what holds a watch, such as a model, holds None in its place, also in a file."""
        return type(None), ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None or not self.active:
            self.close()
        elif isinstance(error, Exception):
            self._end(lambda: self._lane.failed(one_line(error)))
        else:
            self._end(lambda: self._lane.ended("stopped"))

    @_harmless
    def before_step(self, has_gradients: bool) -> None:
        """A hook: between two steps. `has_gradients`: the optimizer is about to use those that there are."""
        self._lane.between_steps()
        if has_gradients:
            self._lane.gradients_ready()

    @_harmless
    def gradients_ready(self) -> None:
        """A hook: a closure has computed the gradients, and the optimizer is about to use them."""
        self._lane.gradients_ready()

    @_harmless
    def after_step(self) -> None:
        """A hook: the optimizer has updated the parameters."""
        self._lane.after_step()

    def give_up(self, error: Exception) -> None:
        """End the watch because of an error of its own."""
        unclipped = f", no longer clipped by {self.rule}" if self.rule else ""
        own_rate = ", at its own learning rate" if self._lane.changes_rate else ""
        cause = (
            f"the watch ended by an error of its own, the loop trains on unwatched{unclipped}{own_rate}: "
            f"{one_line(error)}"
        )
        self._end(lambda: self._lane.failed(cause))
        warn(f"clipwatch: {cause}")

    def _end(self, ending: Callable[[], LoopEnded | LaneFailed]) -> None:
        if not self.active:
            return
        self.active = False
        self._hooks.remove()
        _watched.discard(self._optimizer)
        watched_run.closed(self)
        try:
            last = ending()
        except Exception as error:
            cause = f"the end of the recording is missing: {one_line(error)}"
            warn(f"clipwatch: {cause}")
            last = self._lane.failure(cause)
        try:
            if self._run:
                self._run.end_lane(last)
            self._lane.show_problems()
        except Exception as error:
            warn(f"clipwatch: the end of the recording is missing: {one_line(error)}")

    def forget(self) -> None:
        """End the watch in a forked child, whose parent records on."""
        self.active = False
        self._hooks.remove()
        _watched.discard(self._optimizer)

    def close_at_exit(self) -> None:
        """The interpreter exits: close, as failed if an error that nobody caught is the cause."""
        error = getattr(sys, "last_value", None) or sys.exc_info()[1]
        if isinstance(error, SystemExit):
            error = None
        self.__exit__(type(error) if error else None, error, None)
