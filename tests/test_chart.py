"""Charts as text: their shape for any input, and what must be readable."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.strip import Strip

from clipwatch.tui.charts import plotting
from clipwatch.tui.charts.area import Area
from clipwatch.tui.charts.chart import render_chart
from clipwatch.tui.charts.chart_spec import ChartLane, ChartSpec, Level, Mark, Shade
from clipwatch.tui.charts.curve import Curve
from clipwatch.tui.charts.plotting import Line, Plot
from clipwatch.tui.charts.ticks import NUMBER_WIDTH, compact, fixed, linear_range, linear_ticks, log_range, step_ticks
from clipwatch.tui.charts.traces import Scale, trace
from clipwatch.tui.style.chart_styles import UNICODE, Palette


def curve(values: list[float], every: int = 10) -> Curve:
    made = Curve()
    for index, value in enumerate(values):
        made.append(index * every, value)
    return made


CROSS = UNICODE.broken
FALLING = [2.3 - 0.02 * n for n in range(100)]
STUCK = [2.3] * 100


def spec(*values: list[float], **changes: object) -> ChartSpec:
    lanes = tuple(
        ChartLane(name, color, curve(one))
        for name, color, one in zip(("unclipped", "clipped"), ("#7aa2f7", "#ff9e64"), values, strict=False)
    )
    base = ChartSpec(title="loss", width=80, height=20, lanes=lanes, first=0, last=990)
    return replace(base, **changes)  # type: ignore[arg-type]


def text(chart: list[Strip]) -> list[str]:
    return [strip.text for strip in chart]


# Columns for curves in a chart of 80 cells with two lanes; the margin on the right holds the values at the line ends.
WIDTH = 66


def canvas(one: ChartSpec) -> list[str]:
    """The rows below the header, between the axis and the margin."""
    return [line[6 : 6 + WIDTH] for line in text(render_chart(one))[1:-2]]


VALUES = st.lists(
    st.one_of(st.floats(-5, 5), st.floats(), st.sampled_from([nan, inf, -inf, 0.0, 1e38, -1e38, 1e-38])), max_size=60
)


@st.composite
def levels(draw: st.DrawFn) -> Level:
    step = st.none() | st.integers(-100, 2500)
    label = draw(st.text(max_size=12))
    return Level(draw(st.floats(-5, 5) | st.floats()), draw(st.integers(0, 5)), label, draw(step), draw(step))


@st.composite
def specs(draw: st.DrawFn) -> ChartSpec:
    """Charts of any kind, with reasonable and unreasonable sizes and windows."""
    first = draw(st.integers(-50, 2000))
    lanes = tuple(
        ChartLane(
            draw(st.text(max_size=20)),
            draw(st.sampled_from(["#7aa2f7", "red", "default"])),
            curve(draw(VALUES), draw(st.integers(1, 40))),
            draw(st.none() | st.integers(0, 3000)),
            draw(st.none() | st.builds(curve, VALUES, st.integers(1, 40))),
        )
        for _ in range(draw(st.integers(0, 5)))
    )
    marks = [Mark(draw(st.integers(0, 2500)), n, draw(st.text(max_size=12))) for n in range(len(lanes) + 1)]
    starts = [draw(st.integers(-100, 2500)) for _ in marks]
    shades = [Shade(start, start + draw(st.integers(0, 900)), n) for n, start in enumerate(starts)]
    return ChartSpec(
        title=draw(st.text(max_size=30)),
        width=draw(st.integers(0, 220)),
        height=draw(st.integers(0, 60)),
        lanes=lanes,
        first=first,
        last=first + draw(st.one_of(st.integers(0, 3000), st.integers(0, 10**9))),
        bounds=draw(st.sampled_from([None, (0.0, 1.0), (0.5, 0.5), (1e-3, 3.0)])),
        limits=draw(st.sampled_from([None, (0.0, 1.0), (-1.0, 1.0)])),
        empty=draw(st.text(max_size=40)),
        decimals=draw(st.sampled_from([None, 0, 2, 9])),
        percent=draw(st.booleans()),
        levels=tuple(draw(st.lists(levels(), max_size=4))),
        log=draw(st.booleans()),
        smoothing=draw(st.sampled_from([0.0, 0.6, 0.99])),
        cursor=draw(st.none() | st.integers(-10, 3000)),
        marks=tuple(marks),
        shades=tuple(shades),
        palette=Palette(coloured=draw(st.booleans()), background=draw(st.sampled_from(["#ffffff", "default"]))),
        ascii=draw(st.booleans()),
    )


@given(specs())
def test_any_chart_fills_its_rectangle(one: ChartSpec) -> None:
    chart = render_chart(one)
    assert len(chart) == one.height
    for strip in chart:
        assert strip.cell_length == one.width
        assert cell_len(strip.text) == one.width
        assert strip.text.isprintable()
        if one.ascii:
            assert strip.text.isascii()


def dot(x: float, y: float, marker: str = "braille") -> Line:
    return Line(np.array([x]), np.array([y]), np.ones(1, np.bool_), marker)


@pytest.mark.parametrize("column", [0, 1, 8, 11])
@pytest.mark.parametrize("row", [0, 5, 11])
def test_dots_are_plotted_at_their_coordinates(column: int, row: int) -> None:
    (cells,) = Plot().draw([dot((column + 0.5) / 2, (11.5 - row) / 12)], (6, 3))
    mark = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]][row % 4][column % 2]
    assert cells[row // 4, column // 2] == 0x2800 + mark
    assert (cells != ord(" ")).sum() == 1


def test_lines_of_one_figure_do_not_mix() -> None:
    top, bottom, ascii_top = Plot().draw([dot(3, 1.0), dot(3, 0.0), dot(3, 1.5, "*")], (6, 3))
    assert [np.flatnonzero(cells[:, 3] != ord(" ")).tolist() for cells in (top, bottom, ascii_top)] == [[0], [2], [0]]
    assert ascii_top[0, 3] == ord("*")
    assert all((cells != ord(" ")).sum() == 1 for cells in (top, bottom, ascii_top))


@st.composite
def line_sets(draw: st.DrawFn, lines: int, size: tuple[int, int]) -> list[Line]:
    """Lines over the columns of a plot, often with a common beginning."""
    made = []
    for number in range(lines):
        marker = draw(st.sampled_from(["braille", "*"])) if number else "braille"
        dots = 2 if marker == "braille" else 1
        columns = sorted(draw(st.lists(st.integers(0, size[0] * dots - 1), max_size=40)))
        y = [draw(st.sampled_from([0.0, 0.3, 0.31, 0.5, 1.0, 1.5])) for _ in columns]
        joined = [draw(st.integers(0, 5)) > 0 for _ in columns]
        made.append(Line((np.array(columns) + 0.5) / dots, np.array(y), np.array(joined, np.bool_), marker))
    return made


@st.composite
def drawings(draw: st.DrawFn) -> list[tuple[list[Line], tuple[int, int]]]:
    """Successive frames of lines, each new or a prefix of the previous one with other points after it."""
    size = draw(st.tuples(st.integers(1, 30), st.integers(1, 8)))
    lines = draw(st.integers(1, 4))
    frames = [draw(line_sets(lines, size))]
    for _ in range(draw(st.integers(1, 4))):
        following = draw(line_sets(lines, size))
        frames.append(
            [_spliced(old, new, draw(st.integers(0, 40))) for old, new in zip(frames[-1], following, strict=True)]
        )
    return [(frame, size) for frame in frames]


def _spliced(old: Line, new: Line, count: int) -> Line:
    """The first points of one line, then the points of the other that lie beyond them."""
    if old.marker != new.marker:
        return new
    count = min(count, len(old.x))
    rest = new.x >= (old.x[count - 1] if count else 0)
    parts = [(getattr(old, name)[:count], getattr(new, name)[rest]) for name in ("x", "y", "joined")]
    return Line(*(np.concatenate(part) for part in parts), old.marker)


@given(drawings())
def test_a_reused_plot_draws_like_a_new_one(frames: list[tuple[list[Line], tuple[int, int]]]) -> None:
    plot = Plot()
    for lines, size in frames:
        for again, fresh in zip(plot.draw(lines, size), Plot().draw(lines, size), strict=True):
            assert again.tolist() == fresh.tolist()


@pytest.mark.parametrize("rise", range(1, 40))
def test_a_line_is_drawn_the_same_from_any_first_column(rise: int) -> None:
    """Halfway between two dots, rounding would depend on the distance from the edge."""
    size, y = (60, 12), np.array([0.3, 0.5, 0.5, 0.5 + rise / 96 - 0.01])
    for run in range(1, 12):
        far = np.array([0, 81, 90, 90 + run])
        before, after = (Line((far[:end] + 0.5) / 2, y[:end], far[:end] > 0, "braille") for end in (3, 4))
        plot = Plot()
        plot.draw([before], size)
        assert plot.draw([after], size)[0].tolist() == Plot().draw([after], size)[0].tolist()


@given(st.data())
def test_a_growing_chart_looks_like_a_newly_drawn_one(data: st.DataObject) -> None:
    one, plot = data.draw(specs()), Plot()
    for _ in range(data.draw(st.integers(1, 5))):
        for lane in one.lanes:
            step = lane.curve.last[0] if lane.curve.last else -1
            for value in data.draw(VALUES.map(lambda values: values[:9])):
                step += data.draw(st.integers(1, 40))
                lane.curve.append(step, value)
        last = data.draw(st.sampled_from([one.last, one.last, one.last + 100]))
        one = replace(one, last=last, log=data.draw(st.sampled_from([one.log, one.log, not one.log])))
        assert render_chart(one, plot) == render_chart(one)


def test_a_plot_draws_only_the_columns_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    real = plotting._draw_columns

    def counted(lines: list[Line], height: int, first: int, last: int) -> list[plotting.Cells]:
        drawn.append(last - first)
        return real(lines, height, first, last)

    monkeypatch.setattr(plotting, "_draw_columns", counted)
    values, plot = [2.3 - 0.02 * n for n in range(60)], Plot()
    for _ in range(3):
        render_chart(spec(values, bounds=(0, 3)), plot)
        values.append(values[-1] - 0.02)
    first, *others = drawn
    assert first == WIDTH + 1
    assert len(others) == 2
    assert max(others) <= 2
    render_chart(spec(values[:-1], bounds=(0, 3)), plot)
    assert len(drawn) == 3


def test_too_small_a_size_says_so() -> None:
    assert text(render_chart(spec(FALLING, width=19)))[0].startswith("chart needs 20x5")


def test_rendering_twice_gives_the_same() -> None:
    one = spec(FALLING, STUCK, marks=(Mark(300, 1, "none"),), cursor=500)
    assert render_chart(one) == render_chart(one)


def test_the_curve_goes_from_corner_to_corner() -> None:
    rows = canvas(spec([n / 99 for n in range(100)], bounds=(0, 1), smoothing=0.0))
    assert rows[-1][0] not in " ┈"
    assert rows[0][-1] not in " ┈"
    assert rows[0][0] in " ┈"
    assert rows[-1][-1] in " ┈"


@pytest.mark.parametrize("smoothing", [0.0, 0.9])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_spike_of_one_step_is_visible(smoothing: float, ascii_only: bool) -> None:
    values = [0.1] * 50_000
    values[31_417] = 0.97
    one = spec(values, last=500_000, bounds=(0, 1), smoothing=smoothing, ascii=ascii_only)
    assert canvas(one)[0].strip(" ┈")
    values[31_417] = 0.1
    flat = replace(one, lanes=(ChartLane("flat", "red", curve(values)),))
    assert not canvas(flat)[0].strip(" ┈")


@pytest.mark.parametrize("ascii_only", [False, True])
def test_lanes_differ_without_colour(ascii_only: bool) -> None:
    palette = Palette(coloured=False)
    one = spec(FALLING, STUCK, palette=palette, ascii=ascii_only)
    swapped = replace(
        one, lanes=(replace(one.lanes[0], curve=one.lanes[1].curve), replace(one.lanes[1], curve=one.lanes[0].curve))
    )
    assert canvas(one) != canvas(swapped)
    for strip in render_chart(one):
        assert all(s.style is None or (s.style.color is None and s.style.bgcolor is None) for s in strip)
    first, second = ("*", "o") if ascii_only else ("●", "◆")
    header = text(render_chart(one))[0]
    assert f"{first} unclipped" in header
    assert f"{second} clipped" in header
    assert any(first in row for row in canvas(one))
    assert any(second in row for row in canvas(one))


def test_the_average_is_drawn_over_faint_values() -> None:
    one = spec([0.2, 0.8] * 50, bounds=(0, 1), smoothing=0.9)
    colors = {
        segment.style.color.name
        for strip in render_chart(one)[1:-2]
        for segment in strip
        if set(segment.text) & BRAILLE and segment.style and segment.style.color
    }
    assert "#7aa2f7" in colors
    assert len(colors) == 2


BRAILLE = {chr(code) for code in range(0x2801, 0x2900)}


def test_a_band_is_faint_and_the_values_are_in_full_colour() -> None:
    lane = ChartLane("one", "#7aa2f7", curve([0.5] * 100), band=curve([0.2, 0.8] * 50))
    chart = render_chart(spec(lanes=(lane,), bounds=(0, 1), smoothing=0))
    faint, full = Palette().faint(lane.color, 0.42).color, Palette().style(lane.color).color
    colours = [{one.style.color for one in line if one.style and one.text.strip(" ┈")} for line in chart[1:-2]]
    rows = {color: [row for row, seen in enumerate(colours) if color in seen] for color in (faint, full)}
    assert len(rows[full]) == 1
    assert min(rows[faint]) < rows[full][0] < max(rows[faint])
    assert len(rows[faint]) >= 10


def test_values_that_are_not_finite_are_marked_and_named() -> None:
    clean, broken = spec(FALLING), spec([*FALLING[:50], nan, *FALLING[51:]])
    assert not any(CROSS in line for line in text(render_chart(clean)))
    row = canvas(broken)[-1]
    assert row.index(CROSS) == pytest.approx(500 / 990 * len(row), abs=1)
    assert f"{CROSS} ● 1 NaN" in row


def test_a_failed_lane_is_marked_where_it_failed() -> None:
    one = spec(FALLING, STUCK)
    failed = replace(one, lanes=(one.lanes[0], replace(one.lanes[1], failed=400)))
    row = canvas(failed)[-2]
    assert row.index(CROSS) == pytest.approx(400 / 990 * len(row), abs=1)
    assert "◆ failed" in row


def test_a_gap_is_left_where_values_are_not_finite() -> None:
    values = [0.5] * 30 + [nan] * 40 + [0.5] * 30
    rows = canvas(spec(values, bounds=(0, 1), smoothing=0.0, palette=Palette(coloured=False)))
    middle = {row[len(row) * 4 // 10 : len(row) * 6 // 10] for row in rows[:-1]}
    assert all(part.isspace() for part in middle)


def test_log_says_that_values_at_or_below_zero_are_hidden() -> None:
    positive, mixed = spec(FALLING, log=True), spec([1.0, 0.0, -2.0, 3.0], log=True, last=30)
    assert " log" in text(render_chart(positive))[0]
    assert not any("hidden" in line for line in text(render_chart(positive)))
    assert any("values ≤ 0 hidden" in line for line in text(render_chart(mixed)))
    assert any("values <= 0 hidden" in line for line in text(render_chart(replace(mixed, ascii=True))))
    assert any("values ≤ 0 hidden" in line for line in text(render_chart(spec([-1.0, 0.0], log=True, last=30))))
    assert any("│≤0 hidden" in line for line in text(render_chart(replace(mixed, width=20))))


def test_log_puts_powers_of_ten_at_equal_distances() -> None:
    lines = text(render_chart(spec([1000.0, 100.0, 10.0, 1.0], log=True, last=30, height=27, smoothing=0.0)))
    rows = [
        next(n for n, line in enumerate(lines) if line.split("┤")[0].strip() == label)
        for label in ("1000", "100", "10", "1")
    ]
    gaps = [b - a for a, b in pairwise(rows)]
    assert max(gaps) - min(gaps) <= 1


def test_the_legend_shows_the_latest_values() -> None:
    header = text(render_chart(spec(FALLING, STUCK, smoothing=0)))[0]
    assert f"unclipped {fixed(FALLING[-1])}" in header
    assert "clipped 2.3000" in header
    assert "raw" not in header


def test_the_legend_shows_the_average_and_the_raw_value() -> None:
    one = spec([*[1.0] * 99, 2.0], STUCK, smoothing=0.75)
    assert "unclipped 1.2500 raw 2.0000" in text(render_chart(one))[0]
    assert "unclipped 1.0000 raw 1.0000" in text(render_chart(replace(one, cursor=500)))[0]
    header = text(render_chart(replace(one, width=44, height=11)))[0]
    assert "1.2500" in header
    assert "raw" not in header


def test_the_cursor_reads_both_lanes_and_shows_its_step() -> None:
    one = spec(FALLING, STUCK, cursor=500, smoothing=0)
    chart = text(render_chart(one))
    assert f"unclipped {fixed(FALLING[50])}" in chart[0]
    assert "clipped 2.3000" in chart[0]
    columns = {row.index("│") for row in canvas(one) if "│" in row}
    assert len(columns) == 1
    assert columns.pop() == pytest.approx(500 / 990 * len(canvas(one)[0]), abs=1)
    assert " 500 " in chart[-1]
    assert not any("│" in row for row in canvas(replace(one, cursor=None)))


def test_interventions_are_marked_for_their_lane() -> None:
    one = spec([0.5] * 100, [0.4] * 100, bounds=(0, 1), marks=(Mark(300, 1, "norm:1.0"), Mark(700, 0, "none")))
    rows = canvas(one)
    assert "▼◆ norm:1.0" in rows[0]
    assert "▼● none" in rows[0]
    assert rows[0].index("▼") == pytest.approx(300 / 990 * len(rows[0]), abs=1)
    assert rows[3].count("╎") == 2
    assert not any("╎" in row for row in canvas(replace(one, first=800)))


def test_two_interventions_at_one_step_are_both_marked() -> None:
    rows = canvas(spec(FALLING, STUCK, bounds=(0, 5), marks=(Mark(300, 0, "a"), Mark(300, 1, "b"))))
    assert "▼● a" in rows[0]
    assert "▼◆ b" in rows[1]


def test_zooming_in_shows_only_the_window() -> None:
    chart = text(render_chart(spec(FALLING, first=400, last=600)))
    assert "400" in chart[-1]
    assert "600" in chart[-1]
    assert "0 " not in chart[-1].replace("00 ", "").replace("50 ", "")


def test_names_shrink_before_values() -> None:
    header = text(render_chart(spec(FALLING, STUCK, width=40, height=9, smoothing=0)))[0]
    assert "…" in header
    assert fixed(FALLING[-1]) in header
    assert "2.3000" in text(render_chart(spec(FALLING, STUCK, width=20, height=5)))[0]


@given(st.floats())
def test_numbers_keep_their_width(value: float) -> None:
    written = fixed(value)
    assert len(written) == NUMBER_WIDTH
    if abs(value) < 1e9:
        assert float(written) == pytest.approx(value, rel=0.34, abs=1e-12)


@pytest.mark.parametrize(
    ("step", "written"), [(0, "0"), (9999, "9999"), (12_000, "12k"), (1_250_000, "1.25M"), (-20, "-20")]
)
def test_steps_are_written_compactly(step: int, written: str) -> None:
    assert compact(step) == written


@pytest.mark.parametrize("last", [100, 420, 470, 999])
def test_the_narrowest_chart_has_two_steps_to_read(last: int) -> None:
    assert len(step_ticks(0, last, 1)) >= 2


def test_ticks_are_round() -> None:
    assert step_ticks(0, 1000, 6) == [0, 200, 400, 600, 800, 1000]
    assert [label for _, label in linear_ticks(0, 1, 5)] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    assert linear_range(0.31, 2.35) == (0.0, 2.5)
    assert linear_range(0.7, 2.35) == pytest.approx((0.6, 2.4))
    assert log_range(0.31, 2.35) == pytest.approx((0.2, 5.0))
    # Between 2 and 5, these values would be in a tenth of the chart.
    assert log_range(2.09, 2.29) == pytest.approx((2.08, 2.3))


def test_a_logarithmic_chart_of_similar_values_has_several_ticks() -> None:
    labels = [line[:6].strip(" ┤│") for line in text(render_chart(replace(spec([2.09, 2.2, 2.29]), log=True)))]
    assert {"2.10", "2.20", "2.30"} <= set(labels), labels


@given(st.floats(1e-20, 1e20), st.floats(1, 1e6))
def test_a_logarithmic_range_holds_its_data(low: float, ratio: float) -> None:
    start, end = log_range(low, low * ratio)
    assert 0 < start <= low * (1 + 1e-6)
    assert end >= low * ratio * (1 - 1e-6)
    assert start < end


@pytest.mark.parametrize("height", [8, 12, 24, 40])
def test_values_at_equal_distances_stand_in_rows_at_equal_distances(height: int) -> None:
    area = Area(5, 40, height, height, (0, 10), Scale(0.0, 0.8, log=False))
    assert [area.row(quarter * 0.2) for quarter in (4, 3, 2, 1)] == [n * height // 4 for n in range(4)]


@given(st.floats(-1e30, 1e30), st.floats(-1e30, 1e30))
def test_a_range_holds_its_data(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    start, end = linear_range(low, high)
    slack = 1e-5 * max(end - start, 1e-30)
    assert start < end
    assert start <= low + slack
    assert high - slack <= end


def test_the_chart_layer_never_imports_torch() -> None:
    code = "import sys, clipwatch.tui.charts.chart; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_lines_can_be_drawn_while_a_thread_loads_the_library() -> None:
    code = """
import sys, threading
import numpy as np
from clipwatch.tui.charts.plotting import Line, Plot, load

sys.setswitchinterval(1e-6)
failures = []
threading.excepthook = failures.append
loading = threading.Thread(target=load)
loading.start()
ends = np.array([0.5, 3.5])
Plot().draw([Line(ends, ends / 4, np.array([False, True]), "braille")], (4, 4))
loading.join()
sys.exit(len(failures))
"""
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")


def test_a_legend_without_room_shows_whole_values_and_how_many_more_there_are() -> None:
    lanes = tuple(ChartLane(name, "red", curve([2.3026, 1.6160])) for name in "abcd")
    for width in range(20, 80):
        header = render_chart(spec(lanes=lanes, width=width, height=9, smoothing=0))[0].text
        shown = header.count("1.6160")
        assert shown == len(lanes) or header.endswith(f" +{len(lanes) - shown} "), header


def test_a_logarithmic_axis_fits_values_that_are_close_to_each_other() -> None:
    rows = text(render_chart(spec([2.3 - 0.001 * n for n in range(100)], log=True)))
    assert [row.split("┤")[0].strip() for row in rows if "┤" in row] == ["2.30", "2.28", "2.26", "2.24", "2.22", "2.20"]


# Averages on a logarithmic scale


def test_on_a_logarithmic_scale_the_average_is_that_of_the_logarithms() -> None:
    curve = Curve()
    for step, value in enumerate([1.0, 100.0, 1.0, 100.0, 0.0, math.nan]):
        curve.append(step, value)
    assert curve.smoothed(5, 5, 1, 0.0, log=True)[0] == pytest.approx(100.0)
    even = curve.smoothed(3, 3, 1, 0.99, log=True)[0]
    assert even == pytest.approx(10.0, rel=0.02)
    assert curve.smoothed(3, 3, 1, 0.99)[0] == pytest.approx(50.5, rel=0.02)


def test_values_of_0_leave_a_gap_in_a_logarithmic_line_instead_of_a_ramp() -> None:
    curve = Curve()
    for step in range(100):
        curve.append(step, 1.0 if step < 40 or step >= 60 else 0.0)
    lane = ChartLane("A", "#7aa2f7", curve)
    one = ChartSpec("norm", 60, 12, (lane,), 0, 99, log=True, smoothing=0.9)
    reduced = trace(lane, one, 100)
    at, values, joined = reduced.path(smooth=True)
    assert values == pytest.approx(1.0)
    assert at.tolist() == [*range(40), *range(60, 100)]
    assert joined.tolist() == [True] * 40 + [False] + [True] * 39
    assert "1e-" not in "\n".join(strip.text for strip in render_chart(one))


def test_the_legend_says_0_where_the_gradient_is_0() -> None:
    curve = Curve()
    for step in range(100):
        curve.append(step, 1.0 if step < 60 else 0.0)
    one = ChartSpec("norm", 60, 12, (ChartLane("A", "#7aa2f7", curve),), 0, 99, log=True, smoothing=0.9)
    assert "A 0.0000" in render_chart(one)[0].text
