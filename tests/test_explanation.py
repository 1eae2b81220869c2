"""The sentences that explain a lane: their order, and that each appears only if it is certain."""

from __future__ import annotations

import struct

import msgspec
import pytest
from measured import HISTOGRAM, MEASURE, UNTOUCHED, diagnosed
from test_state import EVALUATED, FINISHED, LANE, RUN, folded

from clipwatch.core.stream.events import (
    ClipChanged,
    Diagnosed,
    Event,
    LaneFailed,
    LaneForked,
    LanesCompared,
    OutputDied,
    StepsTrained,
)
from clipwatch.core.stream.measures import Measure
from clipwatch.core.stream.state import RunState
from clipwatch.tui.text.explanation import explanation, explanations, sentences

OTHER = msgspec.structs.replace(LANE, lane="b", rule="none")
# More than 95 % of the nonzero elements changed, and little is left but signs.
SIGNS = msgspec.structs.replace(MEASURE, changed=190, sign_cosine=0.97)
IDENTICAL = LanesCompared(step=50, lanes=("a", "b"), distance=0.0, disagreement=0.0)
NO_GRADIENT = msgspec.structs.replace(MEASURE, norm=0.0, clipped_norm=0.0)
EVERY = tuple(range(10))
ALL_DEAD = "all 10 outputs dead: the loss is ln 10 = 2.3026 and every gradient is 0; this lane has stopped learning"


def state_of(*events: Event, run: Event = RUN) -> RunState:
    return folded(run, LANE, OTHER, *events)


def explained(*events: Event, run: Event = RUN) -> str | None:
    state = state_of(*events, run=run)
    return explanation(state, state.lanes["a"])


def changed_to(rule: str, step: int = 20) -> ClipChanged:
    return ClipChanged(lane="a", step=step, rule=rule, previous="value:0.001")


def step_with_norm(step: int, norm: float) -> StepsTrained:
    values = struct.pack("<f", norm)
    return StepsTrained(lane="a", step=step, losses=values, norms=values, clipped_norms=values, clipped=b"\0")


def failed(cause: str, reason: str = "diverged") -> LaneFailed:
    return LaneFailed(lane="a", step=1212, reason=reason, cause=cause, seconds=1.0)  # pyright: ignore


def test_without_measurements_there_is_no_sentence() -> None:
    assert explained(EVALUATED) is None
    blind = msgspec.structs.replace(RUN, config=msgspec.structs.replace(RUN.config, diagnostics=False))
    assert explained(run=blind) == "gradients are not measured in this run (--no-diagnostics)"


# Dead outputs


def forms_of(*events: Event) -> tuple[str, ...]:
    """Every form of the first sentence, from long to short."""
    state = state_of(*events)
    return explanations(state, state.lanes["a"])


def test_dead_outputs_are_never_predicted_and_bound_the_accuracy_in_the_evaluation() -> None:
    words = "4 of 10 outputs dead: classes 1 2 3 9 are never predicted; accuracy on these images cannot exceed 60 %"
    assert forms_of(diagnosed(dead=(1, 2, 3, 9))) == (
        words,
        "4 of 10 outputs dead: classes 1 2 3 9 never predicted, accuracy ≤ 60 %",
        "4 of 10 outputs dead: classes 1 2 3 9 are never predicted",
        "4 dead: classes 1 2 3 9 never predicted, accuracy ≤ 60 %",
        "4 of 10 outputs dead: classes 1 2 3 9 never predicted",
        "4 dead: classes 1 2 3 9 never predicted",
        "4 dead: 1 2 3 9 never predicted",
        "4 of 10 outputs dead",
    )
    assert str(explained(diagnosed(dead=(9,)))).startswith("1 of 10 outputs dead: class 9 is never predicted; ")


def test_the_bound_is_rounded_up() -> None:
    measured = msgspec.structs.replace(diagnosed(dead=(1,)), dead_share=0.466)
    assert "cannot exceed 54 %" in str(explained(measured))
    assert "cannot exceed 100 %" in str(explained(msgspec.structs.replace(measured, dead_share=0.0001)))
    assert "cannot exceed 94 %" in str(explained(msgspec.structs.replace(measured, dead_share=0.06)))


def test_the_bound_is_left_out_where_outputs_died_since_it_was_measured() -> None:
    died = OutputDied(lane="a", step=60, output=5)
    assert explained(diagnosed(dead=(2,)), died) == "2 of 10 outputs dead: classes 2 5 are never predicted"


def test_with_and_without_the_bound_a_heading_of_any_width_begins_alike() -> None:
    measured = diagnosed(dead=(1, 2, 3))
    bounded, unbounded = forms_of(measured), forms_of(diagnosed(dead=(1, 2)), OutputDied(lane="a", step=60, output=3))
    for width in range(20, 110):
        one, other = (next(form for form in forms if len(form) <= width) for forms in (bounded, unbounded))
        assert "accuracy" in one or one == other


def test_images_with_all_outputs_0_are_predicted_as_0_so_a_dead_0_can_be_correct() -> None:
    rest = "never predicted, class 0 only if all outputs are 0"
    assert explained(diagnosed(dead=(0, 1))) == f"2 of 10 outputs dead: 0 1; class 1 is {rest}"
    assert explained(diagnosed(dead=(0, 4, 9))) == f"3 of 10 outputs dead: 0 4 9; classes 4 9 are {rest}"
    words = "1 of 10 outputs dead: 0; class 0 is predicted only if all outputs are 0"
    assert explained(diagnosed(dead=(0,))) == words


def test_no_form_lists_fewer_classes_than_it_counts() -> None:
    for form in forms_of(diagnosed(dead=(0, 4, 9))):
        count, _, listed = form.partition(": ")
        assert not listed or all(str(output) in listed for output in (0, 4, 9)), form
        assert count.startswith("3")


def test_a_lane_with_ten_dead_outputs_has_stopped_learning_once_the_gradient_is_0() -> None:
    measured = diagnosed(total=NO_GRADIENT, dead=EVERY)
    assert explained(measured) == ALL_DEAD
    # A training image still had an output above 0, at the measurement or at a step after it.
    assert "stopped" not in str(explained(diagnosed(dead=EVERY)))
    assert explained(measured, step_with_norm(60, 0.0)) == ALL_DEAD
    assert "stopped" not in str(explained(measured, step_with_norm(60, 0.5)))


def test_at_the_end_dead_outputs_are_those_of_all_images() -> None:
    end = msgspec.structs.replace(FINISHED, silent_outputs=(1, 4))
    words = "2 of 10 outputs dead on all 5 images: classes 1 4 are never predicted"
    assert explained(diagnosed(dead=(1, 4, 9)), end) == words


# What the rule does


def test_the_effect_of_a_value_rule_is_the_share_of_elements_and_the_cosine() -> None:
    words = "clipping changed 40 % of elements, direction kept to cos 0.35"
    assert explained(diagnosed(dead=())) == words


def test_the_effect_of_a_norm_rule_is_the_norm_and_the_direction_stays() -> None:
    measured = diagnosed(dead=())
    assert explained(changed_to("norm:1"), measured) == "clipping scaled ‖g‖ from 4.88 to 0.157, direction kept"
    assert str(explained(changed_to("layer-norm:1"), measured)).endswith(", direction kept to cos 0.35")


def test_a_rule_that_never_engaged_says_so() -> None:
    calm = diagnosed(step=150, total=UNTOUCHED, dead=(), engaged=0.0)
    assert explained(calm) == "the rule clipped none of the last 100 steps"
    assert explained(changed_to("norm:9"), calm) == "the rule clipped none of the last 100 steps"
    young = changed_to("norm:9", step=120)
    assert explained(young, calm) == "the rule clipped none of the 31 steps with this rule"
    assert explained(changed_to("norm:9", step=150), calm) == "the rule did not clip its first step"


def test_a_rule_that_engaged_but_not_at_this_step_says_how_often() -> None:
    measured = diagnosed(step=150, total=UNTOUCHED, dead=(), engaged=0.25)
    assert explained(measured) == "the rule clipped 25 % of the last 100 steps, but not step 150"
    early = diagnosed(step=50, total=UNTOUCHED, dead=(), engaged=0.25)
    assert "25 % of the last 51 steps" in str(explained(early))


def test_a_lane_without_a_rule_has_the_raw_gradient() -> None:
    measured = diagnosed("b", total=UNTOUCHED, dead=(), engaged=0.0)
    state = state_of(measured)
    assert str(explanation(state, state.lanes["b"])).startswith("the optimizer gets the raw gradient: ‖g‖ was ")


def test_a_measurement_from_before_a_change_of_rule_says_nothing_about_the_new_rule() -> None:
    measured = diagnosed(step=50, dead=())
    assert explained(measured, changed_to("norm:1", step=51)) is None
    assert explained(measured, changed_to("norm:1", step=50)) is not None
    # Dead outputs do not depend on the rule.
    assert "1 of 10" in str(explained(diagnosed(step=50, dead=(1,)), changed_to("norm:1", step=51)))


def test_lanes_never_clipped_and_with_equal_parameters_are_identical() -> None:
    calm = [diagnosed(name, total=UNTOUCHED, dead=(), engaged=0.0) for name in ("a", "b")]
    words = "nothing was clipped so far: the lanes are identical"
    assert explained(*calm, IDENTICAL) == words
    clipped = diagnosed("b", total=UNTOUCHED, dead=(), engaged=0.01)
    distant = msgspec.structs.replace(IDENTICAL, distance=1e-9)
    change = changed_to("none", step=50)
    for events in (
        [calm[0], IDENTICAL],
        calm,
        [*calm, distant],
        [calm[0], clipped, IDENTICAL],
        [*calm, IDENTICAL, change],
    ):
        assert "identical" not in str(explained(*events))


def test_adam_sees_signs_if_nearly_all_elements_are_clipped() -> None:
    words = "97 % of the nonzero elements are clipped: Adam sees little more than their signs"
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
def test_adam_does_not_see_signs_otherwise(total: Measure) -> None:
    assert "signs" not in str(explained(diagnosed(total=total, dead=())))


def test_signs_are_not_mentioned_for_other_optimizers_or_norm_rules() -> None:
    sgd = msgspec.structs.replace(RUN, config=msgspec.structs.replace(RUN.config, optimizer="sgd"))
    assert "signs" not in str(explained(diagnosed(total=SIGNS, dead=()), run=sgd))
    assert "signs" not in str(explained(changed_to("norm:1"), diagnosed(total=SIGNS, dead=())))


# Failures


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("the training loss is nan", "diverged at step 1,212: the loss became NaN"),
        ("the training loss is inf", "diverged at step 1,212: the loss became infinite"),
        ("a weight is no longer finite", "diverged at step 1,212: a weight became NaN or infinite"),
        ("something else", "diverged at step 1,212: something else"),
    ],
)
def test_a_lane_that_diverged_says_when_and_why(cause: str, words: str) -> None:
    assert explained(failed(cause)) == words


@pytest.mark.parametrize(
    ("norm", "words"), [(3e8, "3e8"), (12.34, "12"), (1e-7, "1e-7"), (float("inf"), "infinite"), (0.5, "0.5")]
)
def test_a_lane_that_diverged_says_the_norm_before_if_it_is_known(norm: float, words: str) -> None:
    state = state_of(failed("the training loss is nan"))
    lane = msgspec.structs.replace(state.lanes["a"], newest_norm=(1211, norm))
    ending = f"the loss became NaN; ‖g‖ was {words} at step 1,211"
    assert explanation(state, lane) == f"diverged at step 1,212: {ending}"
    assert explanations(state, lane)[1:] == (
        "diverged at step 1,212: the loss became NaN",
        "diverged at 1,212: loss NaN",
        "diverged at step 1,212",
    )


def test_a_lane_that_raised_an_error_says_which() -> None:
    assert explained(failed("RuntimeError: out of memory", "error")) == (
        "failed at step 1,212: RuntimeError: out of memory"
    )


# Importance


def test_the_most_important_sentence_comes_first() -> None:
    untouched = diagnosed("b", total=UNTOUCHED, dead=(), engaged=0.0)
    dead = msgspec.structs.replace(diagnosed(total=UNTOUCHED, dead=(1,), engaged=0.0), lane="a")
    state = state_of(dead, untouched, IDENTICAL, failed("the training loss is nan"))
    starts = ["diverged at", "1 of 10 outputs", "nothing was clipped", "the rule clipped none"]
    assert [words[0][: len(start)] for words, start in zip(sentences(state, state.lanes["a"]), starts)] == starts  # noqa: B905
    state = state_of(diagnosed(total=SIGNS))
    starts = ["2 of 10 outputs", "97 % of the nonzero", "clipping changed"]
    assert [words[0][: len(start)] for words, start in zip(sentences(state, state.lanes["a"]), starts)] == starts  # noqa: B905
    state = state_of(diagnosed(total=NO_GRADIENT, dead=EVERY), failed("the training loss is nan"))
    assert [words[0] for words in sentences(state, state.lanes["a"])][:2] == [
        "diverged at step 1,212: the loss became NaN",
        ALL_DEAD,
    ]


# The widest line of the narrowest heading: 29 cells with a blank on each side.
NARROWEST = 27
LARGE = msgspec.structs.replace(MEASURE, norm=1.23e-10, clipped_norm=1.23e-11, changed=1)
MEASURED = [
    diagnosed(step=99_950, dead=EVERY, total=NO_GRADIENT),
    diagnosed(step=99_950, dead=EVERY),
    diagnosed(step=99_950, dead=EVERY[1:]),
    *(diagnosed(step=99_950, dead=(), total=total) for total in (MEASURE, LARGE, SIGNS, UNTOUCHED)),
    diagnosed(step=99_950, dead=(), total=UNTOUCHED, engaged=0.0),
]


@pytest.mark.parametrize("measured", MEASURED)
@pytest.mark.parametrize("rule", ["value:0.001", "norm:1", "agc:0.1", "none", "sign"])
def test_every_sentence_has_shorter_forms_down_to_the_narrowest_heading(measured: Diagnosed, rule: str) -> None:
    end = msgspec.structs.replace(FINISHED, step=100_000, silent_outputs=EVERY)
    for events in ([measured], [measured, end], [measured, failed("the training loss is nan")]):
        state = state_of(changed_to(rule, 0), *events)
        for forms in sentences(state, state.lanes["a"]):
            lengths = [len(form) for form in forms]
            assert lengths == sorted(lengths, reverse=True)
            assert lengths[-1] <= NARROWEST


def test_the_steps_with_a_forks_rule_count_from_the_fork_on() -> None:
    calm = diagnosed("twin", step=50, total=UNTOUCHED, dead=(), engaged=0.0)
    for rule, words in (("norm:9", "31 steps with this rule"), ("value:0.001", "51 steps with this rule")):
        fork = LaneForked(lane="twin", step=20, parent="a", rule=rule, learning_rate=0.001, seconds=1.0)
        state = state_of(fork, calm)
        assert explanation(state, state.lanes["twin"]) == f"the rule clipped none of the {words}"
