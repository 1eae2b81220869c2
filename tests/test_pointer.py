"""The mouse in a chart: columns as steps, gestures, and the columns that a drag highlights."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from clipwatch.tui.charts.area import Area
from clipwatch.tui.charts.plotting import Plot
from clipwatch.tui.charts.traces import Scale
from clipwatch.tui.style.chart_styles import Palette
from clipwatch.tui.style.theme import Theme
from clipwatch.tui.view.chart_specs import ChartSettings, draw_metric
from clipwatch.tui.view.metrics import HISTOGRAM, metric
from clipwatch.tui.view.pointer import Drag, Pick, Point, Press, Zoom, evaluation_near, highlighted
from clipwatch.tui.view.run_view import RunView

SCALE = Scale(0.0, 1.0, log=False)
AREA = Area(left=6, width=50, height=3, steps_row=4, window=(0, 1000), scale=SCALE)


@given(st.integers(0, 20), st.integers(10, 200), st.integers(0, 10_000), st.integers(200, 100_000), st.data())
def test_the_step_under_the_pointer_is_drawn_in_its_column(
    left: int, width: int, first: int, span: int, data: st.DataObject
) -> None:
    area = Area(left, width, 10, 11, (first, first + span), SCALE)
    column = data.draw(st.integers(0, width - 1))
    assert area.column(area.step(left + column)) == column


def test_beside_the_curves_the_pointer_is_at_the_first_or_the_last_step() -> None:
    assert (AREA.step(0), AREA.step(6), AREA.step(55), AREA.step(90)) == (10, 10, 990, 990)


def test_a_press_becomes_a_click_or_a_zoom() -> None:
    assert Press(20, 21).held(AREA) == Point(AREA.step(21))
    assert Press(20, 21).released(AREA) == Pick(AREA.step(21))
    assert Press(20, 30).held(AREA) == Drag(290, 490)
    assert Press(30, 20).released(AREA) == Zoom(290, 490)


@pytest.mark.parametrize(("step", "nearest"), [(4, 0), (6, 10), (344, 340), (346, 350), (990, 350)])
def test_the_nearest_evaluation(step: int, nearest: int) -> None:
    assert evaluation_near(step, 10, 350) == nearest


def test_a_drag_is_highlighted_below_the_header_and_within_the_area() -> None:
    lines = [Strip([Segment("-" * 60)]) for _ in range(6)]
    marked = Style(reverse=True)
    for press, expected in [(Press(30, 20), "20-30"), (Press(0, 8), "6-8"), (Press(50, 70), "50-55")]:
        shown = highlighted(lines, press, AREA, 1, marked)
        assert shown[0] == lines[0]
        assert [line.cell_length for line in shown] == [60] * 6
        columns = [x for x in range(60) if next(iter(shown[1].crop(x, x + 1))).style == marked]
        assert f"{columns[0]}-{columns[-1]}" == expected


def test_a_chart_knows_its_columns_of_steps_and_a_heat_map_has_none() -> None:
    view, theme, plot = RunView(), Theme(Palette(), panel="#000000"), Plot()
    draw = partial(draw_metric, view=view, settings=ChartSettings(), theme=theme, size=(60, 20), plot=plot)
    lines = draw(metric("loss"))
    assert plot.area is not None
    assert plot.header == len(lines) - plot.area.steps_row - 1
    draw(metric(HISTOGRAM))
    assert plot.area is None
