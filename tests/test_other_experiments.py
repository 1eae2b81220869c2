"""Runs of experiments other than LeNet: every text and chart goes by their own metrics, gauges and settings."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from other_experiments import (
    BITS,
    LANES,
    LENETS_WORDS,
    ORDER,
    OTHERS,
    PLAIN,
    diagnosed,
    evaluated,
    finished,
    folded,
    lane_started,
    started,
)
from rich.console import Console
from test_header_and_footer import ASCII, COLOURED

from clipwatch.core.stream.builtin_experiments import LENET, TEMPORAL_ORDER
from clipwatch.core.stream.config import LaneConfig
from clipwatch.core.stream.evaluation_line import evaluation_line
from clipwatch.core.stream.events import Event, LaneFailed, StepsTrained
from clipwatch.core.stream.experiment_info import ExperimentInfo, MetricInfo
from clipwatch.core.stream.state import RunState
from clipwatch.tui.charts.plotting import Plot
from clipwatch.tui.diagnostics.glossary import terms
from clipwatch.tui.diagnostics.heading import effect_line
from clipwatch.tui.diagnostics.page import diagnostics_pages
from clipwatch.tui.screens.help import about_run
from clipwatch.tui.text.explanation import explanations
from clipwatch.tui.text.rich_output import Output
from clipwatch.tui.text.setting_words import setting_words
from clipwatch.tui.text.summary import lane_summary, print_summary, summary_table
from clipwatch.tui.text.verdict import verdict
from clipwatch.tui.text.wording import diagnosis_line, log_line
from clipwatch.tui.view.chart_specs import ChartSettings, draw_metric
from clipwatch.tui.view.grid_pages import recorded_metrics
from clipwatch.tui.view.keys import SWITCH, keys_for
from clipwatch.tui.view.lane_heading import lane_heading
from clipwatch.tui.view.metrics import NAMES, metric, metrics_of
from clipwatch.tui.view.run_view import RunView
from clipwatch.tui.view.status_line import status
from clipwatch.tui.view.title import title

EVERY = pytest.mark.parametrize("info", OTHERS.values(), ids=OTHERS)


def says_nothing_of_lenet(text: str) -> bool:
    return not any(word in text for word in LENETS_WORDS)


def viewed(info: ExperimentInfo, *events: Event, **changes: object) -> RunView:
    view, run = RunView(), started(info, **changes)
    for event in (run, *map(lane_started, run.config.lanes), *events):
        view.fold(event)
    return view


def trained(lane: str, step: int, *norms: float) -> StepsTrained:
    part = np.array(norms, "<f4").tobytes()
    return StepsTrained(lane=lane, step=step, losses=part, norms=part, clipped_norms=part, clipped=bytes(len(norms)))


# Lines


@pytest.mark.parametrize(
    ("info", "full", "medium", "narrow"),
    [
        (
            BITS,
            "Step: 120 validation bits per character: 2.31 loss: 2.24",
            "  120 bits per character 2.31 loss 2.2400",
            "  120 2.31 2.2400",
        ),
        (PLAIN, "Step: 120 validation loss: 2.24", "  120 loss 2.2400", "  120 loss 2.2400"),
        (ORDER, "Step: 120 validation accuracy: 2.31 loss: 2.24", "  120 acc 2.31 loss 2.2400", "  120 231% 2.2400"),
    ],
)
def test_an_evaluation_is_a_line_of_the_metrics_in_three_widths(
    info: ExperimentInfo, full: str, medium: str, narrow: str
) -> None:
    event = evaluated(info, "clipped", 120, 2.31, 2.24)
    assert evaluation_line(event, info) == full
    assert [log_line(event, cells, info) for cells in (80, 32 if info is PLAIN else 42, 12)] == [full, medium, narrow]


@pytest.mark.parametrize(
    ("info", "full", "narrow"),
    [
        (BITS, "Step: 1000 completed: bits per character 2.31 loss 1.5000 (all 1,000)", " 1000 all 2.31"),
        (PLAIN, "Step: 1000 completed: loss 1.5000 (all 1,000)", " 1000 loss 1.5000"),
    ],
)
def test_the_end_of_a_lane_is_a_line_of_the_first_metric(info: ExperimentInfo, full: str, narrow: str) -> None:
    assert [log_line(finished(info, "clipped", 2.31), cells, info) for cells in (80, 20)] == [full, narrow]


@EVERY
@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_values_that_are_not_finite_have_lines_too(info: ExperimentInfo, value: float) -> None:
    for cells in (10, 20, 40, 80):
        assert log_line(evaluated(info, "a", 5, value, value), cells, info)
        if info is not ORDER:
            assert log_line(finished(info, "a", value, value), cells, info)


def test_a_measurement_has_a_line_with_the_gauges() -> None:
    line = diagnosis_line(diagnosed(ORDER, "clipped", 50, 0.47), ORDER)
    assert line.endswith("saturated units 47 %, spectral radius 1.5")
    assert says_nothing_of_lenet(line)
    assert says_nothing_of_lenet(diagnosis_line(diagnosed(BITS, "clipped", 50), BITS))


def test_the_title_of_a_metric_cannot_control_the_terminal() -> None:
    info = ExperimentInfo(name="Mine", metrics=(MetricInfo("m", "\x1b[31mred"),))
    event = msgspec.structs.replace(evaluated(PLAIN, "a", 1), metrics={"m": 1.0})
    for cells in (80, 40, 10):
        assert log_line(event, cells, info).isprintable()


# Charts


def test_charts_have_the_metrics_and_gauges_of_the_experiment() -> None:
    names = {name: [one.name for one in metrics_of(info)] for name, info in OTHERS.items()}
    assert names["temporal-order"][:5] == ["loss", "accuracy", "grad-norm", "saturated", "spectral-radius"]
    assert names["bits"][:3] == ["loss", "bits-per-character", "grad-norm"]
    assert names["plain"][:2] == ["loss", "grad-norm"]
    assert not any(name.startswith("dead") for found in names.values() for name in found)
    assert {"saturated", "dead-outputs"} <= set(NAMES)
    assert not {"saturated", "spectral-radius"} & {one.name for one in metrics_of(LENET.info)}


def test_a_metric_is_shown_as_it_says() -> None:
    shares = ExperimentInfo(name="Mine", metrics=(MetricInfo("recall", share=True), MetricInfo("errors", counts=True)))
    recall, errors = (metric(name, shares) for name in ("recall", "errors"))
    assert (recall.percent, recall.limits) == (True, (0.0, 1.0))
    assert (errors.percent, errors.limits, errors.decimals(None)) == (False, None, 0)
    assert metric("loss", BITS).heading(started(BITS).config) == "validation loss, 100 lines"
    assert metric("saturated", ORDER).limits == (0.0, 1.0)


@EVERY
def test_every_chart_is_drawn_with_and_without_values(info: ExperimentInfo) -> None:
    values = [event for name in ("unclipped", "clipped") for event in _some(info, name)]
    for view in (viewed(info), viewed(info, *values)):
        for one in metrics_of(info):
            strips = draw_metric(one, view, ChartSettings(), COLOURED, (50, 12), Plot())
            assert [strip.cell_length for strip in strips] == [50] * 12
            assert says_nothing_of_lenet("".join(strip.text for strip in strips))
    assert {one.name for one in info.gauges} <= {one.name for one in recorded_metrics(view)}


def _some(info: ExperimentInfo, lane: str) -> list[Event]:
    return [
        evaluated(info, lane, 0),
        evaluated(info, lane, 10, math.nan, math.inf),
        diagnosed(info, lane, 10, 0.5),
        evaluated(info, lane, 20, 0.3),
    ]


# The bars


def test_the_title_has_the_experiment_and_the_settings_that_are_not_its_defaults() -> None:
    changed = {"length": 30, "init": "orthogonal"}
    text = title(viewed(ORDER, settings=changed), 200, COLOURED).text
    assert " clipwatch  temporal-order  seed 0  length 30, init orthogonal  step 0" in text
    assert " clipwatch  temporal-order  seed 0  step 0" in title(viewed(ORDER), 200, COLOURED).text
    own = msgspec.structs.replace(BITS, defaults=("hidden_size=32", "rate=0.5"))
    assert setting_words(own, {"hidden_size": 64, "rate": 0.5}) == "hidden size 64"
    assert setting_words(BITS, {"hidden_size": 64, "rate": 0.5}) == "hidden size 64, rate 0.5"
    assert setting_words(LENET.info, {"head": "linear", "init_std": 0.5}) == "plain logits"


def test_the_title_has_the_setting_of_the_next_run() -> None:
    def next_run(value: str) -> str:
        return title(viewed(ORDER), 200, COLOURED, next_settings={"init": value}).text

    assert "(next: init orthogonal)" in next_run("orthogonal")
    assert "next" not in next_run("gaussian")


@EVERY
def test_a_result_has_the_first_metric(info: ExperimentInfo) -> None:
    view = viewed(info, evaluated(info, "clipped", 0), finished(info, "clipped", 0.25, 1.25))
    lane = view.state.lanes["clipped"]
    first = lane_heading(1, lane, view.lanes["clipped"], (), 120, COLOURED, selected=True, experiment=info)[0].text
    expected = {
        "temporal-order": "accuracy 0.250 (0.224-0.278)",
        "Text": "bits per character 0.25",
        "Plain": "loss 1.2500",
    }
    assert f"{expected[info.name]} on all 1,000 {info.examples}" in first


@EVERY
def test_the_status_line_has_the_difference_in_the_first_metric(info: ExperimentInfo) -> None:
    view = viewed(info, evaluated(info, "unclipped", 0, 0.5, 2.0), evaluated(info, "clipped", 0, 0.25, 1.5))
    line = status("", alert=False, view=view, pair=("unclipped", "clipped"), width=120, theme=COLOURED).text
    assert "Δloss -0.500" in line
    expected = {"temporal-order": "Δaccuracy -0.25", "Text": "Δbits per character -0.250", "Plain": "Δloss -0.500"}
    assert line.rstrip().endswith(expected[info.name])


@EVERY
@pytest.mark.parametrize("width", [29, 39, 58, 79, 120])
def test_the_third_line_of_a_heading_has_the_gauges_that_fit(info: ExperimentInfo, width: int) -> None:
    for theme in (COLOURED, ASCII):
        for events in ([], [diagnosed(info, "clipped", 0, 0.47)]):
            line = effect_line(1, folded(info, *events).lanes["clipped"], width, theme, info)
            assert line.cell_length == width
            assert says_nothing_of_lenet(line.text)
            assert ("saturated" in line.text) is (info is ORDER and width >= 39)
            assert ("steps clipped" in line.text) is (width >= 79 or (info is not ORDER and width > 29))


# Sentences


def sentence(state: RunState, lane: str, cells: int = 1000) -> str:
    forms = explanations(state, state.lanes[lane])
    return next((form for form in forms if len(form) <= cells), forms[-1])


def measured(saturated: float, *norms: tuple[float, ...], loss: float = 3.0) -> RunState:
    """An unclipped lane with this share of saturated units, beside a clipped one without; norms are of both."""
    events: list[Event] = []
    for (lane, share), values in zip((("unclipped", saturated), ("clipped", 0.0)), norms, strict=True):
        events += [trained(lane, 150, *values), evaluated(ORDER, lane, 150, loss=loss)]
        events += [diagnosed(ORDER, lane, 150, share, norm=values[-1])]
    return folded(ORDER, *events)


def test_saturated_units_are_why_a_lane_has_stopped_learning() -> None:
    state = measured(0.86, (1.0, 2.0), (0.5, 0.5))
    assert sentence(state, "unclipped") == (
        "86 % of the units are saturated (|h| > 0.99), where tanh is flat and passes hardly any gradient back;"
        " the lane does worse than guessing"
    )
    assert sentence(state, "unclipped", 37) == "86 % saturated: worse than guessing"
    assert "saturated" not in sentence(measured(0.05, (1.0,), (0.5,)), "unclipped")


def test_a_lane_that_does_better_than_guessing_has_not_stopped_learning() -> None:
    text = sentence(measured(0.86, (1.0,), (0.5,), loss=1.0), "unclipped")
    assert (
        text == "86 % of the units are saturated (|h| > 0.99), where tanh is flat and passes hardly any gradient back"
    )


def test_the_clipped_lane_shows_the_larger_gradients_while_the_units_of_the_other_are_saturated() -> None:
    # The largest of the steps up to the measurement count, not the last one.
    state = measured(0.47, (6.0, 2.0), (12.3, 0.5))
    assert sentence(state, "clipped") == (
        "B shows the larger raw gradients (‖g‖ up to 12, in A 6): its units still react, 47 % of those of A are"
        " saturated"
    )
    assert sentence(state, "clipped", 36) == "larger gradients: A is saturated"
    assert "larger" not in sentence(measured(0.47, (6.0,), (5.0,)), "clipped")
    assert "larger" not in sentence(measured(0.05, (6.0,), (12.3,)), "clipped")


def test_a_lane_that_is_far_behind_is_not_compared() -> None:
    state = measured(0.47, (6.0,), (12.3,))
    later = diagnosed(ORDER, "clipped", 250, 0.0, norm=12.3)
    late = folded(ORDER, *_events_of(state), later)
    assert "larger" not in sentence(late, "clipped")


def _events_of(state: RunState) -> list[Event]:
    return [event for lane in state.lanes.values() for event in (lane.latest, lane.diagnosed) if event]


def test_a_failure_names_what_the_data_consists_of() -> None:
    failed = LaneFailed(
        lane="unclipped", step=1000, reason="diverged", cause="the loss on all validation data is nan", seconds=1.0
    )
    assert "the loss on all sequences is NaN" in sentence(folded(ORDER, failed), "unclipped")
    assert "the loss on all lines is NaN" in sentence(folded(BITS, failed), "unclipped")


# Verdicts and summaries


@pytest.mark.parametrize(
    ("info", "values", "text"),
    [
        (BITS, (2.314, 2.107), "bits per character A 2.314, B 2.107 (lower is better)"),
        (BITS, (math.nan, 2.107), "bits per character A nan, B 2.107 (lower is better)"),
        (PLAIN, (0.0, 0.0), "loss A 1.5000, B 1.5000 (lower is better)"),
    ],
)
def test_without_counts_a_verdict_has_values_and_no_interval(
    info: ExperimentInfo, values: tuple[float, float], text: str
) -> None:
    ends = (finished(info, lane.name, value) for lane, value in zip(LANES, values, strict=True))
    texts = verdict(folded(info, *ends))
    assert texts[0] == f"{text}. One seed says nothing about clipping."
    assert all(says_nothing_of_lenet(one) and "95 %" not in one for one in texts)


def test_of_many_lanes_the_best_and_the_worst_are_named_by_what_is_better() -> None:
    lanes = tuple(LaneConfig(name, "norm:1") for name in "pqr")

    def of(info: ExperimentInfo) -> str:
        ends = [finished(info, lane, value) for lane, value in zip("pqr", (2.5, math.nan, 2.0), strict=True)]
        return verdict(folded(info, *ends, lanes=lanes))[0]

    assert of(BITS).startswith("bits per character of 3 lanes: r 2 is best, q nan worst.")
    undecided = msgspec.structs.replace(BITS, metrics=(MetricInfo("bits-per-character"),))
    assert of(undecided).startswith("bits per character of 3 lanes: r 2 is lowest, q nan highest.")


def test_the_recurrent_network_has_the_verdict_of_counts() -> None:
    ends = (finished(ORDER, "unclipped", 0.25), finished(ORDER, "clipped", 1.0))
    assert "these two networks differ" in verdict(folded(ORDER, *ends))[0]


def test_the_summary_cuts_no_word_of_a_long_name_or_setting() -> None:
    info = msgspec.structs.replace(PLAIN, name="CharacterTransformer")
    state = viewed(info, finished(info, "clipped"), settings={"counterfactual": False}).state
    console = Output(width=80)
    with console.capture() as capture:
        print_summary(console, state)
    words = capture.get().split()
    assert {"CharacterTransformer,", "counterfactual", "false", "unclipped", "clipped"} <= set(words)


@EVERY
def test_the_summary_has_the_metrics_and_gauges(info: ExperimentInfo) -> None:
    events = [event for lane in ("unclipped", "clipped") for event in (*_some(info, lane), finished(info, lane))]
    state = folded(info, *events)
    console = Console(width=120)
    with console.capture() as capture:
        console.print(summary_table(state, list(state.lanes.values())))
    text = capture.get()
    assert says_nothing_of_lenet(text)
    assert info.name in text
    # Labels are wrapped.
    for one in (*info.metrics, *info.gauges):
        assert all(word in text for word in one.words.split())
    assert ("95 %" in text) is (info is ORDER)
    assert f"on all 1,000 {info.examples}" in lane_summary(state, 1)
    assert says_nothing_of_lenet(lane_summary(state, 1))
    assert f"on 100 {info.examples}" in lane_summary(folded(info, *_some(info, "clipped")), 1)


# Diagnostics, help and keys


@EVERY
@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 45)])
def test_the_diagnostics_have_the_gauges(info: ExperimentInfo, size: tuple[int, int]) -> None:
    state = folded(info, *(diagnosed(info, lane.name, 50, 0.47) for lane in LANES))
    for theme in (COLOURED, ASCII):
        lines = diagnostics_pages(state, 1, *size, theme)
        text = "\n".join(line.text for line in lines)
        assert {line.cell_length for line in lines} == {size[0]}
        assert ("saturated" in text) is (info is ORDER)
        # The layers are called so.
        assert says_nothing_of_lenet(text.replace("output ", ""))


def test_layers_of_a_deep_network_are_told_apart_at_any_width() -> None:
    names = [f"layer{stage}.{block}.conv{number}" for stage in range(1, 5) for block in (0, 1) for number in (1, 2)]
    event = diagnosed(PLAIN, "clipped", 50)
    deep = msgspec.structs.replace(event, layers=dict.fromkeys(names, event.total))
    for width in (59, 80, 160):
        lines = [line.text for line in diagnostics_pages(folded(PLAIN, deep), 1, width, 24, COLOURED)]
        rows = {line.split()[0] for line in lines if ".conv" in line}
        assert len(rows) == len(names)
    assert names[0] in lines[4][80:] or names[0] in "\n".join(lines)


@EVERY
def test_help_and_glossary_are_about_the_experiment(info: ExperimentInfo) -> None:
    words = " ".join(" ".join(term) for term in terms(info))
    for word in ("image", "dead", "ten classes"):
        assert word not in words.replace("such as those of dead units", "")
        assert word not in about_run(info).plain
    assert ("saturated" in words) is (info is ORDER)


def test_help_before_the_run_names_no_experiment() -> None:
    for word in ("image", "dead", "accuracy"):
        assert word not in about_run(None).plain


def test_only_experiments_with_a_switch_have_its_key() -> None:
    states = {name: RunState(experiment=ExperimentInfo(name=name)) for name in ("lenet", "temporal-order", "Text")}
    has_key = {name: any(key.id == SWITCH for key in keys_for(state)) for name, state in states.items()}
    assert has_key == {"lenet": True, "temporal-order": True, "Text": False}
    assert TEMPORAL_ORDER.next_choice({"init": "gaussian"}) == "orthogonal"
    assert TEMPORAL_ORDER.next_choice({"init": "orthogonal"}) == "gaussian"
