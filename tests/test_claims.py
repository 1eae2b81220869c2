"""Every claim of docs/claims.md, checked on the embedded digits or a few seeds, and the document's commands and code.

`test_temporal_order_runs.py` checks which lanes solve the temporal order problem with the settings of claims 10 and 11.
"""

from __future__ import annotations

import io
import math
import re
import shlex
import statistics
import sys
from collections.abc import Callable, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from test_sweep import InProcessBackend
from torch import Tensor

from clipwatch.core.engine.engine import Engine
from clipwatch.core.experiments.lenet.network import LeNet
from clipwatch.core.optimizers.adam import EPS
from clipwatch.core.stream.codec import decode_command, encode
from clipwatch.core.stream.commands import LaneCommand, ResetMoments, SetClip
from clipwatch.core.stream.config import RunConfig, from_options
from clipwatch.core.stream.events import Diagnosed, Evaluated, Event, LaneFinished, LanesCompared, OutputRevived
from clipwatch.core.stream.measures import Measure
from clipwatch.core.stream.sweep_config import sweep_config
from clipwatch.core.stream.sweep_events import Results
from clipwatch.core.sweeps.comparisons import comparisons as compared_settings
from clipwatch.core.sweeps.comparisons import summaries
from clipwatch.core.sweeps.runner import Sweep
from clipwatch.core.sweeps.store import SweepFolder, read_sweep
from clipwatch.tui.cli.main import main

COMPUTE = LeNet.loss_and_gradient
ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "claims.md"


def run_of(*rules: str, commands: Sequence[LaneCommand] = (), **settings: Any) -> list[Event]:
    """All events of a run on the digits with a lane for each rule, named by its place and measured every 4 steps."""
    lanes = {str(place): rule for place, rule in enumerate(rules)}
    small = {"iterations": 40, "eval_every": 4, "eval_size": 20, "diagnose_every": 1, "head": "linear"}
    engine = Engine(from_options({"dataset": "digits", "offline": True, **small, **settings, "lanes": lanes}))
    for command in commands:
        engine.send(command)
    return list(engine.run())


def measures(events: Sequence[Event], lane: int) -> dict[int, Measure]:
    """The measures of one lane's whole gradient, by step."""
    return {event.step: event.total for event in events if isinstance(event, Diagnosed) and event.lane == str(lane)}


def mean_step(events: Sequence[Event], lane: int, start: int = 0, end: int = 10**6) -> float:
    """The mean |step| over the learning rate, over the measures from step `start` until before step `end`."""
    return statistics.mean(m.step_size or 0.0 for step, m in measures(events, lane).items() if start <= step < end)


def losses(events: Sequence[Event], lane: int) -> list[float]:
    return [event.loss for event in events if isinstance(event, Evaluated) and event.lane == str(lane)]


def comparisons(events: Sequence[Event], lane: int) -> list[tuple[float, float]]:
    """Parameter distance and share of different predictions between the first lane and another."""
    return [
        (event.distance, event.disagreement)
        for event in events
        if isinstance(event, LanesCompared) and event.lanes == ("0", str(lane))
    ]


@pytest.fixture
def gradients(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """The raw gradients of all steps of a run with one lane."""
    seen: list[Tensor] = []

    def loss_and_gradient(self: LeNet, images: Tensor, labels: Tensor) -> float:
        loss = COMPUTE(self, images, labels)
        seen.append(self.gradient.clone())
        return loss

    monkeypatch.setattr(LeNet, "loss_and_gradient", loss_and_gradient)
    return seen


@pytest.fixture(scope="module")
def claims() -> ModuleType:
    """benchmarks/claims.py."""
    pytest.importorskip("matplotlib")
    spec = spec_from_file_location("benchmark_of_claims", ROOT / "benchmarks" / "claims.py")
    assert spec
    assert spec.loader
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The sweep of claim 1 with fewer seeds and steps."""
    home = tmp_path_factory.mktemp("sweep")
    base = RunConfig(settings={"dataset": "digits"}, offline=True, iterations=200)
    config = sweep_config(base, {"clip": ["none", "value:0.001"], "head": ["relu", "linear"]}, 8, ())
    list(Sweep(config, home, backend=InProcessBackend(config.base)).run())
    (path,) = home.iterdir()
    return read_sweep(SweepFolder(path)).results


def test_1_the_accuracy_that_clipping_costs_follows_the_outputs_that_die(sweep: Results, claims: ModuleType) -> None:
    relu, plain = (comparison for comparison in compared_settings(sweep) if comparison.axis == "clip")
    assert (relu.reference.choice["head"], plain.reference.choice["head"]) == ("relu", "linear")
    assert relu.main.paired.mean < 2 * plain.main.paired.mean < 0
    more_dead, differences = claims.differences_by_dead(sweep, relu)
    assert more_dead.mean() > 0
    assert np.corrcoef(more_dead, differences)[0, 1] < -0.5
    # With plain logits no output can die.
    assert all((one.mean_dead == 0) == (one.setting.choice["head"] == "linear") for one in summaries(sweep))


def test_1_its_picture_is_drawn_from_any_sweep_of_these_axes(
    sweep: Results,
    claims: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(claims, "DOCS", tmp_path)
    claims.dead_outputs(sweep)
    assert (tmp_path / "claims" / "dead-outputs.svg").read_text(encoding="utf-8").startswith("<svg")
    assert "better on 1 of 8" in capsys.readouterr().out


def test_2_adams_steps_do_not_shrink_with_the_bound_and_sgds_do() -> None:
    rules = [f"value:1e-{exponent}" for exponent in range(2, 7)]
    adam = run_of(*rules)
    # The rate is larger so that steps are not lost in the rounding of the weights.
    sgd = run_of(*rules, optimizer="sgd", learning_rate=0.1)
    for tighter in range(1, 5):
        assert mean_step(adam, tighter) > 0.8 * mean_step(adam, 0)
        assert mean_step(sgd, tighter) < 0.3 * mean_step(sgd, tighter - 1)
    assert mean_step(sgd, 4) < 1e-3 * mean_step(sgd, 0)


def test_3_only_a_bound_near_eps_shrinks_adams_steps_by_half_at_eps() -> None:
    bounds = (1e-5, 1e-7, EPS, 1e-9, 1e-10)
    events = run_of(*(f"value:{bound}" for bound in bounds))
    wide, *near = (measures(events, lane)[0].step_size for lane in range(len(bounds)))
    for bound, step in zip(bounds[1:], near, strict=True):
        assert step / wide == pytest.approx(bound / (bound + EPS), rel=0.02)
    # Later an element that was 0 in some batches has a second moment below the bound, where eps weighs more.
    assert 0.35 < mean_step(events, 2, 4) / mean_step(events, 0, 4) < 0.5


def test_4_with_a_bound_of_the_largest_element_the_lanes_are_bit_identical(gradients: list[Tensor]) -> None:
    run_of("none")
    largest = max(float(gradient.abs().max()) for gradient in gradients)
    events = run_of("none", f"value:{largest}", f"value:{largest * 0.999}")
    for measure in measures(events, 1).values():
        assert measure.changed == 0
        assert measure.cosine == pytest.approx(1, abs=1e-12)
    assert losses(events, 1) == losses(events, 0)
    assert set(comparisons(events, 1)) == {(0.0, 0.0)}
    # The bound is tight: with one that is a thousandth lower, one element of one step is clipped.
    assert comparisons(events, 2)[-1][0] > 0


def test_5_the_cosine_falls_to_that_of_the_signs_and_not_to_0(gradients: list[Tensor]) -> None:
    events = run_of("value:1e-8")
    for step, measure in measures(events, 0).items():
        gradient = gradients[step].double()
        limit = gradient.abs().sum() / (math.sqrt(torch.count_nonzero(gradient)) * gradient.norm())
        assert measure.cosine == pytest.approx(float(limit), abs=1e-4)
        assert limit > 0.3
    assert measures(events, 0)[0].cosine < 0.6


def test_5_the_cosine_falls_as_the_bound_does() -> None:
    events = run_of(*(f"value:1e-{exponent}" for exponent in range(6)), iterations=1)
    cosines = [measures(events, lane)[0].cosine or 0.0 for lane in range(6)]
    assert all(wide > tight for wide, tight in pairwise(cosines))
    assert cosines[-2] - cosines[-1] < 0.01


def test_6_norm_clipping_keeps_the_direction_and_clipping_layer_by_layer_does_not() -> None:
    events = run_of("norm:0.1", "norm:1e-6", "layer-norm:0.1")
    for lane in (0, 1):
        for measure in measures(events, lane).values():
            assert measure.clipped_norm < 0.5 * measure.norm
            assert measure.cosine == pytest.approx(1, abs=1e-9)
    assert min(measure.cosine or 0.0 for measure in measures(events, 2).values()) < 0.99


def test_7_one_spike_slows_unclipped_adam_and_clipping_prevents_that() -> None:
    step_sizes = documented_step_sizes()
    # Means over 200 steps that begin long after the spike at step 200.
    later = slice(300, 500)
    sizes = {
        (bound, spike): statistics.mean(step_sizes(bound, spike, 500)[later])
        for bound in (math.inf, 0.001)
        for spike in (1, 10_000)
    }
    assert sizes[math.inf, 10_000] < sizes[math.inf, 1] / 3
    assert sizes[0.001, 10_000] == pytest.approx(sizes[0.001, 1], rel=0.15)


def documented_step_sizes() -> Callable[[float, float, int], list[float]]:
    """The function of the document's example."""
    (example,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(example.partition("\nfor bound")[0], names)
    return names["step_sizes"]


@pytest.mark.parametrize("reset", [False, True])
def test_8_toggling_is_asymmetric_and_resetting_the_optimizer_state_removes_it(reset: bool) -> None:
    toggles = [SetClip(lane="0", rule="value:0.001", at_step=200), SetClip(lane="1", rule="none", at_step=200)]
    events = run_of(
        "none", "value:0.001", "value:0.001", commands=toggles, iterations=440, reset_moments=reset, eval_size=10
    )
    # Lane 2 is clipped from the start: its optimizer state has never held unclipped gradients.
    stalled = mean_step(events, 0, 220, 440) / mean_step(events, 2, 220, 440)
    before = mean_step(events, 1, 160, 200)
    transient = mean_step(events, 1, 200, 204) / before
    settled = mean_step(events, 1, 300, 440) / before
    if reset:
        assert stalled > 0.75
        assert transient < 3
    else:
        assert stalled < 0.3
        assert transient > 4
    assert settled < 1.5


def test_9_no_rule_revives_a_network_whose_outputs_are_all_dead() -> None:
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
    # The lane whose rules changed ends bit for bit where the one left alone does.
    assert set(comparisons(events, 1)) == {(0.0, 0.0)}
    ends = [event for event in events if isinstance(event, LaneFinished)]
    assert [len(event.silent_outputs) for event in ends] == [10, 10]


def order_runs(claims: ModuleType, seeds: Sequence[int], **settings: Any) -> list[tuple[Any, Any]]:
    """The records of the unclipped and the clipped lane, by seed."""
    found = claims.train_seeds(claims.LANES, seeds, **settings)
    return list(zip(found["unclipped"], found["clipped"], strict=True))


@pytest.fixture(scope="module")
def order(claims: ModuleType) -> list[tuple[Any, Any]]:
    """The first 200 steps of the temporal order problem with three seeds."""
    return order_runs(claims, (101, 102, 103), iterations=201, diagnose_every=5)


def test_10_the_lanes_are_bit_identical_until_the_first_norm_above_1(order: list[tuple[Any, Any]]) -> None:
    for unclipped, clipped in order:
        first = next(step for step, norm in enumerate(clipped.norms) if norm > 1)
        assert 10 <= first <= 100
        assert unclipped.norms[: first + 1] == clipped.norms[: first + 1]
        assert unclipped.norms[first + 1] != clipped.norms[first + 1]


def test_10_no_single_spike_but_many_steps_saturate_the_unclipped_units(order: list[tuple[Any, Any]]) -> None:
    for unclipped, clipped in order:
        assert unclipped.oversized(before=150) > 50
        for lane, saturates in ((unclipped, True), (clipped, False)):
            assert lane.gauges[50]["saturated"] < 0.1
            assert (lane.gauges[200]["saturated"] > 0.3) is saturates
            assert (lane.gauges[200]["spectral-radius"] > 2) is saturates
        # The loss of guessing is ln 4.
        assert unclipped.end.loss > math.log(4) > clipped.end.loss


def test_10_while_it_learns_the_clipped_lane_has_the_larger_gradients(order: list[tuple[Any, Any]]) -> None:
    pairs = [pair for lanes in order for pair in zip(*(lane.norms[40:200] for lane in lanes), strict=True)]
    assert statistics.mean(clipped > unclipped for unclipped, clipped in pairs) > 0.6


def test_11_with_a_low_rate_and_an_orthogonal_start_clipping_makes_the_loss_worse(claims: ModuleType) -> None:
    ((unclipped, clipped),) = order_runs(claims, (102,), init="orthogonal", learning_rate=0.03)
    assert (unclipped.solved, clipped.solved) == (True, True)
    assert clipped.end.loss > unclipped.end.loss


@pytest.mark.parametrize(
    "settings",
    [{"init": "orthogonal", "learning_rate": 0.1}, {"optimizer": "adam", "learning_rate": 0.01}],
    ids=["a higher rate", "fast Adam"],
)
def test_11_at_higher_rates_clipping_solves_more_seeds(claims: ModuleType, settings: dict[str, Any]) -> None:
    runs = order_runs(claims, (103, 104, 105, 107), diagnostics=False, eval_every=1000, **settings)
    unclipped, clipped = (sum(lane.solved for lane in lanes) for lanes in zip(*runs, strict=True))
    assert clipped > unclipped


def test_the_documents_commands_are_accepted() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    lines = re.findall(r"^ +clipwatch (--[^|\n]*)$", document, re.MULTILINE)
    assert len(lines) >= 15
    for line in lines:
        assert main([*shlex.split(line, comments=True), "--print-config"]) == 0
    for command in re.findall(r"echo '(.*?)'", document):
        assert isinstance(decode_command(command), SetClip)


def test_the_documents_sweep_is_the_one_that_is_trained(claims: ModuleType) -> None:
    (line,) = re.findall(r"^ +clipwatch sweep (.*)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert line.split() == claims.SWEEP


def test_the_documents_reader_of_measures_prints_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = re.findall(r"python3 -c '\n(.*?)'$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    events = run_of("value:0.001", iterations=8)
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(encode(event).decode() for event in events)))
    exec(program, {})
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(step, float(size)) for _, step, _, size, *_ in printed] == [
        (str(step), measure.step_size) for step, measure in measures(events, 0).items()
    ]


def test_the_documents_pictures_are_there_and_say_what_to_see_in_them(claims: ModuleType) -> None:
    pictures = re.findall(r"!\[[^]]+\]\((.*?)\)", DOCUMENT.read_text(encoding="utf-8"))
    assert [Path(picture).stem for picture in pictures] == [claims.SWEPT, *claims.CLAIMS, *claims.GENERATED]
    for picture in pictures:
        svg = (DOCUMENT.parent / picture).read_text(encoding="utf-8")
        assert svg.startswith("<svg")
        assert "font-weight: 700" in svg or "bold" in svg


def test_the_readmes_links_lead_to_headings() -> None:
    headings = re.findall(r"^## (.*)$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"docs/claims\.md#([^)]*)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(links) == 11
    assert set(links) <= anchors
