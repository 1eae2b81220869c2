"""The heat map of gradient histograms: what is dark where, what lies above the bound, and its shape for any input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from clipwatch.core.stream.measures import BIN_EDGES, BINS
from clipwatch.tui.charts.heat_columns import bin_place, bin_size, heat_columns
from clipwatch.tui.charts.heat_map import render_heat_map
from clipwatch.tui.charts.heat_map_spec import Bound, HeatLane, HeatMapSpec
from clipwatch.tui.style.chart_styles import Palette

RAMP = ".:-=+*#%@"
LEFT = 6


def in_bins(*bins: int, elements: int = 1000) -> np.ndarray:
    """One histogram, its elements divided evenly among some bins."""
    counts = np.zeros(BINS, np.int64)
    counts[list(bins)] = elements // max(len(bins), 1)
    return counts


def lane(histograms: list[np.ndarray], steps: list[int] | None = None, **changes: object) -> HeatLane:
    at = np.array(steps if steps is not None else [50 * index for index in range(len(histograms))], np.int64)
    made = HeatLane("A", "#7aa2f7", at, np.array(histograms, np.int64).reshape(-1, BINS))
    return replace(made, **changes)  # type: ignore[arg-type]


def spec(*lanes: HeatLane, **changes: object) -> HeatMapSpec:
    base = HeatMapSpec("log10 |g|, share of elements", 79, 20, lanes, 0, 1000, ascii=True)
    return replace(base, **changes)  # type: ignore[arg-type]


def text(one: HeatMapSpec) -> list[str]:
    return [strip.text for strip in render_heat_map(one)]


def body(one: HeatMapSpec) -> list[str]:
    """The cells of a single panel."""
    return [line[LEFT:] for line in text(one)[2:-2]]


HISTOGRAMS = st.lists(st.lists(st.sampled_from([0, 0, 0, 1, 5, 60_000]), min_size=BINS, max_size=BINS), max_size=12)
SIDES = st.none() | st.floats(-1e3, 1e3)


@st.composite
def lanes(draw: st.DrawFn) -> HeatLane:
    histograms = draw(HISTOGRAMS)
    steps = np.cumsum([draw(st.integers(1, 90)) for _ in histograms]).astype(np.int64)
    bounds = tuple(Bound(first, draw(SIDES), draw(SIDES)) for first in sorted(draw(st.sets(st.integers(0, 900)))))
    return HeatLane(
        draw(st.text(max_size=9)),
        draw(st.sampled_from(["#7aa2f7", "red", "default"])),
        steps,
        np.array(histograms, np.int64).reshape(-1, BINS),
        draw(st.none() | st.just(np.ones(len(steps), np.int64))),
        bounds,
        draw(st.none() | st.integers(0, 1000)),
    )


@given(
    st.lists(lanes(), max_size=4),
    st.integers(0, 130),
    st.integers(0, 40),
    st.integers(-50, 900),
    st.integers(0, 1000),
    st.none() | st.integers(-10, 1200),
    st.booleans(),
    st.booleans(),
)
def test_any_heat_map_fills_its_rectangle(
    some: list[HeatLane], width: int, height: int, first: int, span: int, cursor: int | None, colour: bool, ascii: bool
) -> None:
    palette = Palette(coloured=colour)
    one = HeatMapSpec("title, more", width, height, tuple(some), first, first + span, cursor, palette, ascii)
    strips = render_heat_map(one)
    assert [cell_len(strip.text) for strip in strips] == [width] * height
    assert all(strip.text.isascii() for strip in strips if ascii)


@given(st.floats(1e-9, 90))
def test_a_size_has_its_place_among_the_bins(size: float) -> None:
    place = bin_place(size)
    assert BIN_EDGES[int(place)] <= size * (1 + 1e-9)
    assert size <= BIN_EDGES[min(int(place) + 1, BINS)] * (1 + 1e-9)
    assert bin_size(place) == pytest.approx(size, rel=1e-6)


def test_a_row_is_dark_where_the_elements_are() -> None:
    one = spec(lane([in_bins(20, 30)] * 21), height=19)
    rows = body(one)
    dark = [row for row, line in enumerate(rows) if "@" in line]
    # Bins 19 to 31 are in sight, from the bottom, on 15 rows.
    assert all(any(row <= (32 - bin_ - 0.5) * 15 / 13 < row + 1 for row in dark) for bin_ in (20, 30))
    between = rows[len(rows) // 2]
    assert not between.strip()


def test_half_blocks_double_the_rows() -> None:
    one = spec(lane([in_bins(*range(16, 28))] * 21), ascii=False)
    assert any("▀" in line for line in text(one))
    flat = {segment.style.bgcolor for strip in render_heat_map(one)[4:-4] for segment in strip if segment.style}
    assert len(flat) > 1


def test_shades_follow_the_share_of_the_elements() -> None:
    counts = np.zeros(BINS, np.int64)
    counts[16:24] = [1, 4, 16, 50, 100, 200, 400, 800]
    rows = [line.strip()[:1] for line in body(spec(lane([counts] * 21), height=14))]
    shades = [RAMP.index(character) for character in rows if character]
    assert shades == sorted(shades, reverse=True)
    assert shades[0] > shades[-1]


def test_lanes_have_the_same_bins_and_shades() -> None:
    strong, weak = lane([in_bins(20)] * 21), lane([in_bins(*range(24, 44))] * 21)
    chart = text(spec(strong, weak))
    split = next(row for row, line in enumerate(chart) if line.startswith(" o A"))
    above, below = chart[2:split], chart[split + 1 : -2]
    strongest = [max(RAMP.find(cell) for line in part for cell in line[LEFT:]) for part in (above, below)]
    assert strongest[0] > strongest[1] >= 1
    labels = [[line[:LEFT] for line in part] for part in (above, below)]
    assert labels[0] == labels[1][: len(labels[0])]
    assert "of elements per bin" in chart[0]


def test_measurements_in_one_column_are_averaged() -> None:
    columns = heat_columns(lane([in_bins(10), in_bins(10), in_bins(30), in_bins()], [0, 1, 2, 900]), (0, 1000), 10)
    assert columns.shares[0][[10, 30]] == pytest.approx([2 / 3, 1 / 3])


def test_columns_between_two_measurements_repeat_the_last() -> None:
    shares = heat_columns(lane([in_bins(10), in_bins(30)], [205, 805]), (0, 1000), 10).shares
    assert np.isnan(shares[:2]).all()
    assert (shares[2:8, 10] == 1).all()
    assert shares[8, 30] == 1
    # Nothing is known about the steps after the newest measurement.
    assert np.isnan(shares[9]).all()


def test_a_window_begins_with_the_measurement_before_it() -> None:
    one = lane([in_bins(10), in_bins(20), in_bins(30)], [0, 100, 800])
    shares = heat_columns(one, (400, 600), 10).shares
    assert (shares[:, 20] == 1).all()
    exactly = heat_columns(one, (100, 600), 10).shares
    assert exactly[0, 10] == 0


def test_zeros_count_in_the_shares() -> None:
    one = lane([in_bins(10)] * 3, zeros=np.array([3000] * 3))
    assert heat_columns(one, (0, 100), 4).shares[0, 10] == pytest.approx(0.25)
    assert "75 % zero" in text(spec(one))[1]


def test_what_is_clipped_lies_above_the_line() -> None:
    low, high = in_bins(18, elements=750), in_bins(26, elements=250)
    one = spec(lane([low + high] * 21, bounds=(Bound(0, -1e-4, 1e-4),)), height=20)
    rows = body(one)
    (line,) = [row for row, cells in enumerate(rows) if "_" in cells]
    dark = [row for row, cells in enumerate(rows) if set(cells) & set("=+*#%@")]
    assert dark[0] < line < dark[-1]
    assert "25 % above 0.0001" in text(one)[1]


def test_the_line_changes_where_the_rule_changed() -> None:
    bounds = (Bound(200, -1e-4, 1e-4), Bound(400), Bound(600, -1e-2, 1e-2))
    one = spec(lane([in_bins(*range(20, 34))] * 21, bounds=bounds), width=LEFT + 100)
    rows = body(one)
    lines = {row: [column for column, cell in enumerate(cells) if cell == "_"] for row, cells in enumerate(rows)}
    (high, later), (low, earlier) = [(row, columns) for row, columns in lines.items() if columns]
    assert high < low
    assert (earlier[0], earlier[-1]) == (20, 40)
    assert (later[0], later[-1]) == (60, 99)
    assert "% above" not in text(replace(one, cursor=450))[1]
    assert "above 0.0001" in text(replace(one, cursor=250))[1]
    assert "above 0.01" in text(one)[1]


def test_a_rule_with_two_different_sides_has_two_lines() -> None:
    one = spec(lane([in_bins(*range(16, 36))] * 21, bounds=(Bound(0, -1e-5, 1e-2),)))
    assert sum("_" in cells for cells in body(one)) == 2
    assert (
        sum("_" in cells for cells in body(replace(one, lanes=(replace(one.lanes[0], bounds=(Bound(0, None, 1.0),)),))))
        == 1
    )


def test_the_header_describes_the_cursors_step() -> None:
    one = spec(lane([in_bins(20), in_bins(32)], [100, 800]))
    assert f"median {bin_size(32.5):.2g}" in text(one)[1]
    assert f"median {bin_size(20.5):.2g}" in text(replace(one, cursor=799))[1]
    assert "not measured yet" in text(replace(one, cursor=50))[1]
    assert any("|" in line[40:] for line in text(replace(one, cursor=600))[2:-2])


@pytest.mark.parametrize("palette", [Palette(coloured=False), Palette(few_colours=True), Palette(background="default")])
def test_without_shades_there_is_a_ramp_of_characters(palette: Palette) -> None:
    chart = text(spec(lane([in_bins(20), in_bins(21)] * 10), palette=palette, ascii=False))
    assert RAMP in chart[0]
    assert any("@" in line for line in chart[2:])
    assert not any("▀" in line for line in chart)


def test_panels_are_beside_each_other_in_a_low_heat_map() -> None:
    one = lane([in_bins(20)] * 21)
    assert "o A" in text(spec(one, one, height=11))[1]
    assert "o A" not in text(spec(one, one, height=20))[1]


def test_nothing_measured_says_so() -> None:
    assert "no gradients measured in these steps" in text(spec(lane([])))[1]
    assert "no gradients measured in these steps" in text(spec(lane([in_bins()])))[1]
    assert "heat map" in text(spec(lane([in_bins(3)]), width=17))[0]


def test_a_failed_lane_has_a_cross_at_its_step() -> None:
    one = spec(lane([in_bins(20)] * 11, failed=500), width=LEFT + 100)
    (cells,) = [cells for cells in body(one) if "x" in cells]
    assert cells.index("x") == 50
