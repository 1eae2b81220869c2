"""The optimizers beside Adam against torch's own, and beginning anew."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from clipwatch.core.optimizers.adam import Adam
from clipwatch.core.optimizers.optimizer import Optimizer
from clipwatch.core.optimizers.sgd import MomentumSgd, Sgd

MAKERS: dict[str, Callable[[Tensor], Optimizer]] = {
    "adam": lambda parameters: Adam(parameters, learning_rate=0.01, beta1=0.5),
    "sgd": lambda parameters: Sgd(parameters, learning_rate=0.01),
    "sgd-momentum": lambda parameters: MomentumSgd(parameters, learning_rate=0.01),
}
GRADIENTS = list(torch.randn(30, 50, generator=torch.Generator().manual_seed(0)))


def trained(optimizer: Optimizer, parameters: Tensor, gradients: list[Tensor]) -> Tensor:
    for gradient in gradients:
        optimizer.step(gradient)
    return parameters.clone()


@pytest.mark.parametrize(("name", "momentum"), [("sgd", 0.0), ("sgd-momentum", 0.9)])
def test_sgd_is_torchs_sgd(name: str, momentum: float) -> None:
    parameter = torch.nn.Parameter(torch.linspace(-1, 1, 50))
    ours = parameter.detach().clone()
    library = torch.optim.SGD([parameter], lr=0.01, momentum=momentum)
    for gradient in GRADIENTS:
        parameter.grad = gradient.clone()
        library.step()
    torch.testing.assert_close(trained(MAKERS[name](ours), ours, GRADIENTS), parameter.detach(), atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", MAKERS)
def test_an_optimizer_goes_on_from_its_state(name: str) -> None:
    whole, cut = torch.zeros(50), torch.zeros(50)
    expected = trained(MAKERS[name](whole), whole, GRADIENTS)
    first = MAKERS[name](cut)
    trained(first, cut, GRADIENTS[:17])
    second = MAKERS[name](cut)
    second.restore(first.state)
    assert torch.equal(trained(second, cut, GRADIENTS[17:]), expected)


@pytest.mark.parametrize("name", MAKERS)
def test_an_optimizer_that_was_reset_is_a_new_one(name: str) -> None:
    used, fresh = torch.zeros(50), torch.zeros(50)
    optimizer = MAKERS[name](used)
    trained(optimizer, used, GRADIENTS[:10])
    optimizer.reset()
    used.zero_()
    expected = trained(MAKERS[name](fresh), fresh, GRADIENTS[10:])
    assert torch.equal(trained(optimizer, used, GRADIENTS[10:]), expected)
