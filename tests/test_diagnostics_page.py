"""Diagnostics as lines: heading, table, histogram, and the pages of one lane and of several."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import HISTOGRAM, MEASURE, UNTOUCHED, diagnosed
from rich.cells import cell_len
from rich.console import Console
from test_codec import structs_of
from test_header_and_footer import ASCII, COLOURED, PLAIN
from test_state import EVALUATED, FINISHED, LANE, RUN, folded
from textual.strip import Strip

from clipwatch.core.stream.builtin_experiments import LENET
from clipwatch.core.stream.events import (
    ClipChanged,
    Diagnosed,
    Event,
    LanesCompared,
    LearningRateChanged,
    OutputDied,
    OutputRevived,
)
from clipwatch.core.stream.measures import BINS, Histogram
from clipwatch.core.stream.rules import parse_rule
from clipwatch.tui.diagnostics.glossary import terms
from clipwatch.tui.diagnostics.heading import effect_line
from clipwatch.tui.diagnostics.histogram import Bounds, Ink, axis_lines, bar_lines, value_bounds
from clipwatch.tui.diagnostics.page import diagnostics_pages
from clipwatch.tui.diagnostics.trend import sparkline
from clipwatch.tui.screens.figures import FiguresScreen
from clipwatch.tui.style.theme import Theme
from clipwatch.tui.text.lane_figures import dead_outputs
from clipwatch.tui.text.number_format import decimal, share, size

OTHER = msgspec.structs.replace(LANE, lane="b", rule="none")
LOOKS = [COLOURED, ASCII, PLAIN]
DIED, REVIVED = OutputDied(lane="a", step=60, output=5), OutputRevived(lane="a", step=70, output=2)


def headed(*events: Event, width: int = 79, theme: Theme = COLOURED) -> str:
    return effect_line(0, folded(RUN, LANE, *events).lanes["a"], width, theme).text


def page(*events: Event, width: int = 80, height: int = 21, theme: Theme = COLOURED) -> list[str]:
    """Lane a, whatever the width."""
    state = folded(RUN, LANE, OTHER, *events)
    alone = msgspec.structs.replace(state, lanes={"a": state.lanes["a"]}) if width >= 119 else state
    return [strip.text for strip in diagnostics_pages(alone, 0, width, height, theme)]


def ruled(rule: str) -> ClipChanged:
    return ClipChanged(lane="a", step=50, rule=rule, previous="value:0.001")


def squeezed(text: str) -> str:
    return " ".join(text.split())


# Figures


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.001, "<1 %"),
        (0.999, ">99 %"),
        (0.36, "36 %"),
        (0.994, "99 %"),
        (None, "\N{EN DASH}"),
    ],
)
def test_a_share_is_0_or_100_only_where_it_is(value: float | None, text: str) -> None:
    assert share(value) == text


def test_undefined_figures_are_dashes() -> None:
    assert share(None) == decimal(None) == size(None) == "\N{EN DASH}"


def test_at_the_end_the_outputs_are_those_of_all_images() -> None:
    assert dead_outputs(folded(RUN, LANE, diagnosed(), FINISHED).lanes["a"]) == {2, 8}
    end = msgspec.structs.replace(FINISHED, silent_outputs=(1,))
    assert dead_outputs(folded(RUN, LANE, diagnosed(), DIED, end).lanes["a"]) == {1}


def test_outputs_that_died_or_recovered_since_the_measurement_count() -> None:
    assert dead_outputs(folded(RUN, LANE).lanes["a"]) is None
    assert dead_outputs(folded(RUN, LANE, diagnosed()).lanes["a"]) == {2, 8}
    assert dead_outputs(folded(RUN, LANE, diagnosed(), DIED, REVIVED).lanes["a"]) == {5, 8}
    assert dead_outputs(folded(RUN, LANE, DIED, diagnosed(step=90)).lanes["a"]) == {2, 8}
    assert dead_outputs(folded(RUN, LANE, DIED).lanes["a"]) == {5}


# The line in the heading


def test_the_heading_has_the_share_clipped_the_cosine_and_the_outputs() -> None:
    assert squeezed(headed(diagnosed())) == "elements clipped 40 % cos 0.35 outputs 0 1 · 3 4 5 6 7 · 9"
    assert squeezed(headed(diagnosed(), width=59)) == "elements clipped 40 % cos 0.35 0 1 · 3 4 5 6 7 · 9"
    assert squeezed(headed(diagnosed(), width=39)) == "clip 40% cos 0.35 0 1 · 3 4 5 6 7 · 9"
    assert squeezed(headed(diagnosed(), width=29)) == "clip 40% cos 0.35 01·34567·9"


def test_outputs_that_do_not_fit_are_left_out_and_not_cut() -> None:
    for width in range(19, 29):
        assert squeezed(headed(diagnosed(), width=width)) == "clip 40% cos 0.35"


@pytest.mark.parametrize("width", [29, 39, 79])
@pytest.mark.parametrize("cosine", [1.0, None])
def test_the_heading_fits_beside_another_lane_for_any_figures(width: int, cosine: float | None) -> None:
    every = msgspec.structs.replace(MEASURE, changed=HISTOGRAM.finite, cosine=cosine)
    assert re.search("0 ?1 ?· ?3 ?4 ?5 ?6 ?7 ?· ?9", headed(diagnosed(total=every), width=width))


def test_a_rule_that_scales_all_elements_shows_the_steps_clipped() -> None:
    assert headed(diagnosed(engaged=0.25), ruled("norm:1")).split()[:4] == ["last", "51", "steps", "clipped"]
    assert headed(diagnosed(engaged=0.25), ruled("norm:1"), width=60).split()[:4] == ["steps", "clipped", "25", "%"]


@pytest.mark.parametrize("theme", LOOKS)
def test_a_lane_without_measurements_has_dashes(theme: Theme) -> None:
    dash = "-" if theme.ascii else "\N{EN DASH}"
    assert headed(EVALUATED, theme=theme).split() == ["elements", "clipped", dash, "cos", dash, "outputs", dash]


@pytest.mark.parametrize("width", range(28, 80))
def test_the_heading_has_the_same_layout_before_and_after_the_first_measurement(width: int) -> None:
    labels = [re.findall("[a-z]+", headed(event, width=width)) for event in (EVALUATED, diagnosed())]
    assert labels[0] == labels[1]


def test_a_dead_output_is_a_dot() -> None:
    assert "0 1 · 3 4 5 6 7 · 9" in headed(diagnosed())
    assert "0 1 · 3 4 5 6 7 · 9" in headed(diagnosed(), theme=PLAIN)
    assert "0 1 . 3 4 5 6 7 . 9" in headed(diagnosed(), theme=ASCII)


# The histogram


INK = Ink(*(COLOURED.palette.style(colour) for colour in ("#111111", "#222222", "#333333", "#444444")))


def bars(rule: str = "none", *, height: int = 4, ink: Ink = INK, tallest: int = 80) -> list[Strip]:
    return bar_lines(HISTOGRAM, value_bounds(parse_rule(rule)), 60, height, ink, tallest=tallest)


def test_bars_are_as_high_as_their_share_of_the_tallest() -> None:
    rows = [strip.text for strip in bars()]
    assert len(rows) == 4
    # 40 of 80 fill two lines of four, 60 three; 1 gets the smallest bar.
    assert [row[2 + 24] for row in rows] == [" ", " ", "█", "█"]
    assert [row[2 + 27] for row in rows] == ["█"] * 4
    assert [row[2 + 28] for row in rows] == [" ", "█", "█", "█"]
    assert [row[2 + 20] for row in rows] == [" ", " ", " ", "▁"]
    assert bars(height=1)[0].text[2 + 20 : 2 + 33] == "▁   ▄  █▆   ▁"


def test_bars_of_a_lane_whose_bins_are_emptier_are_lower() -> None:
    # 80 of 240 fill a third of 32 eighths, which is 11: a whole line and three eighths of the next.
    assert [row.text[2 + 27] for row in bars(tallest=240)] == [" ", " ", "▃", "█"]


def test_bins_beyond_the_bound_look_different_and_the_bound_is_labelled() -> None:
    strips = bars("value:0.001")
    colours = {
        segment.style.color.name: segment.text.strip(" ")
        for segment in strips[3]
        if segment.style and segment.style.color and segment.text.strip(" ")
    }
    assert colours["#111111"] == "▁   █  █"
    assert colours["#333333"] == "█   ▄"
    assert strips[0].text[2 + 28] == "┊"
    axis, decades = axis_lines(value_bounds(parse_rule("value:0.001")), 60, INK)
    assert axis.text[2 + 28 :].startswith("▲ 0.001 ")
    assert decades.text.split() == ["1e-10", "1e-8", "1e-6", "1e-4", "1e-2", "1e0", "1e2"]


@pytest.mark.parametrize(
    ("rule", "first", "last"),
    [
        ("none", "inf", "inf"),
        ("norm:1", "inf", "inf"),
        ("value:0.001", 0.001, 0.001),
        ("value:-0.01:0.001", 0.001, 0.01),
        ("value::0.001", 0.001, "inf"),
        ("value:0:0.1", 0.0, 0.1),
    ],
)
def test_a_bound_on_one_side_clips_some_elements(rule: str, first: float | str, last: float | str) -> None:
    assert value_bounds(parse_rule(rule)) == Bounds(float(first), float(last))


def test_without_colour_bins_beyond_the_bound_have_other_characters() -> None:
    for ink in (replace(INK, coloured=False), replace(INK, ascii=True)):
        row = bars("value:0.001", ink=ink)[3].text
        assert row[2 + 27] != row[2 + 28] != " "


def test_bounds_outside_the_axis_are_not_drawn() -> None:
    for rule in ("value:1e-12", "value:1000"):
        assert "▲" not in axis_lines(value_bounds(parse_rule(rule)), 60, INK)[0].text


# Sparklines


def test_a_sparkline_goes_from_the_lowest_to_the_highest_of_its_newest_values() -> None:
    assert sparkline([100.0, 0.0, 3.5, 7.0], 3, ascii=False) == "▁▄▇"
    assert sparkline([0.0, 3.0, 5.0, 7.0], 6, ascii=True) == "_.-'  "
    assert sparkline([], 3, ascii=False) == "   "


def test_undefined_values_are_gaps() -> None:
    assert sparkline([1.0, None, float("nan"), float("inf"), 2.0], 5, ascii=False) == "▁   ▇"
    assert sparkline([None, float("nan")], 3, ascii=False) == "   "


def test_a_figure_that_does_not_change_is_a_flat_line() -> None:
    assert sparkline([5.0, 5.0], 3, ascii=False) == "▁▁ "


@given(st.lists(st.none() | st.floats()), st.integers(0, 20), st.booleans())
def test_any_values_make_a_sparkline_of_the_width(values: list[float | None], width: int, ascii: bool) -> None:
    text = sparkline(values, width, ascii=ascii)
    assert len(text) == width
    assert text.isascii() or not ascii


# The page


def test_the_page_has_every_figure() -> None:
    compared = LanesCompared(step=50, lanes=("a", "b"), distance=10.7, disagreement=0.33)
    lines = [" ".join(line.split()) for line in page(diagnosed(), DIED, REVIVED, compared)]
    text = "\n".join(lines)
    assert lines[0] == "● a clipped: every element within ±0.001 measured at step 50 1 of 2 · tab"
    assert lines[1] == "2 of 10 outputs dead: classes 5 8 are never predicted"
    assert "total ████░░░░░░ 40 % 42 % 0.351 4.88 → 0.157 0.0058" in lines
    for words in (
        "steps clipped >99 % of all steps >99 %",
        "|step|/lr 0.39 sign cos 0.855",
        "counterfactual cos 0.636 difference 79 %",
        "L2 distance to b 10.7 predictions differ 33 %",
        "images in a dead class 20 %",
        "dead units conv1 0 conv2 1 fc1 24 fc2 13",
        "died †, recovered ↑ ↑2 at 70 †5 at 60",
        "log10 |g|, elements per bin highest bar: 80",
        "exactly 0 9",
        "below 1e-10 3",
        "1e2 or more 2",
        "nonzero: half below 0.0015",
        "90 % below 0.0093",
        "99 % below 0.049",
        "▲ 0.001",
        "1e-10",
    ):
        assert words in text, words


@pytest.mark.parametrize("theme", LOOKS)
@pytest.mark.parametrize("width", range(60, 90))
def test_the_head_of_the_page_cuts_no_number(theme: Theme, width: int) -> None:
    first = page(ruled("value:0.001"), diagnosed(step=1200), width=width, theme=theme)[0]
    assert "measured at step 1,200 " in first
    assert re.search("[12] of 2(;| ·) tab $", first)
    assert "since " in first or width < 62


@pytest.mark.parametrize("theme", LOOKS)
@pytest.mark.parametrize("width", [60, 79, 80])
def test_figures_of_any_size_are_separated(theme: Theme, width: int) -> None:
    tiny = msgspec.structs.replace(MEASURE, norm=1.234e-5, clipped_norm=0.0001234, update_ratio=1.23e-5, cosine=-0.123)
    (total,) = [line for line in page(diagnosed(total=tiny), width=width, theme=theme) if line.startswith(" total")]
    arrow = "->" if theme.ascii else "→"
    cosine = "-0.12" if width == 60 else "-0.123"
    assert f" {cosine} 1.23e-05 {arrow} 0.000123 1.2e-05" in squeezed(total)


def test_undefined_figures_on_the_page_are_dashes() -> None:
    nothing = msgspec.structs.replace(UNTOUCHED, cosine=None, norm=0.0, update_ratio=None)
    for theme, dash in ((COLOURED, "\N{EN DASH}"), (ASCII, "-")):
        text = "\n".join(" ".join(line.split()) for line in page(diagnosed(total=nothing), theme=theme))
        assert f"|step|/lr 1.00 sign cos {dash}\ncounterfactual cos {dash} difference {dash}" in text
        assert f"half below {dash}" in text


RATE = LearningRateChanged(lane="a", step=20, rate=0.01, previous=0.001)


@pytest.mark.parametrize(
    ("width", "events", "line"),
    [
        (160, (), "● a clipped: every element within ±0.001 lr 0.001 measured at step 50"),
        (80, (), "● a clipped: every element within ±0.001 measured at step 50 1 of 2 · tab"),
        (80, (RATE,), "● a value ±0.001 lr 0.01 measured at step 50 1 of 2 · tab"),
        (60, (RATE,), "● a ±0.001 lr 0.01 measured at step 50 1 of 2 · tab"),
        (52, (RATE,), "● a ±0.001 lr 0.01 step 50 1 of 2 · tab"),
    ],
)
def test_a_learning_rate_is_named_where_it_differs_and_where_there_is_room(
    width: int, events: tuple[Event, ...], line: str
) -> None:
    assert squeezed(page(*events, diagnosed(), width=width)[0]) == line


def test_a_lane_that_was_never_measured_says_so() -> None:
    assert [line.strip() for line in page(EVALUATED)] == [
        "● a   clipped: every element within ±0.001   lr 0.001             1 of 2 · tab",
        "No diagnostics were measured for this lane.",
    ]
    assert page()[1].strip() == "No measurements yet."


def test_a_rule_that_scales_shows_the_scale_factor_in_place_of_the_elements() -> None:
    zero = msgspec.structs.replace(UNTOUCHED, norm=0.0, clipped_norm=0.0, cosine=None)
    lines = page(diagnosed(layers={"fc1": MEASURE, "fc2": zero}), ruled("norm:1"))
    rows = {line.split()[0]: squeezed(line) for line in lines if line.strip()}
    assert rows["layer"] == "layer scale ‖ĝ‖/‖g‖ cos ‖g‖ → ‖ĝ‖ ‖Δw‖/‖w‖"
    assert rows["total"] == "total █░░░░░░░░░ 0.03 0.351 4.88 → 0.157 0.0058"
    assert rows["fc2"].startswith("fc2 ░░░░░░░░░░ \N{EN DASH} \N{EN DASH} 0 → 0")
    assert "elements clipped" not in "\n".join(lines)


SERIES = {
    "clipped": (0.0, 0.5, 1.0),
    "cosine": (1.0, float("nan"), 0.5),
    "grad-norm": (4.0, 2.0, 1.0),
    "clipped-norm": (1.0, 1.0, 1.0),
    "update-ratio": (1.0, 2.0),
    "steps-clipped": (0.0, 1.0),
    "step-size": (2.0, 1.0),
    "sign-cosine": (3.0, 1.0, 2.0),
    "counterfactual-cosine": (1.0, 0.0, 1.0),
    "counterfactual-distance": (0.0, 1.0, 0.0),
    "dead-outputs": (0.0, 1.0, 2.0),
    "dead-units": (2.0, 1.0, 0.0),
}


def history(lane: str, metric: str) -> tuple[float, ...]:
    """Made-up series of lane a, and how far lane b is from it."""
    distances = {"distance": (0.0, 1.0, 1.0), "disagreement": (1.0, 0.0, 0.0)}
    return (SERIES if lane == "a" else distances).get(metric, ())


def test_every_figure_has_its_history_beside_it() -> None:
    compared = LanesCompared(step=50, lanes=("a", "b"), distance=10.7, disagreement=0.33)
    state = folded(RUN, LANE, OTHER, diagnosed(), compared)
    text = "\n".join(squeezed(strip.text) for strip in diagnostics_pages(state, 0, 80, 21, COLOURED, history))
    for words in (
        "history ▁▄▇ ▇ ▁ ▇▃▁ → ▁▁▁ ▁▇",
        "steps clipped >99 % ▁▇ of all steps",
        "|step|/lr 0.39 ▇▁ sign cos 0.855 ▇▁▄",
        "counterfactual cos 0.636 ▇▁▇ difference 79 % ▁▇▁",
        "L2 distance to b 10.7 ▁▇▇ predictions differ 33 % ▇▁▁",
        "9 ▁▄▇ images in a dead class",
        "fc2 13 ▇▄▁",
    ):
        assert words in text, words


def test_the_history_of_a_rule_that_scales_is_that_of_its_scale_factor() -> None:
    state = folded(RUN, LANE, OTHER, diagnosed(), ruled("norm:1"))
    lines = [squeezed(strip.text) for strip in diagnostics_pages(state, 0, 80, 21, COLOURED, history)]
    # 1/4, 1/2, 1.
    assert "history ▁▃▇ ▇ ▁ ▇▃▁ → ▁▁▁ ▁▇" in lines


def test_a_run_without_series_has_no_line_for_them() -> None:
    assert not any("history" in line for line in page(diagnosed()))


def test_a_lane_whose_gradient_is_zero_says_so_in_place_of_bars() -> None:
    nothing = msgspec.structs.replace(UNTOUCHED, histogram=Histogram(counts=(0,) * BINS, zero=50, under=0, over=0))
    assert any("every element is exactly 0" in line for line in page(diagnosed(total=nothing)))
    tiny = msgspec.structs.replace(nothing, histogram=Histogram(counts=(0,) * BINS, zero=50, under=1, over=0))
    assert any("no element lies in this range" in line for line in page(diagnosed(total=tiny)))


def test_what_is_not_finite_is_counted_where_there_is_some() -> None:
    broken = msgspec.structs.replace(MEASURE, histogram=msgspec.structs.replace(HISTOGRAM, nan=3, inf=4))
    text = squeezed(" ".join(page(msgspec.structs.replace(diagnosed(total=broken), nan=20, infinite=4))))
    assert "NaN or Inf 7" in text
    assert "NaN, Inf so far 24" in text
    assert "NaN" not in " ".join(page(diagnosed()))


@pytest.mark.parametrize("theme", LOOKS)
@pytest.mark.parametrize(("width", "height"), [(60, 13), (79, 42), (80, 21), (160, 42)])
def test_the_page_fits_every_size(theme: Theme, width: int, height: int) -> None:
    lines = page(diagnosed(), DIED, width=width, height=height, theme=theme)
    assert all(len(line) == width and line.isprintable() for line in lines)
    # On the smallest screen it is two screens long, and scrolls.
    assert len(lines) <= {13: 2 * height, 21: height + 5}.get(height, height)
    assert not theme.ascii or all(line.isascii() for line in lines)


@given(structs_of(Diagnosed), st.integers(20, 200), st.integers(1, 60), st.sampled_from(LOOKS))
def test_any_measurement_fits(event: Diagnosed, width: int, height: int, theme: Theme) -> None:
    counts = msgspec.structs.replace(HISTOGRAM, zero=10**9)
    total = msgspec.structs.replace(event.total, histogram=counts)
    event = msgspec.structs.replace(event, lane="a", total=total, layers={"fc1": total})
    state = folded(RUN, LANE, OTHER, event)
    for strip in diagnostics_pages(state, 0, width, height, theme, history):
        assert strip.cell_length == width == cell_len(strip.text)
        assert strip.text.isprintable()


def pages(selected: int, width: int) -> list[Strip]:
    state = folded(RUN, LANE, OTHER, diagnosed(), diagnosed("b", total=UNTOUCHED))
    return diagnostics_pages(state, selected, width, 30, COLOURED)


def test_two_lanes_stand_side_by_side_where_there_is_room() -> None:
    wide = pages(0, 160)
    assert "● a" in wide[0].text
    assert "◆ b" in wide[0].text
    assert all(strip.cell_length <= 160 for strip in wide)


def test_lanes_side_by_side_have_their_tables_on_the_same_lines() -> None:
    still = msgspec.structs.replace(UNTOUCHED, norm=0.0, clipped_norm=0.0)
    state = folded(RUN, LANE, OTHER, diagnosed(dead=()), diagnosed("b", total=still, dead=tuple(range(10))))
    rows = [strip.text for strip in diagnostics_pages(state, 0, 140, 40, COLOURED)]
    assert "this lane has stopped learning" in " ".join(row[70:].strip() for row in rows[1:3])
    for words in ("layer ", "total ", "steps clipped ", "outputs ", "elements per bin", "1e-10"):
        assert 2 in [row.count(words) for row in rows], words


def test_bars_of_lanes_side_by_side_have_one_scale() -> None:
    low = tuple(count // 8 for count in HISTOGRAM.counts)
    small = msgspec.structs.replace(MEASURE, histogram=msgspec.structs.replace(HISTOGRAM, counts=low))
    layers = {"fc1": MEASURE}, {"fc1": small}
    state = folded(RUN, LANE, OTHER, diagnosed(layers=layers[0]), diagnosed("b", total=small, layers=layers[1]))
    rows = [strip.text for strip in diagnostics_pages(state, 0, 160, 60, COLOURED)]
    assert any(row.count("highest bar: 80") == 2 for row in rows)
    (at,) = [number for number, row in enumerate(rows) if "▲ 0.001" in row]
    column = [rows[line][2 + 27] + rows[line][80 + 2 + 27] for line in range(at - 16, at)]
    # 10 of 80 reach an eighth of the height: two of 16 lines.
    assert column == ["█ "] * 14 + ["██"] * 2
    # In one line, they are an eighth of it.
    by_layer = rows[at + 2]
    assert (by_layer[2 + 27], by_layer[80 + 2 + 27]) == ("█", "▁")


@pytest.mark.parametrize(
    ("width", "selected", "seen"),
    [(80, 0, "A"), (80, 3, "D"), (119, 0, "AB"), (119, 2, "BC"), (120, 3, "CD"), (160, 3, "CD"), (239, 1, "ABCD")],
)
def test_of_four_lanes_as_many_as_fit_are_shown_and_the_selected_one_says_its_number(
    width: int, selected: int, seen: str
) -> None:
    lanes = [msgspec.structs.replace(LANE, lane=name) for name in "ABCD"]
    state = folded(RUN, *lanes, *(diagnosed(name) for name in "ABCD"))
    strips = diagnostics_pages(state, selected, width, 40, COLOURED)
    head = strips[0].text
    assert [name for name in "ABCD" if f" {name} " in head.replace("tab", "")] == list(seen)
    assert (f"{selected + 1} of 4 · tab" in head) == (len(seen) < 4)
    assert {strip.cell_length for strip in strips} == {width}


def test_two_lanes_stand_side_by_side_in_120_columns_and_use_its_35_rows() -> None:
    state = folded(RUN, LANE, OTHER, diagnosed(), diagnosed("b"))
    # Three rows of the screen are title, status and keys.
    strips = diagnostics_pages(state, 0, 120, 32, COLOURED, history)
    assert strips[0].text.count("measured at step 50") == 2
    assert 30 <= len(strips) <= 32


def test_a_narrow_screen_shows_only_the_selected_lane() -> None:
    for selected, name, other in ((0, "● a", "◆ b"), (1, "◆ b", "● a")):
        first = pages(selected, 80)[0].text
        assert name in first
        assert other not in first


@pytest.mark.parametrize("width", [0, 1, 19])
def test_a_screen_without_width_has_no_page(width: int) -> None:
    assert pages(0, width) == []


def test_a_run_without_lanes_has_no_page() -> None:
    assert diagnostics_pages(folded(), 0, 80, 21, COLOURED) == []


# The glossary


def test_every_figure_on_the_page_is_explained() -> None:
    compared = LanesCompared(step=50, lanes=("a", "b"), distance=1.0, disagreement=0.5)
    broken = msgspec.structs.replace(diagnosed(), nan=1)
    states = [folded(RUN, LANE, OTHER, broken, compared, *events) for events in ((), (ruled("norm:1"),))]
    seen = [strip.text for state in states for strip in diagnostics_pages(state, 0, 100, 30, COLOURED, history)]
    text = squeezed("\n".join(seen))
    for term in terms(LENET.info):
        for name in term.name.split(", "):
            assert name in text, name
        assert term.unit
        assert term.meaning.endswith(".")
        assert term.formula


@pytest.mark.parametrize("ascii", [False, True])
def test_the_glossary_has_an_ascii_form(ascii: bool) -> None:
    console = Console(width=80)
    with console.capture() as capture:
        console.print(FiguresScreen(ascii=ascii)._content())
    text = capture.get()
    assert "elements clipped" in text
    assert text.isascii() == ascii
