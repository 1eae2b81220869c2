"""The temporal order problem: its data, the passes against autograd, and what clipping does to its training."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from clipwatch.core.clipping.clippers import make_clipper
from clipwatch.core.experiments.batches import seeded_generator
from clipwatch.core.experiments.layout import tensor_views
from clipwatch.core.experiments.temporal_order.data import NewSequences, draw_sequences
from clipwatch.core.experiments.temporal_order.gauge import spectral_radius
from clipwatch.core.experiments.temporal_order.network import (
    RECURRENT,
    ElmanNetwork,
    RecurrentEvaluation,
    initial_parameters,
    loss_and_gradient,
    shapes,
)
from clipwatch.core.experiments.temporal_order.workload import TemporalOrder
from clipwatch.core.experiments.torchscript import is_compiled
from clipwatch.core.experiments.workload import Gauge, Workload
from clipwatch.core.stream.rules import parse_rule
from clipwatch.core.training.preparation import lane_thread


@pytest.fixture(autouse=True)
def _as_in_a_lane() -> Iterator[None]:
    with lane_thread():
        yield


def network(units: int = 50, seed: int = 0, std: float = 0.1, dtype: torch.dtype = torch.float32) -> ElmanNetwork:
    generator = seeded_generator(seed, "weights")
    return ElmanNetwork(initial_parameters(units, std, orthogonal=False, generator=generator).to(dtype), units)


def temporal_order(seed: int = 0, length: int = 20) -> TemporalOrder:
    return TemporalOrder(network(seed=seed), length=length, seed=seed, batch_size=20, eval_size=100)


def plain_states(weights: dict[str, Tensor], sequences: Tensor) -> Tensor:
    """The states (batch, time, units) of the recurrence as a textbook has it."""
    state, states = torch.zeros(len(sequences), len(weights[RECURRENT]), dtype=weights[RECURRENT].dtype), []
    for symbols in sequences.unbind(1):
        one_hot = F.one_hot(symbols, 6).to(state.dtype)
        seen = one_hot @ weights["input.weight"].T + state @ weights[RECURRENT].T + weights["recurrent.bias"]
        state = torch.tanh(seen)
        states.append(state)
    return torch.stack(states, 1)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 2e-6)])
@pytest.mark.parametrize(("length", "units", "batch"), [(20, 50, 20), (13, 7, 3), (10, 1, 1)])
def test_the_gradient_is_that_of_autograd(
    length: int, units: int, batch: int, dtype: torch.dtype, tolerance: float
) -> None:
    model = network(units, std=0.15, dtype=dtype)
    # Biases of 0 would hide a wrong place for them.
    model.parameters.add_(0.01)
    sequences, labels = draw_sequences(batch, length, seeded_generator(1, "sequences"))
    loss = model.loss_and_gradient(sequences, labels)
    with torch.enable_grad():
        flat = model.parameters.clone().requires_grad_()
        weights = tensor_views(flat, shapes(units))
        states = plain_states(weights, sequences)
        expected = F.cross_entropy(states[:, -1] @ weights["output.weight"].T + weights["output.bias"], labels)
        expected.backward()
    assert loss == pytest.approx(expected.item(), abs=tolerance)
    torch.testing.assert_close(model.gradient, flat.grad, rtol=0, atol=tolerance)


def test_the_passes_are_one_compiled_function() -> None:
    # Otherwise two lanes in two threads wait for each other.
    assert is_compiled(loss_and_gradient)


@pytest.mark.parametrize(
    ("length", "early", "late"), [(20, {2, 3}, {10, 11}), (10, {1}, {5}), (55, set(range(5, 11)), set(range(27, 33)))]
)
def test_the_class_is_the_order_of_the_two_symbols(length: int, early: set[int], late: set[int]) -> None:
    sequences, classes = draw_sequences(3000, length, seeded_generator(0, "sequences"))
    assert sequences.shape == (3000, length)
    rows, places = (sequences < 2).nonzero(as_tuple=True)
    # There are exactly two in each sequence.
    assert rows.tolist() == [row for row in range(3000) for _ in range(2)]
    assert set(places[::2].tolist()) == early
    assert set(places[1::2].tolist()) == late
    pairs = sequences[sequences < 2].view(3000, 2)
    assert classes.tolist() == [2 * first + second for first, second in pairs.tolist()]
    assert torch.bincount(classes).min() > 3000 / 4 - 5 * math.sqrt(3000 * 3 / 16)
    distractors = torch.bincount(sequences[sequences >= 2])
    assert len(distractors) == 6
    assert distractors[2:].min() > 0.9 * distractors[2:].max()


def test_every_batch_is_new_whatever_is_drawn_at_once() -> None:
    batches = NewSequences(20, 20, seeded_generator(0, "sequences"), torch.device("cpu"))
    drawn = {tuple(sequence) for _ in range(100) for sequence in batches.next_batch()[0].tolist()}
    assert len(drawn) == 2000


@pytest.mark.parametrize("steps", [0, 5, 16, 33])
def test_a_restored_lane_goes_on_with_the_same_batches(steps: int) -> None:
    lane = temporal_order()
    for step in range(steps):
        lane.loss_and_gradient(step)
        lane.evaluate(step)
    state = copy.deepcopy(lane.state)
    expected = [(lane.loss_and_gradient(step), lane.evaluate(step).loss) for step in range(20)]
    assert len(set(expected)) == 20
    other = temporal_order()
    other.restore(state)
    assert [(other.loss_and_gradient(step), other.evaluate(step).loss) for step in range(20)] == expected


def test_a_run_s_lanes_get_the_same_batches_bit_for_bit() -> None:
    lanes = temporal_order(), temporal_order()
    clippers = [make_clipper(parse_rule(rule), lanes[0].parameters, lanes[0].layout) for rule in ("none", "norm:1e9")]
    for step in range(50):
        losses = [lane.loss_and_gradient(step) for lane in lanes]
        assert losses[0] == losses[1]
        for lane, clipper in zip(lanes, clippers, strict=True):
            lane.parameters.sub_(clipper.clip(lane.gradient, lane.parameters)[0], alpha=0.03)
        assert lanes[0].evaluate(step).loss == lanes[1].evaluate(step).loss
    assert torch.equal(lanes[0].parameters, lanes[1].parameters)
    assert temporal_order(seed=1).loss_and_gradient(0) != temporal_order(seed=0).loss_and_gradient(0)


def test_an_evaluation_takes_a_hundred_sequences_and_the_last_one_all() -> None:
    lane: Workload = temporal_order()
    passed = [lane.evaluate(step) for step in range(10)]
    everything = lane.evaluate_all()
    assert (passed[0].total, everything.total) == (100, 1000)
    # Ten batches are all sequences once.
    assert sum(one.correct or 0 for one in passed) == everything.correct
    assert sum(one.loss for one in passed) / 10 == pytest.approx(everything.loss, abs=1e-6)
    assert everything.predictions is not None
    assert everything.predictions.shape == (1000,)


def test_the_gauge_reads_saturated_states_and_the_spectral_radius() -> None:
    lane = temporal_order()
    lane.parameters.mul_(12)
    gauge: Gauge[RecurrentEvaluation] = lane.gauge
    evaluation = lane.evaluate_all()
    assert list(gauge.add_evaluation("a", 0, evaluation)) == []
    read = gauge.read(evaluation)["gauge"]
    weights = tensor_views(lane.parameters, shapes(50))
    states = plain_states(weights, draw_sequences(1000, 20, seeded_generator(0, "validation sequences"))[0])
    share = sum(abs(state) > 0.99 for state in states.flatten().tolist()) / states.numel()
    assert 0.1 < share < 0.9
    assert read["saturated"] == pytest.approx(share, abs=1e-5)
    # Powers of a matrix grow like its spectral radius.
    power = torch.linalg.matrix_power(weights[RECURRENT].double() / 8, 256)
    assert read["spectral-radius"] == pytest.approx(8 * power.norm().item() ** (1 / 256), rel=0.02)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_the_gauge_survives_weights_that_are_not_finite(value: float) -> None:
    assert math.isnan(spectral_radius(torch.full((3, 3), value)))


@pytest.mark.parametrize("orthogonal", [False, True])
def test_initial_weights(orthogonal: bool) -> None:
    flat = initial_parameters(50, 0.1, orthogonal=orthogonal, generator=seeded_generator(0, "weights"))
    assert len(flat) == 3054
    weights = tensor_views(flat, shapes(50))
    assert not weights["recurrent.bias"].any()
    assert not weights["output.bias"].any()
    recurrent = weights.pop(RECURRENT)
    product = recurrent @ recurrent.T
    assert torch.allclose(product, torch.eye(50), atol=1e-5) is orthogonal
    if not orthogonal:
        assert recurrent.std().item() == pytest.approx(0.1, rel=0.1)
    for name in ("input.weight", "output.weight"):
        assert weights[name].std().item() == pytest.approx(0.1, rel=0.2)
