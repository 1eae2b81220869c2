"""The parameters that an optimizer updates, by name and layer, and the kinds of gradient that a rule cannot clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from ..experiments.flat_parameters import layer_name

Layers = int | Callable[[str], str]
# The layer of parameters that the optimizer updates but the model does not have.
OTHER = "other"


# What wraps a model, and the attribute that holds it.
_WRAPPERS = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "FullyShardedDataParallel": "module",
    "DeepSpeedEngine": "module",
    "OptimizedModule": "_orig_mod",
}
# What wrappers inside of a model add to the names of its parameters.
_ADDED = ("_orig_mod.", "_fsdp_wrapped_module.", "_checkpoint_wrapped_module.")


def unwrapped(model: nn.Module) -> nn.Module:
    """The model itself, without what distributes or compiles it."""
    while (inner := _WRAPPERS.get(type(model).__name__)) and isinstance(getattr(model, inner, None), nn.Module):
        model = getattr(model, inner)
    return model


def _plain(name: str) -> str:
    for added in _ADDED:
        name = name.replace(added, "")
    return name


class WatchedParameters:
    """The parameters of an optimizer, read anew at each step, because a loop may add groups and freeze layers."""

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, layers: Layers) -> None:
        self._optimizer, self._layers = optimizer, layers
        self._names = {id(each): _plain(name) for name, each in unwrapped(model).named_parameters()}

    @property
    def all(self) -> list[Tensor]:
        """All of them, in the optimizer's order."""
        return [each for group in self._optimizer.param_groups for each in group["params"]]

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(len(group["params"]) for group in self._optimizer.param_groups)

    def gradients(self) -> list[Tensor]:
        """The gradients that the optimizer would use now. A tied parameter is in a group once, so it counts once."""
        return [
            each.grad for group in self._optimizer.param_groups for each in group["params"] if each.grad is not None
        ]

    def named(self) -> dict[str, Tensor]:
        """All of them by the names that the model gives them."""
        return {self.name(each, place): each for place, each in enumerate(self.all)}

    def training(self) -> dict[str, Tensor]:
        """Those that are not frozen, by name."""
        return {name: each for name, each in self.named().items() if each.requires_grad}

    def why_not_measured(self, training: Mapping[str, Tensor]) -> str | None:
        """Why their gradients cannot be measured by layer; None if they can."""
        if not training:
            return "no parameter trains"
        return why_not_clipped(
            [*training.values(), *(each.grad for each in training.values() if each.grad is not None)]
        )

    def name(self, parameter: Tensor, place: int) -> str:
        """The name of the parameter at a place in the optimizer's order."""
        return self._names.get(id(parameter)) or f"{OTHER}.{place}"

    @property
    def foreign(self) -> int:
        """How many the model does not have."""
        return sum(id(each) not in self._names for each in self.all)

    def reset_optimizer(self) -> None:
        """Drop the optimizer's state; it makes a new one at the next step, as a new optimizer does."""
        self._optimizer.state.clear()

    def layer(self, name: str) -> str:
        """The layer of the parameter with this name."""
        if name.startswith(f"{OTHER}."):
            return OTHER
        return layer_name(name, self._layers) if isinstance(self._layers, int) else self._layers(name)


def why_not_clipped(tensors: Sequence[Tensor]) -> str | None:
    """Why a rule cannot clip these gradients, or the gradients of these parameters; None if it can."""
    for each in tensors:
        kind = type(each).__name__
        if kind == "DTensor":
            return "its parameters are split over processes (FSDP), where only a part of each gradient is at hand"
        if each.layout != torch.strided:
            return "a gradient is sparse; build its module with sparse=False"
        if each.is_complex() or not each.is_floating_point():
            return f"a gradient is {str(each.dtype).removeprefix('torch.')}"
    return None
