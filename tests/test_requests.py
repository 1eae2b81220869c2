"""What keys have requested counts until the engine answers."""

from __future__ import annotations

import msgspec
from test_state import FINISHED, LANE, RUN, lane

from clipwatch.core.stream.commands import (
    Fork,
    Pause,
    Restart,
    Resume,
    Seek,
    SetClip,
    SetLearningRate,
    SetPace,
    StepOnce,
)
from clipwatch.core.stream.events import (
    ClipChanged,
    LaneForked,
    LanePaused,
    LaneResumed,
    LearningRateChanged,
    Notice,
    PaceChanged,
    SeekFinished,
)
from clipwatch.tui.view.requests import Requests

NOW = lane()


def test_a_rule_counts_from_the_key_until_its_answer() -> None:
    requests = Requests()
    assert requests.rule(NOW) == "value:0.001"
    requests.note(SetClip(lane="a", rule="value:0.002"))
    requests.note(SetClip(lane="a", rule="value:0.005"))
    requests.settle(ClipChanged(lane="a", step=1, rule="value:0.002", previous="value:0.001"))
    assert requests.rule(NOW) == "value:0.005"
    requests.settle(ClipChanged(lane="a", step=1, rule="value:0.005", previous="value:0.002"))
    assert requests.rule(NOW) == "value:0.001"


def test_a_learning_rate_counts_from_the_key_until_its_answer() -> None:
    requests = Requests()
    assert requests.rate(NOW) == NOW.learning_rate == 0.001
    for rate in (0.002, 0.005):
        requests.note(SetLearningRate(lane="a", rate=rate))
    requests.settle(LearningRateChanged(lane="a", step=1, rate=0.002, previous=0.001))
    assert requests.rate(NOW) == 0.005
    requests.settle(LearningRateChanged(lane="a", step=1, rate=0.005, previous=0.002))
    assert requests.rate(NOW) == 0.001


def test_the_name_of_a_fork_is_taken_from_the_key_until_the_lane_begins() -> None:
    requests = Requests()
    for name in ("b", "c"):
        requests.note(Fork(lane="z", name=name))
    requests.settle(LaneForked(lane="b", step=1, parent="z", rule="none", learning_rate=None, seconds=0.0))
    # The end of another lane does not answer it. A notice may say that the fork is refused.
    requests.settle(FINISHED)
    assert requests.forks == {"c"}
    requests.settle(Notice(text="too late"))
    assert not requests.forks


def test_a_pace_counts_from_the_key_until_its_answer() -> None:
    requests = Requests()
    assert requests.pace([NOW]) == 50.0
    requests.note(SetPace(pace=None))
    assert requests.pace([NOW]) is None
    requests.settle(PaceChanged(lane="a", step=1, pace=None))
    assert requests.pace([NOW]) == 50.0


def test_a_pause_asked_for_twice_is_a_pause_and_a_resume() -> None:
    requests = Requests()
    assert not requests.paused([NOW])
    requests.note(Pause())
    assert requests.paused([NOW])
    requests.note(Resume())
    assert not requests.paused([msgspec.structs.replace(NOW, going="paused")])
    requests.settle(LaneResumed(lane="a", step=1))
    assert requests.paused([msgspec.structs.replace(NOW, going="paused")])
    requests.note(StepOnce())
    assert not requests.paused([msgspec.structs.replace(NOW, going="paused")])
    requests.settle(LanePaused(lane="a", step=2))
    assert requests.paused([msgspec.structs.replace(NOW, going="paused")])


def test_seeds_go_on_while_a_restart_is_under_way() -> None:
    requests = Requests()
    requests.note(Restart(seed=1))
    requests.settle(FINISHED)
    assert requests.seed(0) == 1
    requests.settle(RUN)
    assert requests.seed(1) == 1


def test_a_refusal_or_an_end_settles_everything() -> None:
    for event in (Notice(text="no"), FINISHED, RUN):
        requests = Requests()
        requests.note(SetClip(lane="a", rule="none"))
        requests.note(SetPace(pace=1.0))
        requests.note(Pause())
        requests.note(SetLearningRate(lane="a", rate=1.0))
        requests.note(Fork(lane="a", name="b"))
        requests.settle(event)
        assert (requests.rate(NOW), requests.forks) == (NOW.learning_rate, frozenset())
        assert (requests.rule(NOW), requests.pace([NOW]), requests.paused([NOW])) == (LANE.rule, 50.0, False)


def test_a_place_counts_from_the_key_until_the_seek_has_arrived() -> None:
    requests = Requests()
    assert requests.step(3) == 3
    requests.note(Seek(step=10))
    requests.postpone_seek(Seek(step=20))
    requests.postpone_seek(Seek(step=30))
    assert requests.seeking
    assert requests.step(3) == 30
    # A seek back tells the story from its beginning, with all that is in it.
    for event in (RUN, Notice(text="told"), FINISHED):
        requests.settle(event)
        assert requests.seeking
    requests.settle(SeekFinished(step=10))
    assert not requests.seeking
    assert requests.take_next_seek() == Seek(step=30)
    assert requests.take_next_seek() is None
    assert requests.step(10) == 10


def test_silence_counts_from_the_first_command_without_an_answer() -> None:
    now = [5.0]
    requests = Requests(clock=lambda: now[0])
    assert requests.unanswered_for == 0
    for moment in (6.0, 8.0):
        now[0] = moment
        requests.note(Pause())
    assert requests.unanswered_for == 2
    requests.settle(Notice(text="anything"))
    assert requests.unanswered_for == 0


def test_an_engine_that_is_gone_answers_nothing_and_the_next_settings_stay() -> None:
    requests = Requests()
    requests.next_settings = {"head": "linear"}
    for command in (SetPace(pace=1.0), Restart(seed=5), Seek(step=10)):
        requests.note(command)
    requests.postpone_seek(Seek(step=20))
    requests.forget()
    assert (requests.pace([NOW]), requests.seed(0), requests.seeking, requests.step(3)) == (50.0, 0, False, 3)
    assert requests.unanswered_for == 0
    assert requests.next_settings == {"head": "linear"}
    requests.settle(RUN)
    assert not requests.next_settings
