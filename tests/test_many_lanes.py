"""Runs of more lanes than there is room for: every face of them ends, and says what is out of sight."""

from __future__ import annotations

import html

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from test_state import EVALUATED, FINISHED, LANE, RUN, folded

from clipwatch.core.reports.drawing import add_legend, as_svg, drawing_style, new_axes
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import Event
from clipwatch.tui.live.screenshot import picture
from clipwatch.tui.text.rich_output import Output
from clipwatch.tui.text.summary import print_summary
from clipwatch.tui.view.step_window import lanes_in, visible_lanes

COUNT = 70


def story() -> list[Event]:
    """A run of many lanes from its start to its end."""
    lanes = tuple(LaneConfig(f"lane{number}", f"value:{number}") for number in range(1, COUNT + 1))
    run = msgspec.structs.replace(RUN, config=RunConfig(settings={"dataset": "digits"}, lanes=lanes))
    told = (LANE, EVALUATED, FINISHED)
    return [run, *(msgspec.structs.replace(event, lane=lane.name) for event in told for lane in lanes)]


def test_the_screen_shows_the_lanes_that_there_is_room_for() -> None:
    shown = html.unescape(picture(EventTable.of(story()))).replace("\xa0", " ")
    assert "lanes 1 to 3 of 70 · tab" in shown


@pytest.mark.parametrize(
    ("width", "lanes", "shown"), [(60, 2, 2), (60, 4, 1), (80, 4, 2), (90, 3, 3), (120, 4, 4), (160, 6, 4), (60, 1, 1)]
)
def test_lanes_stand_side_by_side_where_no_number_is_cut(width: int, lanes: int, shown: int) -> None:
    assert lanes_in(width, lanes) == shown


@given(st.integers(0, 100), st.integers(1, 100), st.integers(-5, 100))
def test_the_selected_lane_is_always_in_sight(selected: int, count: int, room: int) -> None:
    selected = min(selected, count - 1)
    sight = visible_lanes(selected, count, room)
    assert selected in sight
    assert len(sight) == min(count, max(1, room))
    assert sight[0] >= 0
    assert sight[-1] < count


@pytest.mark.parametrize("width", [1, 60, 80, 200])
def test_the_summary_names_every_lane_within_its_width(width: int) -> None:
    console = Output(width=width)
    with console.capture() as capture:
        print_summary(console, folded(*story()))
    text = capture.get()
    assert all(cell_len(line) <= width for line in text.splitlines())
    if width > 1:
        assert all(f"lane{number} " in text for number in range(1, COUNT + 1))


def test_a_legend_of_many_leaves_the_chart_its_height() -> None:
    with drawing_style("many"):
        figure, axes = new_axes(6.6, 3.1)
        lines = [axes.plot([0, 1], [0, number])[0] for number in range(COUNT)]
        add_legend(axes, lines, [f"lane{number}" for number in range(COUNT)])
        as_svg(figure, "many")
        assert axes.get_position().height * figure.get_figheight() > 1.5
