"""What is measured of a gradient, against figures worked out by hand; and what must hold of any gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from clipwatch.core.clipping.clippers import make_clipper
from clipwatch.core.diagnostics.clip_effect import ClipEffect
from clipwatch.core.diagnostics.lane_distance import LaneDistance
from clipwatch.core.diagnostics.lane_pairs import MAX_WAITING
from clipwatch.core.engine.engine import Engine
from clipwatch.core.experiments.layout import Layout
from clipwatch.core.experiments.lenet.dead_outputs import DeadUnits
from clipwatch.core.experiments.lenet.network import OUTPUTS, LeNet, LeNetEvaluation
from clipwatch.core.optimizers.adam import Adam
from clipwatch.core.optimizers.sgd import MomentumSgd, Sgd
from clipwatch.core.stream.config import from_options
from clipwatch.core.stream.events import (
    Diagnosed,
    Evaluated,
    Event,
    LaneFinished,
    LanesCompared,
    OutputDied,
    OutputRevived,
)
from clipwatch.core.stream.measures import BIN_EDGES, BINS, Measure
from clipwatch.core.stream.rules import parse_rule

RATE = 0.001
FINITE = st.floats(-1e4, 1e4, width=32)


def one_layer(size: int) -> Layout:
    return Layout(layers={"only": size}, tensors=((1, size),))


def measured(gradient: Sequence[float], rule: str = "none", weights: Sequence[float] | None = None) -> Measure:
    """One layer's measure after one step of SGD."""
    raw = torch.tensor(gradient)
    before = torch.tensor(weights or [1.0] * len(gradient))
    clipped, _ = make_clipper(parse_rule(rule), before, one_layer(len(raw))).clip(raw, before)
    total, layers = ClipEffect(one_layer(len(raw))).measure(raw, clipped, before, before - RATE * clipped, RATE)
    assert total == layers["only"]
    return total


def test_saturation_is_the_share_that_was_changed() -> None:
    measure = measured([0.0, 0.0005, 0.001, 0.002], "value:0.001")
    assert measure.clipped_share == 0.25
    assert measure.clipped_share_nonzero == pytest.approx(1 / 3)


def test_direction_and_size() -> None:
    measure = measured([3.0, 4.0], "value:3")
    assert measure.norm == 5.0
    assert measure.clipped_norm == pytest.approx(math.sqrt(18))
    assert measure.cosine == pytest.approx(0.990, abs=5e-4)
    assert measure.sign_cosine == pytest.approx(1.0)


def test_nothing_clipped_has_its_own_direction_and_size() -> None:
    measure = measured([3.0, 4.0], "value:5")
    assert (measure.clipped_share, measure.cosine, measure.norm, measure.clipped_norm) == (0.0, 1.0, 5.0, 5.0)


def test_what_a_gradient_of_zeros_leaves_undefined() -> None:
    measure = measured([0.0, 0.0], "value:0.001")
    assert (measure.cosine, measure.clipped_share_nonzero, measure.percentiles) == (None,) * 3
    assert measure.clipped_share == 0.0


def test_the_update_against_the_weights_and_the_learning_rate() -> None:
    measure = measured([1.0, 2.0], weights=[3.0, 4.0])
    assert measure.update_ratio == pytest.approx(RATE * math.sqrt(5) / 5, rel=1e-3)
    assert measure.step_size == pytest.approx(1.5, rel=1e-3)


def test_edges_are_within_a_hundredth_of_the_powers_of_ten() -> None:
    assert len(BIN_EDGES) == BINS + 1
    assert pytest.approx([10 ** (-10 + k / 4) for k in range(BINS + 1)], rel=0.008) == list(BIN_EDGES)


def test_the_histogram_counts_where_components_lie() -> None:
    # Negative, on a lower edge, just below an upper one, outside both ways, and none at all.
    below = float(np.nextafter(np.float32(BIN_EDGES[5]), np.float32(0)))
    measure = measured([-1.5e-3, BIN_EDGES[4], below, 1e-12, 1e3, 0.0])
    counted = {bin: count for bin, count in enumerate(measure.histogram.counts) if count}
    assert counted == {4: 2, 28: 1}
    assert (measure.histogram.under, measure.histogram.over, measure.histogram.zero) == (1, 1, 1)


def test_nan_and_infinity_are_counted_and_are_nothing_to_other_figures() -> None:
    measure = measured([3.0, 4.0, math.nan, math.inf, -math.inf])
    histogram = measure.histogram
    assert (histogram.nan, histogram.inf, histogram.over, histogram.finite, histogram.elements) == (1, 2, 0, 2, 5)
    assert (measure.norm, measure.cosine) == (5.0, 1.0)


def test_percentiles_are_of_what_is_not_zero() -> None:
    gradient = [0.0] * 50 + [1e-4] * 60 + [1e-2] * 39 + [10.0]
    assert measured(gradient).percentiles == pytest.approx((1e-4, 1e-2, 1e-2), rel=0.016)


@given(st.lists(FINITE, min_size=1, max_size=40), st.sampled_from(["none", "value:0.1", "norm:1", "sign"]))
def test_every_component_is_counted_once_and_cosines_are_cosines(gradient: list[float], rule: str) -> None:
    measure = measured(gradient, rule)
    assert measure.histogram.elements == len(gradient)
    assert 0 <= measure.clipped_share <= 1
    for cosine in (measure.cosine, measure.sign_cosine):
        assert cosine is None or -1 <= cosine <= 1


@given(st.lists(st.lists(FINITE, min_size=3, max_size=3), min_size=2, max_size=2))
def test_the_total_is_of_all_layers(parts: list[list[float]]) -> None:
    raw = torch.tensor(parts[0] + parts[1])
    layout = Layout(layers={"first": 3, "second": 3}, tensors=((1, 3), (1, 3)))
    total, layers = ClipEffect(layout).measure(raw, raw.clamp(-1, 1), torch.ones(6), torch.ones(6) - raw, RATE)
    assert total.norm == pytest.approx(math.hypot(*(layer.norm for layer in layers.values())))
    assert total.changed == sum(layer.changed for layer in layers.values())
    assert total.histogram.elements == 6


@pytest.mark.parametrize("kind", ["adam", "sgd", "momentum"])
def test_the_counterfactual_optimizer_is_one_that_was_fed_raw_gradients(kind: str) -> None:
    def optimizer(parameters: Tensor) -> Adam | Sgd:
        if kind == "adam":
            return Adam(parameters, learning_rate=RATE, beta1=0.5)
        return (Sgd if kind == "sgd" else MomentumSgd)(parameters, learning_rate=RATE)

    generator = torch.Generator().manual_seed(0)
    lane, never_clipped = torch.ones(200), torch.ones(200)
    applied, expected = optimizer(lane), optimizer(never_clipped)
    effect = ClipEffect(one_layer(200))
    for step in range(20):
        raw = torch.randn(200, generator=generator)
        clipped = raw if step < 5 else raw.clamp(-0.1, 0.1)
        if step == 5:
            effect.start_counterfactual(applied)
        before, before_expected = lane.clone(), never_clipped.clone()
        effect.add_step(raw, clipped is not raw)
        applied.step(clipped)
        expected.step(raw)
    total, _ = effect.measure(raw, clipped, before, lane, RATE)
    taken, would_be = lane - before, never_clipped - before_expected
    cosine = torch.cosine_similarity(taken, would_be, dim=0).item()
    distance = (torch.linalg.vector_norm(taken - would_be) / torch.linalg.vector_norm(would_be)).item()
    assert total.shadow_cosine == pytest.approx(cosine, abs=1e-3)
    assert total.shadow_distance == pytest.approx(distance, rel=1e-2)
    assert effect.share_clipped == 0.75


def test_the_recent_share_of_steps_clipped_is_of_the_last_hundred_steps() -> None:
    effect = ClipEffect(one_layer(1))
    for step in range(300):
        effect.add_step(torch.ones(1), clipped=step >= 250)
    assert effect.recent_share_clipped == 0.5
    assert effect.share_clipped == pytest.approx(50 / 300)


def test_a_unit_is_dead_after_three_inactive_evaluations_and_recovers_when_it_is_active() -> None:
    dead_units = DeadUnits({"hidden": 2, OUTPUTS: 2})
    seen = []
    for active in ([1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 1, 1]):
        seen.append(list(dead_units.add(np.array(active, np.bool_))))
        if len(seen) == 3:
            assert dead_units.outputs == (0,)
            assert dead_units.counts == {"hidden": 1, OUTPUTS: 1}
    assert seen == [[], [], [(0, True)], [], [(0, False)]]
    assert dead_units.counts == {"hidden": 1, OUTPUTS: 0}


def test_a_linear_head_has_no_outputs_to_die() -> None:
    dead_units = DeadUnits({"hidden": 2})
    for _ in range(5):
        assert list(dead_units.add(np.array([True, False]))) == []
    assert dead_units.outputs == ()
    assert dead_units.inactive_outputs(np.array([True, False])) == ()


def test_inactive_outputs_were_active_in_no_batch() -> None:
    labels = torch.zeros(250, dtype=torch.long)
    batches = [[True, True, False], [False, True, False], [True, False, False]]
    rest = iter(batches)

    def evaluate(images: Tensor, labels: Tensor) -> LeNetEvaluation:
        count = len(labels)
        active = np.array(next(rest))
        return LeNetEvaluation(
            loss=1.0, total=count, correct=50, predictions=torch.zeros(count), labels=labels, active=active
        )

    network: Any = SimpleNamespace(evaluate=evaluate)
    evaluation = LeNet.evaluate_all(network, labels, labels)
    assert (evaluation.loss, evaluation.correct, evaluation.active.tolist()) == (1.0, 150, [True, True, False])
    assert DeadUnits({"hidden": 1, OUTPUTS: 2}).inactive_outputs(evaluation.active) == (1,)


def test_lanes_are_compared_where_both_have_been() -> None:
    distance = LaneDistance(["a", "b"])
    predictions = torch.tensor([1, 2, 3, 4])
    assert list(distance.add("a", 0, torch.zeros(2), predictions)) == []
    found = list(distance.add("b", 0, torch.tensor([3.0, 4.0]), torch.tensor([1, 2, 0, 0])))
    assert found == [LanesCompared(step=0, lanes=("a", "b"), distance=5.0, disagreement=0.5)]


def test_a_lane_far_ahead_does_not_fill_the_memory() -> None:
    distance = LaneDistance(["a", "b"])
    for step in range(MAX_WAITING + 10):
        told = list(distance.add("a", step, torch.zeros(1), torch.zeros(1)))
        assert len(told) == (step == MAX_WAITING)
    assert list(distance.add("b", 0, torch.zeros(1), torch.zeros(1))) == []
    assert len(list(distance.add("b", MAX_WAITING, torch.zeros(1), torch.zeros(1)))) == 1


def digits(*lanes: tuple[str, str], **settings: object) -> list[Event]:
    config = from_options({"dataset": "digits", "iterations": 100, "lanes": dict(lanes), **settings})
    return list(Engine(config).run())


def test_a_run_measures_at_every_fifth_evaluation_and_the_training_is_the_same_without() -> None:
    lanes = ("unclipped", "none"), ("clipped", "value:0.001")
    watched, unwatched = digits(*lanes), digits(*lanes, diagnostics=False)
    diagnosed = [event for event in watched if isinstance(event, Diagnosed)]
    assert sorted((event.lane, event.step) for event in diagnosed) == [
        ("clipped", 0),
        ("clipped", 50),
        ("unclipped", 0),
        ("unclipped", 50),
    ]
    assert not any(isinstance(event, Diagnosed | LanesCompared | OutputDied) for event in unwatched)

    def losses(events: list[Event]) -> set[tuple[str, int, float]]:
        return {(event.lane, event.step, event.loss) for event in events if isinstance(event, Evaluated)}

    assert losses(watched) == losses(unwatched)


def test_a_bound_above_every_component_leaves_the_lanes_bit_identical() -> None:
    events = digits(("free", "none"), ("bound", "value:1e6"))
    compared = [event for event in events if isinstance(event, LanesCompared)]
    assert [(event.step, event.distance, event.disagreement) for event in compared] == [(0, 0, 0), (50, 0, 0)]
    assert all(event.total.changed == 0 and event.engaged == 0 for event in events if isinstance(event, Diagnosed))


def test_outputs_that_died_and_did_not_revive_are_silent_at_the_end() -> None:
    events = digits(("clipped", "value:0.001"), iterations=200)
    dead: set[int] = set()
    for event in events:
        if isinstance(event, OutputDied):
            dead.add(event.output)
        elif isinstance(event, OutputRevived):
            dead.remove(event.output)
    (finished,) = [event for event in events if isinstance(event, LaneFinished)]
    assert dead
    assert finished.silent_outputs is not None
    assert set(finished.silent_outputs) <= dead
