"""What an audit finds in the comparisons of measured steps, and in which words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import diagnosed
from test_state import LANE, RUN, folded

from clipwatch.core.stream.audit_words import audit_sentence, audit_words, is_mistake, most_important
from clipwatch.core.stream.codec import decode_event, encode
from clipwatch.core.stream.events import LoopAudited
from clipwatch.core.stream.watch_events import Finding
from clipwatch.core.watch.audit import Audit
from clipwatch.core.watch.clipping_findings import clipping
from clipwatch.core.watch.comparison import GradientComparison, LateChange
from clipwatch.tui.text.explanation import explanation, sentences
from clipwatch.tui.text.status_messages import status_message
from clipwatch.tui.text.wording import log_line


def untouched(norm: float, **others: object) -> GradientComparison:
    return replace(GradientComparison(norm=norm, used_norm=norm, used_largest=norm / 2), **others)  # pyright: ignore


def scaled(norm: float, factor: float, **others: object) -> GradientComparison:
    """All elements times a factor, after a GradScaler has divided them."""
    step = replace(untouched(norm * factor), norm=norm, ratios=(factor, factor), equal=factor == 1, written=True)
    return replace(step, **others)  # pyright: ignore


def norm_clipped(norm: float, bound: float) -> GradientComparison:
    """As `clip_grad_norm_` clips."""
    return scaled(norm, min(1.0, bound / (norm + 1e-6)))


def clamped(norm: float, bound: float, used_norm: float) -> GradientComparison:
    low = bound / norm
    step = replace(untouched(norm), used_norm=used_norm, used_largest=bound, ratios=(low, 1.0))
    return replace(step, equal=False, written=True, clamped=True)


def audited(steps: Sequence[GradientComparison], every: int = 50, **others: object) -> list[LoopAudited]:
    audit = Audit("loop")
    return [
        event
        for number, step in enumerate(steps)
        for event in audit.add(number * every, step, **others)  # pyright: ignore
    ]


def sentence(*steps: GradientComparison) -> str | None:
    """What the newest finding about clipping says, in full."""
    found = clipping(steps)
    return audit_sentence(found.finding, found.figures)[0] if found else None


NORMS = (14.2, 0.3, 5.1, 90.0, 0.8, 2.2)


# How a loop clips


def test_nothing_is_said_from_two_steps() -> None:
    assert sentence(untouched(1.0), untouched(2.0)) is None
    assert sentence(untouched(0.5), norm_clipped(3.0, 1.0), norm_clipped(7.0, 1.0)) is None


def test_gradients_that_nothing_wrote_to_were_not_clipped() -> None:
    words = "‖g‖ was 14.2 and reached the optimizer unchanged: this loop does not clip"
    assert str(sentence(untouched(1.0), untouched(2.0), untouched(14.2))).startswith(words)


def test_a_loop_whose_hooks_may_clip_is_not_said_not_to_clip() -> None:
    words = sentence(*(untouched(norm, hooked=10) for norm in NORMS))
    assert words is not None
    assert "does not clip" not in words


def test_the_bound_of_the_norm_and_the_share_of_steps_follow_from_steps_that_end_at_it() -> None:
    steps = [norm_clipped(norm, 1.0) for norm in NORMS]
    assert (
        sentence(*steps) == "your loop clips the norm to 1.0 before the optimizer: engaged on 67 % of 6 measured steps"
    )


def test_equal_norms_before_clipping_show_no_bound() -> None:
    assert "to 1.0" not in (sentence(*[scaled(4.0, 0.25)] * 6) or "")


def test_the_mean_over_batches_is_no_clipping_also_where_norms_are_imprecise() -> None:
    """Norms of 16 bits that are close to each other are no bound."""
    norms = (4.0, 4.01, 4.02, 4.03, 1.0, 2.0)
    words = "your loop multiplies the gradient by 0.25 between backward and the optimizer"
    for order in (norms, norms[::-1]):
        assert sentence(*(scaled(norm, 0.25, precision=1.6e-2) for norm in order)) == words


def test_scaling_to_the_largest_element_is_not_clipping_each() -> None:
    """As `clip_grad_norm_` does with the infinity norm."""
    steps = [scaled(norm, 0.1 * number + 0.1, used_largest=0.01) for number, norm in enumerate(NORMS)]
    found = clipping(steps)
    assert found
    assert found.finding == "changes-gradient"


def test_norms_below_the_bound_that_are_imprecise_are_not_counted_as_clipped() -> None:
    steps = [scaled(norm, 0.25, precision=1.6e-2) for norm in (2.0, 3.98, 3.99)]
    assert clipping([*steps, scaled(20.0, 0.05, precision=1.6e-2)]) is None


def test_factors_that_vary_below_a_bound_are_not_explained_by_it() -> None:
    clipped = [norm_clipped(norm, 1.0) for norm in (5.0, 6.0, 7.0)]
    found = clipping([*clipped, scaled(0.5, 0.25), scaled(0.4, 0.5), scaled(0.3, 0.25)])
    assert found
    assert found.finding == "changes-gradient"


def test_small_norms_end_below_the_bound_by_what_torch_adds_to_them() -> None:
    assert "to 0.001 before" in str(sentence(*(norm_clipped(norm, 0.001) for norm in (0.003, 0.01, 0.1))))


def test_norms_that_are_almost_equal_before_clipping_show_nothing() -> None:
    assert sentence(*(norm_clipped(norm, 1.0) for norm in (4.0, 4.001, 4.002, 4.003))) is None


def test_a_gradient_that_is_set_to_a_norm_also_upwards_is_not_clipped() -> None:
    found = clipping([scaled(norm, 1.0 / norm) for norm in NORMS])
    assert found
    assert found.finding == "changes-gradient"


def test_the_mean_over_batches_and_then_clipping_is_clipping() -> None:
    steps = [scaled(norm, min(0.25, 1.0 / (norm + 1e-6))) for norm in (14.2, 0.3, 5.1, 90.0, 0.8, 2.2)]
    assert "clips the norm to 1.0 before the optimizer: engaged on 50 %" in str(sentence(*steps))


def test_a_constant_factor_is_told() -> None:
    words = "your loop multiplies the gradient by 0.25 between backward and the optimizer"
    assert sentence(*(scaled(norm, 0.25) for norm in NORMS)) == words


def test_the_bound_of_elements_follows_from_the_largest_one() -> None:
    steps = [clamped(norm, 0.01, norm / 3) for norm in NORMS]
    assert "clips each element to 0.01" in str(sentence(*steps))


def test_a_bound_that_was_changed_is_found_again() -> None:
    steps = [norm_clipped(norm, 1.0) for norm in NORMS[:4]] + [norm_clipped(norm, 0.5) for norm in (4.0, 3.0, 9.0)]
    assert "to 0.5 before" in str(sentence(*steps))


def test_a_gradient_above_the_bound_contradicts_it() -> None:
    steps = [norm_clipped(3.0, 1.0), untouched(5.0), norm_clipped(4.0, 1.0), norm_clipped(7.0, 1.0)]
    found = clipping(steps)
    assert found
    assert found.finding == "changes-gradient"


def test_clipping_while_scaled_is_found_by_the_rounder_bound_or_by_a_scale_that_changes() -> None:
    def step(norm: float, scale: float, bound: float) -> GradientComparison:
        return scaled(norm, bound / (norm * scale + 1e-6), scale=scale)

    words = "your loop clips to 1.0 what is still multiplied by 65,536: clip after `scaler.unscale_`"
    assert sentence(*(step(norm, 65536.0, 1.0) for norm in NORMS)) == words
    changing = [step(norm, scale, 0.777) for norm, scale in zip(NORMS, (4, 8, 16, 32, 64, 128), strict=True)]
    assert "clips to 0.777 what is still multiplied by 128" in str(sentence(*changing))


def test_clipping_after_unscaling_is_right_at_any_scale() -> None:
    steps = [replace(norm_clipped(norm, 0.3), scale=2.0**place) for place, norm in enumerate(NORMS)]
    assert "clips the norm to 0.3 before the optimizer" in str(sentence(*steps))
    steps = [replace(norm_clipped(norm, 0.3), scale=2.0) for norm in NORMS]
    assert "clips the norm to 0.3 before the optimizer" in str(sentence(*steps))


def test_steps_that_are_not_finite_or_0_show_nothing() -> None:
    assert sentence(*[replace(untouched(1.0), norm=math.nan)] * 5, *[untouched(0.0)] * 5) is None


@pytest.mark.parametrize(
    ("cause", "why"),
    [({"processes": 4}, "averaged over 4 processes"), ({"refused": 2}, "take no hooks"), ({}, "did not come from")],
)
def test_a_backward_that_is_not_seen_is_told_with_the_reason(cause: dict[str, int], why: str) -> None:
    assert why in str(sentence(*[replace(untouched(1.0), norm=None, **cause)] * 3))


MOST = st.floats(1e-3, 1e3)
STEPS = st.lists(st.tuples(MOST, st.sampled_from(["none", "mean", "clip", "clamp"])), min_size=3, max_size=60)


@given(STEPS, st.sampled_from([0.1, 0.5, 1.0, 5.0]), st.floats(0.01, 0.9))
def test_no_false_claim_about_loops_that_scale_clip_or_do_nothing(
    steps: list[tuple[float, str]], bound: float, factor: float
) -> None:
    """A bound is claimed only where steps were clipped to it, and `not-clipped` only if none was."""
    made = {
        "none": untouched,
        "mean": lambda norm: scaled(norm, factor),
        "clip": lambda norm: norm_clipped(norm, bound),
        "clamp": lambda norm: clamped(norm, bound, norm / 2) if norm > bound else untouched(norm, written=True),
    }
    known: list[GradientComparison] = []
    for norm, what in steps:
        known.append(made[what](norm))
        if (found := clipping(known)) is None:
            continue
        done = {what for _, what in steps[: len(known)]}
        match found.finding:
            case "not-clipped":
                assert done == {"none"}
            case "clips-norm":
                assert "clip" in done
                assert found.figures["bound"] == bound
            case "clips-value":
                assert "clamp" in done
                assert found.figures["bound"] == bound
            case finding:
                assert finding == "changes-gradient"
                assert "factor" in found.figures or len(done) > 1


# Events


def test_a_finding_is_sent_once_and_again_when_its_figures_have_changed_much() -> None:
    events = audited([untouched(1.0 + number) for number in range(40)])
    assert [(event.finding, event.figures["measured"]) for event in events] == [
        ("not-clipped", measured) for measured in (3, 6, 12, 24)
    ]


def test_a_loop_that_clips_seldom_still_clips() -> None:
    steps = [norm_clipped(9.0 + number, 1.0) for number in range(4)]
    events = audited([*steps, *(norm_clipped(0.5, 1.0) for _ in range(200))])
    assert {event.finding for event in events} == {"clips-norm"}
    assert not any(event.gone for event in events)
    assert events[-1].figures["share"] < 0.2


def test_one_finding_about_clipping_replaces_the_other_without_a_word() -> None:
    events = audited([untouched(norm) for norm in NORMS] + [norm_clipped(norm, 1.0) for norm in (5.0, 6.0, 7.0)])
    assert [(event.finding, event.gone) for event in events] == [
        ("not-clipped", False),
        ("not-clipped", False),
        ("not-clipped", True),
        ("clips-norm", False),
    ]


def test_a_parameter_gets_its_gradient_after_all_and_is_not_named_again_at_once() -> None:
    without = replace(untouched(1.0), none=("a.weight", "b.weight"), frozen=1)
    events = audited([without] * 3 + [untouched(1.0)] + [without] * 3, rule=True)
    assert [(event.finding, event.gone) for event in events] == [("no-gradient", False), ("no-gradient", True)]
    words = "the gradient of 2 parameters is None, of which 1 is frozen: a.weight, b.weight"
    assert audit_words(events[0])[0] == words


def test_parameters_that_are_all_frozen_are_no_mistake() -> None:
    (event,) = audited([replace(untouched(1.0), none=("a.weight",), frozen=1)] * 3, rule=True)
    assert not is_mistake(event)
    assert audit_words(event)[0].startswith("1 parameter of the optimizer is frozen and gets no gradient")


def test_a_gradient_of_0_is_told_after_many_steps() -> None:
    zero = replace(untouched(1.0), zero=("a.weight",))
    assert audited([zero] * 10, every=1, rule=True) == []
    events = audited([zero] * 11, rule=True)
    assert audit_words(events[0])[0] == "the gradient of 1 parameter has been 0 for 101 steps: a.weight"
    assert [event.figures["steps"] for event in events] == [101, 251]


def test_a_rule_that_has_not_engaged_is_told_after_100_steps() -> None:
    audit = Audit("loop")
    assert audit.add(0, untouched(1.0), rule=True, engaged=(0, 99)) == []
    (event,) = audit.add(50, untouched(1.0), rule=True, engaged=(0, 100))
    assert audit_words(event)[0] == "the rule has not engaged in 100 steps so far"
    assert audit.add(100, untouched(1.0), rule=True, engaged=(0, 199)) == []
    (event,) = audit.add(150, untouched(1.0), rule=True, engaged=(0, 200))
    assert audit_words(event)[1] == "not engaged in 200 steps"
    (event,) = audit.add(200, untouched(1.0), rule=True, engaged=(1, 250))
    assert event.gone
    assert audit_words(event) == ("the rule has engaged",)


def test_a_rule_that_was_changed_is_not_said_to_have_engaged() -> None:
    for rule, engaged in ((True, (0, 5)), (False, None)):
        audit = Audit("loop")
        audit.add(0, untouched(1.0), rule=True, engaged=(0, 100))
        (event,) = audit.add(50, untouched(1.0), rule=rule, engaged=engaged)
        assert event.gone
        assert audit_words(event) == ("the rule has changed since",)
    audit = Audit("loop")
    written = [untouched(0.1, written=True)] * 3
    assert [event for step in written for event in audit.add(99, step, engaged=(0, 100))]
    (event,) = audit.add(150, untouched(0.1, written=True), rule=True, engaged=(0, 5))
    assert audit_words(event) == ("the rule has changed since",)


def test_the_loops_own_clipping_that_only_writes_never_engages() -> None:
    (event,) = audited([untouched(0.1, written=True)] * 21)
    assert event.finding == "never-engaged"
    assert audit_words(event)[0] == (
        "your loop's clipping has not engaged on any of the 21 steps measured so far (1,001 trained)"
    )


def test_the_loops_own_clipping_is_judged_by_every_step_where_that_is_known() -> None:
    written = [untouched(0.1, written=True)] * 21
    (event,) = audited(written, engaged=(0, 100))
    assert audit_words(event)[0] == "your loop's clipping has not engaged in 100 steps so far"
    *_, event, now = audited([*written, norm_clipped(9.0, 1.0)], engaged=(0, 100))
    assert audit_words(event if event.gone else now) == ("your loop's clipping has engaged",)


def test_clipping_that_no_measured_step_shows_is_told_from_the_norms_of_every_step() -> None:
    written = [untouched(0.1, written=True)] * 21
    (event,) = audited(written, engaged=(2, 3000))
    assert audit_words(event)[0] == "your loop's clipping engaged on 2 of 3,000 steps"
    assert audit_words(event)[-1] == "loop clips seldom"
    assert audited([*written, replace(untouched(0.1), equal=False, ratios=(0.1, 2.0))], engaged=(2, 3000))[-1].gone
    assert audited(written, engaged=(2, 3000), rule=True) == []


def test_a_finding_is_not_repeated_in_the_same_words() -> None:
    (event,) = audited([untouched(1.0, none=("0.bias",))] * 40, rule=True, engaged=(9, 10))
    assert event.finding == "no-gradient"
    audit, events = Audit("loop"), []
    for number, norm in enumerate(NORMS):
        events += audit.add(number, norm_clipped(9 + norm, 1.0), engaged=(100 * 2**number, 100 * 2**number))
    assert [event.finding for event in events] == ["clips-norm"]


def test_gradients_that_nobody_unscaled_are_not_called_clipped() -> None:
    assert audit_sentence("still-scaled", {"scale": 65536.0})[-1] == "gradients still scaled"
    assert audit_sentence("still-scaled", {"scale": 65536.0, "bound": 1.0})[-1] == "clipped while scaled"


def test_a_change_after_the_step_is_told_and_says_that_the_loop_does_not_clip_before_it() -> None:
    late = [untouched(norm, late=LateChange(norm, 1.0)) for norm in NORMS]
    assert {event.finding for event in audited(late)} == {"too-late"}
    assert audit_words(audited(late)[0])[0] == "‖g‖ is changed from 14.2 to 1 only after `optimizer.step()`: too late"
    ends = audited([*late, *map(untouched, NORMS)])
    assert [(event.finding, event.gone) for event in ends][-2:] == [("too-late", True), ("not-clipped", False)]


def test_a_rule_beside_the_loops_own_clipping_clips_twice() -> None:
    events = audited([norm_clipped(norm, 1.0) for norm in NORMS], rule=True)
    assert {event.finding for event in events} == {"clipped-twice"}


def test_a_rule_that_is_set_later_makes_it_clipping_twice() -> None:
    audit = Audit("loop")
    events = [
        event for step, norm in enumerate(NORMS) for event in audit.add(step, norm_clipped(norm, 1.0), rule=step > 3)
    ]
    assert [event.finding for event in events] == ["clips-norm", "clipped-twice"]
    assert not any(event.gone for event in events)


def test_a_loop_that_makes_means_and_clips_seldom_still_clips() -> None:
    steps = [scaled(norm, 1.0 / (norm + 1e-6)) for norm in (9.0, 10.0, 11.0)]
    events = audited([*steps, *(scaled(1.0 + number / 60, 0.25) for number in range(60))])
    assert {event.finding for event in events} == {"clips-norm"}


def test_a_share_of_few_known_steps_is_not_told() -> None:
    events = audited([norm_clipped(norm, 1.0) for norm in NORMS], engaged=(1, 2))
    assert events[-1].figures["measured"] > 2


def test_the_share_of_every_step_is_told_where_it_is_known() -> None:
    events = audited([norm_clipped(norm, 1.0) for norm in NORMS], engaged=(610, 1000))
    assert (
        audit_words(events[-1])[0] == "your loop clips the norm to 1.0 before the optimizer: engaged on 61 % of steps"
    )


# Words


FINDINGS = get_args(Finding)


@pytest.mark.parametrize("finding", FINDINGS)
def test_every_finding_has_words_from_long_to_short_also_without_figures(finding: Finding) -> None:
    event = LoopAudited(lane="loop", step=3, finding=finding)
    forms = audit_words(event)
    assert sorted(forms, key=len, reverse=True) == list(forms)
    assert len(forms[-1]) <= 22
    assert audit_words(msgspec.structs.replace(event, gone=True))
    assert decode_event(encode(event)) == event
    assert most_important({finding: event}) == event


@given(
    st.sampled_from(FINDINGS),
    st.dictionaries(st.sampled_from(["norm", "bound", "scale", "share", "steps"]), st.floats()),
)
def test_figures_of_a_damaged_recording_have_words_too(finding: Finding, figures: dict[str, float]) -> None:
    assert all(audit_words(LoopAudited(lane="loop", step=3, finding=finding, figures=figures)))


def test_mistakes_come_first() -> None:
    def event(finding: Finding, **figures: float) -> LoopAudited:
        return LoopAudited(lane="loop", step=3, finding=finding, figures=figures)

    found = [event("clips-norm"), event("no-gradient", parameters=2.0, frozen=2.0), event("zero-gradient")]
    first = most_important({each.finding: each for each in found})
    assert first == found[2]


# Where the words appear


def test_a_watched_lane_is_explained_by_the_audit_before_what_the_rule_does() -> None:
    run = msgspec.structs.replace(RUN, watched=True)
    event = LoopAudited(lane="a", step=49, finding="clipped-twice", figures={"bound": 1.0})
    state = folded(run, LANE, diagnosed(dead=()), event)
    first, second = list(sentences(state, state.lanes["a"]))[:2]
    assert first[0].startswith("clipped twice: your loop clips to 1.0 before the rule does")
    assert "clip" in second[0]


def test_a_watched_loop_without_a_rule_is_not_said_to_use_the_raw_gradient() -> None:
    run = msgspec.structs.replace(RUN, watched=True)
    state = folded(run, msgspec.structs.replace(LANE, rule="none"), diagnosed(dead=()))
    assert explanation(state, state.lanes["a"]) is None


def test_the_log_shows_the_longest_form_that_fits() -> None:
    event = LoopAudited(lane="a", step=49, finding="not-clipped", figures={"norm": 14.2})
    words = "|g| was 14.2 and reached the optimizer unchanged: this loop does not clip"
    assert log_line(event, 200) == f"Step: 49 {words} (a call before `backward` does nothing)"
    assert log_line(event, 90) == f"   49 {words}"
    assert log_line(event, 50) == "   49 |g| was 14.2: this loop does not clip"
    assert log_line(event, 20) == "   49 not clipped"


def test_the_status_line_alerts_to_a_mistake_and_not_to_its_end() -> None:
    event = LoopAudited(lane="a", step=49, finding="too-late")
    state = folded(msgspec.structs.replace(RUN, watched=True), LANE, event)
    message, end = status_message(event, state), status_message(msgspec.structs.replace(event, gone=True), state)
    assert message
    assert message.alert
    assert end
    assert not end.alert
