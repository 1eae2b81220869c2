"""Gradients as `backward` left them are compared with those that the optimizer gets."""

from __future__ import annotations

import math
import weakref

import pytest
import torch
from torch import Tensor, nn

from clipwatch.core.watch import backward_gradients
from clipwatch.core.watch.backward_gradients import BackwardGradients
from clipwatch.core.watch.comparison import LateChange


def two_layers() -> tuple[nn.Linear, nn.Linear, BackwardGradients]:
    torch.manual_seed(0)
    first, second = nn.Linear(3, 4, bias=False), nn.Linear(4, 2, bias=False)
    gradients = BackwardGradients({"first": first.weight, "second": second.weight})
    gradients.begin_step(measured=True)
    return first, second, gradients


def total(*parameters: Tensor) -> float:
    return math.hypot(*(float(each.grad.norm()) for each in parameters if each.grad is not None))


def gradient_of(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def test_with_accumulation_the_last_backward_counts() -> None:
    first, second, gradients = two_layers()
    for _ in range(3):
        second(first(torch.randn(5, 3))).square().sum().backward()
    compared = gradients.compare()
    assert compared
    assert compared.norm == pytest.approx(total(first.weight, second.weight))
    assert compared.kind == "untouched"


def test_a_step_that_is_not_measured_has_no_hooks_and_no_comparison() -> None:
    first, second, gradients = two_layers()
    gradients.begin_step(measured=False)
    assert not any(getattr(each.weight, "_post_accumulate_grad_hooks", None) for each in (first, second))
    second(first(torch.randn(5, 3))).sum().backward()
    assert gradients.compare() is None


def test_gradients_that_processes_average_are_not_compared() -> None:
    first, second, _ = two_layers()
    gradients = BackwardGradients({"first": first.weight, "second": second.weight}, processes=2)
    gradients.begin_step(measured=True)
    second(first(torch.randn(5, 3))).sum().backward()
    compared = gradients.compare()
    assert compared
    assert (compared.kind, compared.processes) == ("unseen", 2)


def test_a_vector_gets_what_backward_left_before_the_loop_clips() -> None:
    first, second, gradients = two_layers()
    unused = nn.Parameter(torch.ones(2))
    gradients = BackwardGradients({"first": first.weight, "unused": unused, "second": second.weight})
    flat = torch.full((12 + 2 + 8,), math.nan)
    gradients.copy_into(flat)
    gradients.begin_step(measured=True)
    assert not gradients.copied
    second(first(torch.randn(5, 3))).square().sum().backward()
    left = torch.cat([gradient_of(first.weight).flatten(), torch.zeros(2), gradient_of(second.weight).flatten()])
    nn.utils.clip_grad_norm_([first.weight, second.weight], 1e-3)
    compared = gradients.compare()
    assert compared
    assert gradients.copied
    assert torch.equal(flat, left)
    assert compared.used_norm == pytest.approx(1e-3)


def test_a_gradient_that_the_loop_replaces_or_drops_is_changed() -> None:
    first, second, gradients = two_layers()
    second(first(torch.randn(5, 3))).square().sum().backward()
    first.weight.grad = gradient_of(first.weight).clone()
    compared = gradients.compare()
    assert compared
    assert compared.kind == "unchanged"
    first.weight.grad = None
    compared = gradients.compare()
    assert compared
    assert compared.kind == "changed"
    assert compared.none == ()


def test_sparse_and_complex_gradients_have_norms() -> None:
    embedding, phase = nn.Embedding(6, 2, sparse=True), nn.Parameter(torch.ones(2, dtype=torch.complex64))
    gradients = BackwardGradients({"embedding": embedding.weight, "phase": phase})
    gradients.begin_step(measured=True)
    (embedding(torch.tensor([1, 1, 4])).square().sum() + (phase * 3j).abs().sum()).backward()
    compared = gradients.compare()
    assert compared
    norm = math.hypot(float(gradient_of(embedding.weight).to_dense().norm()), float(gradient_of(phase).abs().norm()))
    assert compared.norm == pytest.approx(norm)
    assert compared.kind == "untouched"


def test_squares_of_16_bits_do_not_overflow() -> None:
    parameter = nn.Parameter(torch.ones(10_000, dtype=torch.float16))
    gradients = BackwardGradients({"p": parameter})
    gradients.begin_step(measured=True)
    (parameter * 1000).sum().backward()
    compared = gradients.compare()
    assert compared
    assert compared.norm == compared.used_norm == pytest.approx(1e5, rel=1e-4)


def test_an_error_in_a_hook_ends_no_backward_but_is_raised_later(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, gradients = two_layers()

    def broken(_: Tensor) -> Tensor:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(backward_gradients, "norm", broken)
    second(first(torch.randn(5, 3))).sum().backward()
    with pytest.raises(RuntimeError, match="out of memory"):
        gradients.compare()


# The norm of every step


def step_of(gradients: BackwardGradients, *layers: nn.Linear, measured: bool) -> float:
    """One step of a loop that clips; returns the norm before."""
    gradients.begin_step(measured=measured)
    values = torch.randn(5, 3)
    for layer in layers:
        layer.weight.grad = None
        values = layer(values)
    values.square().sum().backward()
    norm = total(*(each.weight for each in layers))
    nn.utils.clip_grad_norm_([each.weight for each in layers], 0.1)
    gradients.compare()
    return norm


def test_the_norm_of_every_step_is_known_once_a_measured_step_has_confirmed_it() -> None:
    first, second, gradients = two_layers()
    step_of(gradients, first, second, measured=True)
    gradients.follow_norm()
    step_of(gradients, first, second, measured=False)
    assert gradients.norm_before() is None
    step_of(gradients, first, second, measured=True)
    second(first(torch.randn(5, 3))).sum().backward()
    gradients.begin_step(measured=True)
    second(first(torch.randn(5, 3))).sum().backward()
    compared = gradients.compare()
    assert compared
    # The hook that computes the norm is not the loop's.
    assert compared.hooked == 0
    for _ in range(3):
        norm = step_of(gradients, first, second, measured=False)
        assert gradients.norm_before() == pytest.approx(norm)
    gradients.begin_step(measured=False)
    assert gradients.norm_before() is None


def test_a_norm_that_a_measured_step_contradicts_is_not_told() -> None:
    """Another parameter comes last in `backward` than the one with the hook."""
    first, second, third = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    gradients = BackwardGradients({"1": first.weight, "2": second.weight, "3": third.weight})
    step_of(gradients, first, second, third, measured=True)
    gradients.follow_norm()
    step_of(gradients, first, second, third, measured=True)
    assert gradients.norm_before() is not None
    step_of(gradients, third, second, first, measured=True)
    assert gradients.norm_before() is None
    step_of(gradients, third, second, first, measured=True)
    assert gradients.norm_before() is not None


# Changes after the step


def late(parameter: Tensor, change: str, zero: str, gradients: BackwardGradients) -> LateChange | None:
    """What is found of a change after a step, once the next step is measured."""
    for _ in range(2):
        parameter.square().sum().backward()
        compared = gradients.compare()
        gradients.end_step()
        gradients.begin_step(measured=True)
        gradient = gradient_of(parameter)
        if change == "clip":
            nn.utils.clip_grad_norm_([parameter], 0.1)
        elif change == "data":
            gradient.data.clamp_(-0.01, 0.01)
        elif change == "nothing engaged":
            nn.utils.clip_grad_norm_([parameter], 1e9)
        if zero == "in place":
            gradient.zero_()
        elif zero == "none":
            parameter.grad = None
    assert compared
    return compared.late


@pytest.mark.parametrize(
    ("change", "zero", "found"),
    [
        ("clip", "none", True),
        ("data", "none", True),
        ("nothing engaged", "none", True),
        ("none", "none", False),
        ("none", "in place", False),
        ("clip", "kept", False),
    ],
)
def test_a_change_after_the_step_is_found_unless_it_is_none_or_lasts(change: str, zero: str, found: bool) -> None:
    parameter = nn.Parameter(torch.tensor([1.0, 2.0]))
    gradients = BackwardGradients({"p": parameter})
    gradients.begin_step(measured=True)
    assert (late(parameter, change, zero, gradients) is not None) == found


def test_a_large_gradient_is_not_kept_from_being_freed() -> None:
    large, small = nn.Parameter(torch.ones(3 << 20)), nn.Parameter(torch.ones(2))
    gradients = BackwardGradients({"large": large, "small": small})
    gradients.begin_step(measured=True)
    (large.sum() + small.sum()).backward()
    gradients.compare()
    gradients.end_step()
    gradients.begin_step(measured=False)
    kept, freed = weakref.ref(gradient_of(small)), weakref.ref(gradient_of(large))
    large.grad = small.grad = None
    assert kept() is not None
    assert freed() is None
    (large.sum() + small.sum()).backward()
    assert kept() is None
