"""The screen's view of a run: curves, marks, log lines, speeds, differences."""

from __future__ import annotations

import msgspec
import pytest
from measured import diagnosed
from test_state import DATA, FINISHED, LANE, RUN

from clipwatch.core.stream.events import (
    ClipChanged,
    Evaluated,
    EvaluatedEarlier,
    Event,
    LaneFailed,
    LaneForked,
    LanePaused,
    LaneResumed,
    MomentsReset,
    Notice,
    OutputDied,
    OutputRevived,
    RunStarted,
)
from clipwatch.tui.text.wording import change_label, log_line
from clipwatch.tui.view.run_view import RunView

OTHER = msgspec.structs.replace(LANE, lane="b", rule="none")
FORK = LaneForked(lane="c", step=20, parent="a", rule="none", learning_rate=0.01, seconds=2.0)


def at(lane: str, step: int, loss: float = 1.0, accuracy: float = 0.5, seconds: float = 0.0) -> Evaluated:
    return Evaluated(lane=lane, step=step, loss=loss, accuracy=accuracy, train_loss=1.0, seconds=seconds)


def seen(*events: Event) -> RunView:
    view = RunView()
    fold(view, RUN, LANE, OTHER, *events)
    return view


def fold(view: RunView, *events: Event) -> None:
    for event in events:
        view.fold(event)


def lines(view: RunView, lane: str = "a") -> list[str]:
    return [log_line(event, 80) for event in view.lanes[lane].unlogged]


def test_the_log_of_a_fork_begins_with_where_it_comes_from() -> None:
    begun = msgspec.structs.replace(LANE, lane="c", step=20)
    view = seen(FORK, begun, at("c", 20), msgspec.structs.replace(begun, step=30))
    texts = lines(view, "c")
    assert texts[0].startswith("Step: 20 forked from a")
    assert texts[1].startswith("Step: 20 validation accuracy")
    # A resumed run starts its lanes again.
    assert texts[2:] == ["Start Training..."]


def test_a_fork_and_its_parent_have_the_speed_since_the_fork() -> None:
    before = [at(lane, step, seconds=step / 100) for step in range(0, 200, 10) for lane in ("a", "b")]
    fork = msgspec.structs.replace(FORK, step=200)
    view = seen(*before, fork)
    assert view.steps_per_second is None
    fold(view, *(at(lane, step, seconds=2 + (step - 200) / 20) for step in (200, 210, 220) for lane in "abc"))
    assert [view.lanes[lane].steps_per_second for lane in "abc"] == pytest.approx([20, 20, 20])


def test_evaluations_become_curves_and_lines_of_the_assignment() -> None:
    view = seen(at("a", 0, 2.5, 0.125), at("a", 10, 2.25, 0.25))
    lane = view.lanes["a"]
    assert (lane.loss.last, lane.series["accuracy"].last) == ((10, 2.25), (10, 0.25))
    assert lane.loss.nearest(0) == (0, 2.5)
    assert lines(view) == [
        "Start Training...",
        "Step: 0 validation accuracy: 0.125 loss: 2.5",
        "Step: 10 validation accuracy: 0.25 loss: 2.25",
    ]


def test_the_final_step_is_the_last_one_to_come() -> None:
    assert seen(at("a", 10)).final_step == LANE.iterations - 1
    ended = [msgspec.structs.replace(FINISHED, lane=lane) for lane in ("a", "b")]
    assert seen(at("a", 10), *ended).final_step == 10
    assert RunView().final_step == 0


def test_lanes_have_separate_curves() -> None:
    view = seen(at("a", 0, 2.0), at("b", 10, 3.0))
    assert view.lanes["a"].loss.last == (0, 2.0)
    assert view.lanes["b"].loss.last == (10, 3.0)
    assert view.last_step == 10
    assert seen().last_step == 0


def test_a_repeated_evaluation_is_ignored() -> None:
    view = seen(at("a", 10, 1.0), at("a", 10, 9.0), at("a", 0, 9.0))
    assert view.lanes["a"].loss.last == (10, 1.0)
    assert len(lines(view)) == 2


def test_many_repeated_evaluations_are_ignored() -> None:
    many = EvaluatedEarlier(lane="a", step=10, stride=10, losses=bytes(8), accuracies=bytes(8))
    view = seen(many, many, msgspec.structs.replace(many, step=0))
    assert (len(view.lanes["a"].loss), view.lanes["a"].loss.last) == (2, (20, 0.0))
    assert len(lines(view)) == 2


def test_a_change_of_rule_is_a_mark_and_a_line() -> None:
    change = ClipChanged(lane="a", step=12, rule="none", previous="value:0.001")
    view = seen(change)
    assert view.lanes["a"].changes == [change]
    assert view.lanes["b"].changes == []
    assert lines(view)[-1] == "Step: 12 clip value:0.001 -> none"


def test_ends_are_lines() -> None:
    failed = LaneFailed(lane="b", step=5, reason="diverged", cause="loss is nan", seconds=1.0)
    view = seen(FINISHED, failed, Notice(text="nobody's line"))
    assert lines(view)[-1] == "Step: 100 completed: accuracy 0.600 loss 1.0000 (all 5)"
    assert lines(view, "b")[-1] == "Step: 5 diverged: loss is nan"


def test_a_new_run_resets_the_view() -> None:
    view = seen(at("a", 50), ClipChanged(lane="a", step=60, rule="none", previous="value:0.001"))
    again = RunStarted(
        config=msgspec.structs.replace(RUN.config, seed=1), dataset=DATA, device="cpu", versions={}, time=1.0
    )
    fold(view, again, LANE, at("a", 0))
    assert view.runs == 2
    assert list(view.lanes) == ["a"]
    assert view.lanes["a"].loss.last == (0, 1.0)
    assert view.lanes["a"].changes == []
    assert not view.state.changed_mid_run
    assert view.state.config is not None
    assert view.state.config.seed == 1


def test_speed_is_that_of_the_last_evaluations() -> None:
    view = seen(*(at("a", 10 * n, seconds=n * 0.05) for n in range(3)))
    assert view.lanes["a"].steps_per_second == pytest.approx(200)
    assert view.lanes["b"].steps_per_second is None
    fold(view, *(at("a", 30 + 10 * n, seconds=0.1 + (n + 1) * 0.5) for n in range(40)))
    assert view.lanes["a"].steps_per_second == pytest.approx(20)


def test_a_pause_does_not_lower_the_speed() -> None:
    before = [at("a", 10 * n, seconds=n * 0.1) for n in range(5)]
    after = [at("a", 50 + 10 * n, seconds=1000 + n * 0.1) for n in range(5)]
    view = seen(*before, LanePaused(lane="a", step=50), LaneResumed(lane="a", step=50), *after)
    assert view.lanes["a"].steps_per_second == pytest.approx(100)


def test_the_difference_is_taken_at_the_newest_step_of_both() -> None:
    view = seen(at("a", 0, 2.0, 0.1), at("a", 10, 1.0, 0.5), at("b", 0, 2.0, 0.1), at("b", 10, 1.5, 0.25))
    view.fold(at("a", 20, 0.1, 0.9))
    assert view.differences("a", "b") == (10, pytest.approx(0.5), pytest.approx(-0.25))
    assert view.differences("b", "a") == (10, pytest.approx(-0.5), pytest.approx(0.25))


def test_the_difference_is_taken_where_the_cursor_is() -> None:
    a, b = [at("a", 0, 2.0, 0.1), at("a", 10, 1.0, 0.5)], [at("b", 0, 2.5, 0.2), at("b", 10, 1.5, 0.25)]
    view = seen(*a, *b, at("a", 20, 0.1, 0.9))
    assert view.differences("a", "b", 0) == (0, pytest.approx(0.5), pytest.approx(0.1))
    assert view.differences("a", "b", 3) == (0, pytest.approx(0.5), pytest.approx(0.1))
    assert view.differences("a", "b", 20) == view.differences("a", "b")


def test_there_is_no_difference_before_both_were_evaluated() -> None:
    assert seen(at("a", 0)).differences("a", "b") is None
    assert seen().differences("a", "nobody") is None


def test_outputs_that_die_and_recover_are_lines() -> None:
    view = seen(OutputDied(lane="a", step=340, output=6), OutputRevived(lane="a", step=350, output=6))
    assert lines(view)[1:] == ["Step: 340 output 6 died", "Step: 350 output 6 recovered"]


def test_a_measurement_is_no_line_and_does_not_change_the_speed() -> None:
    view = seen(at("a", 0, seconds=0.0), at("a", 10, seconds=0.5), diagnosed("a", 10))
    assert len(lines(view)) == 3
    assert view.lanes["a"].steps_per_second == 20
    assert view.state.lanes["a"].diagnosed


def test_an_optimizer_reset_is_a_line_and_an_intervention() -> None:
    change = ClipChanged(lane="a", step=10, rule="none", previous="value:0.001")
    view = seen(change, MomentsReset(lane="a", step=20))
    assert lines(view)[-1] == "Step: 20 optimizer state reset"
    assert [change_label(one) for one in view.lanes["a"].changes] == ["none", "optimizer reset"]
    assert view.last_step == 20


def test_a_rule_replaced_at_its_own_step_is_not_marked() -> None:
    rules = ["none", "value:0.1", "value:0.01"]
    changes = [ClipChanged(lane="a", step=10, rule=rule, previous="norm:1") for rule in rules]
    later = ClipChanged(lane="a", step=11, rule="none", previous="value:0.01")
    view = seen(*changes[:2], MomentsReset(lane="a", step=10), changes[2], later)
    assert [change_label(one) for one in view.lanes["a"].effective_changes] == ["value:0.01", "optimizer reset", "none"]
    assert [line for line in lines(view) if "clip" in line] == [
        "Step: 10 clip norm:1 -> none",
        "Step: 10 clip norm:1 -> value:0.1",
        "Step: 10 clip norm:1 -> value:0.01",
        "Step: 11 clip value:0.01 -> none",
    ]
