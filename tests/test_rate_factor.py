"""Another learning rate for an optimizer of torch: any schedule goes on as it would, and every rate is given back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from test_torch_optimizer import GRADIENTS, views
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, lr_scheduler

from clipwatch.core.optimizers.rate_factor import RateFactor
from clipwatch.core.optimizers.torch_optimizer import TorchOptimizer

SCHEDULES: dict[str, Callable[[Optimizer], Any]] = {
    "none": lambda optimizer: None,
    "warmup from 0": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda step: min(1, step / 5)),
    "by group": lambda optimizer: lr_scheduler.LambdaLR(optimizer, [lambda step: 0.9**step, lambda step: 1 + step]),
    "steps": lambda optimizer: lr_scheduler.StepLR(optimizer, 3, 0.5),
    "exponential": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.8),
    "multiplicative": lambda optimizer: lr_scheduler.MultiplicativeLR(optimizer, lambda step: 0.9),
    "cosine": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 8, eta_min=0.01),
    "restarts": lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 4),
    "one cycle": lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=20),
    "sequence": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.LinearLR(optimizer, 0.1, total_iters=5), lr_scheduler.CosineAnnealingLR(optimizer, 12)],
        [5],
    ),
    "chained": lambda optimizer: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(optimizer, 0.1, 4), lr_scheduler.ExponentialLR(optimizer, 0.9)]
    ),
}
MAKERS: dict[str, Callable[[list[nn.Parameter]], Optimizer]] = {
    "sgd": lambda parts: SGD([{"params": parts[:1]}, {"params": parts[1:], "lr": 0.05}], lr=0.1, momentum=0.9),
    "adamw": lambda parts: AdamW([{"params": parts[:1], "lr": 0.1}, {"params": parts[1:], "lr": 0.05}]),
}
# Powers of two multiply without rounding, so the reference below has the same bits.
FACTORS = (1.0, 4.0, 0.5)
CHANGED = (0, 6, 13)


def of_step(step: int) -> float:
    return FACTORS[max(place for place, first in enumerate(CHANGED) if first <= step)]


def parts_of(flat: torch.Tensor) -> list[nn.Parameter]:
    return [nn.Parameter(part.clone()) for part in views(flat)]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("maker", MAKERS)
def test_a_schedule_multiplies_the_rate_and_goes_on_as_it_would(maker: str, schedule: str) -> None:
    optimizer = TorchOptimizer(torch.linspace(-1, 1, 18), views, MAKERS[maker], SCHEDULES[schedule])
    start = optimizer.base_rate
    assert start
    # What the schedule does to an optimizer whose rate nobody changes, and one that is given these settings by hand.
    alone, by_hand = (MAKERS[maker](parts_of(torch.linspace(-1, 1, 18))) for _ in range(2))
    scheduled = SCHEDULES[schedule](alone)
    for step, gradient in enumerate(GRADIENTS):
        optimizer.set_rate(start * of_step(step))
        groups = zip(alone.param_groups, by_hand.param_groups, optimizer._optimizer.param_groups, strict=True)
        for scheduled_group, group, ours in groups:
            assert ours["lr"] == scheduled_group["lr"]
            group.update({name: value for name, value in scheduled_group.items() if name != "params"})
            group["lr"] = scheduled_group["lr"] * of_step(step)
        for made in (alone, by_hand):
            for part, its in zip(
                [each for group in made.param_groups for each in group["params"]], views(gradient), strict=True
            ):
                part.grad = its.clone()
            made.step()
        if scheduled:
            scheduled.step()
        optimizer.step(gradient)
        assert optimizer.learning_rate == by_hand.param_groups[0]["lr"]
    expected = [each.detach().reshape(-1) for group in by_hand.param_groups for each in group["params"]]
    assert torch.equal(optimizer._parameters, torch.cat(expected))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_rate_is_part_of_the_state(schedule: str) -> None:
    def made(parameters: torch.Tensor) -> TorchOptimizer:
        return TorchOptimizer(parameters, views, MAKERS["adamw"], SCHEDULES[schedule])

    whole = made(torch.zeros(18))
    whole.set_rate(0.37)
    for gradient in GRADIENTS[:7]:
        whole.step(gradient)
    half, state = whole._parameters.clone(), whole.state
    again = made(half)
    again.restore(state)
    assert again.base_rate == 0.37
    for gradient in GRADIENTS[7:]:
        whole.step(gradient)
        again.step(gradient)
    assert torch.equal(again._parameters, whole._parameters)
    # Checkpoints of when the rate could not change do not hold it.
    old = made(half.clone())
    start = old.base_rate
    old.restore({name: value for name, value in state.items() if name != "learning_rate"})
    assert old.base_rate == start


def test_the_base_rate_is_that_before_the_schedule() -> None:
    (parameter,) = parts = [nn.Parameter(torch.ones(1))]
    optimizer = SGD(parts, lr=0.1)
    lr_scheduler.LambdaLR(optimizer, lambda step: step)
    assert optimizer.param_groups[0]["lr"] == 0
    assert RateFactor(optimizer).base_rate == 0.1
    assert RateFactor(SGD([parameter], lr=0)).base_rate is None
    assert RateFactor(SGD([parameter], lr=0.25), 2.0).base_rate == 0.5


def test_an_optimizer_whose_group_has_no_rate_has_none() -> None:
    optimizer = SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    group: dict[str, Any] = {"params": [nn.Parameter(torch.ones(1))], "lr": 0.1}
    optimizer.add_param_group(group)
    # As Adafactor has it, which computes its rates itself.
    group["lr"] = None
    factor = RateFactor(optimizer, 4.0)
    with factor.applied():
        assert [group["lr"] for group in optimizer.param_groups] == [0.1 * 4, None]
    optimizer.param_groups[0]["lr"] = None
    assert RateFactor(optimizer).base_rate is None


# The rate that the loop sets after a step that raised, and what it is without the factor.
@pytest.mark.parametrize("base", [1.0, 0.01])
@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (lambda rate: rate, 0.1),
        # Computed from the rate that the step was given, as most of torch's schedules do.
        (lambda rate: rate * 0.9, 0.09),
        # Set anew, as LambdaLR does.
        (lambda rate: 0.1, 0.1),
        (lambda rate: 0.05, 0.05),
    ],
)
def test_after_a_step_that_raised_the_rate_is_what_the_loop_set(
    base: float, schedule: Callable[[float], float], expected: float
) -> None:
    optimizer = SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    (group,) = optimizer.param_groups
    factor = RateFactor(optimizer)
    factor.set_rate(base)
    factor.apply()
    # The step raises here.
    group["lr"] = schedule(group["lr"])
    factor.apply()
    assert group["lr"] == pytest.approx(expected * base / 0.1)
    factor.restore()
    assert group["lr"] == pytest.approx(expected)


def test_the_rate_at_the_start_changes_nothing() -> None:
    optimizer = SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    factor = RateFactor(optimizer)
    factor.set_rate(0.3)
    factor.set_rate(0.1)
    before = optimizer.param_groups[0]["lr"]
    factor.apply()
    assert optimizer.param_groups[0]["lr"] is before
    assert factor.factor == 1.0


@pytest.mark.parametrize("shared", [True, False])
def test_a_rate_that_is_a_tensor_is_given_back_itself(shared: bool) -> None:
    parts = [nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))]
    rates = [torch.tensor(0.5)] * 2 if shared else [torch.tensor(0.5), torch.tensor(0.25)]
    groups = [{"params": [part], "lr": rate} for part, rate in zip(parts, rates, strict=True)]
    optimizer = Adam(groups, foreach=False)
    factor = RateFactor(optimizer)
    factor.set_rate(1.0)
    with factor.applied():
        assert [float(group["lr"]) for group in optimizer.param_groups] == [2 * float(rate) for rate in rates]
    assert all(group["lr"] is rate for group, rate in zip(optimizer.param_groups, rates, strict=True))
    assert [float(rate) for rate in rates] == ([0.5, 0.5] if shared else [0.5, 0.25])


def test_a_rate_that_the_step_changes_itself_stays_a_multiple() -> None:
    optimizer = SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    factor = RateFactor(optimizer)
    factor.set_rate(0.4)
    with factor.applied():
        optimizer.param_groups[0]["lr"] /= 2
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)


def test_a_step_that_raises_leaves_no_rate_multiplied() -> None:
    optimizer = SGD([nn.Parameter(torch.ones(1))], lr=0.1)
    factor = RateFactor(optimizer)
    factor.set_rate(0.4)
    with pytest.raises(ZeroDivisionError), factor.applied():
        _ = 1 / 0
    assert optimizer.param_groups[0]["lr"] == 0.1
    # Where nothing could be given back, the next step does not multiply twice.
    factor.apply()
    factor.apply()
    assert optimizer.param_groups[0]["lr"] == 0.1 * 4
