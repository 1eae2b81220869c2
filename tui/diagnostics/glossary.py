"""Every figure of the diagnostics: its unit, what it means and how it is computed."""

from __future__ import annotations

from typing import NamedTuple


class Term(NamedTuple):
    """One figure, as its label is on the screen."""

    name: str
    unit: str
    meaning: str
    formula: str


NOTATION = (
    "g is the raw gradient of one training batch, ĝ what the clip rule made of it, Δw the step that the optimizer then "
    "took, w the weights before it. Measured at one evaluation in five (--diagnose-every), by layer and in total. A "
    "dash stands where a figure is undefined, a cosine with a vector of zeros, say."
)

TERMS: tuple[Term, ...] = (
    Term("saturation", "% of components", "How much of the gradient the rule changed.", "#(ĝ ≠ g) / #finite"),
    Term(
        "of nonzero",
        "% of components",
        "The same, without components that were 0: a dead unit's always are.",
        "#(ĝ ≠ g) / #(g finite, not 0)",
    ),
    Term(
        "engaged",
        "% of steps",
        "How often the rule changed anything: of the last 100 steps, and of all.",
        "#(steps with ĝ ≠ g) / #steps",
    ),
    Term(
        "cos",
        "-1 to 1",
        "Whether clipping keeps the gradient's direction: 1 is kept. Rules on the norm keep it, on values do not.",
        "g·ĝ / (‖g‖ ‖ĝ‖)",
    ),
    Term("‖g‖ → ‖ĝ‖", "1 / weight", "The gradient's length before and after the clip.", "√Σg², √Σĝ²"),
    Term(
        "‖Δw‖/‖w‖",
        "ratio",
        "How far one step moves a layer, of its own size; about 0.001 is usual.",
        "√ΣΔw² / √Σw²",
    ),
    Term(
        "|step|/lr",
        "learning rates",
        "The mean step of a weight; where Adam sees signs alone that agree, it is 1.",
        "mean |Δw| / learning rate",
    ),
    Term(
        "sign cos",
        "0 to 1",
        "How near ĝ is to its mere signs, the limit of value clipping as the bound goes to 0.",
        "‖ĝ‖₁ / (√#nonzero ‖ĝ‖₂)",
    ),
    Term(
        "shadow cos",
        "-1 to 1",
        "The step taken against the step that the same optimizer would have taken, had it been fed g all along.",
        "Δw·Δs / (‖Δw‖ ‖Δs‖), Δs the shadow's step",
    ),
    Term(
        "apart",
        "% of the shadow's step",
        "How far the two steps are apart: what clipping did to this update, its memory included.",
        "‖Δw - Δs‖ / ‖Δs‖",
    ),
    Term(
        "outputs",
        "ten classes",
        "Dark where dead: with the last ReLU an output that is 0 on every image of three evaluations running has no "
        "gradient there.",
        "max over 3 x 100 images = 0",
    ),
    Term(
        "of a dead class",
        "% of images",
        "Images of the evaluation whose true class is dead: none of them can be answered right, but for ties at 0.",
        "#(images of dead classes) / #images",
    ),
    Term("dead units", "units", "The same for the hidden layers' ReLUs.", "units at 0 on 3 x 100 images"),
    Term(
        "histogram",
        "components",
        "How large components are, 4 bins a decade from 1e-10 to 1e2; the pointer is a value rule's bound, what is "
        "beyond it is clipped.",
        "log10 |g|",
    ),
    Term(
        "0, under, over",
        "components",
        "Those that have no place in it; NaN and Inf stand apart from every figure.",
        "|g| < 2e-40, |g| < 1e-10, |g| ≥ 1e2",
    ),
    Term(
        "50, 90, 99 %",
        "1 / weight",
        "So large are that many of the components that are not 0.",
        "percentiles of |g| > 0",
    ),
    Term(
        "distance",
        "weights",
        "How far a lane's weights are from the first lane's.",
        "‖w₁ - w₂‖",
    ),
    Term(
        "answers differ",
        "% of images",
        "Images of the evaluation that the two lanes answer differently.",
        "#(answer₁ ≠ answer₂) / #images",
    ),
)
