"""What each clip rule does to a gradient: by hand, against torch, by property, and at the edges of float32."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from clipwatch.core.clipping import clippers as clipping
from clipwatch.core.clipping.clippers import Clipper, make_clipper, part_norms
from clipwatch.core.experiments.layout import Layout
from clipwatch.core.experiments.lenet import network as lenet
from clipwatch.core.experiments.torchscript import is_compiled
from clipwatch.core.stream.rules import NoClip, SignClip, ValueClip, parse_rule

NUMBERS = st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=40)
RULES = ["none", "value:0.5", "norm:0.5", "layer-norm:0.5", "agc:0.1", "autoclip:50", "zclip", "sign"]
NORM_RULES = ["norm:0.5", "layer-norm:0.5", "agc:0.1"]


def layout(size: int) -> Layout:
    """Two layers, of a row and of the rest."""
    first = size // 2
    return Layout(layers={"a": first, "b": size - first}, tensors=((1, first), (1, size - first)))


def clipper(rule: str, parameters: Tensor) -> Clipper:
    return make_clipper(parse_rule(rule), parameters, layout(parameters.numel()))


def clipped(rule: str, values: list[float], weights: list[float] | None = None) -> tuple[Tensor, bool]:
    gradient = torch.tensor(values)
    parameters = torch.tensor(weights) if weights else torch.ones_like(gradient)
    return clipper(rule, parameters).clip(gradient, parameters)


def test_the_passes_run_without_the_interpreter_lock() -> None:
    assert sum(map(is_compiled, vars(clipping).values())) == 5


@pytest.mark.parametrize(
    ("rule", "gradient", "expected"),
    [
        ("none", [3.0, -4.0], [3.0, -4.0]),
        ("value:0.001", [0.0, 0.0005, -0.001, 0.002], [0.0, 0.0005, -0.001, 0.001]),
        ("value:-1:2", [-3.0, 3.0], [-1.0, 2.0]),
        ("value::2", [-3.0, 3.0], [-3.0, 2.0]),
        # A norm of 5, brought to 1.
        ("norm:1", [3.0, 4.0], [0.6, 0.8]),
        ("norm:5", [3.0, 4.0], [3.0, 4.0]),
        # Layers (3, 4) and (0.3, 0.4) of norms 5 and 0.5.
        ("layer-norm:1", [3.0, 4.0, 0.3, 0.4], [0.6, 0.8, 0.3, 0.4]),
        ("sign", [-2.0, 0.0, 1e-30], [-1.0, 0.0, 1.0]),
    ],
)
def test_rules_by_hand(rule: str, gradient: list[float], expected: list[float]) -> None:
    result, engaged = clipped(rule, gradient)
    assert result.tolist() == pytest.approx(expected, rel=1e-6)
    assert engaged == (gradient != expected)


def test_a_units_gradient_is_kept_within_its_weights_by_hand() -> None:
    # Weights of norms 10 and 0, the latter counted as 0.001: limits of 0.1 * 10 = 1 and 0.1 * 0.001 = 0.0001.
    result, engaged = clipped("agc:0.1", [3.0, 4.0, 0.0, 0.01], [6.0, 8.0, 0.0, 0.0])
    assert engaged
    assert result.tolist() == pytest.approx([0.6, 0.8, 0.0, 0.0001], rel=1e-6)
    assert not clipped("agc:0.1", [0.3, 0.4, 0.0, 0.00005], [6.0, 8.0, 0.0, 0.0])[1]


def test_lenets_units_are_rows_of_weights_and_whole_bias_vectors() -> None:
    torch.manual_seed(0)
    parameters, gradient = torch.randn(lenet.PARAMETERS), torch.randn(lenet.PARAMETERS)
    result, _ = make_clipper(parse_rule("agc:0.5"), parameters, lenet.LAYOUT).clip(gradient, parameters)
    weights, grads = lenet.views(parameters), lenet.views(gradient)
    for name, view in lenet.views(result).items():
        rows = 1 if name.endswith("bias") else len(view)
        w, g = weights[name].reshape(rows, -1), grads[name].reshape(rows, -1)
        limits = 0.5 * w.norm(dim=1, keepdim=True).clamp_min(1e-3)
        expected = g * (limits / g.norm(dim=1, keepdim=True)).clamp_max(1)
        torch.testing.assert_close(view.reshape(rows, -1), expected)


def test_lenets_layers_are_its_five() -> None:
    assert lenet.LAYOUT.layers == {"conv1": 156, "conv2": 2416, "fc1": 48120, "fc2": 10164, "fc3": 850}
    assert sum(rows * columns for rows, columns in lenet.LAYOUT.tensors) == lenet.PARAMETERS


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3])
def test_clipping_by_value_is_torchs(size: float) -> None:
    parameter = torch.nn.Parameter(torch.zeros(1000))
    gradient = torch.randn(1000, generator=torch.Generator().manual_seed(1)) * size
    parameter.grad = gradient.clone()
    torch.nn.utils.clip_grad_value_([parameter], 0.001)
    assert torch.equal(clipped("value:0.001", gradient.tolist())[0], parameter.grad)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("bound", [1e-3, 1.0])
def test_clipping_by_norm_is_torchs_but_for_its_1e_6(bound: float, size: float) -> None:
    parameter = torch.nn.Parameter(torch.zeros(1000))
    gradient = torch.randn(1000, generator=torch.Generator().manual_seed(1)) * size
    parameter.grad = gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_([parameter], bound).item()
    ours, engaged = clipped(f"norm:{bound}", gradient.tolist())
    assert engaged == (norm > bound)
    torch.testing.assert_close(parameter.grad * (1 + 1e-6 / norm) if engaged else gradient, ours, rtol=1e-6, atol=0)


@pytest.mark.parametrize("rule", RULES)
def test_the_raw_gradient_stays_as_it_was(rule: str) -> None:
    gradient, parameters = torch.randn(10), torch.ones(10)
    before = gradient.clone()
    result, engaged = clipper(rule, parameters).clip(gradient, parameters)
    assert torch.equal(gradient, before)
    assert engaged == (not torch.equal(result, gradient))


@pytest.mark.parametrize("rule", RULES)
@given(values=NUMBERS)
def test_engaged_is_whether_anything_changed(rule: str, values: list[float]) -> None:
    result, engaged = clipped(rule, values)
    if engaged:
        assert result.isfinite().all()
    else:
        assert torch.equal(result, torch.tensor(values))


@pytest.mark.parametrize("rule", ["value:0.5", "value:-0.1:0.2", "value::0.3", "value:-0.3:", "value:0:1"])
@given(values=NUMBERS)
def test_value_rules_keep_within_the_bounds_and_change_nothing_else(rule: str, values: list[float]) -> None:
    parsed = parse_rule(rule)
    assert isinstance(parsed, ValueClip)
    gradient, (result, engaged) = torch.tensor(values), clipped(rule, values)
    low = -torch.inf if parsed.low is None else torch.tensor(parsed.low).item()
    high = torch.inf if parsed.high is None else torch.tensor(parsed.high).item()
    assert ((result >= low) & (result <= high)).all()
    within = (gradient >= low) & (gradient <= high)
    assert torch.equal(result[within], gradient[within])
    assert engaged == (not within.all())
    assert not clipped(rule, result.tolist())[1]
    if low < 0 < high:
        assert torch.equal(result.sign(), gradient.sign())


@pytest.mark.parametrize("rule", NORM_RULES)
@given(values=st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=2, max_size=40))
def test_norm_rules_keep_within_the_bound_and_keep_the_direction(rule: str, values: list[float]) -> None:
    gradient, (result, engaged) = torch.tensor(values), clipped(rule, values)
    groups = [len(values)] if rule.startswith("norm") else list(layout(len(values)).layers.values())
    for raw, now in zip(gradient.double().split(groups), result.double().split(groups), strict=True):
        bound = 0.1 * math.sqrt(len(raw)) if rule.startswith("agc") else 0.5
        assert now.norm() <= bound * (1 + 1e-6) or torch.equal(now, raw)
        if raw.norm() > 0:
            assume(now.norm() > 1e-30)
            assert torch.dot(raw, now) / raw.norm() / now.norm() == pytest.approx(1, abs=1e-6)
    again, _ = clipped(rule, result.tolist())
    torch.testing.assert_close(again, result, rtol=1e-6, atol=0)
    assert engaged or torch.equal(result, gradient)


@pytest.mark.parametrize("size", [1e-45, 1e-42, 1e-30, 1e-22, 1e-10, 1.0, 1e18, 1e20, 1e30, 3e38])
def test_norms_neither_overflow_nor_vanish(size: float) -> None:
    vector = torch.full((100,), size)
    expected = np.linalg.norm(vector.numpy().astype(np.float64))
    assert part_norms(vector, [100]) == pytest.approx([expected], rel=1e-6)
    assert part_norms(vector, [36, 64]) == pytest.approx([0.6 * expected, 0.8 * expected], rel=1e-6)
    for rule in NORM_RULES:
        result, engaged = clipped(rule, vector.tolist())
        assert engaged == (size >= 1)
        assert result.isfinite().all()
        assert (result > 0).all()


def test_a_bound_far_below_a_norm_is_met() -> None:
    result, _ = clipped("norm:1e-10", [3e38, 4.0])
    assert result[0].item() == pytest.approx(1e-10, rel=1e-6)
    tiny, engaged = clipped("agc:1e-30", [3e-22, 4e-22] * 2)
    assert engaged
    assert tiny[:2].double().norm().item() == pytest.approx(1e-30 * math.sqrt(2), rel=1e-6)


@pytest.mark.parametrize("rule", RULES)
def test_a_gradient_of_zero_stays(rule: str) -> None:
    result, engaged = clipped(rule, [0.0] * 6)
    assert result.tolist() == [0.0] * 6
    assert not engaged


@pytest.mark.parametrize("rule", RULES)
def test_an_empty_gradient_stays(rule: str) -> None:
    parameters = torch.empty(0)
    rule_at_work = make_clipper(parse_rule(rule), parameters, Layout(layers={}, tensors=()))
    result, engaged = rule_at_work.clip(torch.empty(0), parameters)
    assert result.numel() == 0
    assert not engaged
    assert rule_at_work.finite


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_noticed_and_forgotten_again(rule: str, bad: float) -> None:
    parameters = torch.ones(6)
    rule_at_work = clipper(rule, parameters)
    rule_at_work.clip(torch.tensor([0.1, bad, 0, 0, 0, 0]), parameters)
    assert not rule_at_work.finite
    result, _ = rule_at_work.clip(torch.full((6,), 0.1), parameters)
    assert rule_at_work.finite
    assert result.isfinite().all()


def test_what_becomes_of_nan_and_infinity_under_each_rule() -> None:
    def rest(rule: str, bad: float) -> list[float]:
        return clipped(rule, [bad, 0.25, 0.0, 0.25])[0].tolist()

    nan, inf = pytest.approx(math.nan, nan_ok=True), math.inf
    assert rest("none", inf) == [inf, 0.25, 0.0, 0.25]
    assert rest("value:0.5", inf) == [0.5, 0.25, 0.0, 0.25]
    assert rest("value:0.125", math.nan) == [nan, 0.125, 0.0, 0.125]
    assert rest("norm:1", inf) == [nan, 0.0, 0.0, 0.0]
    assert rest("norm:1", math.nan) == [nan, nan, nan, nan]
    assert rest("layer-norm:1", inf) == [nan, 0.0, 0.0, 0.25]
    assert rest("layer-norm:1", math.nan) == [nan, nan, 0.0, 0.25]
    assert rest("agc:1", math.nan) == [nan, nan, 0.0, 0.25]
    assert rest("sign", math.nan) == [nan, 1.0, 0.0, 1.0]
    assert rest("sign", -inf) == [-1.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_norm_that_is_not_finite_is_treated_as_torch_does(bad: float) -> None:
    parameter = torch.nn.Parameter(torch.zeros(3))
    parameter.grad = torch.tensor([bad, 1.0, 2.0])
    torch.nn.utils.clip_grad_norm_([parameter], 1.0)
    assert torch.equal(clipped("norm:1", [bad, 1.0, 2.0])[0].nan_to_num(7), parameter.grad.nan_to_num(7))


@given(values=NUMBERS)
def test_sign_is_the_limit_of_clipping_by_value(values: list[float]) -> None:
    gradient = torch.tensor(values)
    assume((gradient[gradient != 0].abs() > 1e-6).all())
    by_value = make_clipper(ValueClip(-(2.0**-20), 2.0**-20), gradient, layout(len(values))).clip(gradient, gradient)[0]
    signs = make_clipper(SignClip(), gradient, layout(len(values))).clip(gradient, gradient)[0]
    assert torch.equal(by_value * 2.0**20, signs)


@pytest.mark.parametrize("rule", ["autoclip:30", "zclip"])
def test_a_rule_that_remembers_goes_on_from_its_state(rule: str) -> None:
    parameters = torch.ones(6)
    gradients = torch.randn(80, 6, generator=torch.Generator().manual_seed(0))
    gradients[60] *= 100
    whole, first, second = (clipper(rule, parameters) for _ in range(3))
    results = [whole.clip(gradient, parameters)[0].clone() for gradient in gradients]
    for gradient in gradients[:50]:
        first.clip(gradient, parameters)
    second.restore(first.state)
    for gradient, expected in zip(gradients[50:], results[50:], strict=True):
        assert torch.equal(second.clip(gradient, parameters)[0], expected)
    assert results[60].norm() < gradients[60].norm()


def test_no_clipping_gives_the_gradient_itself() -> None:
    gradient = torch.ones(4)
    assert make_clipper(NoClip(), gradient, layout(4)).clip(gradient, gradient)[0] is gradient
