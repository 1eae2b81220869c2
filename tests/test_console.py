"""The console's output: order, wording and summary."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import UNTOUCHED, diagnosed
from rich.console import Console
from test_state import EVALUATED, FINISHED, LANE, RUN, folded

from clipwatch.core.statistics.intervals import wilson_interval
from clipwatch.core.stream.commands import Fork, SetLearningRate
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.evaluation_line import evaluation_line
from clipwatch.core.stream.events import (
    ClipChanged,
    CommandScheduled,
    Diagnosed,
    Evaluated,
    Event,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LanePaused,
    LaneStepped,
    LearningRateChanged,
    Notice,
    OutputDied,
    OutputRevived,
    PaceChanged,
    RecordingStarted,
    RecordingStopped,
)
from clipwatch.core.stream.state import RunState
from clipwatch.tui.headless.console import ConsoleSink
from clipwatch.tui.headless.step_order import OrderedEvaluations
from clipwatch.tui.text.summary import summary_table
from clipwatch.tui.text.wording import (
    change_label,
    diagnosis_line,
    lane_message,
    log_line,
    scheduled_line,
)

CHANGE = ClipChanged(lane="a", step=12, rule="none", previous="value:0.001")


def at(lane: str, step: int) -> Evaluated:
    return Evaluated(lane=lane, step=step, loss=1.0, accuracy=0.5, train_loss=1.0, seconds=0.0)


@given(st.permutations(["a"] * 5 + ["b"] * 5 + ["c"] * 5))
def test_evaluations_are_printed_by_step_then_lane_in_any_order_of_arrival(arrivals: list[str]) -> None:
    ordered, steps, shown = OrderedEvaluations(("a", "b", "c")), dict.fromkeys("abc", 0), []
    for lane in arrivals:
        shown += ordered.add(at(lane, steps[lane]))
        steps[lane] += 10
    for lane in "abc":
        shown += ordered.end(lane)
    assert [(event.step, event.lane) for event in shown] == [
        (step, lane) for step in range(0, 50, 10) for lane in "abc"
    ]


@given(st.permutations(["a"] * 10 + ["b"] * 10))
def test_a_measurement_follows_its_evaluation_in_any_order_of_arrival(arrivals: list[str]) -> None:
    ordered, shown = OrderedEvaluations(("a", "b"), measured_every=20), []
    sent = {lane: iter([event for step in range(0, 70, 10) for event in measured_at(lane, step)]) for lane in "ab"}
    for lane in arrivals:
        shown += ordered.add(next(sent[lane]))
    for lane in "ab":
        for event in sent[lane]:
            shown += ordered.add(event)
        shown += ordered.end(lane)
    assert shown == [event for step in range(0, 70, 10) for lane in "ab" for event in measured_at(lane, step)]


def test_evaluations_of_a_fork_take_their_place_from_the_fork_on() -> None:
    ordered = OrderedEvaluations(("a",))
    shown = list(ordered.add(at("a", 0)))
    ordered.begin("a+1", 15)
    shown += [*ordered.add(at("a", 10)), *ordered.add(at("a", 20))]
    assert [event.step for event in shown] == [0, 10]
    shown = [*ordered.add(at("a+1", 20)), *ordered.add(at("a+1", 30)), *ordered.end("a")]
    assert [(event.step, event.lane) for event in shown] == [(20, "a"), (20, "a+1"), (30, "a+1")]


FORKED = LaneForked(lane="a+1", step=40, parent="a", rule="norm:1", learning_rate=0.01, seconds=1.0)


def test_lines_of_a_fork_bear_its_name_and_the_summary_says_what_it_differs_by(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sink = ConsoleSink(quiet=False)
    ended = [msgspec.structs.replace(FINISHED, lane=lane) for lane in ("a", "b", "a+1")]
    starts = [msgspec.structs.replace(LANE, lane=lane) for lane in "ab"]
    for event in (
        RUN,
        *starts,
        FORKED,
        diagnosed("a+1", 50),
        msgspec.structs.replace(EVALUATED, lane="a+1", step=40),
        *ended,
    ):
        sink.receive(event)
    sink.close()
    out, messages = capsys.readouterr()
    assert "lane a+1: Step: 40 forked from a: clip norm:1, learning rate 0.01" in messages
    assert "[a+1] Step: 40 " in out
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert {"forked from a@40", "learning rate 0.001 0.001 0.01"} <= set(rows)
    # Its own steps are not known, and those of its measurement count on from its parent.
    assert "steps clipped own steps - - -" in " ".join(rows)
    assert "a and a+1 differ by learning rate, so they are not a comparison of clipping" in out


def measured_at(lane: str, step: int) -> list[Evaluated | Diagnosed]:
    return [at(lane, step), *([diagnosed(lane, step)] if step % 20 == 0 else [])]


def test_a_run_without_measurements_delays_no_line_for_long() -> None:
    ordered = OrderedEvaluations(("a",), measured_every=10)
    assert list(ordered.add(at("a", 0))) == []
    assert list(ordered.add(at("a", 10))) == [at("a", 0)]
    assert list(ordered.end("a")) == [at("a", 10)]


def test_an_ended_lane_delays_no_other() -> None:
    ordered = OrderedEvaluations(("a", "b"))
    assert list(ordered.add(at("a", 0))) == []
    assert list(ordered.end("b")) == [at("a", 0)]
    assert list(ordered.add(at("a", 10))) == [at("a", 10)]


def test_the_evaluation_line_has_the_assignments_format() -> None:
    event = Evaluated(lane="a", step=0, loss=2.3175912, accuracy=0.09, train_loss=1.0, seconds=0.0)
    assert evaluation_line(event) == "Step: 0 validation accuracy: 0.09 loss: 2.31759"


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (CHANGE, "Step: 12 clip value:0.001 -> none"),
        (LaneStepped(lane="a", step=3, count=1), "Step: 3 taking 1 step"),
        (LaneStepped(lane="a", step=3, count=2), "Step: 3 taking 2 steps"),
        (PaceChanged(lane="a", step=3, pace=None), "Step: 3 full speed"),
        (PaceChanged(lane="a", step=3, pace=0.5), "Step: 3 speed limit 0.5 steps/s"),
        (LaneExtended(lane="a", step=3, iterations=9), "Step: 3 extended to 9 steps"),
        (LaneFailed(lane="a", step=3, reason="diverged", cause="nan", seconds=1.0), "Step: 3 diverged: nan"),
        (LaneFailed(lane="a", step=3, reason="error", cause="boom", seconds=1.0), "Step: 3 failed: boom"),
        (Notice(text="x"), None),
    ],
)
def test_events_in_words(event: Event, words: str | None) -> None:
    assert lane_message(event) == words


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (Fork(lane="a", name="x", rule="none", learning_rate=0.01, at_step=9), "fork x: unclipped, learning rate 0.01"),
        (Fork(lane="a", name="x", rule="norm:1", at_step=9), "fork x: clip norm:1"),
        (Fork(lane="a", name="x", at_step=9), "fork x: as it is"),
        (SetLearningRate(lane="a", rate=0.5, at_step=9), "learning rate 0.5"),
    ],
)
def test_commands_for_later_in_words(command: Fork | SetLearningRate, words: str) -> None:
    line = scheduled_line(CommandScheduled(command=command), {"a": "A"})
    assert line == f"scheduled for step 9, lane A: {words}"


def test_a_fork_in_words_names_its_parent_as_the_screen_does() -> None:
    assert lane_message(FORKED) == "Step: 40 forked from a: clip norm:1, learning rate 0.01"
    assert log_line(FORKED, 20, names={"a": "A"}) == "   40 fork of A"
    assert change_label(FORKED) == "fork"
    changed = LearningRateChanged(lane="a", step=12, rate=0.01, previous=0.001)
    assert lane_message(changed) == "Step: 12 learning rate 0.001 -> 0.01"
    assert lane_message(msgspec.structs.replace(changed, previous=None)) == "Step: 12 learning rate 0.01"
    assert change_label(changed) == "lr 0.01"


def test_a_planned_rule_is_in_the_summary_with_its_step() -> None:
    lanes = (LaneConfig("a", "norm:1", clip_at={300: "norm:5"}),)
    run = msgspec.structs.replace(RUN, config=RunConfig(lanes=lanes))
    change = ClipChanged(lane="a", step=300, rule="norm:5", previous="norm:1")
    shown = printed_in(100, folded(run, msgspec.structs.replace(LANE, rule="norm:1"), change))
    assert "norm:1, norm:5 from 300" in shown
    assert "changed mid-run" not in shown


def test_a_measurement_in_a_line() -> None:
    line = "elements clipped 40 %, steps clipped >99 % of the last 51, cos 0.35, norm 4.88 -> 0.157, dead outputs 2 8"
    assert diagnosis_line(diagnosed()) == line
    undefined = msgspec.structs.replace(UNTOUCHED, cosine=None)
    line = "elements clipped 0 %, steps clipped 0 % of the last 51, cos -, norm 1 -> 1, dead outputs none"
    assert diagnosis_line(diagnosed(total=undefined, dead=(), engaged=0.0)) == line


def test_an_output_that_changed_in_words() -> None:
    assert log_line(OutputDied(lane="a", step=340, output=6), 80) == "Step: 340 output 6 died"
    assert log_line(OutputRevived(lane="a", step=350, output=6), 80) == "Step: 350 output 6 recovered"


def test_the_end_in_words() -> None:
    assert log_line(FINISHED, 80) == "Step: 100 completed: accuracy 0.600 loss 1.0000 (all 5)"


def table(*events: Event) -> str:
    return printed_in(100, folded(RUN, LANE, *events))


def printed_in(width: int, state: RunState) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(summary_table(state, list(state.lanes.values())))
    return capture.get()


def test_the_summary_has_all_results() -> None:
    text = table(EVALUATED, FINISHED)
    for words in [
        "digits, seed 0",
        "value:0.001",
        "100",
        "1.0000",
        "0.50",
        "0.600 (0.231-0.882)",
        "12 in 8.00 s",
    ]:
        assert words in text


def test_the_summary_has_the_effect_of_clipping() -> None:
    silent = msgspec.structs.replace(FINISHED, silent_outputs=(2, 8))
    text = " ".join(table(diagnosed(), silent).split())
    assert "dead outputs 2 8 " in text
    assert "elements clipped step 50 40 % " in text
    assert "steps clipped all steps >99 % " in text
    assert "dead outputs none" in " ".join(table(msgspec.structs.replace(FINISHED, silent_outputs=())).split())


def test_the_summary_of_two_lanes_wraps_no_figure_in_80_columns() -> None:
    fashion = msgspec.structs.replace(RUN.dataset, name="fashion-mnist", validation=5000)
    run = msgspec.structs.replace(RUN, dataset=fashion)
    other = msgspec.structs.replace(LANE, lane="unclipped", rule="none")
    end = msgspec.structs.replace(
        FINISHED, step=12000, correct=2500, total=5000, training_seconds=120.0, silent_outputs=tuple(range(10))
    )
    ends = [end, msgspec.structs.replace(end, lane="unclipped")]
    text = printed_in(80, folded(run, LANE, other, diagnosed(), diagnosed("unclipped"), *ends))
    for figure in ("0.500 (0.486-0.514)", "0 1 2 3 4 5 6 7 8 9", "100 in 120.00 s"):
        assert text.count(figure) == 2


def test_without_measurements_the_summary_has_no_rows_for_them() -> None:
    text = table(EVALUATED, FINISHED)
    assert not any(words in text for words in ("dead", "elements", "clipped"))


def test_the_summary_says_if_a_lane_was_changed_stopped_or_failed() -> None:
    assert "changed mid-run" in table(CHANGE, FINISHED)
    stopped = msgspec.structs.replace(FINISHED, reason="stopped", step=40)
    assert "40, stopped" in table(stopped)
    failed = LaneFailed(lane="a", step=5, reason="diverged", cause="nan", seconds=1.0)
    assert "diverged at 5" in table(failed)


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    # The third is R. G. Newcombe's example (Statistics in Medicine 17, 1998); the others are worked out by hand.
    [(0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (81, 263, 0.2553, 0.3662), (50, 100, 0.40383, 0.59617)],
)
def test_the_interval_is_wilsons(right: int, of: int, low: float, high: float) -> None:
    assert wilson_interval(right, of) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("of", range(1, 501))
def test_the_interval_contains_the_share_and_is_exact_at_its_ends(of: int) -> None:
    assert wilson_interval(0, of)[0] == 0
    assert wilson_interval(of, of)[1] == 1
    for right in range(of + 1):
        low, high = wilson_interval(right, of)
        assert 0 <= low <= right / of <= high <= 1


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_lane_that_took_no_time_has_no_speed(seconds: float) -> None:
    said = table(msgspec.structs.replace(FINISHED, training_seconds=seconds))
    (speed,) = (line for line in said.splitlines() if "steps/s" in line)
    assert speed.split() == ["speed", "steps/s", "-"]


Printed = Callable[..., tuple[str, str]]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    def run(*events: Event, **manner: bool) -> tuple[str, str]:
        sink = ConsoleSink(**{"quiet": False, **manner})
        for event in events:
            sink.receive(event)
        sink.close()
        captured = capsys.readouterr()
        return captured.out, captured.err

    return run


LANES = [msgspec.structs.replace(LANE, lane=name) for name in ("unclipped", "clipped")]
ENDS = [msgspec.structs.replace(FINISHED, lane=name) for name in ("unclipped", "clipped")]
TWO = msgspec.structs.replace(RUN, config=RunConfig())
RUNNING = [TWO, *LANES, at("clipped", 0), at("unclipped", 0), msgspec.structs.replace(CHANGE, lane="clipped"), *ENDS]


def test_evaluations_go_to_stdout_and_messages_to_stderr(printed: Printed) -> None:
    out, err = printed(*RUNNING, Notice(text="look here"))
    assert out.splitlines()[:3] == [
        "Start Training...",
        "[unclipped] Step: 0 validation accuracy: 0.5 loss: 1",
        "[clipped]   Step: 0 validation accuracy: 0.5 loss: 1",
    ]
    assert err.splitlines() == [
        "clipwatch: lane clipped: Step: 12 clip value:0.001 -> none",
        "clipwatch: look here",
    ]


def test_diagnostics_prints_measurements_but_not_dead_outputs(printed: Printed) -> None:
    measured = [diagnosed("clipped", 0), OutputDied(lane="clipped", step=0, output=2), diagnosed("unclipped", 0)]
    events = [*RUNNING[:5], *measured, *RUNNING[5:]]
    out, err = printed(*events, diagnostics=True)
    figures = "elements clipped 40 %, steps clipped >99 % of the last 1, cos 0.35, norm 4.88 -> 0.157, dead outputs 2 8"
    assert out.splitlines()[1:5] == [
        "[unclipped] Step: 0 validation accuracy: 0.5 loss: 1",
        f"[unclipped] {figures}",
        "[clipped]   Step: 0 validation accuracy: 0.5 loss: 1",
        f"[clipped]   {figures}",
    ]
    assert "output" not in err
    assert "cos" not in printed(*events)[0]
    assert "cos" not in printed(*events, diagnostics=True, quiet=True)[0]


def test_quiet_prints_only_the_summary_and_warnings(printed: Printed) -> None:
    out, err = printed(*RUNNING, Notice(text="by the way", level="info"), Notice(text="look here"), quiet=True)
    assert "Step:" not in out
    assert "Start" not in out
    assert "0.600" in out
    assert err.splitlines() == ["clipwatch: look here"]


def test_force_color_turns_colour_on(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in "".join(printed(*RUNNING))
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[36m[unclipped]\x1b[0m Step: 0 validation" in printed(*RUNNING)[0]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in printed(*RUNNING)[0]
    monkeypatch.setenv("NO_COLOR", "")
    assert "\x1b[36m" in printed(*RUNNING)[0]
    monkeypatch.setenv("FORCE_COLOR", "")
    assert "\x1b" not in printed(*RUNNING)[0]


def test_the_end_of_a_lane_is_no_message(printed: Printed) -> None:
    assert isinstance(ENDS[0], LaneFinished)
    assert printed(TWO, *LANES, *ENDS)[1] == ""


def test_events_of_unknown_or_unstarted_lanes_do_no_harm(printed: Printed) -> None:
    stranger = msgspec.structs.replace(LANE, lane="stranger")
    out, _ = printed(TWO, *LANES, at("nobody", 0), stranger, at("stranger", 0), at("stranger", 0), *ENDS)
    assert "nobody" not in out
    assert "stranger Step: 0" in out


def test_a_stopped_recording_is_not_reported_as_complete(printed: Printed) -> None:
    started, stopped = RecordingStarted(folder="/runs/it"), RecordingStopped(folder="/runs/it", cause="No space left")
    assert "  recorded in /runs/it\n" in printed(TWO, started, *LANES, *ENDS)[0]
    out, _ = printed(TWO, started, *LANES, stopped, *ENDS)
    assert "  recording stopped (No space left): /runs/it holds the run up to that point\n" in out
    assert "recorded in" not in out


def test_the_summary_names_the_lanes_that_compare_rules_with_their_result_before_those_that_do_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lanes = (
        LaneConfig("a", "none"),
        LaneConfig("b", "none", learning_rate=0.01),
        LaneConfig("c", "norm:1", learning_rate=0.01),
    )
    sink = ConsoleSink(quiet=False)
    sink.receive(msgspec.structs.replace(RUN, config=RunConfig(lanes=lanes)))
    for lane in lanes:
        sink.receive(msgspec.structs.replace(LANE, lane=lane.name, rule=lane.rule))
    for lane, correct in zip(lanes, (900, 100, 950), strict=True):
        sink.receive(msgspec.structs.replace(FINISHED, lane=lane.name, correct=correct, total=1000))
    sink.close()
    out, _ = capsys.readouterr()
    result = "  at learning rate 0.01: b 10 % (8-12), c 95 % (93-96): these two networks differ\n"
    assert out.index(result) < out.index("a and b differ by learning rate")


def test_a_measurement_of_the_parent_is_not_that_of_its_fork() -> None:
    assert "elements clipped step 20 40 % -" in " ".join(table(diagnosed("a", 20), FORKED).split())


def test_the_speed_of_a_fork_is_that_of_its_own_steps() -> None:
    end = msgspec.structs.replace(FINISHED, lane="a+1", step=100, seconds=3.0, training_seconds=60.0)
    start = msgspec.structs.replace(LANE, lane="a+1", step=40, seconds=1.0)
    assert "30 in 2.00 s" in table(FORKED, start, end)
    # A pause is not training time, and how long it was is not known.
    assert "60.00 s" not in (shown := table(FORKED, start, LanePaused(lane="a+1", step=50), end))
    assert "30 in 2.00 s" not in shown
