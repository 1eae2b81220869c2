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

from clipwatch.core.stream.events import ClipChanged, Diagnosed, Event, LanesCompared, OutputDied, OutputRevived
from clipwatch.core.stream.rules import parse_rule
from clipwatch.tui.diagnostics.glossary import TERMS
from clipwatch.tui.diagnostics.heading import effect_line
from clipwatch.tui.diagnostics.histogram import Bounds, Ink, histogram_strips, sparkline, value_bounds
from clipwatch.tui.diagnostics.page import diagnostics_page, diagnostics_pages
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
    state = folded(RUN, LANE, OTHER, *events)
    return [strip.text for strip in diagnostics_page(0, state.lanes["a"], state, width, height, theme)]


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
    assert headed(diagnosed(engaged=0.25), ruled("norm:1")).split()[:4] == ["steps", "clipped", "25", "%"]


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


def test_bars_are_as_high_as_their_share_of_the_tallest() -> None:
    rows = [strip.text for strip in histogram_strips(HISTOGRAM, Bounds(), 60, 4, INK)]
    assert len(rows) == 6
    # 40 of 80 fill two lines of four, 60 three; 1 gets the smallest bar.
    assert [row[2 + 24] for row in rows[:4]] == [" ", " ", "█", "█"]
    assert [row[2 + 27] for row in rows[:4]] == ["█"] * 4
    assert [row[2 + 28] for row in rows[:4]] == [" ", "█", "█", "█"]
    assert [row[2 + 20] for row in rows[:4]] == [" ", " ", " ", "▁"]
    assert sparkline(HISTOGRAM, Bounds(), 60, INK).text[2 + 20 : 2 + 33] == "▁   ▄  █▆   ▁"


def test_bins_beyond_the_bound_look_different_and_the_bound_is_labelled() -> None:
    strips = histogram_strips(HISTOGRAM, value_bounds(parse_rule("value:0.001")), 60, 4, INK)
    colours = {
        segment.style.color.name: segment.text.strip(" ")
        for segment in strips[3]
        if segment.style and segment.style.color and segment.text.strip(" ")
    }
    assert colours["#111111"] == "▁   █  █"
    assert colours["#333333"] == "█   ▄"
    assert strips[4].text[2 + 28 :].startswith("▲ 0.001 ")
    assert strips[0].text[2 + 28] == "┊"


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
        row = histogram_strips(HISTOGRAM, value_bounds(parse_rule("value:0.001")), 60, 4, ink)[3].text
        assert row[2 + 27] != row[2 + 28] != " "


def test_bounds_outside_the_axis_are_not_drawn() -> None:
    for rule in ("value:1e-12", "value:1000"):
        assert "▲" not in histogram_strips(HISTOGRAM, value_bounds(parse_rule(rule)), 60, 4, INK)[4].text


# The page


def test_the_page_has_every_figure() -> None:
    compared = LanesCompared(step=50, lanes=("a", "b"), distance=10.7, disagreement=0.33)
    lines = [" ".join(line.split()) for line in page(diagnosed(), DIED, REVIVED, compared)]
    text = "\n".join(lines)
    assert len(lines) == 21
    assert lines[0] == "● a clipped: every element within ±0.001 measured at step 50"
    assert lines[1] == "2 of 10 outputs dead: classes 5 8 cannot be predicted"
    assert "total ████░░░░░░ 40 % 42 % 0.351 4.88 → 0.157 0.0058" in lines
    for words in (
        "steps clipped >99 % of the last 100, >99 % of all",
        "counterfactual cos 0.636 difference 79 % |step|/lr 0.39 sign cos 0.855",
        "to b: parameter distance (L2) 10.7 predictions differ on 33 %",
        "20 % of images in a dead class",
        "dead units conv1 0 conv2 1 fc1 24 fc2 13",
        "died †, recovered ↑ ↑2 at 70 †5 at 60",
        "zero 9 50 % 0.0015",
        "under 3 90 % 0.0093",
        "over 2 99 % 0.049",
        "▲ 0.001",
        "1e-10",
    ):
        assert words in text, words


@pytest.mark.parametrize("theme", LOOKS)
@pytest.mark.parametrize("width", range(60, 90))
def test_the_head_of_the_page_cuts_no_number(theme: Theme, width: int) -> None:
    first = page(ruled("value:0.001"), diagnosed(step=1200), width=width, theme=theme)[0]
    assert first.rstrip().endswith("measured at step 1,200")
    assert "since " in first


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
        assert f"counterfactual cos {dash} difference {dash} |step|/lr 1.00 sign cos {dash}" in text
        assert f"50 % {dash}" in text


def test_a_lane_that_was_never_measured_says_so() -> None:
    assert page(EVALUATED)[0].strip() == "No diagnostics were measured for this lane."
    assert page()[0].strip() == "No measurements yet."


@pytest.mark.parametrize("theme", LOOKS)
@pytest.mark.parametrize(("width", "height"), [(60, 13), (79, 42), (80, 21), (160, 42)])
def test_the_page_fits_every_size(theme: Theme, width: int, height: int) -> None:
    lines = page(diagnosed(), DIED, width=width, height=height, theme=theme)
    assert all(len(line) == width and line.isprintable() for line in lines)
    # On the smallest screen it is two screens long, and scrolls.
    assert len(lines) <= (height if width > 60 else 2 * height)
    assert not theme.ascii or all(line.isascii() for line in lines)


@given(structs_of(Diagnosed), st.integers(20, 200), st.integers(1, 60), st.sampled_from(LOOKS))
def test_any_measurement_fits(event: Diagnosed, width: int, height: int, theme: Theme) -> None:
    counts = msgspec.structs.replace(HISTOGRAM, zero=10**9)
    total = msgspec.structs.replace(event.total, histogram=counts)
    event = msgspec.structs.replace(event, lane="a", total=total, layers={"fc1": total})
    state = folded(RUN, LANE, OTHER, event)
    for strip in diagnostics_page(0, state.lanes["a"], state, width, height, theme):
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
    assert "this lane cannot recover" in " ".join(row[70:].strip() for row in rows[1:3])
    for words in ("layer ", "total ", "steps clipped ", "sign cos "):
        assert [row.count(words) for row in rows if words in row] == [2]


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
    text = " ".join("\n".join(page(diagnosed(), compared, width=100)).split())
    for term in TERMS:
        for name in term.name.split(", "):
            assert name in text or name == "histogram", name
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
