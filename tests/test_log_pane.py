"""A lane's log: the length of its lines, and their styles."""

from __future__ import annotations

import msgspec
import pytest
from test_state import EVALUATED, FINISHED, LANE

from clipwatch.core.stream.evaluation_line import evaluation_line
from clipwatch.core.stream.events import (
    ClipChanged,
    LaneEvent,
    LaneFailed,
    MomentsReset,
    NonfiniteFound,
    OutputDied,
    OutputRevived,
)
from clipwatch.tui.text.wording import log_line
from clipwatch.tui.widgets.log_pane import character_at, component_class

END = msgspec.structs.replace(FINISHED, step=1000, correct=3860, total=5000)
DIED, RECOVERED = OutputDied(lane="a", step=340, output=6), OutputRevived(lane="a", step=350, output=6)
FAILED = LaneFailed(lane="a", step=5, reason="diverged", cause="loss is nan", seconds=1.0)


@pytest.mark.parametrize(
    ("event", "line", "short", "terse"),
    [
        (EVALUATED, evaluation_line(EVALUATED), "   30 acc 0.50 loss 1.0000", "   30  50% 1.0000"),
        (
            END,
            "Step: 1000 completed: accuracy 0.772 loss 1.0000 (all 5,000)",
            " 1000 acc 0.772 loss 1.0000 (all 5,000)",
            " 1000 all 77%",
        ),
        (DIED, "Step: 340 output 6 died", "  340 output 6 died", "  340 6 died"),
        (RECOVERED, "Step: 350 output 6 recovered", "  350 output 6 recovered", "  350 6 alive"),
    ],
)
def test_lines_get_shorter_in_narrow_panes(event: LaneEvent, line: str, short: str, terse: str) -> None:
    assert [log_line(event, room) for room in (80, 40, 14)] == [line, short, terse]


def test_the_last_line_begins_like_the_assignments_lines() -> None:
    assert log_line(END, 57) == "Step: 1000 completed: accuracy 0.772 loss 1.0000"


def test_a_line_without_a_shorter_form_is_cut_by_the_pane() -> None:
    assert log_line(LANE, 9) == "Start Training..."


def test_messages_get_shorter_rather_than_cut() -> None:
    change = ClipChanged(lane="a", step=340, rule="value:0.001", previous="none")
    reset = MomentsReset(lane="a", step=340)
    bad = NonfiniteFound(lane="a", step=4, nan=61_706, infinite=0, action="propagate")
    failed = msgspec.structs.replace(FAILED, cause="the training loss is nan")
    assert [log_line(event, 26) for event in (change, reset, bad, failed)] == [
        "  340 clip value:0.001",
        "  340 optimizer reset",
        "    4 NaN in the gradient",
        "    5 diverged",
    ]
    assert log_line(failed, 40) == "    5 diverged: the training loss is nan"
    assert log_line(failed, 60) == "Step: 5 diverged: the training loss is nan"


def test_lines_are_styled_by_event() -> None:
    styles = [component_class(event) for event in (EVALUATED, DIED, RECOVERED, FAILED, LANE, END)]
    assert styles == [None, "log--quiet", "log--quiet", "log--failure", "log--message", "log--message"]


@pytest.mark.parametrize(("cell", "index"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (50, 3)])
def test_the_character_under_the_mouse_may_be_two_cells_wide(cell: int, index: int) -> None:
    assert character_at("a\N{CJK UNIFIED IDEOGRAPH-4E00}b", cell) == index
