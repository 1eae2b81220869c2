"""What keys asked for counts until the engine answers."""

from __future__ import annotations

import msgspec
from test_state import FINISHED, LANE, RUN, lane

from clipwatch.core.stream.commands import Pause, Restart, Resume, Seek, SetClip, SetPace, StepOnce
from clipwatch.core.stream.events import ClipChanged, LanePaused, LaneResumed, Notice, PaceChanged, SeekFinished
from clipwatch.tui.live.requests import Asked

NOW = lane()


def test_a_rule_counts_from_the_key_until_its_answer() -> None:
    asked = Asked()
    assert asked.rule(NOW) == "value:0.001"
    asked.note(SetClip(lane="a", rule="value:0.002"))
    asked.note(SetClip(lane="a", rule="value:0.005"))
    asked.settle(ClipChanged(lane="a", step=1, rule="value:0.002", previous="value:0.001"))
    assert asked.rule(NOW) == "value:0.005"
    asked.settle(ClipChanged(lane="a", step=1, rule="value:0.005", previous="value:0.002"))
    assert asked.rule(NOW) == "value:0.001"


def test_a_pace_counts_from_the_key_until_its_answer() -> None:
    asked = Asked()
    assert asked.pace([NOW]) == 50.0
    asked.note(SetPace(pace=None))
    assert asked.pace([NOW]) is None
    asked.settle(PaceChanged(lane="a", step=1, pace=None))
    assert asked.pace([NOW]) == 50.0


def test_a_pause_asked_for_twice_is_a_pause_and_a_resume() -> None:
    asked = Asked()
    assert not asked.paused([NOW])
    asked.note(Pause())
    assert asked.paused([NOW])
    asked.note(Resume())
    assert not asked.paused([msgspec.structs.replace(NOW, going="paused")])
    asked.settle(LaneResumed(lane="a", step=1))
    assert asked.paused([msgspec.structs.replace(NOW, going="paused")])
    asked.note(StepOnce())
    assert not asked.paused([msgspec.structs.replace(NOW, going="paused")])
    asked.settle(LanePaused(lane="a", step=2))
    assert asked.paused([msgspec.structs.replace(NOW, going="paused")])


def test_seeds_go_on_while_a_restart_is_under_way() -> None:
    asked = Asked()
    asked.note(Restart(seed=1))
    asked.settle(FINISHED)
    assert asked.seed(0) == 1
    asked.settle(RUN)
    assert asked.seed(1) == 1


def test_a_refusal_or_an_end_settles_everything() -> None:
    for event in (Notice(text="no"), FINISHED, RUN):
        asked = Asked()
        asked.note(SetClip(lane="a", rule="none"))
        asked.note(SetPace(pace=1.0))
        asked.note(Pause())
        asked.settle(event)
        assert (asked.rule(NOW), asked.pace([NOW]), asked.paused([NOW])) == (LANE.rule, 50.0, False)


def test_a_place_counts_from_the_key_until_the_seek_has_arrived() -> None:
    asked = Asked()
    assert asked.place(3) == 3
    asked.note(Seek(step=10))
    asked.seek_later(Seek(step=20))
    asked.seek_later(Seek(step=30))
    assert asked.seeking
    assert asked.place(3) == 30
    # A seek back tells the story from its beginning, with all that is in it.
    for event in (RUN, Notice(text="told"), FINISHED):
        asked.settle(event)
        assert asked.seeking
    asked.settle(SeekFinished(step=10))
    assert not asked.seeking
    assert asked.take_next_seek() == Seek(step=30)
    assert asked.take_next_seek() is None
    assert asked.place(10) == 10
