"""Any module's trainable parameters as one flat vector, and their gradients as another."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from ..errors import BadInput
from .layout import Layout


class FlatParameters:
    """Moves a module's trainable parameters into `parameters` and their gradients into `gradient`.

    Each parameter and its `grad` become views. A parameter that occurs twice counts once; frozen ones stay as they are.
    A layer is a module path cut at `depth`; its parameters are neighbours in the vectors.
    """

    def __init__(self, module: nn.Module, depth: int) -> None:
        self._module = module
        named = {name: each for name, each in module.named_parameters() if each.requires_grad}
        _require_usable(named)
        layers: dict[str, list[str]] = {}
        for name in named:
            layers.setdefault(layer_name(name, depth), []).append(name)
        order = [name for names in layers.values() for name in names]
        self._shapes = {name: named[name].shape for name in order}
        self._names = list(named)
        self._module_parameters = list(named.values())
        self.layout = Layout(
            layers={layer: sum(named[name].numel() for name in names) for layer, names in layers.items()},
            tensors=tuple(_rows_and_columns(named[name].shape) for name in order),
        )
        with torch.no_grad():
            self.parameters = torch.cat([named[name].detach().reshape(-1) for name in order])
        self.gradient = torch.zeros_like(self.parameters)
        views, gradients = self.views(self.parameters), self.views(self.gradient)
        for parameter, view, gradient in zip(self._module_parameters, views, gradients, strict=True):
            parameter.data, parameter.grad = view, gradient
        self._addresses = [(view.data_ptr(), grad.data_ptr()) for view, grad in zip(views, gradients, strict=True)]

    def views(self, flat: Tensor) -> list[Tensor]:
        """The parts of a flat vector in the shapes and the order of the module's parameters."""
        parts = flat.split([math.prod(shape) for shape in self._shapes.values()])
        shaped = {name: part.view(shape) for part, (name, shape) in zip(parts, self._shapes.items(), strict=True)}
        return [shaped[name] for name in self._names]

    def without_gradient(self, loss: object) -> list[str]:
        """The parameters that a loss does not depend on. Raises BadInput if the loss cannot be used."""
        if not isinstance(loss, Tensor):
            raise BadInput(f"loss returned {type(loss).__name__}: a tensor is needed")
        if loss.numel() != 1:
            raise BadInput(f"loss returned shape {tuple(loss.shape)}: a scalar is needed")
        if not loss.requires_grad:
            raise BadInput("loss returned a tensor without gradient: compute it from the model's output, not detached")
        gradients = torch.autograd.grad(loss, self._module_parameters, allow_unused=True)
        found = dict(zip(self._names, gradients, strict=True))
        for name, gradient in found.items():
            if gradient is not None and gradient.layout != torch.strided:
                raise BadInput(f"parameter {name} has a sparse gradient: build its module with sparse=False")
        return [name for name, gradient in found.items() if gradient is None]

    def require_views(self) -> None:
        """Raise BadInput if code of the user has replaced a parameter, its values or its gradient."""
        present = set(map(id, self._module.parameters()))
        for name, each, addresses in zip(self._names, self._module_parameters, self._addresses, strict=True):
            if id(each) not in present:
                raise BadInput(f"parameter {name} was replaced, and clipwatch trains the old one: change its values")
            if each.data_ptr() != addresses[0]:
                raise BadInput(f"parameter {name} was moved: clipwatch moves the model to its device, once")
            if each.grad is None or each.grad.data_ptr() != addresses[1]:
                raise BadInput(f"the gradient of {name} was replaced: do not call zero_grad, clipwatch does it")


def same_bits(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors are equal, and NaN where the other is NaN."""
    return torch.equal(one, other) or torch.equal(_bytes(one), _bytes(other))


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.reshape(-1).contiguous().view(torch.uint8)


def layer_name(parameter: str, depth: int) -> str:
    """The path of a parameter's module, cut at a depth. A parameter of the model itself is a layer of its own."""
    return ".".join(parameter.split(".")[:-1][:depth]) or parameter


def _rows_and_columns(shape: torch.Size) -> tuple[int, int]:
    return (shape[0], math.prod(shape[1:])) if len(shape) > 1 else (1, math.prod(shape))


def _require_usable(named: Mapping[str, nn.Parameter]) -> None:
    if not named:
        raise BadInput("the model has no trainable parameters")
    owners: dict[int, str] = {}
    for name, parameter in named.items():
        if isinstance(parameter, UninitializedParameter):
            raise BadInput(f"parameter {name} has no shape yet: run the model once in make_model")
        if parameter.dtype != torch.float32:
            kind = str(parameter.dtype).removeprefix("torch.")
            raise BadInput(
                f"parameter {name} is {kind}: call .float() on the model; for {kind} passes use torch.autocast in loss"
            )
        if not parameter.is_leaf or parameter.layout != torch.strided:
            raise BadInput(f"parameter {name} is not a plain dense tensor")
        owner = owners.setdefault(parameter.data_ptr(), name)
        if owner != name and parameter.numel():
            raise BadInput(f"parameters {owner} and {name} share memory: tie them by assigning the same nn.Parameter")
