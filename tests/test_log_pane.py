"""How a lane's log puts its lines into the room that there is."""

from __future__ import annotations

import msgspec
import pytest
from test_state import EVALUATED, FINISHED, LANE

from clipwatch.core.stream.events import LaneEvent, OutputDied, OutputRevived
from clipwatch.tui.text.wording import evaluation_line, finished_line, output_line
from clipwatch.tui.view.run_view import LogLine
from clipwatch.tui.widgets.log_pane import fitting

END = msgspec.structs.replace(FINISHED, step=1000, correct=3860, total=5000)
DIED, FIRES = OutputDied(lane="a", step=340, output=6), OutputRevived(lane="a", step=350, output=6)


@pytest.mark.parametrize(
    ("line", "event", "short", "terse"),
    [
        (evaluation_line(EVALUATED), EVALUATED, "   30 acc 0.50 loss 1.0000", "   30  50% 1.0000"),
        (finished_line(END), END, " 1000 acc 0.772 loss 1.0000 (all 5,000)", " 1000 all 77%"),
        (output_line(DIED), DIED, "  340 output 6 died", "  340 6 died"),
        (output_line(FIRES), FIRES, "  350 output 6 fires", "  350 6 fires"),
    ],
)
def test_lines_get_shorter_where_there_is_little_room(line: str, event: LaneEvent, short: str, terse: str) -> None:
    kept = LogLine(line, "message", event)
    assert [fitting(kept, room) for room in (80, 40, 14)] == [line, short, terse]


def test_among_lines_of_the_assignment_the_end_begins_as_they_do() -> None:
    kept = LogLine(finished_line(END), "message", END)
    assert fitting(kept, 57) == "Step: 1000 completed: accuracy 0.772 loss 1.0000"


def test_a_line_without_a_shorter_form_is_cut_by_the_pane() -> None:
    assert fitting(LogLine("Start Training...", "message", LANE), 9) == "Start Training..."
