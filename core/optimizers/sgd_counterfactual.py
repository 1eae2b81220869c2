"""What torch's SGD would have done for other gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.optim import SGD as TorchSgd

from .adam_counterfactual import Views
from .sgd import Sgd


def is_followed_by_velocity(optimizer: torch.optim.Optimizer, parts: Sequence[Tensor]) -> bool:
    """Whether an optimizer is SGD with the same velocity for all parts, which depends on the gradients alone."""
    if type(optimizer) is not TorchSgd:
        return False
    groups = optimizer.param_groups
    return (
        len({(float(group["momentum"]), float(group["dampening"]), group["nesterov"]) for group in groups}) == 1
        and {id(each) for group in groups for each in group["params"]} >= {id(each) for each in parts}
        # The decay of the weights becomes part of the velocity.
        and not any(group["weight_decay"] and group["momentum"] for group in groups)
        and not any(group["maximize"] for group in groups)
    )


class SgdCounterfactual(Sgd):
    """Keeps the velocity in a flat vector, of the elements that `elements` takes from a tensor of a parameter's shape.

    Learning rate and weight decay may differ between groups of parameters.
    """

    def __init__(
        self,
        parameters: Tensor,
        views: Views,
        optimizer: torch.optim.Optimizer,
        parts: Sequence[Tensor],
        elements: Callable[[Tensor], Tensor],
    ) -> None:
        super().__init__(parameters, learning_rate=1.0)
        self._views, self._optimizer, self._parts = views, optimizer, parts
        self._velocity: Tensor | None = None
        velocities = [optimizer.state.get(part, {}).get("momentum_buffer") for part in parts]
        if any(each is not None for each in velocities):
            self._velocity = torch.zeros_like(parameters)
            for part, velocity in zip(views(self._velocity), velocities, strict=True):
                if velocity is not None:
                    part.copy_(elements(velocity))
        self._note_settings()

    def _note_settings(self) -> None:
        groups = self._optimizer.param_groups
        self._momentum, self._dampening = float(groups[0]["momentum"]), float(groups[0]["dampening"])
        self._nesterov = bool(groups[0]["nesterov"])
        self._rates = {
            id(part): (float(group["lr"]), float(group["weight_decay"])) for group in groups for part in group["params"]
        }

    def update_state(self, gradient: Tensor) -> None:
        """Update the velocity, and note what a schedule has set for this step."""
        self._note_settings()
        if not self._momentum:
            super().update_state(gradient)
            return
        if self._velocity is None:
            self._velocity = gradient.clone()
        else:
            self._velocity.mul_(self._momentum).add_(gradient, alpha=1 - self._dampening)
        direction = gradient.add(self._velocity, alpha=self._momentum) if self._nesterov else self._velocity
        super().update_state(direction)

    def parameter_update(self, before: Tensor) -> Tensor:
        """What the last step would have added to the parameters, which were `before`."""
        update = super().parameter_update(before)
        for part, change, old in zip(self._parts, self._views(update), self._views(before), strict=True):
            rate, decay = self._rates[id(part)]
            change.mul_(rate).sub_(old, alpha=rate * decay)
        return update

    def reset(self) -> None:
        """Forget the velocity."""
        super().reset()
        self._velocity = None
