"""Which commands of a recording had not come due."""

from __future__ import annotations

import time

from test_state import EVALUATED, LANE, RUN

from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.reader import Recorded
from clipwatch.core.runs.scheduled_commands import still_scheduled
from clipwatch.core.stream.commands import LaneCommand, Pause, SetClip
from clipwatch.core.stream.events import ClipChanged, CommandScheduled, Event, LanePaused

CHANGE = SetClip(lane="a", rule="none", at_step=20)
CHANGED = ClipChanged(lane="a", step=20, rule="none", previous="value:0.001")


def left(*events: Event) -> list[LaneCommand]:
    return list(still_scheduled(Recorded(EventTable.of([RUN, LANE, *events]), (), 0)))


def trained(step: int, lane: str = "a") -> Event:
    return type(EVALUATED)(lane=lane, step=step, loss=1.0, accuracy=0.5, train_loss=1.0, seconds=1.0)


def test_a_command_is_left_until_its_step_is_trained_or_it_is_answered() -> None:
    scheduled = CommandScheduled(command=CHANGE)
    assert left(scheduled) == [CHANGE]
    assert left(scheduled, trained(10), trained(20, "b"), LanePaused(lane="a", step=20)) == [CHANGE]
    assert left(trained(20), CHANGED, scheduled) == [CHANGE]
    assert left(scheduled, trained(30), trained(10)) == []
    assert left(scheduled, CHANGED) == []


def test_a_command_to_all_is_left_for_the_lanes_that_have_not_obeyed() -> None:
    scheduled = CommandScheduled(command=Pause(at_step=20))
    names = [lane.name for lane in RUN.config.lanes]
    assert [command.lane for command in left(scheduled)] == names
    assert [command.lane for command in left(scheduled, trained(20, names[0]))] == names[1:]


def test_many_commands_take_no_time() -> None:
    changes = [Pause(at_step=step) for step in range(1, 8001)]
    begun = time.monotonic()
    lanes = len(RUN.config.lanes)
    assert len(left(*(CommandScheduled(command=change) for change in changes))) == len(changes) * lanes
    assert time.monotonic() - begun < 2
