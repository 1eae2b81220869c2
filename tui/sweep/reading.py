"""How to read the sweep screen: what each section shows, and what its words mean."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from ...core.statistics.paired import fewest_seeds

# The words as they stand on the screen or in the tables that are printed after it, and what they mean.
TERMS: dict[str, str] = {
    "seed": "Decides the initial weights and the batches. Every setting trains with the same seeds, so two are "
    "compared seed by seed: what the seed decides cancels.",
    "final accuracy of every seed": "A mark for each training, on all validation images; heavier marks stand for "
    "several. The block is their median.",
    "dead outputs, mean": "How many of the ten outputs are dead at the end, on average over the seeds. The ReLU of a "
    "dead output is 0 for every validation image, so it gets no gradient and its class is not predicted.",
    "percentage points": "The difference of two percentages: from 50 % to 60 % is +10 percentage points.",
    "95 % interval": "The mean differences that the seeds are compatible with (bootstrap). If it contains 0, there may "
    "be no difference.",
    "p": "How often chance alone gives a difference at least this large, if the two settings do the same. Adjusted for "
    "the number of comparisons by Holm's method.",
    "no measurable difference": "p is not below 0.05, or the interval contains 0. There may still be a difference.",
    "exploratory": "Too few seeds for any p below 0.05. One comparison needs at least "
    f"{fewest_seeds(1)} seeds, four need {fewest_seeds(4)}.",
    "nats": "The unit of the loss: cross-entropy with the natural logarithm. Guessing among ten classes costs ln 10, "
    "which is 2.303 nats.",
    "r": "In the printed table: the correlation of the two settings across seeds. Near 1, a seed that is good for one "
    "is good for the other.",
    "quartiles": "Of the curves: the line is the median of the seeds, the shaded band their middle half. Points are "
    "measured on one batch of validation images.",
}


def reading() -> Group:
    """A paragraph for each word."""
    return Group(*(Text.assemble((name, "bold"), f": {meaning}") for name, meaning in TERMS.items()))
