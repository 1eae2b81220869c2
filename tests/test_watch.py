"""A loop of the user's is measured and recorded, and only a rule changes it."""

from __future__ import annotations

import contextlib
import copy
import gc
import io
import json
import math
import multiprocessing
import os
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from watched_loops import batches, events_of, series_of, small_model, train

import clipwatch
from clipwatch.core.clipping.clippers import make_clipper
from clipwatch.core.errors import BadInput
from clipwatch.core.experiments.layout import Layout
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.stream.events import (
    ClipChanged,
    Diagnosed,
    Evaluated,
    Event,
    LaneFailed,
    LaneStarted,
    LoopAudited,
    LoopEnded,
    MetricAdded,
    NonfiniteFound,
    Notice,
    RunFinished,
    RunStarted,
    StepsSkipped,
    StepsTrained,
)
from clipwatch.core.stream.rules import parse_rule
from clipwatch.core.stream.series import step_values
from clipwatch.core.watch.gradient_clippers import Clipped, clip_on_device
from clipwatch.core.watch.lane import WatchedLane
from clipwatch.core.watch.step_log import LoopStepLog
from clipwatch.core.watch.user_warnings import warn


def adamw(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), lr=0.01)


def norm_of(parameter: Tensor) -> float:
    assert parameter.grad is not None
    return parameter.grad.norm().item()


def test_observing_changes_no_bit(tmp_path: Path) -> None:
    """Not a weight, a buffer, a moment or a random number differs after 200 steps."""

    def trained(watched: bool) -> tuple[nn.Module, torch.optim.Optimizer, Tensor]:
        model = small_model()
        optimizer = adamw(model)
        if watched:
            with clipwatch.watch(model, optimizer, measure_every=7, runs_dir=tmp_path) as run:
                train(model, optimizer, 200, run=run)
        else:
            train(model, optimizer, 200)
        return model, optimizer, torch.rand(3)

    (one, its, drawn), (other, others, also_drawn) = trained(False), trained(True)
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True))
    pairs = zip(its.state.values(), others.state.values(), strict=True)
    assert all(torch.equal(mine[name], theirs[name]) for mine, theirs in pairs for name in mine)
    assert torch.equal(drawn, also_drawn)


def test_every_step_has_its_loss_and_norm(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        gradients = train(model, optimizer, 30, run=run)
    norms = [gradient.norm().item() for gradient in gradients]
    assert series_of(run.folder, "grad-norm") == pytest.approx(norms)
    assert series_of(run.folder, "clipped-norm") == pytest.approx(norms)
    losses = series_of(run.folder, "train-loss")
    assert len(losses) == 30
    assert all(map(math.isfinite, losses))


def test_a_recording_begins_and_ends(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)
    with clipwatch.watch(model, optimizer, name="mine", total_steps=9, runs_dir=tmp_path) as run:
        train(model, optimizer, 3)
        run.evaluated(loss=0.5, accuracy=0.75, f1=0.25)
    (started,) = events_of(run.folder, RunStarted)
    assert started.watched
    assert started.config.experiment == "Sequential"
    (lane,) = events_of(run.folder, LaneStarted)
    assert (lane.lane, lane.rule, lane.step, lane.iterations) == ("mine", "none", 0, 9)
    (evaluated,) = events_of(run.folder, Evaluated)
    assert (evaluated.step, evaluated.loss, evaluated.accuracy, evaluated.metrics) == (2, 0.5, 0.75, {"f1": 0.25})
    assert math.isnan(evaluated.train_loss)
    assert [event.reason for event in events_of(run.folder, LoopEnded)] == ["completed"]
    assert [event.reason for event in events_of(run.folder, RunFinished)] == ["completed"]
    assert run.folder
    manifest = RunFolder(run.folder).manifest()
    assert (manifest.watched, manifest.state) == (True, "done")


@pytest.mark.parametrize("scale", [1e-15, 1.0, 1e19])
def test_a_norm_rule_scales_to_the_bound_exactly(tmp_path: Path, scale: float) -> None:
    """Also where float32 squares underflow and overflow."""
    model = nn.Linear(4, 4, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    bound = 0.25 * scale
    with clipwatch.watch(model, optimizer, rule=f"norm:{bound!r}", runs_dir=tmp_path) as run:
        for factor in (1.0, 0.01):
            gradient = torch.randn(4, 4) * scale * factor
            gradient.mul_(scale * factor / gradient.double().norm())
            model.weight.grad = gradient.clone()
            optimizer.step()
            used = model.weight.grad.double()
            assert float(used.norm()) == pytest.approx(min(bound, float(gradient.double().norm())), rel=1e-6)
            if factor < 0.25:
                assert torch.equal(model.weight.grad, gradient)
    assert b"".join(event.clipped for event in events_of(run.folder, StepsTrained)) == b"\1\0"


@pytest.mark.parametrize("rule", ["value:0.01", "layer-norm:0.1", "agc:0.01", "sign", "autoclip:10", "norm:0.2"])
def test_a_rule_clips_as_in_a_run_of_clipwatch(tmp_path: Path, rule: str) -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    parts = list(model.parameters())
    layers = {"0": 6 * 8 + 8, "1": 8 + 8, "4": 8 * 3 + 3}
    rows = [each.shape[0] if each.dim() > 1 else 1 for each in parts]
    shapes = tuple((count, each.numel() // count) for count, each in zip(rows, parts, strict=True))
    flat = torch.cat([each.detach().reshape(-1) for each in parts])
    clipper = make_clipper(parse_rule(rule), flat, Layout(layers, shapes))
    with clipwatch.watch(model, optimizer, rule=rule, runs_dir=tmp_path):
        for inputs, labels in batches(12):
            F.cross_entropy(model(inputs), labels).backward()
            raw = torch.cat([each.grad.reshape(-1) for each in parts if each.grad is not None])
            expected, _ = clipper.clip(raw, flat)
            optimizer.step()
            used = torch.cat([each.grad.reshape(-1) for each in parts if each.grad is not None])
            torch.testing.assert_close(used, expected, rtol=1e-6, atol=0)
            optimizer.zero_grad()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("rule", ["norm:0.1", "value:0.001"])
def test_other_kinds_of_numbers(tmp_path: Path, kind: torch.dtype, rule: str) -> None:
    """Elements within the bound keep their bits, the others have the bound in their own precision."""
    model = nn.Linear(9, 7, dtype=kind)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    gradients = [torch.randn(7, 9).to(kind) * 0.001, torch.randn(7).to(kind)]
    model.weight.grad, model.bias.grad = (each.clone() for each in gradients)
    exact = torch.cat([each.double().reshape(-1) for each in gradients])
    with clipwatch.watch(model, optimizer, rule=rule, runs_dir=tmp_path) as run:
        optimizer.step()
    expected = exact.clamp(-0.001, 0.001) if rule.startswith("value") else exact * (0.1 / exact.norm())
    used = torch.cat([model.weight.grad.double().reshape(-1), model.bias.grad.double()])
    torch.testing.assert_close(used, expected, rtol=torch.finfo(kind).eps, atol=1e-7)
    assert series_of(run.folder, "grad-norm") == pytest.approx([float(exact.norm())], rel=1e-5)


def test_what_is_measured_by_layer(tmp_path: Path) -> None:
    """Two groups of parameters: the step size is in units of each one's own learning rate."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[1].parameters(), "lr": 0.001}]
    optimizer = torch.optim.SGD(groups)
    with clipwatch.watch(model, optimizer, rule="sign", measure_every=2, runs_dir=tmp_path) as run:
        for _ in range(3):
            model(torch.ones(1, 3)).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
    first, third = events_of(run.folder, Diagnosed)
    assert (first.step, third.step) == (0, 2)
    assert list(first.layers) == ["0", "1"]
    assert [layer.histogram.elements for layer in first.layers.values()] == [16, 10]
    # Each element moves by its learning rate.
    assert [layer.step_size for layer in first.layers.values()] == pytest.approx([1, 1], rel=1e-3)
    assert first.total.step_size == pytest.approx(1, rel=1e-3)
    assert first.engaged == 1.0
    assert first.total.shadow_cosine is not None
    assert first.total.shadow_cosine < 0.999


@pytest.mark.parametrize("nesterov", [False, True])
def test_the_counterfactual_update_of_sgd(tmp_path: Path, nesterov: bool) -> None:
    """With the same gradient at every step, clipping to a hundredth leaves a hundredth of the update."""
    model = nn.Linear(3, 2, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=nesterov)
    with clipwatch.watch(model, optimizer, rule="norm:0.01", measure_every=1, runs_dir=tmp_path) as run:
        for _ in range(4):
            model.weight.grad = torch.full((2, 3), 6**-0.5)
            optimizer.step()
    measured = [event.total for event in events_of(run.folder, Diagnosed)]
    assert [total.shadow_cosine for total in measured] == pytest.approx([1.0] * 4, rel=1e-5)
    assert [total.shadow_distance for total in measured] == pytest.approx([0.99] * 4, rel=1e-4)


def test_the_counterfactual_update_of_adam(tmp_path: Path) -> None:
    """Adam's steps do not depend on the size of a constant gradient, but its moments remember a first one."""
    model = nn.Linear(3, 2, bias=False)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    with clipwatch.watch(model, optimizer, rule="norm:0.01", measure_every=1, runs_dir=tmp_path) as run:
        for size in (1.0, 1.0, 0.005):
            model.weight.grad = torch.full((2, 3), 6**-0.5 * size)
            optimizer.step()
    distances = [event.total.shadow_distance for event in events_of(run.folder, Diagnosed)]
    assert distances[:2] == pytest.approx([0, 0], abs=1e-3)
    # By hand: moments of 1, 1, 0.005 against those of 0.01, 0.01, 0.005.
    first, second = [0.0, 0.0], [0.0, 0.0]
    for gradients in ((1.0, 0.01), (1.0, 0.01), (0.005, 0.005)):
        first = [0.9 * m + 0.1 * g for m, g in zip(first, gradients, strict=True)]
        second = [0.999 * v + 0.001 * g * g for v, g in zip(second, gradients, strict=True)]
    raw, clipped = (m / math.sqrt(v) for m, v in zip(first, second, strict=True))
    assert distances[2] == pytest.approx(abs(clipped - raw) / raw, rel=2e-2)


def test_a_large_model_is_measured_by_a_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Norms stay exact, and histograms count the sample."""
    monkeypatch.setattr("clipwatch.core.watch.measuring.MOST_ELEMENTS", 100)
    model = nn.Sequential(nn.Linear(20, 30), nn.Linear(30, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with clipwatch.watch(model, optimizer, rule="norm:0.5", runs_dir=tmp_path) as run:
        model(torch.randn(3, 20)).square().sum().backward()
        norms = [math.hypot(*(norm_of(each) for each in layer.parameters())) for layer in model]
        optimizer.step()
    (measured,) = events_of(run.folder, Diagnosed)
    assert [layer.norm for layer in measured.layers.values()] == pytest.approx(norms)
    assert measured.total.norm == pytest.approx(math.hypot(*norms))
    assert measured.total.clipped_norm == pytest.approx(0.5)
    assert measured.total.histogram.elements <= 104
    assert any("every 7th element" in notice.text for notice in events_of(run.folder, Notice))


def test_nan_and_infinity_are_counted_and_passed_on(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with clipwatch.watch(model, optimizer, rule="norm:1", measure_every=1, runs_dir=tmp_path) as run:
        for weights in ([[1.0, math.nan], [math.inf, 1.0]], [[math.nan, 0.0], [0.0, 0.0]]):
            model.weight.grad = torch.tensor(weights)
            optimizer.step()
    (found,) = events_of(run.folder, NonfiniteFound)
    assert (found.step, found.nan, found.infinite, found.action) == (0, 1, 1, "propagate")
    last = events_of(run.folder, Diagnosed)[-1]
    assert (last.nan, last.infinite) == (2, 1)
    assert model.weight.isnan().all()


def test_a_loop_that_clips_itself_is_measured_as_a_rule_is(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)
    raw: list[float] = []

    def clip() -> None:
        raw.append(torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1).item())

    with clipwatch.watch(model, optimizer, measure_every=10, runs_dir=tmp_path) as run:
        train(model, optimizer, 25, run=run, clip=clip)
    assert events_of(run.folder, LoopAudited)[0].finding == "clips-norm"
    assert series_of(run.folder, "grad-norm")[-10:] == pytest.approx(raw[-10:], rel=1e-5)
    assert series_of(run.folder, "clipped-norm")[-10:] == pytest.approx([0.1] * 10, rel=1e-4)
    last = events_of(run.folder, Diagnosed)[-1].total
    assert last.norm == pytest.approx(raw[20], rel=1e-5)
    assert last.clipped_norm == pytest.approx(0.1, rel=1e-4)


def test_a_rule_ends_the_measuring_of_what_the_loop_clips_itself(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)

    def hooks() -> int:
        return sum(len(each._post_accumulate_grad_hooks or ()) for each in model.parameters())

    with clipwatch.watch(model, optimizer, measure_every=10, runs_dir=tmp_path) as run:

        def clip() -> None:
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)

        train(model, optimizer, 25, run=run, clip=clip)
        assert hooks() == 1
        run.set_rule("norm:0.05")
        train(model, optimizer, 10, run=run, clip=clip)
        assert hooks() == 0


def test_a_closure_is_clipped_inside_the_step(tmp_path: Path) -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    inputs, labels = next(batches(1))

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(inputs), labels)
        loss.backward()
        return loss

    with clipwatch.watch(model, optimizer, rule="norm:0.01", runs_dir=tmp_path) as run:
        assert optimizer.step(closure) is not None
        assert optimizer.step(closure=closure) is not None
    assert series_of(run.folder, "clipped-norm") == pytest.approx([0.01, 0.01])


def test_lbfgs_is_only_observed(tmp_path: Path) -> None:
    model = nn.Linear(3, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
    with pytest.raises(BadInput, match="LBFGS"):
        clipwatch.watch(model, optimizer, rule="norm:1", runs_dir=tmp_path)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = (model(torch.ones(2, 3)) - 1).square().sum()
        loss.backward()
        return loss

    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        run.set_rule("norm:1")
        optimizer.step(closure)
    assert run.rule is None
    assert any("cannot clip by norm:1" in notice.text for notice in events_of(run.folder, Notice))
    assert len(series_of(run.folder, "grad-norm")) == 1


def test_sparse_gradients_are_measured_and_not_clipped(tmp_path: Path) -> None:
    model = nn.Embedding(5, 2, sparse=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    run = clipwatch.watch(model, optimizer, rule="norm:0.01", runs_dir=tmp_path)
    model(torch.tensor([1, 1, 3])).sum().backward()
    with pytest.warns(UserWarning, match="sparse"):
        optimizer.step()
    run.close()
    # Row 1 occurs twice.
    assert series_of(run.folder, "grad-norm") == pytest.approx([math.sqrt(2 * 2**2 + 2 * 1)])
    assert series_of(run.folder, "clipped-norm") == series_of(run.folder, "grad-norm")
    assert [event.rule for event in events_of(run.folder, ClipChanged)] == ["none"]


def test_frozen_tied_and_missing_gradients(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    model[2].requires_grad_(False)
    unused = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([*model.parameters(), unused], lr=0.1)
    with clipwatch.watch(model, optimizer, rule="value:0.001", runs_dir=tmp_path) as run:
        model(torch.randn(2, 3)).sum().backward()
        optimizer.step()
    (measured,) = events_of(run.folder, Diagnosed)
    assert {name: layer.histogram.elements for name, layer in measured.layers.items()} == {"0": 12, "1": 3, "other": 2}
    assert any("1 of the 6 parameters" in notice.text for notice in events_of(run.folder, Notice))


def test_a_bound_on_a_device_is_exact_and_leaves_what_is_within(tmp_path: Path) -> None:
    """The arithmetic of a GPU, on the CPU."""
    gradients = [torch.randn(5, 3), torch.randn(7)]
    before = [each.clone() for each in gradients]
    norm = torch.nn.utils.get_total_norm(gradients)
    assert not clip_on_device(gradients, norm, 100.0).changed
    assert all(torch.equal(one, other) for one, other in zip(gradients, before, strict=True))
    clipped = clip_on_device(gradients, norm, 0.5)
    assert clipped.changed
    assert float(clipped.clipped_norm) == pytest.approx(0.5)
    assert float(torch.nn.utils.get_total_norm(gradients)) == pytest.approx(0.5, rel=1e-6)


def test_steps_whose_values_are_on_a_device(tmp_path: Path) -> None:
    """A fused optimizer skips the second step, because its gradient overflowed; the third holds a NaN."""
    log = LoopStepLog("loop")
    for step, (norm, overflowed) in enumerate(((3.0, 0.0), (math.inf, 1.0), (math.nan, 0.0))):
        log.add(step, Clipped(torch.tensor(norm), torch.tensor(1.0), torch.tensor(True)), torch.tensor(overflowed))
        log.give({"losses": torch.tensor(0.5)})
    logged = log.take()
    assert logged
    assert log.take() is None
    steps, found, skipped = logged.events()
    assert isinstance(steps, StepsTrained)
    values = step_values(steps).series
    assert values["grad-norm"][:2].tolist() == [3.0, math.inf]
    assert values["clipped-norm"].tolist() == [1.0, 0.0, 1.0]
    assert values["train-loss"].tolist() == [0.5] * 3
    assert steps.clipped == b"\1\0\1"
    assert found == NonfiniteFound(lane="loop", step=2, nan=1, infinite=0, action="propagate")
    assert skipped == StepsSkipped(lane="loop", step=2, count=1)


@pytest.mark.parametrize("unscaled", [False, True])
@pytest.mark.parametrize("fused", [False, True])
def test_a_grad_scaler(tmp_path: Path, fused: bool, unscaled: bool) -> None:
    """The rule's bound is of the unscaled gradient, and steps that the scaler skips are counted once.

    `unscaled`: the loop calls `scaler.unscale_`, so that a fused optimizer gets no scale.
    """
    model = nn.Linear(3, 1, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    with clipwatch.watch(model, optimizer, rule="norm:0.5", scaler=scaler, measure_every=1, runs_dir=tmp_path) as run:
        for factor in (1.0, math.inf, 2.0):
            before = model.weight.detach().clone()
            scaler.scale(model(torch.full((1, 3), factor)).sum()).backward()
            if unscaled:
                scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
            optimizer.zero_grad()
            moved = (model.weight.detach() - before).norm().item()
            assert moved == pytest.approx(0.0 if factor == math.inf else 0.05, rel=1e-4)
    assert sum(event.count for event in events_of(run.folder, StepsSkipped)) == 1
    norms = series_of(run.folder, "grad-norm")
    assert [norm for norm in norms if math.isfinite(norm)] == pytest.approx([math.sqrt(3), math.sqrt(12)])
    assert not events_of(run.folder, NonfiniteFound)
    assert events_of(run.folder, Diagnosed)[-1].total.clipped_norm == pytest.approx(0.5, rel=1e-5)


def test_metrics_by_any_name(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        train(model, optimizer, 1)
        run.step(1.0, accuracy=0.5, perplexity=3.0)
        train(model, optimizer, 1)
        run.step(2.0, grad_norm=7.0)
        run.evaluated(0.5, perplexity=4.0)
    first, second = (event.metrics for event in events_of(run.folder, StepsTrained))
    assert first.keys() == {"train-accuracy", "perplexity"}
    assert second.keys() == {"own-grad-norm"}
    (evaluated,) = events_of(run.folder, Evaluated)
    assert evaluated.metrics == {"own-perplexity": 4.0}
    assert evaluated.train_loss == 2.0
    names = [event.metric.name for event in events_of(run.folder, MetricAdded)]
    assert names == ["train-accuracy", "perplexity", "own-grad-norm", "own-perplexity"]


def test_a_loss_given_before_the_step_belongs_to_it(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        for loss in (3.0, 2.0):
            run.step(loss)
            train(model, optimizer, 1)
    assert series_of(run.folder, "train-loss") == [3.0, 2.0]


def test_with_gradient_accumulation_the_first_loss_after_a_step_is_its(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        train(model, optimizer, 1)
        for loss in (3.0, 2.0):
            run.step(loss)
        train(model, optimizer, 1)
    assert series_of(run.folder, "train-loss")[0] == 3.0


def test_an_evaluation_before_the_loss_of_its_step_leaves_the_loss(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        for number in range(4):
            train(model, optimizer, 1)
            if number % 2:
                run.evaluated(1.0)
            run.step(float(number))
    assert series_of(run.folder, "train-loss") == [0, 1, 2, 3]
    order = [event for event in events_of(run.folder, Event) if isinstance(event, StepsTrained | Evaluated)]
    first = next(place for place, event in enumerate(order) if isinstance(event, Evaluated))
    assert [event.step for event in order[first - 1 : first + 1]] == [1, 1]


def test_a_subclass_that_calls_the_step_of_its_base_class_steps_once(tmp_path: Path) -> None:
    class Inherits(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    model = small_model()
    # Torch hooks the `step` of a class when it makes the first optimizer of it.
    torch.optim.SGD(model.parameters(), lr=0.1)
    optimizer = Inherits(model.parameters(), lr=0.1)
    with clipwatch.watch(model, optimizer, rule="norm:0.01", runs_dir=tmp_path) as run:
        train(model, optimizer, 3, run=run)
    assert min(series_of(run.folder, "grad-norm")) > 0.1
    assert max(series_of(run.folder, "clipped-norm")) == pytest.approx(0.01)
    assert events_of(run.folder, StepsTrained)[-1].step == 2


def test_a_step_that_raises_is_no_step(tmp_path: Path) -> None:
    class Fails(torch.optim.SGD):
        fails = False

        def step(self, closure: Any = None) -> Any:
            if self.fails:
                raise RuntimeError("out of memory")
            return super().step(closure)

    model = small_model()
    optimizer = Fails(model.parameters(), lr=0.1)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        for number in range(4):
            optimizer.fails = number == 1
            with contextlib.suppress(RuntimeError):
                train(model, optimizer, 1)
                run.step(float(number))
    assert series_of(run.folder, "train-loss") == [0, 2, 3]
    assert events_of(run.folder, StepsTrained)[-1].step == 2


def test_a_value_that_is_no_number_is_one_warning(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)
    given: Any = torch.ones(2)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        train(model, optimizer, 1)
        with pytest.warns(UserWarning, match="a number is needed"):
            run.step(given)
        train(model, optimizer, 1)
        run.step(given)
        run.step(None)
    assert all(map(math.isnan, series_of(run.folder, "train-loss")))


def test_two_optimizers_are_lanes_of_one_run(tmp_path: Path) -> None:
    one, other = small_model(), small_model(1)
    optimizers = adamw(one), adamw(other)
    with clipwatch.watch(one, optimizers[0], name="generator", runs_dir=tmp_path) as first:
        with clipwatch.watch(other, optimizers[1], name="critic", runs_dir=tmp_path) as second:
            train(one, optimizers[0], 2)
            train(other, optimizers[1], 3)
        train(one, optimizers[0], 2)
    assert first.folder == second.folder
    ended = {event.lane: event.step for event in events_of(first.folder, LoopEnded)}
    assert ended == {"generator": 4, "critic": 3}
    assert len(events_of(first.folder, RunFinished)) == 1
    # The next watch begins a run of its own.
    with clipwatch.watch(one, optimizers[0], runs_dir=tmp_path) as third:
        assert third.folder != first.folder


def test_a_checkpoint_of_the_loop_resumes_the_rule_and_the_step(tmp_path: Path) -> None:
    model = small_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    with clipwatch.watch(model, optimizer, rule="autoclip:50", runs_dir=tmp_path) as run:
        train(model, optimizer, 6, run=run)
        state = json.loads(json.dumps(run.state_dict()))
        train(model, optimizer, 2, run=run, seed=2)
    whole = series_of(run.folder, "clipped-norm")
    torch.manual_seed(0)
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as again:
        again.load_state_dict(state)
        assert again.rule == "autoclip:50"
        train(model, optimizer, 2, run=again, seed=2)
    assert [event.step for event in events_of(again.folder, LaneStarted)] == [6]
    assert events_of(again.folder, StepsTrained)[-1].step == 7
    assert len(whole) == 8


def test_a_checkpoint_brings_no_rule_to_a_loop_that_takes_none(tmp_path: Path) -> None:
    model = small_model()
    with clipwatch.watch(model, adamw(model), rule="autoclip:50", runs_dir=tmp_path) as run:
        state = run.state_dict()
    with clipwatch.watch(model, torch.optim.LBFGS(model.parameters()), runs_dir=tmp_path) as other:
        with pytest.warns(UserWarning, match="does not clip by autoclip:50, as the checkpoint says"):
            other.load_state_dict(state)
        assert other.active
        assert other.rule is None


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"rule": "norn:1"}, "did you mean norm:1"),
        ({"measure_every": 0}, "measure_every"),
        ({"measure_every": "50"}, "measure_every"),
        ({"total_steps": 1562.5}, "total_steps"),
        ({"name": 3}, "name"),
        ({"rule": 1.0}, "rule"),
        ({"scaler": "amp"}, "scaler"),
        ({"layers": "2"}, "layers"),
        ({"total_steps": -1}, "total_steps"),
        ({"name": "a b"}, "lane name"),
    ],
)
def test_wrong_arguments_are_one_line(tmp_path: Path, given: dict[str, Any], problem: str) -> None:
    model = small_model()
    with pytest.raises(BadInput, match=problem) as raised:
        clipwatch.watch(model, adamw(model), runs_dir=tmp_path, **given)
    assert "\n" not in str(raised.value)


def test_a_watched_optimizer_is_refused_until_its_watch_closes(tmp_path: Path) -> None:
    model, other = small_model(), small_model()
    optimizer = adamw(model)
    run = clipwatch.watch(model, optimizer, runs_dir=tmp_path)
    with pytest.raises(BadInput, match="watched already"):
        clipwatch.watch(model, optimizer, name="second", runs_dir=tmp_path)
    with pytest.raises(BadInput, match="own name"):
        clipwatch.watch(other, adamw(other), runs_dir=tmp_path)
    run.close()
    clipwatch.watch(model, optimizer, runs_dir=tmp_path).close()
    wrong: Any = model
    with pytest.raises(BadInput, match=r"give a torch\.optim\.Optimizer"):
        clipwatch.watch(model, wrong, runs_dir=tmp_path)


def test_nothing_stays_after_close(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)
    run = clipwatch.watch(model, optimizer, rule="norm:0.001", runs_dir=tmp_path)
    train(model, optimizer, 3, run=run)
    run.close()
    assert not optimizer._optimizer_step_pre_hooks
    assert not optimizer._optimizer_step_post_hooks
    assert not any(each._post_accumulate_grad_hooks for each in model.parameters())
    size = (run.folder / "events.jsonl").stat().st_size if run.folder else 0
    norms = [gradient.norm().item() for gradient in train(model, optimizer, 2, run=run)]
    run.evaluated(1.0)
    run.set_rule("value:1")
    run.close()
    assert min(norms) > 0.001
    assert run.folder
    assert (run.folder / "events.jsonl").stat().st_size == size
    gc.collect()


class _Unsteady(torch.optim.SGD):
    """Calls the `step` of its base class, and fails there at every third step."""

    calls = 0

    def step(self, closure: Any = None) -> Any:
        self.calls += 1
        if self.calls % 3 == 0:
            raise MemoryError
        return super().step(closure)


def test_a_step_counts_once_and_one_that_fails_does_not(tmp_path: Path) -> None:
    """The step of a base class has hooks, too. A loop may go on after an error in `step`, or end there."""
    nested = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
    nested.step()
    model = small_model()
    optimizer = _Unsteady(model.parameters(), lr=0.1)
    norms: list[float] = []
    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        for number in range(9):
            try:
                norms += [each.norm().item() for each in train(model, optimizer, 1, run=run, seed=number)]
            except MemoryError:
                optimizer.zero_grad()
    assert run.state_dict()["step"] == len(norms) == 6
    assert series_of(run.folder, "grad-norm") == pytest.approx(norms)
    assert [event.step for event in events_of(run.folder, LoopEnded)] == [6]


@pytest.mark.parametrize(
    ("loss", "known"),
    [
        (10**400, False),
        (torch.tensor(1j), False),
        (torch.zeros((), device="meta"), False),
        (torch.zeros(2), False),
        (1e300, True),
        (torch.tensor([2]), True),
    ],
)
def test_a_loss_of_any_kind_ends_neither_watch_nor_recording(tmp_path: Path, loss: Any, known: bool) -> None:
    model = small_model()
    optimizer = adamw(model)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
            for _ in range(3):
                train(model, optimizer, 1)
                run.step(loss)
    assert [event.reason for event in events_of(run.folder, LoopEnded)] == ["completed"]
    assert [math.isnan(value) for value in series_of(run.folder, "train-loss")] == [not known] * 3
    assert ["a number is needed" in str(each.message) for each in warned] == [True] * (not known)


@pytest.mark.parametrize("kind", [torch.complex64, torch.complex128, torch.float32])
def test_complex_and_empty_parameters_are_observed(tmp_path: Path, kind: torch.dtype) -> None:
    size = 0 if kind == torch.float32 else 3
    weight = nn.Parameter(torch.ones(size, dtype=kind))
    model = nn.ParameterList([weight])
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with clipwatch.watch(model, optimizer, measure_every=1, runs_dir=tmp_path) as run:
        for _ in range(3):
            optimizer.zero_grad()
            (3 * weight).abs().sum().backward()
            nn.utils.clip_grad_norm_([weight], 1.0)
            optimizer.step()
    assert [event.reason for event in events_of(run.folder, LoopEnded)] == ["completed"]
    assert series_of(run.folder, "clipped-norm") == pytest.approx([1.0 if size else 0.0] * 3, rel=1e-5)


@pytest.mark.parametrize("added_at", [2, 30])
def test_parameters_that_are_added_under_way_count(tmp_path: Path, added_at: int) -> None:
    """Also in the norm before the clipping of the loop itself."""
    model, more = small_model(), nn.Parameter(torch.ones(3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    norms: list[float] = []
    with clipwatch.watch(model, optimizer, measure_every=2, runs_dir=tmp_path) as run:
        for step, (inputs, labels) in enumerate(batches(60)):
            if step == added_at:
                optimizer.add_param_group({"params": [more]})
            (F.cross_entropy(model(inputs), labels) + (9 * more).sum()).backward()
            given = [each for group in optimizer.param_groups for each in group["params"]]
            norms.append(float(nn.utils.clip_grad_norm_(given, 0.1)))
            optimizer.step()
            optimizer.zero_grad()
    assert [event.reason for event in events_of(run.folder, LoopEnded)] == ["completed"]
    assert series_of(run.folder, "grad-norm")[-10:] == pytest.approx(norms[-10:], rel=1e-4)


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"step": -1, "rule": None, "clipper": {}},
        {"step": 3, "rule": "norn:1", "clipper": {}},
        {"step": 3, "rule": "autoclip:10", "clipper": {}},
    ],
)
def test_a_damaged_state_changes_nothing(tmp_path: Path, state: dict[str, Any]) -> None:
    model = small_model()
    optimizer = adamw(model)
    with clipwatch.watch(model, optimizer, rule="norm:1", runs_dir=tmp_path) as run:
        train(model, optimizer, 2, run=run)
        before = run.state_dict()
        with pytest.warns(UserWarning, match="this state of a watch cannot be used"):
            run.load_state_dict(state)
        assert run.state_dict() == before
        train(model, optimizer, 2, run=run)
    assert len(series_of(run.folder, "grad-norm")) == 4


def test_a_state_with_a_rule_does_not_clip_for_lbfgs(tmp_path: Path) -> None:
    model = small_model()
    with clipwatch.watch(model, torch.optim.LBFGS(model.parameters()), runs_dir=tmp_path) as run:
        with pytest.warns(UserWarning, match="LBFGS computes gradients several times"):
            run.load_state_dict({"step": 3, "rule": "norm:1", "clipper": {}})
        assert run.rule is None


def test_threads_that_begin_at_once_are_lanes_of_one_run(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def watched(name: str) -> Path | None:
        model = small_model()
        together.wait(30)
        with clipwatch.watch(model, adamw(model), name=name, runs_dir=tmp_path) as run:
            together.wait(30)
            return run.folder

    with ThreadPoolExecutor(4) as threads:
        folders = list(threads.map(watched, "abcd"))
    assert len(set(folders)) == 1
    assert {event.lane for event in events_of(folders[0], LoopEnded)} == set("abcd")
    assert len(events_of(folders[0], RunFinished)) == 1


def _watch_in_child(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, *, fails: bool) -> None:
    clipwatch.watch(model, optimizer, name="child", runs_dir=folder)
    train(model, optimizer, 3)
    if fails:
        raise ValueError("broken")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("fails", [False, True])
def test_a_forked_child_may_watch_on_and_its_recording_has_an_end(tmp_path: Path, fails: bool) -> None:
    model = small_model()
    optimizer = adamw(model)
    given = (tmp_path / "child", model, optimizer)
    with clipwatch.watch(model, optimizer, name="parent", runs_dir=tmp_path / "parent") as run:
        train(model, optimizer, 2, run=run)
        child = multiprocessing.get_context("fork").Process(target=_watch_in_child, args=given, kwargs={"fails": fails})
        child.start()
        child.join(60)
        train(model, optimizer, 2, run=run)
    assert child.exitcode == fails
    (folder,) = (tmp_path / "child").iterdir()
    assert [event.reason for event in events_of(folder, RunFinished)] == ["failed" if fails else "completed"]
    assert len(series_of(folder, "grad-norm")) == 3
    assert len(series_of(run.folder, "grad-norm")) == 4


def test_a_warning_never_raises(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn("said all the same")
        assert capsys.readouterr().err == "warning: said all the same\n"
        closed = io.StringIO()
        closed.close()
        monkeypatch.setattr(sys, "stderr", closed)
        warn("lost")


@pytest.mark.parametrize("method", ["between_steps", "after_step"])
def test_an_error_of_ours_leaves_the_hooks_of_the_loop_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Torch goes through all hooks of the optimizer while ours fails, and would raise if one was removed."""
    model = small_model()
    optimizer = adamw(model)
    called: list[str] = []

    def own_hook(*_: Any) -> None:
        called.append("own")

    def fail(lane: WatchedLane) -> None:
        raise ValueError("broken")

    with clipwatch.watch(model, optimizer, runs_dir=tmp_path) as run:
        optimizer.register_step_pre_hook(own_hook)
        optimizer.register_step_post_hook(own_hook)
        train(model, optimizer, 1, run=run)
        monkeypatch.setattr(WatchedLane, method, fail)
        with pytest.warns(UserWarning, match="the loop trains on unwatched: ValueError: broken"):
            train(model, optimizer, 2, run=run)
    assert called == ["own"] * 6
    assert len(optimizer._optimizer_step_pre_hooks) == len(optimizer._optimizer_step_post_hooks) == 1


def test_an_error_of_the_loop_is_the_end_of_the_lane(tmp_path: Path) -> None:
    model = small_model()
    with pytest.raises(ZeroDivisionError), clipwatch.watch(model, adamw(model), runs_dir=tmp_path) as run:
        _ = 1 / 0
    (failed,) = events_of(run.folder, LaneFailed)
    assert failed.cause == "ZeroDivisionError: division by zero"
    (finished,) = events_of(run.folder, RunFinished)
    assert finished.reason == "failed"


def test_an_interrupt_is_not_a_failure(tmp_path: Path) -> None:
    model = small_model()
    with pytest.raises(KeyboardInterrupt), clipwatch.watch(model, adamw(model), runs_dir=tmp_path) as run:
        raise KeyboardInterrupt
    assert [event.reason for event in events_of(run.folder, LoopEnded)] == ["stopped"]


def test_an_error_of_ours_ends_the_watch_and_not_the_loop(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)

    def layer(name: str) -> str:
        raise RuntimeError(f"no layer {name}")

    with clipwatch.watch(model, optimizer, layers=layer, runs_dir=tmp_path) as run:
        with pytest.warns(UserWarning, match=r"unwatched: RuntimeError: no layer 0\.weight"):
            gradients = train(model, optimizer, 3, run=run)
        assert len(gradients) == 3
        assert not run.active
    (failed,) = events_of(run.folder, LaneFailed)
    assert "no layer" in failed.cause


def test_a_lane_whose_end_cannot_be_sent_still_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after an error of a GPU, which makes all that follows fail."""

    def fail(log: LoopStepLog) -> None:
        raise RuntimeError("device-side assert triggered")

    model = small_model()
    optimizer = adamw(model)
    run = clipwatch.watch(model, optimizer, runs_dir=tmp_path)
    train(model, optimizer, 1)
    with monkeypatch.context() as patch:
        patch.setattr(LoopStepLog, "take", fail)
        with pytest.warns(UserWarning, match="the end of the recording is missing"):
            run.close()
    assert not any(each._post_accumulate_grad_hooks for each in model.parameters())
    assert [event.reason for event in events_of(run.folder, RunFinished)] == ["failed"]
    clipwatch.watch(model, optimizer, runs_dir=tmp_path).close()


def test_warnings_that_the_user_has_made_errors_do_not_end_the_loop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = small_model()
    with clipwatch.watch(model, adamw(model), runs_dir=tmp_path) as run:
        run.set_rule("norn:1")
    assert "did you mean norm:1" in capsys.readouterr().err


def test_without_a_folder_the_loop_is_clipped_and_not_recorded(tmp_path: Path) -> None:
    model = small_model()
    optimizer = adamw(model)
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="records nothing.*give another runs_dir$"):
        run = clipwatch.watch(model, optimizer, rule="norm:0.01", runs_dir=tmp_path / "file")
    train(model, optimizer, 2, run=run)
    assert run.folder is None
    used = math.hypot(*(each.grad.norm().item() for each in model.parameters() if each.grad is not None))
    assert used == 0 or used <= 0.0101
    run.set_rule("norm:0.02")
    train(model, optimizer, 2, run=run)
    assert run.rule == "norm:0.02"
    run.close()


def test_an_optimizer_that_cannot_be_watched_leaves_room_for_the_next(tmp_path: Path) -> None:
    class Bare(torch.optim.Optimizer):
        def __init__(self, parameters: list[nn.Parameter]) -> None:
            """Without that of the base class, which makes the hooks possible."""
            self.param_groups = [{"params": parameters, "lr": 0.1}]
            self.state = {}

    model = small_model()
    with pytest.raises(BadInput, match="watch: Bare cannot be watched"):
        clipwatch.watch(model, Bare(list(model.parameters())), runs_dir=tmp_path)
    clipwatch.watch(model, adamw(model), runs_dir=tmp_path).close()


def test_a_model_that_holds_its_watch_is_copied_and_saved(tmp_path: Path) -> None:
    model = small_model()
    model.run = clipwatch.watch(model, adamw(model), runs_dir=tmp_path)  # pyright: ignore[reportArgumentType]
    assert copy.deepcopy(model).run is None
    torch.save(model, tmp_path / "model.pt")
    model.run.close()  # pyright: ignore[reportCallIssue]
