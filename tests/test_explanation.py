"""Conclusions appear only if they are certain."""

from __future__ import annotations

import msgspec
import pytest
from measured import HISTOGRAM, MEASURE, UNTOUCHED, diagnosed
from test_state import EVALUATED, LANE, RUN, folded

from clipwatch.core.stream.events import ClipChanged, Event, LanesCompared
from clipwatch.tui.diagnostics.explanation import explanation

OTHER = msgspec.structs.replace(LANE, lane="b", rule="none")
# More than 95 % of the nonzero elements changed, and little is left but signs.
SIGNS = msgspec.structs.replace(MEASURE, changed=190, sign_cosine=0.97)
IDENTICAL = LanesCompared(step=50, lanes=("a", "b"), distance=0.0, disagreement=0.0)


def explained(*events: Event, run: Event = RUN) -> str | None:
    state = folded(run, LANE, OTHER, *events)
    return explanation(state, state.lanes["a"])


def test_without_measurements_there_is_no_conclusion() -> None:
    assert explained(EVALUATED) is None
    assert explained(diagnosed(dead=())) is None


def test_dead_outputs_bound_the_accuracy_in_the_evaluation() -> None:
    words = "4 of 10 outputs are dead: in this evaluation accuracy cannot exceed 60 %."
    assert explained(diagnosed(dead=(1, 2, 3, 9))) == words
    assert explained(diagnosed(dead=(9,))) == "1 of 10 outputs is dead: in this evaluation accuracy cannot exceed 90 %."


def test_images_with_all_outputs_0_are_predicted_as_0_so_a_dead_0_can_be_correct() -> None:
    rest = "cannot be predicted, class 0 only if all outputs are 0."
    assert explained(diagnosed(dead=(0, 1))) == f"2 of 10 outputs are dead: in this evaluation class 1 {rest}"
    assert explained(diagnosed(dead=(0, 4, 9))) == f"3 of 10 outputs are dead: in this evaluation classes 4 9 {rest}"
    words = "1 of 10 outputs is dead: in this evaluation class 0 is predicted only if all outputs are 0."
    assert explained(diagnosed(dead=(0,))) == words


def test_ten_dead_outputs_cannot_recover_once_the_gradient_is_0() -> None:
    nothing = msgspec.structs.replace(MEASURE, norm=0.0, clipped_norm=0.0)
    every = tuple(range(10))
    assert explained(diagnosed(total=nothing, dead=every)) == (
        "All ten outputs are dead: the loss is ln 10, the gradient is 0, and no rule can revive them."
    )
    # A training image still had an output above 0.
    assert "no rule" not in str(explained(diagnosed(dead=every)))


def test_lanes_never_clipped_and_with_equal_parameters_are_identical() -> None:
    calm = [diagnosed(name, total=UNTOUCHED, dead=(), engaged=0.0) for name in ("a", "b")]
    words = "Nothing has been clipped: the lanes are identical."
    assert explained(*calm, IDENTICAL) == words
    assert explained(calm[0], IDENTICAL) is None
    assert explained(*calm) is None
    assert explained(*calm, msgspec.structs.replace(IDENTICAL, distance=1e-9)) is None
    assert explained(calm[0], diagnosed("b", total=UNTOUCHED, dead=(), engaged=0.01), IDENTICAL) is None
    change = ClipChanged(lane="a", step=50, rule="none", previous="value:0.001")
    assert explained(*calm, IDENTICAL, change) is None


def test_adam_sees_signs_if_nearly_all_elements_are_clipped() -> None:
    words = "97 % of the nonzero elements are clipped: Adam sees little more than their signs."
    assert HISTOGRAM.finite - HISTOGRAM.zero == 196
    assert explained(diagnosed(total=SIGNS, dead=())) == words


@pytest.mark.parametrize(
    "total",
    [
        msgspec.structs.replace(SIGNS, changed=186),
        msgspec.structs.replace(SIGNS, sign_cosine=0.9),
        msgspec.structs.replace(SIGNS, sign_cosine=None),
    ],
)
def test_adam_does_not_see_signs_otherwise(total: object) -> None:
    assert explained(diagnosed(total=total, dead=())) is None  # pyright: ignore[reportArgumentType]


def test_signs_are_not_mentioned_for_other_optimizers_or_norm_rules() -> None:
    sgd = msgspec.structs.replace(RUN, config=msgspec.structs.replace(RUN.config, optimizer="sgd"))
    assert explained(diagnosed(total=SIGNS, dead=()), run=sgd) is None
    change = ClipChanged(lane="a", step=50, rule="norm:1", previous="value:0.001")
    assert explained(diagnosed(total=SIGNS, dead=()), change) is None


def test_dead_outputs_take_priority_over_signs() -> None:
    assert "outputs are dead" in str(explained(diagnosed(total=SIGNS)))
