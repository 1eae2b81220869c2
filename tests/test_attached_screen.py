"""The screen of a run that another process trains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from attached_screen import Clock, attached
from fake_loop import FakeLoop
from watched_screen import on_a_loop, opens_prompt, prompt_of

from clipwatch.core.stream.builtin_experiments import ACCURACY
from clipwatch.core.stream.commands import AnyCommand, Pause, SetClip, SetLearningRate, Stop
from clipwatch.core.stream.events import Evaluated, LaneStarted, MetricAdded, StepsSkipped
from clipwatch.tui.screens.stop_question import StopQuestion


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[FakeLoop]:
    loop = FakeLoop(tmp_path)
    yield loop
    loop.die()


def heard(loop: FakeLoop, *, at_least: int = 1) -> list[AnyCommand]:
    """The commands to the loop; keys send them at once."""
    commands = loop.heard()
    assert len(commands) >= at_least
    return commands


@on_a_loop
async def test_a_loop_without_a_plan_is_one_wide_lane_that_counts_its_steps(loop: FakeLoop) -> None:
    loop.train(1234)
    async with attached(loop) as screen:
        await screen.shows("step 1,234")
        assert "watching · training" in screen.title
        assert "seed" not in screen.title
        assert "/" not in screen.title
        await screen.until(lambda: screen.rows[1].startswith(" ● loop"))
        assert screen.rows[1].rstrip().endswith("step 1,234")
        await screen.says("Attached to loop-run. q: detach, the run goes on")
        loop.write(StepsSkipped(lane="loop", step=1234, count=3))
        await screen.shows("step 1,234  3 skipped")


@on_a_loop
async def test_a_loop_with_a_plan_has_a_bar(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path, total=2000)
    loop.train(500)
    async with attached(loop) as screen:
        await screen.shows("step 500 / 2,000")
        await screen.until(lambda: "500 / 2,000" in screen.rows[1])
    loop.die()


@on_a_loop
async def test_there_is_no_chart_of_an_accuracy_until_the_loop_gives_one(loop: FakeLoop) -> None:
    loop.train(10)
    async with attached(loop) as screen:
        await screen.press("G")
        await screen.shows("training loss")
        assert "accuracy" not in screen.text
        loop.write(MetricAdded(metric=ACCURACY))
        loop.write(Evaluated(lane="loop", step=9, loss=1.0, accuracy=0.5, train_loss=1.0, seconds=1.0))
        await screen.shows("accuracy")


@on_a_loop
async def test_the_log_has_a_metric_that_the_loop_gives_after_the_screen_has_attached(loop: FakeLoop) -> None:
    loop.train(10)
    async with attached(loop) as screen:
        loop.write(MetricAdded(metric=ACCURACY))
        loop.write(Evaluated(lane="loop", step=9, loss=1.0, accuracy=0.5, train_loss=1.0, seconds=1.0))
        await screen.shows("Step: 9 validation accuracy: 0.5 loss: 1")


@on_a_loop
async def test_a_lane_that_begins_later_gets_a_panel_beside_the_others(loop: FakeLoop) -> None:
    loop.train(10)
    async with attached(loop) as screen:
        await screen.shows("step 10")
        loop.write(LaneStarted(lane="critic", step=0, rule="norm:1", iterations=10**15, parameters=5, seconds=1.0))
        await screen.until(lambda: "loop" in screen.rows[1] and "critic" in screen.rows[1])
        # The first lane keeps its log and the selection.
        assert "Start Training..." in screen.text
        assert screen.app.main.selected is screen.app.view.state.lanes["loop"]


@on_a_loop
async def test_keys_steer_the_loop_and_its_answers_are_shown(loop: FakeLoop) -> None:
    loop.train(10)
    async with attached(loop) as screen:
        await screen.press("c")
        await screen.says("loop has no rule to turn on. b: type one")
        prompt = await opens_prompt(screen)
        prompt.value = "norm:1"
        await screen.press("enter")
        assert heard(loop) == [SetClip(lane="loop", rule="norm:1")]
        loop.obey(SetClip(lane="loop", rule="norm:1"))
        await screen.says("clip none -> norm:1")
        await screen.press("space")
        assert heard(loop) == [Pause()]
        loop.obey(Pause())
        await screen.until(lambda: "watching · paused" in screen.title)


@on_a_loop
async def test_the_learning_rate_of_a_loop_can_be_changed_but_it_cannot_be_forked(loop: FakeLoop) -> None:
    loop.train(10)
    async with attached(loop) as screen:
        await screen.press("left_curly_bracket")
        assert heard(loop) == [SetLearningRate(lane="loop", rate=0.05)]
        loop.obey(SetLearningRate(lane="loop", rate=0.05))
        await screen.says("step 10: learning rate 0.1 -> 0.05")
        await screen.press("F")
        await screen.says("A watched loop cannot be forked: its own program trains it")
        assert not prompt_of(screen).is_open


@on_a_loop
async def test_a_loop_is_asked_to_stop_after_a_question(loop: FakeLoop) -> None:
    async with attached(loop) as screen:
        for answer in ("n", "enter", "escape", "y"):
            await screen.press("Q")
            await screen.until(lambda: isinstance(screen.app.screen, StopQuestion))
            assert loop.heard() == []
            await screen.press(answer)
            await screen.until(lambda: screen.app.screen is screen.app.main)
        assert heard(loop) == [Stop(lane="loop")]
        loop.obey(Stop(lane="loop"))
        await screen.says("The loop stopped after 0 steps")
        await screen.until(lambda: "stopped" in screen.title)
        assert "pause" not in screen.rows[-1]


@pytest.mark.parametrize("key", ["r", "n", "e", "h", "S"])
@on_a_loop
async def test_keys_of_the_screen_that_trains_say_so(loop: FakeLoop, key: str) -> None:
    async with attached(loop) as screen:
        await screen.press(key)
        await screen.says("only the screen that trains a run can do this")
        assert loop.heard() == []


@on_a_loop
async def test_the_key_line_and_the_help_have_only_what_works(loop: FakeLoop) -> None:
    async with attached(loop, size=(200, 50)) as screen:
        await screen.until(lambda: "q detach" in screen.rows[-1])
        for label in ("restart", "new seed", "1000 more", "seeds", "back 5 %", "tab lane"):
            assert label not in screen.rows[-1]
        for label in ("space pause", "Q stop", "b rule"):
            assert label in screen.rows[-1]
        await screen.press("question_mark")
        await screen.shows("Ask the loop to stop")
        await screen.shows("A lane is one optimizer of the loop.")
        assert "same batches" not in screen.text
        assert "Restart" not in screen.text


@pytest.mark.parametrize(
    "key", ["space", "s", "c", "b", "left_square_bracket", "R", "minus", "0", "Q", "right_curly_bracket"]
)
@on_a_loop
async def test_a_run_of_another_clipwatch_is_watched_and_not_steered(tmp_path: Path, key: str) -> None:
    loop = FakeLoop(tmp_path, watched=False)
    async with attached(loop) as screen:
        assert "pause" not in screen.rows[-1]
        assert "stop" not in screen.rows[-1]
        await screen.press(key)
        await screen.says("Another clipwatch trains this run: steer it there")
        assert loop.heard() == []
    loop.die()


@on_a_loop
async def test_a_run_of_another_clipwatch_is_forked_by_a_command(tmp_path: Path) -> None:
    loop = FakeLoop(tmp_path, watched=False)
    async with attached(loop) as screen:
        await screen.press("F")
        await screen.says("In a terminal: clipwatch fork ")
        assert loop.heard() == []
    loop.die()


@on_a_loop
async def test_the_title_says_how_the_process_is(loop: FakeLoop) -> None:
    clock = Clock(loop.folder.events)
    async with attached(loop, clock=clock) as screen:
        clock.now += 21
        await screen.until(lambda: "no sign of life for 20 s" in screen.title)
        await screen.says("No sign of life for 20 s: the process is stopped, or it hangs")
        loop.train(7)
        await screen.until(lambda: "no sign of life" not in screen.title)
        loop.die()
        await screen.until(lambda: "process gone" in screen.title)
        assert "interrupted" in screen.title
        await screen.says("has gone, or no longer records it; its last step was 6")
        await screen.press("space")
        await screen.says("The process that trained this run has gone.")


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
@on_a_loop
async def test_quitting_never_stops_the_loop(loop: FakeLoop, key: str) -> None:
    async with attached(loop) as screen:
        assert screen.app.ending == "detaching ..."
        await screen.press(key)
        assert await screen.ends() == 0
    assert loop.heard() == []


@on_a_loop
async def test_a_command_without_an_answer_shows_although_other_threads_live(loop: FakeLoop) -> None:
    async with attached(loop) as screen:
        await screen.press("space")
        assert heard(loop) == [Pause()]
        screen.app.requests._clock = lambda: time.monotonic() + 10
        loop.measure(5.0)
        await screen.says("The engine has not answered for 1")
        loop.obey(Pause())
        await screen.says("paused")


@on_a_loop
async def test_a_recorded_change_does_not_hide_that_the_screen_is_attached(loop: FakeLoop) -> None:
    loop.obey(SetClip(lane="loop", rule="norm:1"))
    async with attached(loop) as screen:
        await screen.says("Attached to loop-run")


@on_a_loop
async def test_no_command_repeats_a_watched_loop(loop: FakeLoop) -> None:
    async with attached(loop) as screen:
        await screen.press("Y")
        await screen.says("A watched loop is a program of its own")


def test_the_fake_loop_is_recorded_as_a_watched_one(loop: FakeLoop) -> None:
    assert loop.folder.manifest().watched
    assert msgspec.structs.replace(loop.folder.manifest(), lanes=()).state == "running"
