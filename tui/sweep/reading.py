"""How to read the sweep screen: what each section shows, and what its words mean."""

from __future__ import annotations

import math

from rich.console import Group
from rich.text import Text

from ...core.safe_text import printable
from ...core.statistics.paired import fewest_seeds
from ...core.stream.builtin_experiments import BUILT_IN
from ...core.stream.experiment_info import ExperimentInfo, MetricInfo
from ...core.sweeps.grid_map import NEAR_PART, NEAR_SHARE

_NUMBERS = {4: "four", 10: "ten"}
_SEED = (
    "Decides the initial weights and the batches. Every setting trains with the same seeds, so two are "
    "compared seed by seed: what the seed decides cancels."
)
_DEAD = (
    "How many of the ten outputs are dead at the end, on average over the seeds. The ReLU of a "
    "dead output is 0 for every validation image, so it gets no gradient and its class is not predicted."
)
# The words that every sweep has after those of its measure.
_TESTS: dict[str, str] = {
    "95 % interval": "The mean differences that the seeds are compatible with (bootstrap). If it contains 0, there may "
    "be no difference.",
    "p": "How often chance alone gives a difference at least this large, if the two settings do the same. Adjusted for "
    "the number of comparisons by Holm's method.",
    "no measurable difference": "p is not below 0.05, or the interval contains 0. There may still be a difference.",
    "exploratory": "Too few seeds for any p below 0.05. One comparison needs at least "
    f"{fewest_seeds(1)} seeds, four need {fewest_seeds(4)}.",
}
_R = (
    "In the printed table: the correlation of the two settings across seeds. Near 1, a seed that is good for one "
    "is good for the other."
)


def _works(main: MetricInfo) -> str:
    """What makes a cell of the map work."""
    if main.solved_at is not None:
        rule = "at least half of the seeds solved the task"
    else:
        near = f"{100 * NEAR_SHARE:g} percentage points" if main.share else f"{100 * NEAR_PART:g} %"
        rule = f"the median is within {near} of the best cell, and fewer than half of the seeds diverged"
    return f"In the map: {rule}. The stronger the colour, the better."


def terms(experiment: ExperimentInfo, *, has_map: bool = False) -> dict[str, str]:
    """The words as they stand on the screen or in the tables that are printed after it, and what they mean.

    `has_map`: the sweep has two axes of numbers or rules.
    """
    main, noun = experiment.main, printable(experiment.examples)
    found = {
        "seed": _SEED,
        f"final {main.words} of every seed": f"A mark for each training, on all validation {noun}; heavier marks stand "
        "for several. The block is their median.",
    }
    if has_map:
        found["works"] = _works(main)
    if experiment.gauge("dead-outputs"):
        found["dead outputs, mean"] = _DEAD
    if main.share:
        found["percentage points"] = "The difference of two percentages: from 50 % to 60 % is +10 percentage points."
    found |= _TESTS
    if built_in := BUILT_IN.get(experiment.name):
        loss = math.log(built_in.classes)
        found["nats"] = (
            f"The unit of the loss: cross-entropy with the natural logarithm. Guessing among "
            f"{_NUMBERS[built_in.classes]} classes costs ln "
            f"{built_in.classes}, which is {loss:.3f} nats."
        )
    quartiles = (
        "Of the curves: the line is the median of the seeds, the shaded band their middle half. Points are measured on "
        f"one batch of validation {noun}."
    )
    return found | {"r": _R, "quartiles": quartiles}


def reading(experiment: ExperimentInfo, *, has_map: bool = False) -> Group:
    """A paragraph for each word."""
    words = terms(experiment, has_map=has_map).items()
    return Group(*(Text.assemble((name, "bold"), f": {meaning}") for name, meaning in words))
