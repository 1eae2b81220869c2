"""The figures and pictures of docs/claims.md.

    python benchmarks/claims.py DIR                              # all: 20 minutes, after 5 to 15 for the sweep
    python benchmarks/claims.py DIR --sweep FOLDER               # the first claim from a sweep that is done
    python benchmarks/claims.py DIR --only steps spike           # some of them, by the names of their pictures

DIR holds the four MNIST files. Prints every figure that the document quotes, draws into docs/claims, and draws the
screen of the sweep into docs/sweep.svg.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import math
import re
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from animated_svg import still
from matplotlib.axes import Axes

from clipwatch.core.clipping.clippers import make_clipper
from clipwatch.core.data.datasets import Dataset, load
from clipwatch.core.engine.engine import Engine
from clipwatch.core.experiments.batches import Batches, seeded_generator
from clipwatch.core.experiments.lenet import network as lenet
from clipwatch.core.optimizers.adam import EPS, Adam
from clipwatch.core.reports.drawing import as_svg, drawing_style, line_style, new_axes
from clipwatch.core.statistics.intervals import wilson_interval
from clipwatch.core.stream.commands import LaneCommand, SetClip
from clipwatch.core.stream.config import from_options
from clipwatch.core.stream.events import Diagnosed, Evaluated, LaneFinished, LanesCompared, StepsTrained
from clipwatch.core.stream.measures import Measure
from clipwatch.core.stream.rules import parse_rule
from clipwatch.core.stream.series import step_values
from clipwatch.core.stream.sweep_events import Results
from clipwatch.core.sweeps.comparisons import Comparison, comparisons, summaries
from clipwatch.core.sweeps.store import SweepFolder, read_sweep
from clipwatch.core.training.preparation import lane_thread
from clipwatch.tui.cli.main import main as clipwatch
from clipwatch.tui.sweep.app import SweepApp

DOCS = Path(__file__).parent.parent / "docs"
BOUND = "value:0.001"
LEARNING_RATE = 0.001
SWEEP = ["--seeds", "64", "--clip", "none", "--clip", BOUND, "--head", "relu", "--head", "linear"]
STEP_SIZE = "mean |step| / learning rate"
MINUS = "\N{MINUS SIGN}"
TIGHTER = "value bound   (tighter →)"
# Inches. A page shows the pictures at about this size, so that their text is as large as the page's own.
_WIDTH, _HEIGHT = 5.4, 2.9
# The height of a line of a label, as a share of the axes.
_LABEL_HEIGHT = 0.085
_GREY = "#6b6b6b"


@dataclass
class LaneRecord:
    """The figures of one lane, by step."""

    measures: dict[int, Measure] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)
    distances: dict[int, float] = field(default_factory=dict)
    gauges: dict[int, dict[str, float]] = field(default_factory=dict)
    norms: list[float] = field(default_factory=list)
    end: LaneFinished | None = None

    @property
    def solved(self) -> bool:
        """Whether 99 % of all validation examples were predicted at the end."""
        return self.end is not None and (self.end.accuracy or 0.0) >= 0.99

    def oversized(self, before: int = 10**9) -> int:
        """The number of steps before step `before` whose gradient has a norm above 1."""
        return sum(norm > 1 for norm in self.norms[:before])

    def step_size(self, start: int = 0, end: int = 10**9) -> float:
        """The mean |step| over the learning rate, over the measures from step `start` until before step `end`."""
        return statistics.mean(m.step_size or 0.0 for step, m in self.measures.items() if start <= step < end)

    @property
    def step_sizes(self) -> dict[int, float]:
        return {step: measure.step_size or 0.0 for step, measure in self.measures.items()}

    @property
    def cosines(self) -> dict[int, float]:
        return {step: m.cosine for step, m in self.measures.items() if m.cosine is not None}

    @property
    def most_clipped(self) -> float:
        """The largest share of elements clipped in any measure."""
        return max(measure.changed / measure.histogram.finite for measure in self.measures.values())


def run(
    dataset: Dataset, rules: dict[str, str], commands: Iterable[LaneCommand] = (), **settings: Any
) -> dict[str, LaneRecord]:
    """Train lanes side by side and measure them at every evaluation; with plain logits unless set otherwise."""
    config = from_options({"dataset": "mnist", "diagnose_every": 1, "head": "linear", **settings, "lanes": rules})
    engine = Engine(config, load=lambda *_args, **_options: dataset)
    for command in commands:
        engine.send(command)
    return record(engine)


def record(engine: Engine) -> dict[str, LaneRecord]:
    """Train a run and record its lanes."""
    lanes: defaultdict[str, LaneRecord] = defaultdict(LaneRecord)
    for event in engine.run():
        match event:
            case Evaluated(lane=lane, step=step, loss=loss):
                lanes[lane].losses[step] = loss
            case Diagnosed(lane=lane, step=step, total=total, gauge=gauge):
                lanes[lane].measures[step] = total
                lanes[lane].gauges[step] = gauge
            case StepsTrained(lane=lane):
                lanes[lane].norms += step_values(event).series["grad-norm"].tolist()
            case LanesCompared(lanes=(_, lane), step=step, distance=distance):
                lanes[lane].distances[step] = distance
            case LaneFinished(lane=lane):
                lanes[lane].end = event
            case _:
                pass
    return lanes


# Drawing


@contextmanager
def picture(name: str, title: str, across: str, up: str) -> Iterator[Axes]:
    """A chart to draw in, which is then written to docs/claims; the title says what to see in it."""
    with drawing_style(name):
        figure, axes = new_axes(_WIDTH, _HEIGHT)
        yield axes
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        for axis in (axes.xaxis, axes.yaxis):
            if axis.get_scale() == "log":
                axis.set_major_formatter(lambda place, _: f"{place:g}".replace("e-0", "e-"))
        # White, because a viewer's own background may be dark.
        figure.patch.set_facecolor("white")
        folder = DOCS / "claims"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.svg").write_text(as_svg(figure, name) + "\n", encoding="utf-8")


def plot(axes: Axes, number: int, points: Mapping[Any, float], *, markers: bool = False) -> None:
    """Draw one of several lines."""
    look = line_style(number)
    if not markers:
        look = {**look, "marker": ""}
    axes.plot(list(points), list(points.values()), **look, markersize=4.5, linewidth=1.6)


def label_ends(axes: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Name lines right of where they end: the y of the end, the text and its colour; no label covers another."""
    x = axes.get_xlim()[1]
    to_axes = axes.transScale + axes.transLimits
    free = math.inf
    for y, text, colour in sorted(ends, reverse=True):
        height = _LABEL_HEIGHT * (1 + text.count("\n"))
        middle = min(float(to_axes.transform((x, y))[1]), free - height / 2)
        free = middle - height / 2
        note(axes, text, (1, middle), colour, xycoords="axes fraction", xytext=(5, 0), va="center")


def note(axes: Axes, text: str, at: tuple[float, float], colour: str = _GREY, **settings: Any) -> None:
    """A label at a place in the data."""
    settings = {"xytext": (0, 0), "textcoords": "offset points", "fontsize": 8.5, "linespacing": 1.1, **settings}
    axes.annotate(text, at, color=colour, annotation_clip=False, **settings)


def colour_of(number: int) -> str:
    """The colour of one of several lines."""
    return line_style(number)["color"]


def last(points: Mapping[Any, float]) -> float:
    """Where a line ends."""
    return list(points.values())[-1]


# Claim 1, from a sweep


def dead_outputs(results: Results) -> None:
    """What share of the accuracy that clipping costs is dead outputs."""
    by_head = {c.reference.choice["head"]: c for c in comparisons(results) if c.axis == "clip"}
    relu, plain = by_head["relu"], by_head["linear"]
    for summary in summaries(results):
        print(
            f"1 {summary.setting.name}: median {summary.range[0]:.3f}, {summary.mean_dead:.1f} dead outputs on average"
        )
    for head, comparison in by_head.items():
        found = comparison.main.paired
        low, high = found.interval
        print(f"1 {head}: {found.mean:+.2f} percentage points (95 % {low:+.2f} to {high:+.2f}),", end=" ")
        print(f"better on {found.wins} of {found.n}, {found.ties} equal")
    share = 1 - plain.main.paired.mean / relu.main.paired.mean
    print(f"1 share of the loss that dead outputs make: {share:.3f}")
    more_dead, differences = differences_by_dead(results, relu)
    slope, at_none = np.polyfit(more_dead, differences, 1)
    correlation = np.corrcoef(more_dead, differences)[0, 1]
    print(
        f"1 relu: {slope:.1f} percentage points for each more dead output, {at_none:.1f} at none; r {correlation:.2f}"
    )
    blue, orange = colour_of(0), colour_of(1)
    title = f"{100 * share:.0f} % of the accuracy that clipping costs is dead outputs"
    up = "accuracy, percentage points,\nclipped minus unclipped"
    with picture("dead-outputs", title, "dead outputs, clipped minus unclipped", up) as axes:
        rng = np.random.default_rng(0)
        ends = np.array([min(more_dead), max(more_dead)])
        axes.set_axisbelow(True)
        axes.axhline(0, color=_GREY, linewidth=0.8)
        axes.plot(ends, at_none + slope * ends, color=blue, linewidth=1.2)
        plain_x = rng.uniform(-0.15, 0.15, plain.main.paired.n)
        axes.scatter(plain_x, plain.main.paired.differences, s=14, color=orange, marker="s", alpha=0.4, linewidths=0)
        dead_x = more_dead + rng.uniform(-0.15, 0.15, len(more_dead))
        axes.scatter(dead_x, differences, s=16, color=blue, alpha=0.7, linewidths=0)
        axes.set_ylim(top=20)
        text = f"plain logits (no output can die): {plain.main.paired.mean:.1f} on average".replace("-", MINUS)
        note(axes, text, (-0.2, 11), orange)
        text = f"ReLU on the logits:\n{relu.main.paired.mean:.1f} on average,\n{slope:.1f} for each more dead output"
        note(axes, text.replace("-", MINUS), (5.3, -26), blue)


def differences_by_dead(results: Results, comparison: Comparison) -> tuple[np.ndarray, np.ndarray]:
    """For each seed, how many more outputs are dead when clipped, and the difference of accuracy in percentage points.

    Seeds on which a lane diverged are left out.
    """
    reference, other = results.of(comparison.reference.number), results.of(comparison.other.number)
    seeds = sorted(reference.keys() & other.keys())
    more_dead = [len(other[seed].dead) - len(reference[seed].dead) for seed in seeds]
    return np.array(more_dead), np.array(comparison.main.paired.differences)


async def draw_screen(folder: Path) -> None:
    """The screen of a finished sweep, as docs/sweep.svg."""
    events = [sys.executable, "-m", "clipwatch.tui.cli.main", "resume", str(folder.resolve()), "--no-ui", "--json"]
    app = SweepApp(events)
    async with app.run_test(size=(136, 35)) as pilot:
        while not app.view.finished:
            await asyncio.sleep(0.1)
        # The screen computes its statistics as often as their cost allows, and once more at the end.
        await asyncio.sleep(15)
        # Without the time that it took to read the sweep.
        app.view.message = re.sub(r" in \S.*?;", ";", app.view.message)
        app.action_scroll(0)
        await pilot.pause()
        picture = still(app.export_screenshot(simplify=True), "clipwatch sweep")
        (DOCS / "sweep.svg").write_text(picture, encoding="utf-8")
    app.stop_engine()


def train_sweep(data_dir: str, home: str) -> Path:
    """Train the sweep of claim 1; its folder."""
    if clipwatch(["sweep", *SWEEP, "--data-dir", data_dir, "--runs-dir", home, "--no-ui"]):
        raise SystemExit("the sweep failed")
    (folder,) = Path(home).iterdir()
    return folder


# Claims 2 to 9, each from runs


def steps(dataset: Dataset) -> None:
    """Claim 2: how large steps are, by bound."""
    rules = {f"1e-{k}": f"value:1e-{k}" for k in range(2, 7)}
    adam = run(dataset, rules, iterations=200)
    sgd = run(dataset, rules, iterations=200, optimizer="sgd", learning_rate=0.1)
    with picture("steps", "Adam's steps ignore the bound, SGD's shrink with it", TIGHTER, STEP_SIZE) as axes:
        axes.loglog()
        ends = []
        for number, (name, lanes) in enumerate({"Adam": adam, "SGD": sgd}.items()):
            sizes = {float(bound): lane.step_size() for bound, lane in lanes.items()}
            plot(axes, number, sizes, markers=True)
            ends.append((last(sizes), name, colour_of(number)))
            print(f"2 {name}: mean |step| / learning rate by bound", {k: f"{v:.3g}" for k, v in sizes.items()})
            print(f"2 {name}: from 1e-2 to 1e-6 it falls by {sizes[1e-2] / sizes[1e-6]:.3g}")
        axes.invert_xaxis()
        label_ends(axes, ends)


def eps(dataset: Dataset) -> None:
    """Claim 3: how large Adam's steps are with bounds near its eps."""
    exponents = [5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9, 9.5, 10]
    lanes = run(dataset, {f"b{k}": f"value:{10**-k:g}" for k in exponents}, iterations=200)
    widest = lanes["b5"]
    first = {10**-k: lanes[f"b{k}"].step_size(0, 1) / widest.step_size(0, 1) for k in exponents}
    later = {10**-k: lanes[f"b{k}"].step_size(100) / widest.step_size(100) for k in exponents}
    for bound in (1e-7, 1e-8, 1e-9):
        print(f"3 bound {bound:g}: first step {first[bound]:.3f}, steps 100 to 199 {later[bound]:.3f} of that at 1e-5")
    title = "At a bound of eps, Adam's steps are half as large"
    with picture("eps", title, "value bound c   (tighter →)", "step, of that at 1e-5") as axes:
        bounds = np.logspace(-5, -10, 101)
        axes.plot(bounds, bounds / (bounds + EPS), color=_GREY, linewidth=1.0)
        axes.plot(list(later), list(later.values()), **{**line_style(1), "linestyle": ""}, markersize=4.5)
        axes.plot(list(first), list(first.values()), **{**line_style(0), "linestyle": ""}, markersize=4.5)
        axes.set_xscale("log")
        axes.set_ylim(0, 1.25)
        axes.invert_xaxis()
        axes.axvline(EPS, color=_GREY, linewidth=0.8, linestyle=":")
        note(axes, "eps", (EPS, 1.14), xytext=(4, 0))
        note(axes, "c / (c + eps)", (3e-9, 0.26), xytext=(6, 0))
        note(axes, "● first step", (6e-6, 0.55), colour_of(0))
        note(axes, "■ steps 100 to 199", (6e-6, 0.43), colour_of(1))


def distance(dataset: Dataset) -> None:
    """Claim 4: how far lanes get from the unclipped one."""
    lanes = run(dataset, {"none": "none", **{b: f"value:{b}" for b in ("100", "1", "0.1", "0.01")}})
    with picture(
        "distance", "A bound that nothing exceeds changes nothing", "step", "parameter distance (L2)\nfrom unclipped"
    ) as axes:
        ends = []
        for number, (bound, lane) in enumerate(list(lanes.items())[1:]):
            plot(axes, number, lane.distances)
            ends.append((last(lane.distances), f"value:{bound}", colour_of(number)))
            same = lane.losses == lanes["none"].losses
            print(f"4 value:{bound}: distance at the end {last(lane.distances):.3g}, every loss equal: {same},")
            print(f"  cosine at least {min(lane.cosines.values()):.3f}, at most {lane.most_clipped:.3%} clipped")
        axes.set_xlim(0, 1000)
        label_ends(axes, ends)


def direction(dataset: Dataset) -> None:
    """Claim 5: the cosine by bound. All lanes are one until the bound comes into force, so they clip one gradient."""
    exponents = [k / 2 for k in range(17)]
    with picture(
        "direction", "The direction falls to that of the signs, not to 0", TIGHTER, "cos(g, clipped g)"
    ) as axes:
        axes.set_xscale("log")
        ends = []
        for number, at in enumerate((0, 500)):
            names = [f"b{k}" for k in exponents]
            commands = [SetClip(lane=f"b{k}", rule=f"value:{10**-k:g}", at_step=at) for k in exponents]
            lanes = run(dataset, dict.fromkeys(names, "none"), commands, iterations=at + 1, eval_every=500)
            cosines = {10**-k: lanes[f"b{k}"].cosines[at] for k in exponents}
            limit = lanes[names[-1]].measures[at].cosine
            signs = signs_cosine(dataset, at)
            print(f"5 step {at}: cosine {cosines[1.0]:.3f} at 1, {cosines[1e-3]:.3f} at 0.001, {limit:.4f} at 1e-8;")
            print(f"  |g|_1 / (sqrt(d+) |g|_2) computed from the gradient: {signs:.4f},")
            print(f"  an angle of {math.degrees(math.acos(signs)):.0f} degrees")
            plot(axes, number, cosines)
            axes.axhline(signs, color=colour_of(number), linewidth=0.9, linestyle=":")
            ends.append((last(cosines), f"step {at}", colour_of(number)))
        note(axes, "dotted: cos(g, signs of g)", (0.7, 0.2))
        axes.set_ylim(0, 1.05)
        axes.margins(x=0.01)
        axes.invert_xaxis()
        label_ends(axes, ends)


def signs_cosine(dataset: Dataset, at: int) -> float:
    """The cosine between an unclipped lane's gradient at a step and its signs, trained here without the engine."""
    model, adam, batches = make_parts(dataset)
    with lane_thread():
        for step in range(at + 1):
            model.loss_and_gradient(*batches.next_batch(8))
            if step < at:
                adam.step(model.gradient)
        g = model.gradient.double()
        return float(g.abs().sum() / (torch.count_nonzero(g).double().sqrt() * g.norm()))


def make_parts(dataset: Dataset) -> tuple[lenet.LeNet, Adam, Batches]:
    """A network, its optimizer and its batches, the same as those of every lane of seed 0."""
    model = lenet.LeNet(lenet.initial_parameters(0.1, seeded_generator(0, "weights")), "linear")
    adam = Adam(model.parameters, learning_rate=LEARNING_RATE, beta1=0.5)
    images, labels = torch.from_numpy(dataset.training.images), torch.from_numpy(dataset.training.labels)
    return model, adam, Batches(images, labels, seeded_generator(0, "training batches"))


def norm(dataset: Dataset) -> None:
    """Claim 6: the cosine over the steps, by rule."""
    rules = ("norm:0.1", "norm:1e-6", "layer-norm:0.1", BOUND)
    lanes = run(dataset, {f"l{n}": rule for n, rule in enumerate(rules)})
    with picture(
        "norm", "Norm clipping keeps the direction, layer by layer does not", "step", "cos(g, clipped g)"
    ) as axes:
        ends = []
        for number, rule in enumerate(rules):
            cosines = lanes[f"l{number}"].cosines
            tenth = statistics.quantiles(cosines.values(), n=10)
            print(f"6 {rule}: cosine from {min(cosines.values()):.6f} to {max(cosines.values()):.6f},", end=" ")
            print(f"median {statistics.median(cosines.values()):.3f}, 10th and 90th percentile", end=" ")
            print(f"{tenth[0]:.3f} and {tenth[-1]:.3f}")
            if rule != "norm:1e-6":
                plot(axes, number, cosines)
                text = "norm:0.1,\nnorm:1e-6" if number == 0 else rule
                ends.append((statistics.median(cosines.values()), text, colour_of(number)))
        axes.set_ylim(0, 1.1)
        axes.set_xlim(0, 1000)
        label_ends(axes, ends)


SPIKE_AT, SPIKE = 200, 10_000


def spike(dataset: Dataset) -> None:
    """Claim 7: step sizes around one gradient that is too large."""
    cases = {
        "unclipped,\nno spike": ("none", 1.0),
        "unclipped,\nspike": ("none", SPIKE),
        "value:0.001,\nspike": (BOUND, SPIKE),
        "norm:1,\nspike": ("norm:1", SPIKE),
    }
    title = "After one spike, unclipped Adam's steps stay small"
    with picture("spike", title, "step", STEP_SIZE) as axes:
        axes.set_yscale("log")
        ends = []
        for number, (name, (rule, factor)) in enumerate(cases.items()):
            sizes, losses = train_with_spike(dataset, rule, factor)
            before = statistics.mean(sizes[100:SPIKE_AT])
            print(f"7 {name!r}: before {before:.3f}, at the spike {sizes[SPIKE_AT]:.2f},")
            later = [f"{statistics.mean(sizes[a : a + 100]):.3f}" for a in (300, 500, 900)]
            before, after = statistics.mean(losses[100:SPIKE_AT]), statistics.mean(losses[201:301])
            print(f"  100 steps from 300, 500, 900 {later}; training loss {before:.2f}, after it {after:.2f}")
            # Both clipped lanes look the same.
            if rule != "norm:1":
                shown = block_means(sizes, 10)
                plot(axes, number, shown)
                ends.append((statistics.mean(sizes[900:]), name, colour_of(number)))
        for factor in (10, 100):
            sizes, _ = train_with_spike(dataset, "none", factor)
            print(f"7 spike x{factor}: 100 steps from 300 {statistics.mean(sizes[300:400]):.3f}")
        axes.axvline(SPIKE_AT, color=_GREY, linewidth=0.8, linestyle=(0, (5, 3)))
        note(axes, "a gradient 10,000 times too large", (SPIKE_AT, 1.0), xytext=(8, 0))
        axes.set_xlim(0, 1000)
        label_ends(axes, ends)


def train_with_spike(dataset: Dataset, rule: str, factor: float) -> tuple[list[float], list[float]]:
    """Mean |step| over the learning rate, and the training loss, at every step."""
    model, adam, batches = make_parts(dataset)
    clipper = make_clipper(parse_rule(rule), model.parameters, model.layout)
    sizes, losses = [], []
    with lane_thread():
        for step in range(1000):
            losses.append(model.loss_and_gradient(*batches.next_batch(8)))
            if step == SPIKE_AT:
                model.gradient.mul_(factor)
            gradient, _ = clipper.clip(model.gradient, model.parameters)
            before = model.parameters.clone()
            adam.step(gradient)
            sizes.append((model.parameters - before).abs().mean().item() / LEARNING_RATE)
    return sizes, losses


def block_means(values: Sequence[float], width: int) -> dict[int, float]:
    """The means of blocks of `width` values, by the place of each block's first."""
    return {start: statistics.mean(values[start : start + width]) for start in range(0, len(values), width)}


TOGGLED_AT = 300


def toggle(dataset: Dataset) -> None:
    """Claim 8: step sizes around a change of the rule."""
    rules = {"on": "none", "off": BOUND, "always": BOUND, "never": "none"}
    commands = [
        SetClip(lane="on", rule=BOUND, at_step=TOGGLED_AT),
        SetClip(lane="off", rule="none", at_step=TOGGLED_AT),
    ]
    settings = {"iterations": 1000, "eval_every": 2, "eval_size": 10}
    windows = [(300, 302), (310, 312), (320, 340), (350, 400), (400, 500), (500, 700), (800, 1000)]
    title = "Switching clipping on stalls Adam, off gives large steps"
    with picture("toggle", title, "step", STEP_SIZE) as axes:
        axes.set_yscale("log")
        ends = []
        for reset in (True, False):
            lanes = run(dataset, rules, commands, reset_moments=reset, **settings)
            for place, name in enumerate(("on", "off")):
                lane = lanes[name]
                shown = smooth_but_at_toggle(lane.step_sizes)
                end = lane.step_size(800, 900)
                if reset:
                    axes.plot(list(shown), list(shown.values()), color="#9a9a9a", linewidth=1.0)
                    text = "optimizer\nstate reset" if place == 0 else ""
                    ends += [(end, text, _GREY)] if text else []
                else:
                    plot(axes, place, shown)
                    ends.append((end, f"switched {name}", colour_of(place)))
                print(f"8 {name}, reset {reset}: before {lane.step_size(200, 300):.3f}, then", end=" ")
                print({f"{a}-{b - 1}": f"{lane.step_size(a, b):.3f}" for a, b in windows})
        for name in ("always", "never"):
            print(f"8 {name} clipped:", [f"{lanes[name].step_size(a, b):.3f}" for a, b in windows])
        axes.axvline(TOGGLED_AT, color=_GREY, linewidth=0.8, linestyle=(0, (5, 3)))
        axes.set_xlim(200, 900)
        label_ends(axes, ends)


def smooth_but_at_toggle(sizes: Mapping[int, float]) -> dict[int, float]:
    """Means of 20 steps, and every measure in the 20 steps after the toggle, whose transient is short."""
    blocks = {2 * start + 10: size for start, size in block_means(list(sizes.values()), 10).items()}
    shown = {step: size for step, size in blocks.items() if not TOGGLED_AT <= step < TOGGLED_AT + 20}
    shown |= {step: sizes[step] for step in range(TOGGLED_AT, TOGGLED_AT + 20, 2)}
    return {step: shown[step] for step in sorted(shown) if 200 <= step < 900}


def dead(dataset: Dataset) -> None:
    """Claim 9: seed 2, whose clipped lane dies; from step 600 on one rule after the other."""
    rules = ("none", "norm:1", "layer-norm:1", "agc:0.01", "autoclip:10", "zclip", "sign", "value:0.00000001")
    commands = [SetClip(lane="toggled", rule=rule, at_step=600 + 50 * n) for n, rule in enumerate(rules)]
    settings = {"seed": 2, "head": "relu", "reset_moments": True}
    lanes = run(dataset, {"left": BOUND, "toggled": BOUND, "unclipped": "none"}, commands, **settings)
    lane = lanes["toggled"]
    late = [measure for step, measure in lane.measures.items() if step >= 600]
    print("9 gradient norms from step 600 on", {measure.norm for measure in late}, "steps", {m.step_size for m in late})
    print("9 losses", {f"{loss:.6f}" for step, loss in lane.losses.items() if step >= 600}, f"ln 10 {math.log(10):.6f}")
    alive = max(step for step, measure in lane.measures.items() if measure.norm)
    print("9 last step measured with a gradient other than 0:", alive)
    print("9 distance from the lane left alone", set(lane.distances.values()))
    ends = {name: lanes[name].end for name in lanes}
    print("9 at the end", {n: f"{e.accuracy:.3f}, {len(e.silent_outputs or ())} dead" for n, e in ends.items() if e})
    title = "Once all ten outputs are dead, no rule changes anything"
    with picture("dead", title, "step", "validation loss") as axes:
        plot(axes, 0, lanes["unclipped"].losses)
        plot(axes, 1, lane.losses)
        axes.set_ylim(0, 2.7)
        axes.set_xlim(0, 1000)
        for n, rule in enumerate(rules):
            x = 600 + 50 * n
            axes.axvline(x, color=_GREY, linewidth=0.6, linestyle=(0, (5, 3)))
            text = "value:1e-8" if rule.startswith("value") else rule
            note(axes, text, (x, 0.05), "#333333", xytext=(2, 0), rotation=90, fontsize=7.5)
        losses = list(lanes["unclipped"].losses.values())[-20:]
        label_ends(
            axes,
            [
                (statistics.mean(losses), "unclipped", colour_of(0)),
                (math.log(10), "clipped:\nln 10", colour_of(1)),
            ],
        )


# Claims 10 and 11, each from runs of the recurrent network with 32 seeds

SEEDS = range(100, 132)
LANES = {"unclipped": "none", "clipped": "norm:1"}
RATES = (0.01, 0.03, 0.1, 0.3)


def train_seeds(rules: Mapping[str, str], seeds: Iterable[int] = SEEDS, **settings: Any) -> dict[str, list[LaneRecord]]:
    """Train the temporal order problem with each seed; the records of each lane, by seed."""
    found: dict[str, list[LaneRecord]] = {name: [] for name in rules}
    for seed in seeds:
        given = {"experiment": "temporal-order", "lanes": dict(rules), "seed": seed, **settings}
        for name, lane in record(Engine(from_options(given))).items():
            found[name].append(lane)
    return found


def solved_text(lanes: Sequence[LaneRecord]) -> str:
    """How many of the seeds are solved, with the 95 % interval of the share."""
    count = sum(lane.solved for lane in lanes)
    low, high = wilson_interval(count, len(lanes))
    return f"{count} of {len(lanes)} ({low:.0%} to {high:.0%})"


def tenths(values: Iterable[float]) -> tuple[float, float, float]:
    """The 10th percentile, the median and the 90th percentile."""
    low, middle, high = np.percentile(list(values), [10, 50, 90]).tolist()
    return low, middle, high


def saved() -> None:
    """Claim 10: only clipped lanes learn, and what the first oversized steps do."""
    found = train_seeds({**LANES, "loose": "norm:5"}, diagnose_every=1)
    for name, lanes in found.items():
        losses = tenths(lane.end.loss for lane in lanes if lane.end)
        print(f"10 {name}: solved {solved_text(lanes)}, final loss", [f"{loss:.2g}" for loss in losses])
        for before in (100, 1000):
            print(
                f"  norms above 1 before step {before}: {statistics.median(lane.oversized(before) for lane in lanes)}"
            )
        for step in (50, 100, 200, 990):
            gauge = {key: statistics.median(lane.gauges[step][key] for lane in lanes) for key in lanes[0].gauges[step]}
            print(f"  step {step}:", {key: f"{value:.3g}" for key, value in gauge.items()})
    first = [next(step for step, norm in enumerate(lane.norms) if norm > 1) for lane in found["clipped"]]
    print(f"10 first norm above 1: step {statistics.median(first):g} ({min(first)} to {max(first)})")
    print_larger_gradients(found["unclipped"], found["clipped"])
    with picture("saved", "Unclipped never learns, clipped always does", "step", "validation loss") as axes:
        ends = []
        for number, name in enumerate(LANES):
            steps = list(found[name][0].losses)
            low, middle, high = zip(*(tenths(lane.losses[step] for lane in found[name]) for step in steps), strict=True)
            axes.fill_between(steps, low, high, color=colour_of(number), alpha=0.2, linewidth=0)
            plot(axes, number, dict(zip(steps, middle, strict=True)))
            ends.append((middle[-1], name, colour_of(number)))
        axes.axhline(math.log(4), color=_GREY, linewidth=0.9, linestyle=":")
        note(axes, "chance: ln 4", (780, math.log(4)), xytext=(0, -10))
        axes.set_xlim(0, 1000)
        axes.set_ylim(bottom=0)
        label_ends(axes, ends)


def print_larger_gradients(unclipped: Sequence[LaneRecord], clipped: Sequence[LaneRecord]) -> None:
    """In which steps the clipped lane's gradient is the larger one, as shares of the steps of all seeds."""
    for start, end in [(40, 200), *((start, start + 20) for start in range(0, 320, 20))]:
        pairs = [
            (one, other)
            for lane, partner in zip(clipped, unclipped, strict=True)
            for one, other in zip(lane.norms[start:end], partner.norms[start:end], strict=True)
        ]
        print(f"10 steps {start} to {end - 1}: the clipped lane's gradient is larger in", end=" ")
        print(f"{statistics.mean(one > other for one, other in pairs):.0%}")


def rates() -> None:
    """Claim 11: the share of solved seeds by learning rate, initial recurrent weights and optimizer."""
    # Only the end of each run counts.
    brief = {"diagnostics": False, "eval_every": 1000}
    shares: defaultdict[tuple[str, str], dict[float, float]] = defaultdict(dict)
    for init, rate in itertools.product(("gaussian", "orthogonal"), RATES):
        for name, lanes in train_seeds(LANES, init=init, learning_rate=rate, **brief).items():
            loss = statistics.median(lane.end.loss for lane in lanes if lane.end)
            print(f"11 {init}, learning rate {rate}, {name}: solved {solved_text(lanes)}, median loss {loss:.2g}")
            shares[name, init][rate] = 100 * statistics.mean(lane.solved for lane in lanes)
    for beta1, rate in itertools.product((0.5, 0.9), (0.001, 0.003, 0.01)):
        for name, lanes in train_seeds(LANES, optimizer="adam", learning_rate=rate, beta1=beta1, **brief).items():
            print(f"11 Adam, learning rate {rate}, beta1 {beta1}, {name}: solved {solved_text(lanes)}")
    title = "Clipping widens the range of learning rates that work"
    with picture("rates", title, "learning rate", "seeds solved, %") as axes:
        axes.set_xscale("log")
        axes.set_xticks(RATES)
        axes.minorticks_off()
        for (name, init), by_rate in shares.items():
            look = {**line_style(list(LANES).index(name)), "linestyle": "-" if init == "gaussian" else "--"}
            axes.plot(list(by_rate), list(by_rate.values()), **look, label=f"{name}, {init}")
        axes.set_ylim(-4, 104)
        axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


CLAIMS = {claim.__name__: claim for claim in (steps, eps, distance, direction, norm, spike, toggle, dead)}
# These need no data.
GENERATED = {claim.__name__: claim for claim in (saved, rates)}
SWEPT = "dead-outputs"


def main() -> None:
    """Print and draw the claims that were asked for."""
    parser = argparse.ArgumentParser(description="Print the figures and draw the pictures of docs/claims.md.")
    parser.add_argument("dir", metavar="DIR", help="the folder of the four MNIST files")
    parser.add_argument("--sweep", metavar="FOLDER", type=Path, help="a finished sweep; without it, one is trained")
    names = [SWEPT, *CLAIMS, *GENERATED]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="some claims")
    options = parser.parse_args()
    if SWEPT in options.only:
        with tempfile.TemporaryDirectory() as home:
            folder = options.sweep or train_sweep(options.dir, home)
            results = read_sweep(SweepFolder(folder)).results
            if results.unfinished:
                parser.error(f"{folder} is not finished: clipwatch resume finishes it")
            dead_outputs(results)
            asyncio.run(draw_screen(folder))
    chosen = [claim for name, claim in CLAIMS.items() if name in options.only]
    if chosen:
        dataset = load("mnist", data_dir=options.dir, offline=True, report=print)
        for claim in chosen:
            claim(dataset)
    for name, claim in GENERATED.items():
        if name in options.only:
            claim()


if __name__ == "__main__":
    main()
