"""The glossary of the diagnostics: each figure's unit, meaning and formula."""

from __future__ import annotations

from typing import NamedTuple

from ...core.safe_text import printable
from ...core.stream.experiment_info import ExperimentInfo


class Term(NamedTuple):
    """One figure; `name` is its label on the screen."""

    name: str
    unit: str
    meaning: str
    formula: str


NOTATION = (
    "g: the raw gradient of one training batch. ĝ: the same gradient after clipping. w: the parameters before the "
    "step. Δw: the optimizer's update. Every figure is measured at one evaluation in five (--diagnose-every), per "
    "layer and in total. A dash means undefined, such as a cosine with a zero vector. Lanes side by side have the same "
    "scales."
)

_TERMS: tuple[Term, ...] = (
    Term(
        "elements clipped",
        "% of elements",
        "The share of the gradient's elements that the rule changed. A narrow page says just: clipped.",
        "#(ĝ ≠ g) / #finite",
    ),
    Term(
        "scale ‖ĝ‖/‖g‖",
        "0 to 1",
        "In place of the share of elements, for rules that scale the gradient, such as norm: what is left of its norm. "
        "1: not clipped.",
        "‖ĝ‖ / ‖g‖",
    ),
    Term(
        "of nonzero",
        "% of elements",
        "The same without the elements that are 0, such as those of dead units.",
        "#(ĝ ≠ g) / #(g finite, not 0)",
    ),
    Term(
        "steps clipped, of all steps",
        "% of steps",
        "The share of steps in which the rule changed the gradient: of the last 100 steps, and of all. Of a "
        "fork, of its own steps only.",
        "#(steps with ĝ ≠ g) / #steps",
    ),
    Term(
        "cos",
        "-1 to 1",
        "The cosine between g and ĝ. 1: clipping keeps the direction, as norm rules do; value rules change it.",
        "g·ĝ / (‖g‖ ‖ĝ‖)",
    ),
    Term("‖g‖ → ‖ĝ‖", "loss / weight", "The gradient's L2 norm before and after clipping.", "√Σg², √Σĝ²"),
    Term(
        "‖Δw‖/‖w‖",
        "ratio",
        "The size of one update relative to the layer's weights; about 0.001 is typical.",
        "√ΣΔw² / √Σw²",
    ),
    Term(
        "history",
        "the last measurements",
        "The total of each column over the last measurements. Each sparkline is scaled from its lowest to its highest "
        "value. A blank: undefined. The sparklines beside other figures are the same.",
        "oldest to newest",
    ),
    Term(
        "|step|/lr",
        "learning rates",
        "The mean absolute update of a weight. It is 1 if Adam sees only signs and they agree over time.",
        "mean |Δw| / learning rate",
    ),
    Term(
        "sign cos",
        "0 to 1",
        "How close ĝ is to its signs alone, the limit of value clipping as the bound goes to 0.",
        "‖ĝ‖₁ / (√#nonzero ‖ĝ‖₂)",
    ),
    Term(
        "counterfactual cos",
        "-1 to 1",
        "The cosine between the update and the counterfactual update: what the same optimizer would have done on the "
        "same gradients, unclipped from the start. A narrow page says: counterf. cos.",
        "Δw·Δc / (‖Δw‖ ‖Δc‖), Δc the counterfactual update",
    ),
    Term(
        "difference",
        "% of the counterfactual update",
        "How far the two updates differ: the effect of clipping on this update, through the optimizer state too.",
        "‖Δw - Δc‖ / ‖Δc‖",
    ),
    Term(
        "log10 |g|",
        "elements per bin",
        "How many elements of g have which magnitude, 4 bins per decade from 1e-10 to 1e2. The pointer marks a value "
        "rule's bound; elements beyond it are clipped. Under the bars: the same for each layer.",
        "log10 |g|",
    ),
    Term("highest bar", "elements", "The elements in the fullest bin of all lanes on the page.", "max over the bins"),
    Term(
        "exactly 0, below 1e-10, 1e2 or more",
        "elements",
        "Elements outside of the bins. NaN and Inf are counted apart and enter no other figure.",
        "|g| < 2e-40, |g| < 1e-10, |g| ≥ 1e2",
    ),
    Term(
        "half below, 90 % below, 99 % below",
        "loss / weight",
        "Percentiles: the magnitude below which half, 90 % or 99 % of the nonzero elements are.",
        "percentiles of |g| > 0",
    ),
    Term(
        "NaN, Inf so far",
        "elements",
        "Elements of g that were NaN or infinite since the start. Shown only if there were any.",
        "#(g not finite)",
    ),
    Term(
        "L2 distance to",
        "weights",
        "The distance between this lane's parameters and those of the lane that is named there.",
        "‖w₁ - w₂‖",
    ),
    Term(
        "predictions differ",
        "% of {examples}",
        "{Examples} of the evaluation for which the two lanes predict different classes. A narrow page says: differ "
        "from.",
        "#(prediction₁ ≠ prediction₂) / #{examples}",
    ),
)
# By the name of the gauge.
_GAUGES: dict[str, tuple[Term, ...]] = {
    "dead-outputs": (
        Term(
            "outputs",
            "ten classes",
            "A dot if dead: a ReLU on the logits was 0 for every image of three evaluations in a row: no gradient.",
            "max over 3 x 100 images = 0",
        ),
        Term(
            "in a dead class",
            "% of images",
            "Images of the evaluation whose true class is dead. None can be predicted correctly, except by a tie at 0.",
            "#(images of dead classes) / #images",
        ),
    ),
    "dead-units": (
        Term("dead units", "units", "The same for the ReLUs of the hidden layers.", "units at 0 on 3 x 100 images"),
    ),
    "saturated": (
        Term(
            "saturated units",
            "% of states",
            "How many states of the units are beyond 0.99, over all units, symbols and sequences of the evaluation. "
            "tanh passes back less than 2 % of a gradient there, so many of them make gradients vanish.",
            "#(|h| > 0.99) / #states",
        ),
    ),
    "spectral-radius": (
        Term(
            "spectral radius",
            "ratio",
            "How much the recurrent matrix W can amplify a state in one step, in the long run. Far above 1, gradients "
            "explode as long as units are not saturated.",
            "max |eigenvalue of W|",
        ),
    ),
}
_AFTER = "difference"


def terms(experiment: ExperimentInfo) -> list[Term]:
    """The figures on the page of an experiment's lanes, in the order of the page."""
    gauges = [term for gauge in experiment.gauges for term in _GAUGES.get(gauge.name, ())]
    noun = printable(experiment.examples)
    place = next(number for number, term in enumerate(_TERMS) if term.name == _AFTER) + 1
    found = (*_TERMS[:place], *gauges, *_TERMS[place:])
    return [Term(*(text.format(examples=noun, Examples=noun.capitalize()) for text in term)) for term in found]
