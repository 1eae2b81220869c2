"""Any optimizer of torch, with a schedule of the learning rate, over one flat parameter vector."""

from __future__ import annotations

import copy
import inspect
import io
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from ..errors import BadInput, one_line
from ..experiments.experiment import Experiment
from ..experiments.module import ModuleWorkload
from ..experiments.user_code import user_code
from ..experiments.workload import Workload
from ..stream.config import LaneConfig, RunConfig
from .adam import BETA2, EPS
from .adam_counterfactual import AdamCounterfactual, Views, is_followed_by_moments
from .optimizer import CounterfactualOptimizer, Optimizer, make_optimizer
from .rate_factor import RateFactor, current_rate
from .sgd import MOMENTUM

MakeOptimizer = Callable[[list[nn.Parameter]], torch.optim.Optimizer]
MakeSchedule = Callable[[torch.optim.Optimizer], LRScheduler | None]
# Those that can update all parameters in one call.
_FUSED = (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD)


def make_lane_optimizer(config: RunConfig, lane: LaneConfig, workload: Workload) -> Optimizer:
    """The optimizer that a user's experiment makes, or else that of the run, with the lane's own settings.

    Raises BadInput.
    """
    if not isinstance(workload, ModuleWorkload):
        return make_optimizer(config.for_lane(lane), workload.parameters)
    experiment, own = workload.experiment, type(workload.experiment)
    if own.make_optimizer is Experiment.make_optimizer and own.make_schedule is Experiment.make_schedule:
        return make_optimizer(config.for_lane(lane), workload.parameters)

    def make(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        with user_code(experiment.make_optimizer):
            made = experiment.make_optimizer(parameters)
            if made is None:
                return _run_optimizer(config.for_lane(lane), parameters)
            _require_usable(made, parameters)
            _require_no_others(lane)
            return made

    def make_schedule(optimizer: torch.optim.Optimizer) -> LRScheduler | None:
        with user_code(experiment.make_schedule):
            schedule = experiment.make_schedule(optimizer)
            _require_schedule(schedule)
            return schedule

    optimizer = TorchOptimizer(workload.parameters, workload.views, make, make_schedule)
    with user_code(experiment.make_optimizer):
        optimizer.require_loadable_state()
        if lane.learning_rate is not None:
            _set_own_rate(optimizer, lane)
    return optimizer


def needs_counterfactual(workload: Workload) -> bool:
    """Whether to follow what the optimizer would have done unclipped. A user's experiment has a setting for it."""
    return not isinstance(workload, ModuleWorkload) or workload.experiment.counterfactual


def _run_optimizer(config: RunConfig, parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of the run as one of torch's, for which a schedule can be made."""
    if config.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=config.learning_rate, betas=(config.beta1, BETA2), eps=EPS)
    momentum = MOMENTUM if config.optimizer == "sgd-momentum" else 0.0
    return torch.optim.SGD(parameters, lr=config.learning_rate, momentum=momentum)


class TorchOptimizer:
    """Updates `parameters`, a flat vector, by an optimizer that sees its parts as parameters.

    The parts are parameters of their own that share the vector's memory. Their gradients are views of the gradient that
    `step` gets. Another learning rate than that of the start multiplies the rates of all groups.
    """

    def __init__(self, parameters: Tensor, views: Views, make: MakeOptimizer, schedule: MakeSchedule) -> None:
        self._parameters, self._views, self._make = parameters, views, make
        self._parts = [nn.Parameter(part) for part in views(parameters)]
        self._set_gradient(torch.zeros_like(parameters))
        self._optimizer = make(self._parts)
        self._fresh_state = copy.deepcopy(self._optimizer.state_dict()["state"])
        self._schedule = schedule(self._optimizer)
        self._factor = RateFactor(self._optimizer)
        self._learning_rate = current_rate(self._optimizer)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the last step for the first group of parameters, 0 if the optimizer has none."""
        return self._learning_rate

    @property
    def base_rate(self) -> float | None:
        """The learning rate of the first group before the schedule, None if the optimizer has none."""
        return self._factor.base_rate

    def set_rate(self, rate: float) -> None:
        """Multiply the rates of all groups so that the first one has this base rate, which must not be None."""
        self._factor.set_rate(rate)

    def step(self, gradient: Tensor) -> None:
        """Update the parameters by a gradient of their shape, which may change, and advance the schedule."""
        if gradient is not self._gradient:
            self._set_gradient(gradient)
        with self._factor.applied():
            self._learning_rate = current_rate(self._optimizer)
            self._optimizer.step()
        if self._schedule:
            self._schedule.step()

    def _set_gradient(self, gradient: Tensor) -> None:
        self._gradient = gradient
        for part, view in zip(self._parts, self._views(gradient), strict=True):
            part.grad = view

    def copy(self) -> CounterfactualOptimizer:
        """An optimizer with a copy of the state that never updates the parameters."""
        if is_followed_by_moments(self._optimizer, self._parts):
            return AdamCounterfactual(
                self._parameters, self._views, self._optimizer, self._parts, with_rates=self._factor.applied
            )
        return _Counterfactual(self)

    def reset(self) -> None:
        """Set the optimizer's state to that of a new one. The schedule goes on."""
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": copy.deepcopy(self._fresh_state), "param_groups": groups})

    @property
    def state(self) -> dict[str, Any]:
        """A copy of the states of optimizer and schedule, and the learning rate before the schedule."""
        schedule = {"schedule": self._schedule.state_dict()} if self._schedule else {}
        states = copy.deepcopy({"optimizer": self._optimizer.state_dict(), **schedule})
        return {**states, "learning_rate": self.base_rate}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Set the state to one that `state` returned. May raise any error for the state of another optimizer."""
        needed = [set(group) for group in self._optimizer.param_groups]
        self._optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))
        # Torch loads the settings of another kind of optimizer, and fails in the next step.
        if any(keys - group.keys() for keys, group in zip(needed, self._optimizer.param_groups, strict=True)):
            raise ValueError("the state of another optimizer")
        if self._schedule:
            self._schedule.load_state_dict(copy.deepcopy(state["schedule"]))
        # Old checkpoints do not hold it: it could not change.
        if (rate := state.get("learning_rate")) is not None:
            self.set_rate(rate)
        with self._factor.applied():
            self._learning_rate = current_rate(self._optimizer)

    def require_loadable_state(self) -> None:
        """Raise BadInput if a checkpoint cannot hold the state after a step."""
        tried = _Counterfactual(self)
        tried.step(torch.zeros_like(self._parameters))
        content = io.BytesIO()
        try:
            torch.save({**self.state, **tried.state}, content)
            content.seek(0)
            torch.load(content, weights_only=True)
        except Exception as error:
            raise BadInput(f"the state of the optimizer cannot be kept in a checkpoint: {_reason(error)}") from None


class _Counterfactual(TorchOptimizer):
    """A second optimizer over a copy of the parameters, with the learning rate and other settings of the first.

    Where torch can update all parameters in one call, it does: the last bits differ, and a step takes a third of the
    time.
    """

    def __init__(self, original: TorchOptimizer) -> None:
        super().__init__(original._parameters.clone(), original._views, original._make, lambda optimizer: None)
        self._original, device = original, original._parameters.device
        self._is_fused = type(self._optimizer) in _FUSED
        self._random_devices = [device] if device.type == "cuda" else []
        self._optimizer.load_state_dict(copy.deepcopy(original._optimizer.state_dict()))

    def set_rate(self, rate: float) -> None:
        """Nothing to do: the learning rates are those of the original."""

    def update_state(self, gradient: Tensor) -> None:
        """Take a step from the parameters of the original, which must not have taken its own yet."""
        self._parameters.copy_(self._original._parameters)
        with self._original._factor.applied():
            originals = [dict(group) for group in self._original._optimizer.param_groups]
        for group, original in zip(self._optimizer.param_groups, originals, strict=True):
            group.update({name: value for name, value in original.items() if name != "params"})
            if self._is_fused:
                group.update(fused=True, foreach=False)
        if self._is_fused:
            self.step(gradient)
            return
        # An optimizer that draws random numbers draws the same ones for the lane's own step, and may change gradients.
        with torch.random.fork_rng(self._random_devices):
            self.step(gradient.clone())

    def parameter_update(self, before: Tensor) -> Tensor:
        """What the last step has added to the parameters, which were `before`."""
        return self._parameters - before


def _require_no_others(lane: LaneConfig) -> None:
    """Raise BadInput if the lane has settings of its own that the optimizer of a user cannot have."""
    if names := " and ".join(name for name in lane.own_settings if name != "learning_rate"):
        raise BadInput(
            f"lane {lane.name}: its optimizer is the one that make_optimizer returns; leave out {names} (lr may differ)"
        )


def _set_own_rate(optimizer: TorchOptimizer, lane: LaneConfig) -> None:
    """Give the optimizer the lane's own learning rate. Raises BadInput."""
    assert lane.learning_rate is not None
    if optimizer.base_rate is None:
        raise BadInput(f"lane {lane.name}: leave out lr, the optimizer that make_optimizer returns has none")
    optimizer.set_rate(lane.learning_rate)


def _reason(error: Exception) -> str:
    """Why a state cannot be saved or loaded: the first line, without what torch advises its own users."""
    unsupported = re.search(r"Unsupported (?:global|class|operand)\S* [^\n]*|Can't (?:get|pickle)[^\n]*", str(error))
    return unsupported[0].split(" was not an allowed")[0] if unsupported else one_line(error)


def _require_usable(optimizer: Any, parts: list[nn.Parameter]) -> None:
    """Raise BadInput if an optimizer cannot be used over these parameters."""
    name = type(optimizer).__name__
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise BadInput(f"make_optimizer returned {name}: a torch.optim.Optimizer is needed")
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if closure and closure.default is inspect.Parameter.empty:
        raise BadInput(f"make_optimizer: {name} evaluates the loss several times a step, which clipwatch cannot follow")
    known = {id(part) for part in parts}
    if any(id(each) not in known for group in optimizer.param_groups for each in group["params"]):
        raise BadInput(f"make_optimizer: {name} must update the parameters that it is given, and no others")


def _require_schedule(schedule: Any) -> None:
    """Raise BadInput if a schedule cannot be used."""
    if isinstance(schedule, ReduceLROnPlateau):
        raise BadInput("make_schedule: ReduceLROnPlateau waits for evaluations; use a schedule that counts steps")
    if not isinstance(schedule, LRScheduler | None):
        raise BadInput(f"make_schedule returned {type(schedule).__name__}: an LRScheduler or None is needed")
