"""What docs/claims.md says of clipping, each claim on a real run; figures there are of MNIST, here of the digits."""

from __future__ import annotations

import math
import re
import shlex
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from clipwatch.core.engine.engine import Engine
from clipwatch.core.experiments.lenet.network import LeNet
from clipwatch.core.optimizers.adam import EPS
from clipwatch.core.stream.codec import decode_command
from clipwatch.core.stream.commands import LaneCommand, ResetMoments, SetClip
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import Diagnosed, Evaluated, Event, LaneFinished, LanesCompared, OutputRevived
from clipwatch.core.stream.measures import Measure
from clipwatch.tui.cli.main import main

COMPUTE = LeNet.loss_and_gradient
DOCUMENT = Path(__file__).parent.parent / "docs" / "claims.md"


def run_of(*rules: str, commands: Sequence[LaneCommand] = (), **settings: Any) -> list[Event]:
    """All events of a run of the digits in which each rule is a lane, named by its place; measured at every 4 steps."""
    lanes = tuple(LaneConfig(str(place), rule) for place, rule in enumerate(rules))
    small = {"iterations": 40, "eval_every": 4, "eval_size": 20, "diagnose_every": 1, "head": "linear"}
    engine = Engine(RunConfig(dataset="digits", offline=True, lanes=lanes, **{**small, **settings}))
    for command in commands:
        engine.send(command)
    return list(engine.run())


def measures(events: Sequence[Event], lane: int) -> dict[int, Measure]:
    """One lane's measures of all layers together, by step."""
    return {event.step: event.total for event in events if isinstance(event, Diagnosed) and event.lane == str(lane)}


def mean_step(events: Sequence[Event], lane: int, start: int = 0, end: int = 10**6) -> float:
    """The mean |step| over the learning rate, over the measures of some steps."""
    return statistics.mean(m.step_size or 0.0 for step, m in measures(events, lane).items() if start <= step < end)


def losses(events: Sequence[Event], lane: int) -> list[float]:
    return [event.loss for event in events if isinstance(event, Evaluated) and event.lane == str(lane)]


def comparisons(events: Sequence[Event], lane: int) -> list[tuple[float, float]]:
    """Distance and disagreement between the first lane and another."""
    return [
        (event.distance, event.disagreement)
        for event in events
        if isinstance(event, LanesCompared) and event.lanes == ("0", str(lane))
    ]


@pytest.fixture
def gradients(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """The raw gradients of all steps of a run with one lane, as the network gave them."""
    seen: list[Tensor] = []

    def watched(self: LeNet, images: Tensor, labels: Tensor) -> float:
        loss = COMPUTE(self, images, labels)
        seen.append(self.gradient.clone())
        return loss

    monkeypatch.setattr(LeNet, "loss_and_gradient", watched)
    return seen


def test_1_adams_steps_do_not_shrink_with_the_bound_and_sgds_do() -> None:
    rules = [f"value:1e-{exponent}" for exponent in range(2, 7)]
    adam = run_of(*rules)
    # The rate is larger so that steps are not lost in the rounding of the weights.
    sgd = run_of(*rules, optimizer="sgd", learning_rate=0.1)
    for tighter in range(1, 5):
        assert mean_step(adam, tighter) > 0.8 * mean_step(adam, 0)
        assert mean_step(sgd, tighter) < 0.3 * mean_step(sgd, tighter - 1)
    assert mean_step(sgd, 4) < 1e-3 * mean_step(sgd, 0)


def test_2_near_eps_they_do_by_half_at_a_bound_of_eps() -> None:
    bounds = (1e-5, 1e-7, EPS, 1e-9, 1e-10)
    events = run_of(*(f"value:{bound}" for bound in bounds))
    wide, *near = (measures(events, lane)[0].step_size for lane in range(len(bounds)))
    for bound, step in zip(bounds[1:], near, strict=True):
        assert step / wide == pytest.approx(bound / (bound + EPS), rel=0.02)
    # Later a component that was 0 at times has a second moment below the bound, and eps weighs more.
    assert 0.35 < mean_step(events, 2, 4) / mean_step(events, 0, 4) < 0.5


def test_3_with_a_bound_of_the_largest_component_the_lanes_are_bit_identical(gradients: list[Tensor]) -> None:
    run_of("none")
    largest = max(float(gradient.abs().max()) for gradient in gradients)
    events = run_of("none", f"value:{largest}", f"value:{largest * 0.999}")
    for measure in measures(events, 1).values():
        assert measure.clipped_share == 0
        assert measure.cosine == pytest.approx(1, abs=1e-12)
    assert losses(events, 1) == losses(events, 0)
    assert set(comparisons(events, 1)) == {(0.0, 0.0)}
    # It is the bound that makes the difference: a thousandth lower, and one component of one step is cut.
    assert comparisons(events, 2)[-1][0] > 0


def test_4_the_cosine_falls_to_that_of_the_signs_and_not_to_0(gradients: list[Tensor]) -> None:
    events = run_of("value:1e-8")
    for step, measure in measures(events, 0).items():
        gradient = gradients[step].double()
        limit = gradient.abs().sum() / (math.sqrt(torch.count_nonzero(gradient)) * gradient.norm())
        assert measure.cosine == pytest.approx(float(limit), abs=1e-4)
        assert limit > 0.3
    assert measures(events, 0)[0].cosine < 0.6


def test_4_the_cosine_falls_as_the_bound_does() -> None:
    events = run_of(*(f"value:1e-{exponent}" for exponent in range(6)), iterations=1)
    cosines = [measures(events, lane)[0].cosine or 0.0 for lane in range(6)]
    assert all(wide > tight for wide, tight in pairwise(cosines))
    assert cosines[-2] - cosines[-1] < 0.01


def test_5_norm_clipping_keeps_the_direction_and_clipping_layer_by_layer_does_not() -> None:
    events = run_of("norm:0.1", "norm:1e-6", "layer-norm:0.1")
    for lane in (0, 1):
        for measure in measures(events, lane).values():
            assert measure.norm_ratio is not None
            assert measure.norm_ratio < 0.5
            assert measure.cosine == pytest.approx(1, abs=1e-9)
    assert min(measure.cosine or 0.0 for measure in measures(events, 2).values()) < 0.99


def test_6_one_spike_poisons_unclipped_adam_and_clipped_it_does_not() -> None:
    step_sizes = documented_step_sizes()
    # The mean over some hundreds of steps, beginning long after the spike at step 200.
    later = slice(300, 500)
    sizes = {
        (rule, spike): statistics.mean(step_sizes(rule, spike, 500)[later])
        for rule in ("none", "value:0.001")
        for spike in (1, 10_000)
    }
    assert sizes["none", 10_000] < sizes["none", 1] / 3
    assert sizes["value:0.001", 10_000] == pytest.approx(sizes["value:0.001", 1], rel=0.15)


def documented_step_sizes() -> Callable[[str, float, int], list[float]]:
    """The function of the document's example, which must run as it stands."""
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example.partition("\nfor rule")[0], names)
    return names["step_sizes"]


@pytest.mark.parametrize("reset", [False, True])
def test_7_toggling_is_asymmetric_and_resetting_the_moments_removes_it(reset: bool) -> None:
    toggles = [SetClip(lane="0", rule="value:0.001", at_step=200), SetClip(lane="1", rule="none", at_step=200)]
    events = run_of(
        "none", "value:0.001", "value:0.001", commands=toggles, iterations=440, reset_moments=reset, eval_size=10
    )
    # Clipped from the start, this lane shows what clipped steps are like without the memory of others.
    stalled = mean_step(events, 0, 220, 440) / mean_step(events, 2, 220, 440)
    before = mean_step(events, 1, 160, 200)
    kick = mean_step(events, 1, 200, 204) / before
    settled = mean_step(events, 1, 300, 440) / before
    if reset:
        assert stalled > 0.75
        assert kick < 3
    else:
        assert stalled < 0.3
        assert kick > 4
    assert settled < 1.5


def test_8_no_rule_revives_a_head_that_is_all_dead() -> None:
    rules = ("none", "value:0.001", "norm:1", "layer-norm:1", "agc:0.01", "autoclip:10", "zclip", "sign")
    toggles = [SetClip(lane="1", rule=rule, at_step=100 + 8 * place) for place, rule in enumerate(rules)]
    resets = [ResetMoments(lane="1", at_step=command.at_step) for command in toggles[4:]]
    settings = {"head": "relu", "iterations": 180, "eval_size": 100}
    events = run_of("value:0.01", "value:0.01", commands=[*toggles, *resets], **settings)
    for step, measure in measures(events, 1).items():
        if step >= 100:
            assert (measure.norm, measure.clipped_norm, measure.step_size) == (0, 0, 0)
    dead = [event for event in events if isinstance(event, Diagnosed) and event.step >= 100]
    assert {event.dead_outputs for event in dead} == {tuple(range(10))}
    assert not any(isinstance(event, OutputRevived) and event.step >= 100 for event in events)
    assert losses(events, 1)[25:] == pytest.approx([math.log(10)] * 20, abs=1e-6)
    # What was toggled is bit for bit what was left alone.
    assert set(comparisons(events, 1)) == {(0.0, 0.0)}
    ends = [event for event in events if isinstance(event, LaneFinished)]
    assert [len(event.silent_outputs) for event in ends] == [10, 10]


def test_the_documents_commands_are_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    lines = re.findall(r"^ +clipwatch (--[^|\n]*)$", document, re.MULTILINE)
    assert len(lines) >= 9
    for line in lines:
        assert main([*shlex.split(line, comments=True), "--print-config"]) == 0
    for command in re.findall(r"echo '(.*?)'", document):
        assert isinstance(decode_command(command), SetClip)


def test_the_documents_pictures_are_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\((.*?)\)", DOCUMENT.read_text(encoding="utf-8"))
    assert len(pictures) == 8
    for picture in pictures:
        assert (DOCUMENT.parent / picture).read_text(encoding="utf-8").startswith("<svg")
