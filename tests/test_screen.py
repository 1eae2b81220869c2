"""The screen, driven by keys over a scripted engine: what each key sends to the engine, says and shows."""

from __future__ import annotations

import re
from typing import Any

import pyte
import pytest
from msgspec.structs import replace
from textual.screen import Screen
from watched_screen import Watch, on_a_loop

from clipwatch.core.stream.commands import Extend, Pause, ResetMoments, Restart, Resume, SetClip, SetPace, StepOnce
from clipwatch.tui.live.app import ClipwatchApp
from clipwatch.tui.screens import main as main_module
from clipwatch.tui.widgets.chart_grid import Chart
from clipwatch.tui.widgets.log_pane import MAX_LINES


@on_a_loop
async def test_a_run_is_on_the_screen(watch: Watch) -> None:
    async with watch() as screen:
        await screen.shows("Step: 200 validation accuracy: 0.15 loss: 2.25")
        await screen.shows("Step: 200 validation accuracy: 0.2 loss: 2.2")
        await screen.until(lambda: "digits" in screen.title)
        assert "step 201 / 1,000" in screen.title
        assert "training" in screen.title
        await screen.shows("● A   unclipped ")
        await screen.shows("◆ B   clipped: every element within ±0.001")
        assert "100 steps/s" in screen.text
        assert "8 s left" in screen.text
        assert "B \N{MINUS SIGN} A at step 200:  Δloss +0.050  Δaccuracy -0.05" in screen.status
        assert "space pause" in screen.rows[-1]
        await screen.shows("validation loss, 100 images ")
        await screen.shows("accuracy, 100 images ")
        assert "mid-run" not in screen.text


@on_a_loop
async def test_only_changed_lines_are_sent_to_the_terminal(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = pyte.Screen(120, 40)
    stream, sent = pyte.Stream(terminal), [0]

    def display(app: ClipwatchApp, screen: Screen[object], update: Any) -> None:
        if update is not None:
            sequences = update.render_segments(app.console)
            sent.append(len(re.sub(r"\x1b\[[0-9;]*[mH]", "", sequences)))
            stream.feed(sequences)

    monkeypatch.setattr(ClipwatchApp, "_display", display)
    async with watch() as screen:
        screen.app.refresh()
        await screen.until(lambda: max(sent) > 4000)

        def all_sent() -> bool:
            # A frame that is drawn but not sent yet does not count.
            return [line.rstrip() for line in terminal.display] == [row.rstrip() for row in screen.rows]

        for key in ("l", "plus", "tab", "c", "comma", "escape", "d", "d", "t", "right_square_bracket"):
            await screen.press(key)
            await screen.until(all_sent)
        await screen.press("space")
        await screen.until(lambda: "paused" in screen.title and all_sent())
        before = len(sent)
        screen.app.main.say("one line changes")
        await screen.until(lambda: "one line changes" in screen.status and all_sent())
        assert 0 < sum(sent[before:]) <= 120


@on_a_loop
async def test_digits_instead_of_mnist_are_announced(watch: Watch) -> None:
    async with watch("normal", "--dataset", "auto") as screen:
        await screen.shows("embedded digits, not MNIST")


@on_a_loop
async def test_a_lane_that_diverges_is_marked_and_the_other_goes_on(watch: Watch) -> None:
    async with watch("diverges") as screen:
        await screen.shows("diverged at step 210: loss is nan")
        assert "training" in screen.title
        assert all(row.isprintable() for row in screen.rows)


@on_a_loop
async def test_lanes_that_finish_show_their_interval(watch: Watch) -> None:
    async with watch("finishes") as screen:
        await screen.shows("accuracy 0.889 (0.856-0.915)")
        await screen.shows("Step: 1000 completed: accuracy 0.889 loss 0.5000 (all 450)")
        assert "done" in screen.title


@on_a_loop
async def test_space_pauses_and_goes_on(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("space")
        await screen.hears(Pause())
        await screen.until(lambda: "paused" in screen.title)
        await screen.says("all lanes: paused")
        await screen.press("space")
        await screen.hears(Pause(), Resume())
        await screen.until(lambda: "training" in screen.title)
        await screen.says("all lanes: resumed")


@on_a_loop
async def test_the_end_of_a_run_is_a_verdict_and_the_keys_that_go_on(watch: Watch) -> None:
    async with watch("finishes", size=(80, 24)) as screen:
        await screen.says("A 89 % (86-91), B 89 % (86-91): they do not differ measurably. S: 32 seeds")
        await screen.until(lambda: "e 1000 more" in screen.rows[-1])
        assert "n new seed" in screen.rows[-1]
        assert "d diagnostics" in screen.rows[-1]


@on_a_loop
async def test_after_an_answer_to_a_key_the_result_returns(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_module, "ANSWER_SECONDS", 1.0)
    async with watch("finishes") as screen:
        await screen.says("they do not differ measurably")
        await screen.press("m")
        await screen.says("Smoothing")
        await screen.says("they do not differ measurably")


@on_a_loop
async def test_a_rule_for_a_lane_that_has_ended_waits_until_it_is_extended(watch: Watch) -> None:
    async with watch("finishes") as screen:
        await screen.until(lambda: "done" in screen.title)
        await screen.press("left_square_bracket")
        await screen.says("B has ended. A change to value ±0.0005 takes effect with e: 1000 more steps")
        await screen.press("c", "R")
        await screen.says("B has ended. e: 1000 more steps")
        assert screen.heard == []
        assert "mid-run" not in screen.title
        await screen.press("e")
        await screen.hears(SetClip(lane="clipped", rule="none"), Extend(iterations=1000))


@on_a_loop
async def test_a_lane_that_has_ended_is_selected_without_keys_that_do_nothing(watch: Watch) -> None:
    async with watch("finishes") as screen:
        await screen.until(lambda: "done" in screen.title)
        await screen.press("tab")
        await screen.says("Selected A")
        assert "c: clip on/off" not in screen.text


@pytest.mark.parametrize("key", ["space", "s", "X"])
@on_a_loop
async def test_a_finished_run_neither_pauses_nor_steps_and_says_what_can_be_done(watch: Watch, key: str) -> None:
    async with watch("finishes") as screen:
        await screen.until(lambda: "done" in screen.title)
        await screen.press(key)
        await screen.says("No lane is training. e: 1000 more steps · r: restart")
        assert screen.heard == []


@on_a_loop
async def test_the_end_of_a_recording_names_its_keys(watch: Watch) -> None:
    async with watch("replays", size=(80, 24)) as screen:
        await screen.says("End of the recording. <: back · q: quit")
        await screen.until(lambda: "< back 5 %" in screen.rows[-1])
        assert "restart" not in screen.rows[-1]
        await screen.press("m", "space")
        await screen.says("End of the recording")
        assert screen.heard == []


@on_a_loop
async def test_steps_one_and_ten(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("s")
        await screen.hears(StepOnce())
        await screen.shows("Step: 210 taking 1 step")
        await screen.press("X")
        await screen.hears(StepOnce(), StepOnce(count=10))
        await screen.shows("Step: 210 taking 10 steps")


@on_a_loop
async def test_toggling_the_clip_marks_the_run(watch: Watch) -> None:
    async with watch("normal", "--goes-on") as screen:
        await screen.press("c")
        await screen.hears(SetClip(lane="clipped", rule="none"))
        await screen.says("B, step 210: clip value:0.001 -> none")
        await screen.shows("◆ B   unclipped since step 210")
        await screen.until(lambda: "rule changed mid-run: not a clean comparison" in screen.title)
        await screen.shows("▼")
        await screen.press("c")
        await screen.until(lambda: screen.heard[1:] == [SetClip(lane="clipped", rule="value:0.001")])
        await screen.shows("◆ B   value ±0.001 since step 220")


@on_a_loop
async def test_toggling_restores_the_previous_rule(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("right_square_bracket")
        await screen.says("value:0.001 -> value:0.002")
        await screen.press("c")
        await screen.says("value:0.002 -> none")
        await screen.press("c")
        await screen.says("none -> value:0.002")


@on_a_loop
async def test_brackets_step_the_bound(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("left_square_bracket")
        await screen.hears(SetClip(lane="clipped", rule="value:0.0005"))
        await screen.says("clip value:0.001 -> value:0.0005")
        await screen.press("right_square_bracket")
        await screen.hears(
            SetClip(lane="clipped", rule="value:0.0005"),
            SetClip(lane="clipped", rule="value:0.001"),
        )


@on_a_loop
async def test_keys_pressed_before_the_answers_add_up(watch: Watch) -> None:
    async with watch("silent") as screen:
        await screen.press("right_square_bracket", "right_square_bracket", "right_square_bracket", "c", "plus", "plus")
        await screen.until(lambda: len(screen.heard) == 6)
        rules = [command.rule for command in screen.heard if isinstance(command, SetClip)]
        assert rules == ["value:0.002", "value:0.005", "value:0.01", "none"]
        assert [command.pace for command in screen.heard if isinstance(command, SetPace)] == [200.0, 500.0]


@on_a_loop
async def test_several_bounds_at_one_step_leave_one_mark(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("left_square_bracket", "left_square_bracket")
        await screen.says("clip value:0.0005 -> value:0.0002")
        charts = slice(-2 - screen.app.main.query(Chart).first().size.height, -2)
        await screen.until(lambda: "value:0.0002" in "".join(screen.rows[charts]))
        assert "value:0.0005" not in "".join(screen.rows[charts])


@on_a_loop
async def test_a_lane_that_is_not_clipped_has_no_bound_to_change(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("tab", "right_square_bracket")
        await screen.says("A is unclipped. c: turn clipping on")
        await screen.press("left_square_bracket", "space")
        await screen.hears(Pause())


@on_a_loop
async def test_tab_selects_the_lane_that_the_keys_act_on(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("tab")
        await screen.says("Selected A. c: clip on/off · [ ]: bound · b: rule")
        await screen.press("c")
        await screen.hears(SetClip(lane="unclipped", rule="value:0.001"))
        await screen.press("tab")
        await screen.says("Selected B")
        await screen.press("c")
        await screen.until(lambda: screen.heard[1:] == [SetClip(lane="clipped", rule="none")])


@on_a_loop
async def test_speed(watch: Watch) -> None:
    async with watch() as screen:
        for key, pace, words in [
            ("minus", 40.0, "speed limit 40"),
            ("plus", 100.0, "speed limit 100"),
            ("equals_sign", 200.0, "speed limit 200"),
            ("0", None, "full speed"),
            ("minus", 1000.0, "speed limit 1000"),
        ]:
            await screen.press(key)
            await screen.until(lambda pace=pace: screen.heard and screen.heard[-1] == SetPace(pace=pace))
            await screen.says(f"all lanes: {words}")
            await screen.until(lambda words=words: words in screen.title)
        assert len(screen.heard) == 5


@on_a_loop
async def test_restart_new_seed_and_the_other_head(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("c")
        await screen.until(lambda: "mid-run" in screen.title)
        await screen.press("r")
        await screen.until(lambda: screen.heard[1:] == [Restart()])
        await screen.until(lambda: screen.app.view.runs == 2 and "mid-run" not in screen.title)
        assert "since step" not in screen.text
        assert screen.text.count("Step: 200 validation") == 2
        await screen.press("n")
        await screen.until(lambda: screen.heard[2:] == [Restart(seed=1)])
        await screen.until(lambda: "seed 1" in screen.title)
        await screen.press("h")
        await screen.says("From the next restart (r or n): plain logits")
        assert "(next: plain logits)" in screen.title
        await screen.press("r")
        await screen.until(lambda: screen.heard[3:] == [Restart(settings={"head": "linear"})])
        await screen.until(lambda: "plain logits" in screen.title and "next:" not in screen.title)
        await screen.press("h", "h", "n")
        await screen.until(lambda: screen.heard[4:] == [Restart(seed=2, settings={"head": "linear"})])


@on_a_loop
async def test_more_iterations(watch: Watch) -> None:
    async with watch("finishes") as screen:
        await screen.until(lambda: "done" in screen.title)
        await screen.press("e")
        await screen.hears(Extend(iterations=1000))
        await screen.says("extended to 2000 steps")
        await screen.until(lambda: "/ 2,000" in screen.title and "training" in screen.title)


@on_a_loop
async def test_logs_follow_their_end_until_they_are_scrolled_back(watch: Watch) -> None:
    async with watch() as screen:
        newest, oldest = "Step: 200 validation accuracy: 0.15", "Start Training..."
        await screen.shows(newest)
        before = screen.text.count(oldest)
        await screen.press("pageup", "pageup", "pageup")
        await screen.until(lambda: screen.text.count(oldest) == before + 1)
        assert newest not in screen.text
        await screen.press("minus")
        await screen.until(lambda: "Step: 210 speed limit 40" in screen.text)
        assert newest not in screen.text
        await screen.press("pagedown")
        await screen.until(lambda: screen.text.count(oldest) == before)
        await screen.press("end")
        await screen.shows(newest)
        await screen.press("plus")
        await screen.until(lambda: screen.text.count("Step: 210 speed limit 100") >= 2)


@on_a_loop
async def test_lanes_that_do_not_fit_are_reached_by_tab(watch: Watch) -> None:
    async with watch("normal", "--lanes", "4", size=(60, 16), started="") as screen:
        await screen.shows("1 of 4 · tab")
        await screen.shows("lane1   clipped: every element within ±1 ")
        assert "lane2" not in "".join(screen.rows[:4])
        await screen.press("tab")
        await screen.shows("2 of 4 · tab")
        await screen.shows("lane2   clipped: every element within ±2 ")
        await screen.resize(80, 24)
        await screen.shows("lanes 1 to 2 of 4 · tab")


@on_a_loop
async def test_logs_are_bounded(watch: Watch) -> None:
    async with watch("normal", "--evaluations", str(MAX_LINES + 1000)) as screen:
        await screen.until(lambda: screen.app.view.last_step == 10 * (MAX_LINES + 999))
        await screen.shows(f"Step: {10 * (MAX_LINES + 999)} ")
        await screen.until(
            lambda: all(len(panel.log_pane._events) < MAX_LINES + 600 for panel in screen.app.main._lanes._panels)
        )
        assert all(not lane.unlogged for lane in screen.app.view.lanes.values())
        # Lines that were dropped do not shift what is selected.
        x, y = screen.find(f"Step: {10 * (MAX_LINES + 999)} ")
        await screen.drag(x, y, x + 80, y)
        await screen.press("ctrl+c")
        await screen.until(lambda: screen.app.clipboard.startswith(f"Step: {10 * (MAX_LINES + 999)} "))


@on_a_loop
async def test_an_optimizer_without_moments_has_none_to_reset(watch: Watch) -> None:
    async with watch("normal", "--optimizer", "sgd") as screen:
        await screen.press("R")
        await screen.says("B trains with plain SGD, which has no optimizer state to reset.")
        # Another lane may have an optimizer of its own.
        state = screen.app.view.state
        assert state.config
        lanes = replace(state.config.lanes[0], optimizer="adam"), state.config.lanes[1]
        screen.app.view.state = replace(state, config=replace(state.config, lanes=lanes))
        await screen.press("tab", "R")
        await screen.hears(ResetMoments(lane="unclipped"))


@on_a_loop
async def test_r_resets_the_optimizer_state_of_the_selected_lane(watch: Watch) -> None:
    async with watch("normal", "--measured") as screen:
        await screen.press("R")
        await screen.hears(ResetMoments(lane="clipped"))
        await screen.says("B, step 210: optimizer state reset")
        await screen.shows("Step: 210 optimizer state reset")
        await screen.shows("▼")
        await screen.until(lambda: "optimizer state reset mid-run: not a clean comparison" in screen.title)


@pytest.mark.parametrize(
    ("width", "words"),
    [
        (200, "clip value:0.001 -> none. Adam's second moment adapts slowly (half-life 693 steps): a few larger steps"),
        (120, "clip value:0.001 -> none; often a loss spike (Adam's half-life: 693 steps)"),
        (80, "B: often a loss spike (Adam's half-life: 693 steps)"),
        (60, "B: often a loss spike (Adam's half-life: 693 steps)"),
    ],
)
@on_a_loop
async def test_a_toggle_explains_the_transient_as_fully_as_there_is_room(watch: Watch, width: int, words: str) -> None:
    async with watch(size=(width, 30)) as screen:
        await screen.press("c")
        await screen.says(words)


@on_a_loop
async def test_outputs_that_die_leave_the_status_line_alone(watch: Watch) -> None:
    async with watch("normal", "--measured") as screen:
        await screen.until(lambda: screen.app.view.state.lanes["clipped"].outputs_changed)
        await screen.says("Training with seed 0")
