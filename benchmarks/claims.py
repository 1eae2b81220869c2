"""The figures and pictures of docs/claims.md.

    python benchmarks/claims.py DIR

DIR holds the four MNIST files. Prints every figure that the document quotes, and draws into docs/claims.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from matplotlib.axes import Axes

from clipwatch.core.clipping.clippers import make_clipper
from clipwatch.core.data.datasets import Dataset, load
from clipwatch.core.engine.engine import Engine
from clipwatch.core.experiments.lenet import network as lenet
from clipwatch.core.optimizers.adam import EPS, Adam
from clipwatch.core.reports.drawing import add_legend, as_svg, drawing_style, line_style, new_axes
from clipwatch.core.stream.commands import LaneCommand, SetClip
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import Diagnosed, Evaluated, LaneFinished, LanesCompared
from clipwatch.core.stream.measures import Measure
from clipwatch.core.stream.rules import parse_rule
from clipwatch.core.training.batches import Batches, seeded_generator
from clipwatch.core.training.preparation import lane_thread

PICTURES = Path(__file__).parent.parent / "docs" / "claims"
BOUND = "value:0.001"
LEARNING_RATE = 0.001


@dataclass
class Told:
    """What one lane's events say, by step."""

    measures: dict[int, Measure] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)
    distances: dict[int, float] = field(default_factory=dict)
    end: LaneFinished | None = None

    def step_size(self, start: int = 0, end: int = sys.maxsize) -> float:
        """The mean |step| over the learning rate, over the measures of some steps."""
        return statistics.mean(m.step_size or 0.0 for step, m in self.measures.items() if start <= step < end)

    @property
    def step_sizes(self) -> dict[int, float]:
        return {step: measure.step_size or 0.0 for step, measure in self.measures.items()}

    @property
    def cosines(self) -> dict[int, float]:
        return {step: m.cosine for step, m in self.measures.items() if m.cosine is not None}


def run(
    dataset: Dataset, rules: dict[str, str], commands: Iterable[LaneCommand] = (), **settings: Any
) -> dict[str, Told]:
    """The lanes of a run, measured at every evaluation; with a linear head, in which no class can die, unless set."""
    lanes = tuple(LaneConfig(name, rule) for name, rule in rules.items())
    config = RunConfig(**{"dataset": "mnist", "lanes": lanes, "diagnose_every": 1, "head": "linear", **settings})
    engine = Engine(config, load=lambda *_args, **_options: dataset)
    for command in commands:
        engine.send(command)
    told = {name: Told() for name in rules}
    for event in engine.run():
        match event:
            case Evaluated(lane=lane, step=step, loss=loss):
                told[lane].losses[step] = loss
            case Diagnosed(lane=lane, step=step, total=total):
                told[lane].measures[step] = total
            case LanesCompared(lanes=(_, lane), step=step, distance=distance):
                told[lane].distances[step] = distance
            case LaneFinished(lane=lane):
                told[lane].end = event
    return told


def line(axes: Axes, number: int, points: dict[Any, float], label: str, markers: int = 9) -> None:
    """One of several lines, with so many markers, each line's elsewhere."""
    every = max(1, len(points) // markers)
    shift = (number * every // 3 % every, every)
    places, values = list(points), list(points.values())
    axes.plot(places, values, **line_style(number), markersize=4.5, markevery=shift, linewidth=1.6, label=label)


def draw(name: str, axes: Axes, across: str, up: str) -> None:
    """Name the axes and write the picture."""
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter(lambda place, _: f"{place:g}".replace("e-0", "e-"))
    handles, labels = axes.get_legend_handles_labels()
    add_legend(axes, handles, labels, 4 if sum(map(len, labels)) < 40 else 2)
    PICTURES.mkdir(exist_ok=True)
    # No viewer's own background, which may be dark, behind it.
    axes.get_figure().patch.set_facecolor("white")
    (PICTURES / f"{name}.svg").write_text(as_svg(axes.figure, name) + "\n", encoding="utf-8")


def steps_and_bounds(dataset: Dataset) -> None:
    """Claim 1."""
    rules = {f"1e-{k}": f"value:1e-{k}" for k in range(2, 7)}
    adam = run(dataset, rules, iterations=200)
    sgd = run(dataset, rules, iterations=200, optimizer="sgd", learning_rate=0.1)
    with drawing_style("steps"):
        _, axes = new_axes(6.6, 2.8)
        for number, (name, told) in enumerate({"Adam": adam, "SGD": sgd}.items()):
            sizes = {float(bound): lane.step_size() for bound, lane in told.items()}
            line(axes, number, sizes, name)
            print(f"1 {name}: mean |step| / learning rate by bound", {k: f"{v:.3g}" for k, v in sizes.items()})
            print(f"1 {name}: from 1e-2 to 1e-6 it falls by {sizes[1e-2] / sizes[1e-6]:.3g}")
        axes.loglog()
        axes.invert_xaxis()
        draw("steps", axes, "value bound", "mean |step| / learning rate")


def steps_near_eps(dataset: Dataset) -> None:
    """Claim 2."""
    exponents = [5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5, 10]
    told = run(dataset, {f"b{k}": f"value:{10**-k:g}" for k in exponents}, iterations=200)
    widest = told["b5"]
    first = {10**-k: told[f"b{k}"].step_size(0, 1) / widest.step_size(0, 1) for k in exponents}
    later = {10**-k: told[f"b{k}"].step_size(100) / widest.step_size(100) for k in exponents}
    for bound in (1e-7, 1e-8, 1e-9):
        print(f"2 bound {bound:g}: first step {first[bound]:.3f}, steps 100 to 199 {later[bound]:.3f} of that at 1e-5")
    with drawing_style("eps"):
        _, axes = new_axes(6.6, 2.8)
        line(axes, 0, first, "first step")
        line(axes, 1, later, "steps 100 to 199")
        expected = {bound: bound / (bound + EPS) for bound in first}
        axes.plot(list(expected), list(expected.values()), color="#333333", linewidth=0.8, label="c / (c + eps)")
        axes.axvline(EPS, color="#666666", linewidth=0.8, linestyle=":")
        axes.annotate("eps", (EPS, 0.02), (3, 0), textcoords="offset points", fontsize=7.5, color="#555555")
        axes.set_xscale("log")
        axes.set_ylim(0, 1.25)
        axes.invert_xaxis()
        draw("eps", axes, "value bound c", "step, of that at 1e-5")


def distances(dataset: Dataset) -> None:
    """Claim 3."""
    told = run(dataset, {"none": "none", **{b: f"value:{b}" for b in ("100", "1", "0.1", "0.01")}})
    with drawing_style("distance"):
        _, axes = new_axes(6.6, 2.8)
        for number, (bound, lane) in enumerate(list(told.items())[1:]):
            line(axes, number, lane.distances, f"value:{bound}")
            same = lane.losses == told["none"].losses
            saturation = max(measure.clipped_share for measure in lane.measures.values())
            end = list(lane.distances.values())[-1]
            print(f"3 value:{bound}: distance at the end {end:.3g}, every loss equal: {same},")
            print(f"  cosine at least {min(lane.cosines.values()):.3f}, at most {saturation:.3%} clipped")
        draw("distance", axes, "step", "distance from unclipped weights")


def directions(dataset: Dataset) -> None:
    """Claim 4: all lanes are one until the bound comes into force, so that they clip the same gradient."""
    exponents = [k / 2 for k in range(17)]
    with drawing_style("direction"):
        _, axes = new_axes(6.6, 2.8)
        for number, at in enumerate((0, 500)):
            names = [f"b{k}" for k in exponents]
            commands = [SetClip(lane=f"b{k}", rule=f"value:{10**-k:g}", at_step=at) for k in exponents]
            told = run(dataset, dict.fromkeys(names, "none"), commands, iterations=at + 1, eval_every=500)
            cosines = {10**-k: told[f"b{k}"].cosines[at] for k in exponents}
            # Clipped as tightly as that, a gradient is its signs.
            limit = told[names[-1]].measures[at].cosine
            signs = signs_cosine(dataset, at)
            print(f"4 step {at}: cosine {cosines[1.0]:.3f} at 1, {cosines[1e-3]:.3f} at 0.001, {limit:.4f} at 1e-8;")
            print(f"  |g|_1 / (sqrt(d+) |g|_2) computed from the gradient: {signs:.4f},")
            print(f"  an angle of {math.degrees(math.acos(signs)):.0f} degrees")
            line(axes, number, cosines, f"step {at}")
            axes.axhline(signs, color=line_style(number)["color"], linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        axes.set_ylim(0, 1.05)
        axes.invert_xaxis()
        draw("direction", axes, "value bound", "cos(g, clipped g)")


def signs_cosine(dataset: Dataset, at: int) -> float:
    """Of an unclipped lane's gradient at a step, trained here without the engine."""
    model, adam, batches = parts(dataset)
    with lane_thread():
        for step in range(at + 1):
            model.loss_and_gradient(*batches.next_batch(8))
            if step < at:
                adam.step(model.gradient)
        g = model.gradient.double()
        return float(g.abs().sum() / (torch.count_nonzero(g).double().sqrt() * g.norm()))


def parts(dataset: Dataset) -> tuple[lenet.LeNet, Adam, Batches]:
    """A network, its optimizer and its batches, as every lane of seed 0 has them."""
    model = lenet.LeNet(lenet.initial_parameters(0.1, seeded_generator(0, "weights")), "linear")
    adam = Adam(model.parameters, learning_rate=LEARNING_RATE, beta1=0.5)
    images, labels = torch.from_numpy(dataset.training.images), torch.from_numpy(dataset.training.labels)
    return model, adam, Batches(images, labels, seeded_generator(0, "training batches"))


def norm_rules(dataset: Dataset) -> None:
    """Claim 5."""
    rules = ("norm:0.1", "norm:1e-6", "layer-norm:0.1", BOUND)
    told = run(dataset, {f"l{n}": rule for n, rule in enumerate(rules)})
    with drawing_style("norm"):
        _, axes = new_axes(6.6, 2.8)
        for number, rule in enumerate(rules):
            cosines = told[f"l{number}"].cosines
            line(axes, number, cosines, rule)
            print(f"5 {rule}: cosine from {min(cosines.values()):.6f} to {max(cosines.values()):.6f}")
        axes.set_ylim(0, 1.05)
        draw("norm", axes, "step", "cos(g, clipped g)")


SPIKE_AT, SPIKE = 200, 10_000


def spikes(dataset: Dataset) -> None:
    """Claim 6."""
    cases = {
        "unclipped": ("none", 1.0),
        "unclipped, spike": ("none", SPIKE),
        f"{BOUND}, spike": (BOUND, SPIKE),
        "norm:1, spike": ("norm:1", SPIKE),
    }
    with drawing_style("spike"):
        _, axes = new_axes(6.6, 2.8)
        for number, (name, (rule, spike)) in enumerate(cases.items()):
            sizes, losses = spiked(dataset, rule, spike)
            line(axes, number, means(sizes, 10), name)
            print(f"6 {name}: before {statistics.mean(sizes[100:SPIKE_AT]):.3f}, at the spike {sizes[SPIKE_AT]:.2f},")
            later = [f"{statistics.mean(sizes[a : a + 100]):.3f}" for a in (300, 500, 900)]
            before, after = statistics.mean(losses[100:SPIKE_AT]), statistics.mean(losses[201:301])
            print(f"  100 steps from 300, 500, 900 {later}; training loss {before:.2f}, after it {after:.2f}")
        for spike in (10, 100):
            sizes, _ = spiked(dataset, "none", spike)
            print(f"6 spike x{spike}: 100 steps from 300 {statistics.mean(sizes[300:400]):.3f}")
        axes.set_yscale("log")
        draw("spike", axes, "step", "mean |step| / learning rate")


def spiked(dataset: Dataset, rule: str, spike: float) -> tuple[list[float], list[float]]:
    """Mean |step| over the learning rate, and the training loss, at every step."""
    model, adam, batches = parts(dataset)
    clipper = make_clipper(parse_rule(rule), model.parameters, model.layout)
    sizes, losses = [], []
    with lane_thread():
        for step in range(1000):
            losses.append(model.loss_and_gradient(*batches.next_batch(8)))
            if step == SPIKE_AT:
                model.gradient.mul_(spike)
            gradient, _ = clipper.clip(model.gradient, model.parameters)
            before = model.parameters.clone()
            adam.step(gradient)
            sizes.append((model.parameters - before).abs().mean().item() / LEARNING_RATE)
    return sizes, losses


def means(values: Sequence[float], width: int) -> dict[int, float]:
    """The values thinned out, each the mean of so many."""
    return {start: statistics.mean(values[start : start + width]) for start in range(0, len(values), width)}


TOGGLED_AT = 300


def toggles(dataset: Dataset) -> None:
    """Claim 7."""
    rules = {"on": "none", "off": BOUND, "always": BOUND, "never": "none"}
    commands = [
        SetClip(lane="on", rule=BOUND, at_step=TOGGLED_AT),
        SetClip(lane="off", rule="none", at_step=TOGGLED_AT),
    ]
    settings = {"iterations": 1000, "eval_every": 2, "eval_size": 10}
    with drawing_style("toggle"):
        _, axes = new_axes(6.6, 3.0)
        for reset in (False, True):
            told = run(dataset, rules, commands, reset_moments=reset, **settings)
            for place, name in enumerate(("on", "off")):
                sizes = told[name].step_sizes
                # The kick is seen step by step, all else in means of 20 steps.
                shown = {2 * start + 10: size for start, size in means(list(sizes.values()), 10).items()}
                shown = {step: size for step, size in shown.items() if not 300 <= step < 320}
                shown |= {step: sizes[step] for step in range(300, 320, 2)}
                shown = {step: shown[step] for step in sorted(shown) if 200 <= step < 900}
                line(axes, 2 * reset + place, shown, f"clipping {name}" + (", moments reset" if reset else ""))
                told_of = told[name]
                windows = [(300, 302), (310, 312), (320, 340), (350, 400), (400, 500), (500, 700), (800, 1000)]
                print(f"7 {name}, reset {reset}: before {told_of.step_size(200, 300):.3f}, then", end=" ")
                print({f"{a}-{b - 1}": f"{told_of.step_size(a, b):.3f}" for a, b in windows})
        for name in ("always", "never"):
            print(f"7 {name} clipped:", [f"{told[name].step_size(a, b):.3f}" for a, b in windows])
        axes.axvline(TOGGLED_AT, color="#333333", linewidth=0.8, linestyle=(0, (5, 3)))
        axes.set_yscale("log")
        draw("toggle", axes, "step", "mean |step| / learning rate")


def dead(dataset: Dataset) -> None:
    """Claim 8: seed 2, whose clipped lane dies; from step 600 on one rule after the other."""
    rules = ("none", "norm:1", "layer-norm:1", "agc:0.01", "autoclip:10", "zclip", "sign", "value:0.00000001")
    commands = [SetClip(lane="toggled", rule=rule, at_step=600 + 50 * n) for n, rule in enumerate(rules)]
    settings = {"seed": 2, "head": "relu", "reset_moments": True}
    told = run(dataset, {"left": BOUND, "toggled": BOUND, "unclipped": "none"}, commands, **settings)
    lane = told["toggled"]
    late = [measure for step, measure in lane.measures.items() if step >= 600]
    print("8 gradient norms from step 600 on", {measure.norm for measure in late}, "steps", {m.step_size for m in late})
    print("8 losses", {f"{loss:.6f}" for step, loss in lane.losses.items() if step >= 600}, f"ln 10 {math.log(10):.6f}")
    alive = max(step for step, measure in lane.measures.items() if measure.norm)
    print("8 last step measured with a gradient other than 0:", alive)
    print("8 distance from the lane left alone", set(lane.distances.values()))
    ends = {name: told[name].end for name in told}
    print("8 at the end", {n: f"{e.correct / e.total:.3f}, {len(e.silent_outputs)} dead" for n, e in ends.items() if e})
    with drawing_style("dead"):
        _, axes = new_axes(6.6, 2.8)
        line(axes, 0, told["unclipped"].losses, "unclipped")
        line(axes, 1, lane.losses, f"{BOUND}, from step 600 on one rule after the other")
        for n, rule in enumerate(rules):
            axes.axvline(600 + 50 * n, color="#333333", linewidth=0.8, linestyle=(0, (5, 3)))
            text = "value:1e-8" if rule.startswith("value") else rule
            where: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
            axes.annotate(text, (600 + 50 * n, 0.03), (3, 0), **where, rotation=90, fontsize=7, color="#333333")
        axes.set_ylim(0, 2.7)
        draw("dead", axes, "step", "validation loss")


def main() -> None:
    """All eight."""
    dataset = load("mnist", data_dir=sys.argv[1], offline=True, report=print)
    for claim in (steps_and_bounds, steps_near_eps, distances, directions, norm_rules, spikes, toggles, dead):
        claim(dataset)


if __name__ == "__main__":
    main()
