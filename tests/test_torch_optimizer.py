"""Any optimizer of torch over a flat vector: against the optimizer alone, its schedule, state and counterfactual."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from user_experiments import SMALL, line_of, run_config, trainers, write_experiment

from clipwatch.core.errors import BadInput
from clipwatch.core.optimizers.optimizer import make_optimizer
from clipwatch.core.optimizers.torch_optimizer import TorchOptimizer

SHAPES = [(3, 4), (5,), ()]
MAKERS: dict[str, Callable[[list[nn.Parameter]], torch.optim.Optimizer]] = {
    "adamw": lambda parameters: torch.optim.AdamW(parameters, lr=0.1, amsgrad=True),
    "adamw by groups": lambda parameters: torch.optim.AdamW(
        [{"params": parameters[1:]}, {"params": parameters[:1], "weight_decay": 0.0, "lr": 0.05}],
        lr=0.1,
        betas=(0.8, 0.9),
    ),
    "adam with decay": lambda parameters: torch.optim.Adam(parameters, lr=0.1, weight_decay=0.1),
    "adam of some": lambda parameters: torch.optim.Adam(parameters[:2], lr=0.1),
    "adagrad": lambda parameters: torch.optim.Adagrad(parameters, lr=0.1, initial_accumulator_value=0.5),
    "rmsprop": lambda parameters: torch.optim.RMSprop(parameters, lr=0.01, momentum=0.9, centered=True),
    "groups": lambda parameters: torch.optim.SGD(
        [{"params": parameters[:1], "weight_decay": 0.1}, {"params": parameters[1:], "lr": 0.5}], lr=0.1, momentum=0.9
    ),
}
GRADIENTS = list(torch.randn(20, 18, generator=torch.Generator().manual_seed(0)))


def views(flat: Tensor) -> list[Tensor]:
    parts = flat.split([12, 5, 1])
    return [part.view(shape) for part, shape in zip(parts, SHAPES, strict=True)]


def schedule(optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
    return torch.optim.lr_scheduler.StepLR(optimizer, 3, 0.5)


def optimizer_of(name: str, parameters: Tensor) -> TorchOptimizer:
    return TorchOptimizer(parameters, views, MAKERS[name], schedule)


def trained(optimizer: TorchOptimizer, gradients: list[Tensor]) -> Tensor:
    for gradient in gradients:
        optimizer.step(gradient)
    return optimizer._parameters.clone()


@pytest.mark.parametrize("name", MAKERS)
def test_it_is_the_optimizer_itself(name: str) -> None:
    parts = [nn.Parameter(part.clone()) for part in views(torch.linspace(-1, 1, 18))]
    alone = MAKERS[name](parts)
    scheduled = schedule(alone)
    for gradient in GRADIENTS:
        for part, its in zip(parts, views(gradient), strict=True):
            part.grad = its.clone()
        alone.step()
        scheduled.step()
    found = trained(optimizer_of(name, torch.linspace(-1, 1, 18)), GRADIENTS)
    assert torch.equal(found, torch.cat([part.detach().reshape(-1) for part in parts]))


@pytest.mark.parametrize("name", MAKERS)
def test_it_goes_on_from_its_state(name: str) -> None:
    expected = trained(optimizer_of(name, torch.zeros(18)), GRADIENTS)
    first = optimizer_of(name, torch.zeros(18))
    half = trained(first, GRADIENTS[:11])
    state = first.state
    trained(first, GRADIENTS[:3])
    second = optimizer_of(name, half)
    second.restore(state)
    assert torch.equal(trained(second, GRADIENTS[11:]), expected)


@pytest.mark.parametrize("name", MAKERS)
def test_reset_makes_the_state_new_and_leaves_the_schedule(name: str) -> None:
    used = optimizer_of(name, torch.zeros(18))
    trained(used, GRADIENTS[:7])
    rate = used._optimizer.param_groups[0]["lr"]
    used.reset()
    assert repr(used.state["optimizer"]["state"]) == repr(
        optimizer_of(name, torch.zeros(18)).state["optimizer"]["state"]
    )
    used.step(GRADIENTS[0])
    assert used.learning_rate == rate == used._optimizer.defaults["lr"] / 4


def test_the_learning_rate_is_that_of_the_last_step() -> None:
    optimizer = optimizer_of("adamw", torch.zeros(18))
    assert optimizer.learning_rate == 0.1
    rates = []
    for gradient in GRADIENTS[:7]:
        optimizer.step(gradient)
        rates.append(optimizer.learning_rate)
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025])


@pytest.mark.parametrize("first", [0, 5])
@pytest.mark.parametrize("name", MAKERS)
def test_the_counterfactual_is_the_optimizer_that_was_fed_raw_gradients(name: str, first: int) -> None:
    lane, raw_lane = optimizer_of(name, torch.ones(18)), optimizer_of(name, torch.ones(18))
    for optimizer in (lane, raw_lane):
        trained(optimizer, GRADIENTS[:first])
    counterfactual = lane.copy()
    for gradient in GRADIENTS[first:]:
        before = lane._parameters.clone()
        counterfactual.update_state(gradient)
        lane.step(gradient.clamp(-0.1, 0.1))
        # From the lane's parameters, on which weight decay depends.
        raw_lane._parameters.copy_(before)
        raw_lane.step(gradient)
        update = counterfactual.parameter_update(before)
        torch.testing.assert_close(update, raw_lane._parameters - before, rtol=0, atol=1e-6)
    assert not torch.equal(lane._parameters, raw_lane._parameters)


OWN = "\n    def make_optimizer(self, parameters):\n        return {}\n"


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("3", "make_optimizer returned int: a torch.optim.Optimizer is needed"),
        (
            "torch.optim.LBFGS(parameters)",
            "LBFGS evaluates the loss several times a step, which clipwatch cannot follow",
        ),
        (
            "torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=1)",
            "SGD must update the parameters that it is given, and no",
        ),
        ("torch.optim.SGD(parameters, lr=-1)", "ValueError: Invalid learning rate: -1"),
        ("Strange(parameters, {})", "the state of the optimizer cannot be kept in a checkpoint: Unsupported"),
    ],
)
def test_an_optimizer_that_cannot_be_used_names_its_line(tmp_path: Path, made: str, message: str) -> None:
    strange = (
        "class Strange(torch.optim.Optimizer):\n"
        "    def step(self):\n"
        "        self.state[self.param_groups[0]['params'][0]]['noise'] = np.random.RandomState(0)\n"
    )
    target = write_experiment(tmp_path, strange + SMALL + OWN.format(made))
    with pytest.raises(BadInput) as caught:
        trainers(target)
    found, line = str(caught.value), line_of(target, "def make_optimizer")
    assert found.startswith((f"{target}:{line}: ", f"{target}:{line + 1}: "))
    assert message in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ("torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)", "ReduceLROnPlateau waits for evaluations"),
        ("3", "make_schedule returned int: an LRScheduler or None is needed"),
    ],
)
def test_a_schedule_that_cannot_be_used_names_its_line(tmp_path: Path, made: str, message: str) -> None:
    source = SMALL + f"\n    def make_schedule(self, optimizer):\n        return {made}\n"
    target = write_experiment(tmp_path, source)
    with pytest.raises(BadInput, match=message) as caught:
        trainers(target)
    assert str(caught.value).startswith(f"{target}:{line_of(target, 'def make_schedule')}: ")


def test_without_an_own_optimizer_the_run_has_its_own(tmp_path: Path) -> None:
    target = write_experiment(tmp_path, SMALL)
    (lane, *_) = trainers(target, optimizer="sgd-momentum")
    expected: Any = make_optimizer(run_config(target, optimizer="sgd-momentum"), torch.zeros(3))
    assert type(lane._lane.optimizer) is type(expected)
    scheduled = SMALL + "\n    def make_schedule(self, optimizer):\n        return None\n"
    (lane, *_) = trainers(write_experiment(tmp_path, scheduled), optimizer="sgd", learning_rate=0.25)
    assert isinstance(lane._lane.optimizer, TorchOptimizer)
    assert lane._lane.optimizer.learning_rate == 0.25
