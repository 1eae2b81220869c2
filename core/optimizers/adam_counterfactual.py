"""What torch's Adam or AdamW would have done for other gradients, at the cost of the moments alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.optim import Adam as TorchAdam
from torch.optim import AdamW as TorchAdamW

from .adam import Adam

# Shapes a flat vector into the tensors of a module, which stay views of it.
Views = Callable[[Tensor], list[Tensor]]


def is_followed_by_moments(optimizer: torch.optim.Optimizer, parts: Sequence[Tensor]) -> bool:
    """Whether an optimizer is Adam with the same moments for all parts, which depend on the gradients alone."""
    if type(optimizer) not in (TorchAdam, TorchAdamW):
        return False
    groups = optimizer.param_groups
    return (
        len({(*map(float, group["betas"]), float(group["eps"])) for group in groups}) == 1
        and {id(each) for group in groups for each in group["params"]} >= {id(each) for each in parts}
        # Adam, unlike AdamW, adds the decay of the weights to the gradient.
        and not any(group["weight_decay"] and type(optimizer) is TorchAdam for group in groups)
        and not any(group["amsgrad"] or group["maximize"] for group in groups)
    )


class AdamCounterfactual(Adam):
    """Keeps the moments in flat vectors, and computes an update only when it is asked for.

    Learning rate and weight decay may differ between groups of parameters. The vectors may hold only some elements:
    `elements` takes them from a tensor of a parameter's shape. `with_rates` is a context in which the optimizer has the
    learning rates of its next step.
    """

    def __init__(
        self,
        parameters: Tensor,
        views: Views,
        optimizer: torch.optim.Optimizer,
        parts: Sequence[Tensor],
        elements: Callable[[Tensor], Tensor] = lambda whole: whole,
        with_rates: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        (beta1, beta2), eps = optimizer.param_groups[0]["betas"], optimizer.param_groups[0]["eps"]
        super().__init__(parameters, learning_rate=1.0, beta1=float(beta1), beta2=float(beta2), eps=float(eps))
        self._views, self._optimizer, self._parts = views, optimizer, parts
        self._with_rates = with_rates
        self._rates: dict[int, tuple[float, float]] = {}
        for part, first, second in zip(parts, views(self.first_moment), views(self.second_moment), strict=True):
            if state := optimizer.state.get(part):
                first.copy_(elements(state["exp_avg"]))
                second.copy_(elements(state["exp_avg_sq"]))
                self.steps = int(state["step"])

    def set_rate(self, rate: float) -> None:
        """Nothing to do: the learning rates are those of the optimizer that is followed."""

    def update_state(self, gradient: Tensor) -> None:
        """Update the moments, and note what a schedule has set for this step."""
        groups = self._optimizer.param_groups
        self._beta1, self._beta2 = map(float, groups[0]["betas"])
        with self._with_rates():
            self._rates = {
                id(part): (float(group["lr"]), float(group["weight_decay"]))
                for group in groups
                for part in group["params"]
            }
        super().update_state(gradient)

    def parameter_update(self, before: Tensor) -> Tensor:
        """What the last step would have added to the parameters, which were `before`."""
        update = super().parameter_update(before)
        for part, change, old in zip(self._parts, self._views(update), self._views(before), strict=True):
            rate, decay = self._rates[id(part)]
            change.mul_(rate).sub_(old, alpha=rate * decay)
        return update
