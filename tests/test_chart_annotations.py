"""What a chart draws beside its curves: symbols, values, levels, interventions, strips, and what no line can show."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.strip import Strip

from clipwatch.tui.charts import chart as chart_module
from clipwatch.tui.charts.chart import render_chart
from clipwatch.tui.charts.chart_spec import ChartLane, ChartSpec, Level, Mark, Shade
from clipwatch.tui.charts.curve import Curve
from clipwatch.tui.charts.line_ends import in_order
from clipwatch.tui.charts.traces import scale
from clipwatch.tui.style.chart_styles import ASCII, UNICODE, Palette

COLOURS = ("#7aa2f7", "#ff9e64", "#9ece6a", "#bb9af7")
BRAILLE = {chr(code) for code in range(0x2801, 0x2900)}
NOISE = np.random.default_rng(0).normal(size=1000)
LOSS = (0.5 + 1.8 * np.exp(-np.arange(100) / 15) + 0.1 * NOISE[:100]).tolist()
FLAT = [1.0] * 100


def curve(values: list[float]) -> Curve:
    made = Curve()
    for index, value in enumerate(values):
        made.append(10 * index, value)
    return made


def lane(number: int, values: list[float]) -> ChartLane:
    return ChartLane("ABCD"[number], COLOURS[number], curve(values))


def spec(*values: list[float], **changes: object) -> ChartSpec:
    lanes = tuple(lane(number, one) for number, one in enumerate(values))
    base = ChartSpec(title="loss", width=80, height=20, lanes=lanes, first=0, last=990)
    return replace(base, **changes)  # type: ignore[arg-type]


def text(one: ChartSpec) -> list[str]:
    return [strip.text for strip in render_chart(one)]


def cells(chart: list[Strip]) -> list[list[tuple[str, Style | None]]]:
    """The character and style of every cell."""
    return [[(character, segment.style) for segment in strip for character in segment.text] for strip in chart]


def found(chart: list[str], needle: str) -> list[tuple[int, int]]:
    """(row, column) of each occurrence below the header."""
    return [(row, at.start()) for row, line in enumerate(chart) if row for at in re.finditer(re.escape(needle), line)]


def color(number: int) -> object:
    return Palette().style(COLOURS[number]).color


# Symbols and values


@given(st.integers(1, 4), st.integers(24, 120), st.integers(6, 30), st.booleans(), st.integers(0, 900))
def test_a_symbol_stands_on_its_curve(lanes: int, width: int, height: int, ascii: bool, shift: int) -> None:
    values = [(np.array(LOSS) + 0.02 * NOISE[shift : shift + 100] + number % 2).tolist() for number in range(lanes)]
    one = spec(*values, width=width, height=height, ascii=ascii, smoothing=0.6, title="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chart_module, "draw_symbols", lambda *_: None)
        bare = cells(render_chart(one))
    heads, seen = (ASCII if ascii else UNICODE).heads, 0
    header = 2 if not text(one)[1].strip(" ABCD.0123456789raw" + "".join(heads)) else 1
    for row, line in enumerate(cells(render_chart(one))):
        for column, (character, style) in enumerate(line):
            below, below_style = bare[row][column]
            bold = style is not None and style.bold
            if row < header or character not in heads or not bold or (below, below_style) == (character, style):
                continue
            seen += 1
            beside = line[column - 1][0] in heads
            on_curve = below in BRAILLE or (ascii and below in (*ASCII.curves, *ASCII.faint))
            assert on_curve or beside
    assert seen >= lanes


def test_a_lines_end_has_its_symbol_and_its_value_in_one_row() -> None:
    chart = text(spec(FLAT, [2.0] * 100, smoothing=0))
    rows = [line for line in chart[1:] if re.search(r"[●◆]  ?\d", line)]
    assert [re.sub(r".*([●◆])\s+", r"\1 ", line).strip() for line in rows] == ["◆ 2.0000", "● 1.0000"]


def test_the_ends_of_lanes_in_one_cell_are_beside_each_other_with_all_values() -> None:
    chart = render_chart(spec(FLAT, FLAT, FLAT, smoothing=0))
    assert any("●◆▲ 1.0000" in strip.text for strip in chart[1:])
    drawn = {
        segment.style.color
        for strip in chart[1:]
        for segment in strip
        if "1.0000" in segment.text and segment.style and segment.style.bold
    }
    assert drawn == {color(0), color(1), color(2)}


def test_values_near_the_axis_are_in_order_and_never_beside_the_symbol_of_another_lane_alone() -> None:
    ends = {"0.1553": 2, "0.1017": 0, "0.0953": 1}
    chart = text(spec(*([value] * 100 for value in (0.1017, 0.0953, 0.1553)), [5.0] * 100, smoothing=0))
    found = [(line, words) for line in chart[1:] for words in ends if line.rstrip().endswith(words)]
    assert [words for _, words in found] == sorted((words for _, words in found), reverse=True)
    assert found
    for line, words in found:
        symbols = re.search(r"([●◆▲■]*) +[\d.]+$", line.rstrip())
        assert symbols
        assert not symbols[1] or "●◆▲■"[ends[words]] in symbols[1]


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ([{4: 0, 5: 1, 3: 4}, {4: 0, 5: 1, 3: 4}], (4, 5)),
        # There is nothing below the axis: the larger value goes up.
        ([{9: 0, 8: 4, 7: 5}, {9: 0, 8: 4, 7: 5}], (8, 9)),
        ([{4: 0}, {4: 1}, {5: 0}], (4, None, 5)),
        ([{}, {2: 0}], (None, 2)),
    ],
)
def test_labels_get_rows_in_their_order(options: list[dict[int, int]], rows: tuple[int | None, ...]) -> None:
    assert in_order(options) == rows


def test_without_colour_a_shared_row_has_no_value_that_could_be_anybodys() -> None:
    chart = text(spec(FLAT, FLAT, smoothing=0, palette=Palette(coloured=False)))
    assert any("●◆" in line for line in chart[1:])
    assert not any(re.search(r"●◆ \d", line) for line in chart[1:])


def test_a_narrow_chart_has_symbols_at_the_line_ends_without_values() -> None:
    chart = text(spec(FLAT, FLAT, width=39, height=10))
    assert any(line.endswith("●◆") for line in chart[1:])


def test_values_have_the_digits_that_the_data_carry() -> None:
    accuracy = spec([0.87] * 100, smoothing=0, limits=(0, 1), decimals=2)
    assert "A 0.87 " in text(accuracy)[0]
    chart = text(replace(accuracy, percent=True))
    assert "A 87 % " in chart[0]
    assert any("● 87 %" in line for line in chart[1:])
    assert any("88 %┤" in line for line in chart)


def test_a_title_without_room_gives_way_to_the_brief_one() -> None:
    two = spec(FLAT, FLAT, title="validation loss, 100 images", brief="loss", smoothing=0, width=29, height=9)
    assert render_chart(two)[0].text.startswith(" loss  ")
    assert render_chart(replace(two, width=80))[0].text.startswith(" validation loss, 100 images")


def test_a_title_loses_first_what_follows_its_comma() -> None:
    one = spec(FLAT, title="validation loss, 100 images", smoothing=0)
    headers = [text(replace(one, width=width, height=11))[0] for width in (60, 34, 24)]
    assert [header.split("●")[0].strip() for header in headers] == [
        "validation loss, 100 images",
        "validation loss",
        "validation l…",
    ]
    assert all("1.0000" in header for header in headers)


# Lanes that overlap


@pytest.mark.parametrize("lanes", [2, 3, 4])
@pytest.mark.parametrize("smoothing", [0.0, 0.9])
def test_identical_curves_share_the_cells(lanes: int, smoothing: float) -> None:
    chart = cells(render_chart(spec(*[LOSS] * lanes, smoothing=smoothing)))
    owners = Counter(style.color for line in chart for character, style in line if character in BRAILLE and style)
    shares = [owners[color(number)] for number in range(lanes)]  # type: ignore[index]
    assert max(shares) < 2 * min(shares)


def test_identical_raw_values_share_the_cells() -> None:
    chart = cells(render_chart(spec(LOSS, LOSS, smoothing=0.9)))
    owners = Counter(style.color for line in chart for character, style in line if character in BRAILLE and style)
    faint = [owners[Palette().faint(one, 0.42).color] for one in COLOURS[:2]]
    assert max(faint) < 2 * min(faint)


@pytest.mark.parametrize("lanes", [1, 2, 3, 4])
def test_raw_values_are_drawn_for_at_most_two_lanes(lanes: int) -> None:
    chart = cells(render_chart(spec(*[LOSS] * lanes, smoothing=0.9)))
    seen = {style.color for line in chart for character, style in line if character in BRAILLE and style}
    assert (Palette().faint(COLOURS[0], 0.42).color in seen) == (lanes <= 2)


# The value axis


@given(st.floats(-1e3, 1e3), st.floats(1e-3, 1e3), st.integers(0, 900))
def test_the_values_in_sight_fill_the_axis(base: float, size: float, shift: int) -> None:
    values = (base + size * np.tanh(NOISE[shift : shift + 100])).tolist()
    fitted = scale(spec(values, smoothing=0))
    assert (max(values) - min(values)) / (fitted.high - fitted.low) > 0.5


def test_zoomed_accuracy_fills_the_axis_within_its_limits() -> None:
    values = (0.93 + 0.02 * np.tanh(NOISE[:100])).tolist()
    early = spec([0.1] * 50 + values[:50], limits=(0, 1), decimals=2, smoothing=0)
    assert scale(early).high <= 1
    assert scale(replace(early, first=500)).low >= 0.85
    assert scale(spec([1.0] * 100, limits=(0, 1), decimals=2)).high == 1
    constant = scale(spec([0.5] * 100, limits=(0, 1), decimals=2))
    assert constant.high - constant.low >= 0.04


def test_values_beyond_the_limits_are_shown() -> None:
    fitted = scale(spec([2.0, 3.0] * 50, limits=(0, 1)))
    assert fitted.low <= 2
    assert fitted.high >= 3


@pytest.mark.parametrize("span", [None, 2000])
def test_the_axis_does_not_follow_every_point(span: int | None) -> None:
    values = (0.5 + 1.8 * np.exp(-np.arange(1000) / 150) + 0.1 * NOISE).tolist()
    made, scales = Curve(), []
    for index, value in enumerate(values):
        made.append(10 * index, value)
        first = 0 if span is None else max(0, (10 * index - span) // 250 * 250)
        one = ChartSpec("loss", 80, 20, (ChartLane("A", COLOURS[0], made),), first, 10 * index)
        scales.append((scale(one).low, scale(one).high))
    changes = [before != after for before, after in pairwise(scales)]
    # A window of 2000 steps moves forty times.
    assert sum(changes) <= (25 if span is None else 45)
    assert sum(changes[100:]) <= (8 if span is None else 45)


def test_the_step_axis_is_named_and_labels_its_last_step() -> None:
    last = text(spec(FLAT))[-1]
    assert last.startswith("step ")
    assert " 990" in last
    assert "448" in text(spec(FLAT, last=448))[-1]


# Levels


def test_a_level_is_a_line_in_the_row_of_its_value() -> None:
    one = spec(FLAT, [0.0] * 100, bounds=(0, 2), levels=(Level(1.5, 1, "norm 1.5"),))
    chart = text(one)
    (row,) = {row for row, _ in found(chart, "╌")}
    assert "norm 1.5" in chart[row]
    # 17 rows for values from 2 down to 0.
    assert row - 1 == int((1 - 1.5 / 2) * 17)


def test_levels_of_two_lanes_at_one_value_are_both_seen() -> None:
    chart = render_chart(spec(FLAT, FLAT, bounds=(0, 2), levels=(Level(1.5, 0, "x"), Level(1.5, 1, "y"))))
    owners = Counter(
        style.color for line in cells(chart) for character, style in line if character == "╌" and style is not None
    )
    first, second = (owners[Palette().faint(one, 0.6).color] for one in COLOURS[:2])
    assert abs(first - second) < 10
    assert any(" x " in strip.text and " y " in strip.text for strip in chart)


def test_a_level_within_reach_is_part_of_the_range_and_one_beyond_has_an_arrow() -> None:
    values = [1.0, 2.0] * 50
    assert scale(spec(values, levels=(Level(2.8, 0),))).high >= 2.8
    far = spec(values, levels=(Level(30, 0, "norm 30"),))
    assert scale(far) == scale(spec(values))
    assert "↑ norm 30" in text(far)[1]
    assert scale(replace(far, log=True)).high < 30
    assert scale(replace(far, log=True, levels=(Level(15, 0),))).high >= 15
    low = text(spec(values, log=True, levels=(Level(1e-5, 0, "norm 1e-5"),)))
    assert any("↓ norm 1e-5" in line for line in low[-4:])


def test_a_level_is_drawn_for_the_steps_that_it_holds() -> None:
    one = spec(FLAT, bounds=(0, 2), levels=(Level(1.5, 0, "old", last=300), Level(0.5, 0, "new", first=300)))
    chart = text(one)
    old, new = sorted({row for row, _ in found(chart, "╌")})
    middle = 6 + 300 * 66 // 990
    assert max(column for row, column in found(chart, "╌") if row == old) <= middle + 1
    assert min(column for row, column in found(chart, "╌") if row == new) >= middle
    assert "new" in chart[new]
    assert not any("old" in line for line in chart)


# Interventions and strips


def test_of_many_interventions_the_newest_of_a_lane_is_labelled() -> None:
    marks = tuple(Mark(100 * n, 1, f"rule{n}") for n in range(1, 8))
    chart = text(spec(FLAT, FLAT, bounds=(0, 2), marks=marks))
    assert [n for n in range(1, 8) if any(f"rule{n}" in line for line in chart)] == [7]
    assert len(found(chart, "▼")) == 7
    assert len({column for _, column in found(chart, "╎")}) == 1
    earlier = text(spec(FLAT, FLAT, bounds=(0, 2), marks=marks, last=450))
    assert any("rule4" in line for line in earlier)


def test_an_earlier_intervention_does_not_stand_within_a_label() -> None:
    for step in range(500, 620, 5):
        marks = (Mark(step, 0, "earlier"), Mark(900, 0, "new"), Mark(500, 1, "fork"))
        chart = text(spec(FLAT, FLAT, bounds=(0, 2), marks=marks))
        assert any("▼◆ fork " in line for line in chart), "\n".join(chart)
        assert len(found(chart, "▼")) == 3


def test_a_label_at_the_left_of_its_line_keeps_apart_from_another_label() -> None:
    for step in range(600, 780, 5):
        marks = (Mark(500, 0, "fork"), Mark(step + 30, 2, "a long rule"), Mark(step, 1, "fork"))
        chart = text(spec(FLAT, FLAT, FLAT, bounds=(0, 2), marks=marks))
        assert not any("fork◆" in line for line in chart), "\n".join(chart)


def strip_lines(one: ChartSpec) -> list[str]:
    """The rows below the labels of the step axis."""
    chart = text(one)
    axis = next(row for row, line in enumerate(chart) if line.startswith("step"))
    return chart[axis + 1 :]


@pytest.mark.parametrize("palette", [Palette(), Palette(coloured=False)])
@pytest.mark.parametrize("ascii", [False, True])
def test_optimizer_memory_is_a_strip_per_lane_under_the_step_axis(palette: Palette, ascii: bool) -> None:
    one = spec(FLAT, FLAT, shades=(Shade(100, 800, 0), Shade(300, 990, 1)), palette=palette, ascii=ascii)
    glyphs = one.glyphs
    first, second = strip_lines(one)
    for number, line, start, end in ((0, first, 100, 800), (1, second, 300, 990)):
        assert glyphs.symbol(number) in line[:6]
        assert "optimizer memory" in line
        column = 6 + (66 * np.array([start, end]) // 990).clip(0, 65 + 6)
        columns = [at for at, character in enumerate(line) if character == glyphs.strip and at > 5]
        assert columns[0] == column[0]
        assert abs(columns[-1] - column[1]) <= 1
    without = cells(render_chart(replace(one, shades=())))
    assert {style.bgcolor for line in cells(render_chart(one)) for _, style in line if style} == {
        style.bgcolor for line in without for _, style in line if style
    }


def test_only_lanes_with_a_transient_in_sight_have_a_strip() -> None:
    shades = (Shade(100, 200, 0), Shade(600, 990, 1))
    assert len(strip_lines(spec(FLAT, FLAT, shades=shades))) == 2
    assert len(strip_lines(spec(FLAT, FLAT, shades=shades, first=500))) == 1
    assert len(strip_lines(spec(FLAT, FLAT, shades=shades, first=300, last=500))) == 0


def test_a_low_chart_has_one_shared_strip_or_none() -> None:
    one = spec(FLAT, FLAT, shades=(Shade(0, 600, 0), Shade(300, 990, 1)), height=10)
    (shared,) = cells(render_chart(one))[-1:]
    assert {style.color for character, style in shared if character == "━" and style} == {color(0), color(1)}
    assert len(strip_lines(one)) == 1
    assert len(strip_lines(replace(one, height=7))) == 0


# Values that no line can show


def test_a_spike_does_not_flatten_the_rest_and_has_an_arrow_with_its_value() -> None:
    spiked = [*LOSS[:40], 312.0, *LOSS[41:]]
    one = spec(spiked, LOSS)
    assert scale(one).high < 3
    ((row, column),) = found(text(one), "↑312")
    assert row == 1
    assert column == pytest.approx(6 + 400 * 66 // 990, abs=1)
    assert "^312" in text(replace(one, ascii=True))[1]
    fallen = spec([*LOSS[:40], -312.0, *LOSS[41:]])
    assert any("↓-312" in line for line in text(fallen))


def test_without_a_spike_there_is_no_arrow() -> None:
    assert not found(text(spec(LOSS, FLAT)), "↑")
    assert not found(text(spec(LOSS, FLAT)), "↓")
    assert scale(spec(LOSS)).high >= max(LOSS)


def test_a_divergence_stays_in_sight() -> None:
    slow = [*LOSS[:90], *(3.0 * 2**n for n in range(10))]
    assert scale(spec(slow)).high >= slow[-3]
    sudden = text(spec([*LOSS[:98], 3e8, nan]))
    assert any("3e8" in line for line in sudden)
    assert any("● 1 NaN" in line for line in sudden)


def test_values_within_limits_are_never_off_the_scale() -> None:
    dip = [0.9] * 50 + [0.2] + [0.91] * 49
    assert scale(spec(dip, limits=(0, 1))).low <= 0.2


@given(st.integers(0, 49_999), st.floats(0.5, 1e30), st.booleans(), st.sampled_from([0.0, 0.9]))
def test_no_spike_is_lost(at: int, size: float, log: bool, smoothing: float) -> None:
    made = Curve()
    values = np.full(50_000, 0.1, np.float32)
    values[at] = size
    made.extend(0, 1, values)
    one = ChartSpec("loss", 80, 20, (ChartLane("A", COLOURS[0], made),), 0, 49_999, log=log, smoothing=smoothing)
    chart = text(one)
    left = chart[-1].index("0")
    column = left + min(at * (73 - left) // 49_999, 72 - left)
    above = [line[max(column - 1, left) : column + 2] for line in chart[1:12]]
    assert any(set(part) & (BRAILLE | {"↑", "●"}) for part in above)


def test_a_line_that_leaves_the_scale_is_not_drawn_along_its_edge() -> None:
    values = [0.5] * 30 + [5.0] * 40 + [0.5] * 30
    chart = cells(render_chart(spec(values, bounds=(0, 1), smoothing=0)))
    top = [character for character, _ in chart[1][30:45]]
    assert not set(top) & BRAILLE


def test_values_that_are_not_finite_are_counted_within_the_window() -> None:
    values = [*LOSS[:50], nan, nan, nan, inf, *LOSS[54:]]
    assert any("● 3 NaN, 1 inf" in line for line in text(spec(values)))
    assert any("● 1 NaN, 1 inf" in line for line in text(spec(values, first=520)))
    assert not any("NaN" in line for line in text(spec(values, first=600)))
