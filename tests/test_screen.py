"""The screen, driven by keys over a scripted engine: what each key sends to the engine, says and shows."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyte
import pytest
from textual import events
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList

from clipwatch.core.stream.codec import decode_command
from clipwatch.core.stream.commands import (
    Command,
    Extend,
    Pause,
    ResetMoments,
    Restart,
    Resume,
    SetClip,
    SetPace,
    StepOnce,
    Stop,
)
from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.sweep_config import sweep_of_run
from clipwatch.tui.charts.chart_spec import Shade
from clipwatch.tui.engine_child.process import EngineProcess
from clipwatch.tui.live import app as app_module
from clipwatch.tui.live.app import ClipwatchApp
from clipwatch.tui.screens import main as main_module
from clipwatch.tui.screens.figures import FiguresScreen
from clipwatch.tui.screens.help import HelpScreen
from clipwatch.tui.screens.main import MainScreen
from clipwatch.tui.screens.quit_question import QuitQuestion
from clipwatch.tui.screens.sweep_question import SweepQuestion
from clipwatch.tui.style.theme import DARK, LIGHT, THEMES
from clipwatch.tui.view.chart_specs import chart_spec
from clipwatch.tui.view.keys import KEYS, keymap
from clipwatch.tui.view.metrics import metric
from clipwatch.tui.widgets import charts_panel, diagnostics_panel
from clipwatch.tui.widgets.chart_grid import Chart
from clipwatch.tui.widgets.charts_panel import ChartsPanel
from clipwatch.tui.widgets.log_pane import MAX_LINES
from clipwatch.tui.widgets.rule_prompt import RulePrompt

SCRIPT = Path(__file__).with_name("scripted_engine.py")
DEADLINE = 20.0


def on_a_loop(test: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """Runs a coroutine as a test."""

    @wraps(test)
    def run(*arguments: object, **named: object) -> None:
        asyncio.run(test(*arguments, **named))

    return run


class Watched:
    """The app under a pilot: the screen's text, and the commands that the engine received."""

    def __init__(self, app: ClipwatchApp, pilot: Pilot[int], folder: Path) -> None:
        self.app, self._pilot, self._folder = app, pilot, folder

    @property
    def rows(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    @property
    def title(self) -> str:
        return self.rows[0]

    @property
    def status(self) -> str:
        return self.rows[-2]

    @property
    def bright(self) -> float:
        """The share of cells with a bright background."""
        segments = [segment for strip in self.app.screen._compositor.render_strips() for segment in strip]
        backgrounds = [(len(segment.text), segment.style and segment.style.bgcolor) for segment in segments]
        bright = sum(length for length, colour in backgrounds if colour and sum(colour.get_truecolor()) > 3 * 190)
        return bright / sum(length for length, _ in backgrounds)

    @property
    def heard(self) -> list[Command]:
        """The commands that the engine received."""
        file = self._folder / "heard"
        return [decode_command(line) for line in file.read_bytes().splitlines()] if file.exists() else []

    @property
    def engine_pid(self) -> int:
        return int((self._folder / "pid").read_text())

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def mouse(self, kind: type[events.MouseEvent], x: int, y: int, button: int = 1) -> None:
        """Send one mouse event at a cell of the screen, as the terminal does."""
        event = kind(None, x, y, 0, 0, button, False, False, False, screen_x=x, screen_y=y, style=None)
        self.app.post_message(event)
        await self._pilot.pause()

    async def click(self, x: int, y: int, times: int = 1) -> None:
        for _ in range(times):
            await self.mouse(events.MouseDown, x, y)
            await self.mouse(events.MouseUp, x, y)

    async def drag(self, x: int, y: int, to_x: int, to_y: int) -> None:
        """Press the button at one cell and release it at another."""
        await self.mouse(events.MouseDown, x, y)
        await self.mouse(events.MouseMove, to_x, to_y)
        await self.mouse(events.MouseUp, to_x, to_y)

    def find(self, words: str) -> tuple[int, int]:
        """The cell where the words begin on the screen."""
        return next((row.index(words), y) for y, row in enumerate(self.rows) if words in row)

    async def resize(self, width: int, height: int) -> None:
        await self._pilot.resize_terminal(width, height)

    async def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, f"it never came true; on the screen:\n{self.text}"
            await self._pilot.pause(0.01)

    async def shows(self, words: str) -> None:
        await self.until(lambda: words in self.text)

    async def says(self, words: str) -> None:
        """Wait until the status line has the words."""
        await self.until(lambda: words in self.status)

    async def hears(self, *commands: Command) -> None:
        """Wait until the engine has received exactly these commands, in this order."""
        await self.until(lambda: len(self.heard) >= len(commands))
        assert self.heard == list(commands)

    async def ends(self) -> int | None:
        """Wait for the app to end; return its exit code."""
        await self.until(lambda: not self.app.is_running or self.app._exit)
        return self.app.return_code


Watch = Callable[..., "asynccontextmanager[Watched]"]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Run the app with a scripted engine of this behaviour, and wait for its lanes."""
    monkeypatch.chdir(tmp_path)

    @asynccontextmanager
    async def watching(
        behaviour: str = "normal",
        *arguments: str,
        size: tuple[int, int] = (120, 40),
        keys: dict[str, str] | None = None,
        started: str = "1 / 2",
        **options: bool,
    ) -> AsyncIterator[Watched]:
        files = ["--heard", str(tmp_path / "heard"), "--pid", str(tmp_path / "pid")]
        command = [sys.executable, str(SCRIPT), behaviour, *files, *arguments]
        app = ClipwatchApp(EngineProcess(command), keymap=keys or {}, **options)
        try:
            async with app.run_test(size=size) as pilot:
                watched = Watched(app, pilot, tmp_path)
                if started == "1 / 2":
                    await watched.until(
                        lambda: app.main.selected and app.view.last_step >= 0 and "clipped" in watched.text
                    )
                    await watched.until(lambda: "Start Training..." in watched.text or app.view.last_step)
                yield watched
        finally:
            app.engine.stop()

    return watching


# Display


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
        for chart in ("loss", "accuracy"):
            await screen.until(lambda chart=chart: re.search(rf"^ {chart} |  {chart} ", screen.text, re.MULTILINE))
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


# Commands


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
        await screen.until(lambda: "e 1000 more steps" in screen.rows[-1])
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


def prompt_of(screen: Watched) -> RulePrompt:
    return screen.app.main.query_one(RulePrompt)


async def opens_prompt(screen: Watched) -> Input:
    await screen.press("b")
    await screen.until(lambda: prompt_of(screen).is_open and isinstance(screen.app.focused, Input))
    return screen.app.main.query_one(Input)


@on_a_loop
async def test_a_rule_is_checked_while_it_is_typed(watch: Watch) -> None:
    async with watch() as screen:
        field = await opens_prompt(screen)
        assert field.value == "value:0.001"
        field.value = ""
        await screen.press("left_square_bracket", "slash")
        await screen.shows("not a rule; write one of none, value:0.001")
        await screen.press("ctrl+u", *"valu", "colon")
        await screen.shows("not a rule; did you mean value:?")
        await screen.press("enter")
        assert prompt_of(screen).is_open
        await screen.press("backspace", "e", "colon", *"-0.5", "colon", "1")
        await screen.shows("clamp each element to [-0.5, 1]")
        await screen.press("enter")
        await screen.hears(SetClip(lane="clipped", rule="value:-0.5:1"))
        await screen.until(lambda: not prompt_of(screen).is_open)
        await screen.says("clip value:0.001 -> value:-0.5:1")
        assert screen.app.focused is None


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (160, 45)])
@on_a_loop
async def test_the_prompt_leaves_the_charts_in_sight_and_the_run_going(watch: Watch, size: tuple[int, int]) -> None:
    async with watch("normal", "--goes-on", size=size) as screen:
        await screen.until(lambda: screen.app.view.last_step == 200)
        await opens_prompt(screen)
        await screen.shows("leave the gradient as it is")
        await screen.shows("loss")
        charts = charts_of(screen)
        assert charts.size.height >= 5
        # The charts fit into what is left: their last row is the axis of steps.
        await screen.until(lambda: screen.rows[charts.region.bottom - 1].split()[:1] == ["0"])
        assert "◆ B  clip: value:0.001" in screen.rows[-3]
        screen.app.engine.send(SetClip(lane="clipped", rule="norm:3"))
        await screen.until(lambda: screen.app.view.last_step == 210 and "norm:3" in screen.rows[1])
        assert prompt_of(screen).is_open
        await screen.press("escape")
        await screen.until(lambda: "leave the gradient" not in screen.text)


@on_a_loop
async def test_tab_completes_and_a_number_replaces_that_of_the_example(watch: Watch) -> None:
    async with watch() as screen:
        field = await opens_prompt(screen)
        await screen.press("n", "o", "r")
        await screen.shows("tab: norm:1")
        await screen.press("tab", *"0.5", "enter")
        await screen.hears(SetClip(lane="clipped", rule="norm:0.5"))
        await opens_prompt(screen)
        await screen.press("n", "o", "right")
        await screen.until(lambda: field.value == "norm:0.5")


@on_a_loop
async def test_arrow_keys_pick_rules_and_those_used_before(watch: Watch) -> None:
    async with watch() as screen:
        field = await opens_prompt(screen)
        await screen.press("down")
        assert field.value == "none"
        await screen.press("down", "down", "down", "3", "enter")
        await screen.hears(SetClip(lane="clipped", rule="norm:3"))
        await opens_prompt(screen)
        await screen.press("up")
        assert field.value == "norm:3"
        await screen.shows("used before")
        await screen.click(*screen.find("replace each element by its sign"))
        await screen.until(lambda: field.value == "sign")
        await screen.press("enter")
        await screen.until(lambda: screen.heard[1:] == [SetClip(lane="clipped", rule="sign")])
        await opens_prompt(screen)
        await screen.press("up")
        assert field.value == "sign"


@on_a_loop
async def test_the_rule_is_for_the_lane_that_is_selected_when_it_is_sent(watch: Watch) -> None:
    async with watch() as screen:
        await opens_prompt(screen)
        await screen.click(5, 1)
        await screen.shows("● A  clip: value:0.001")
        await screen.press(*"sign", "enter")
        await screen.hears(SetClip(lane="unclipped", rule="sign"))


@on_a_loop
async def test_setting_the_current_rule_changes_nothing(watch: Watch) -> None:
    async with watch() as screen:
        await opens_prompt(screen)
        await screen.press("enter")
        await screen.says("B already has value:0.001")
        await opens_prompt(screen)
        await screen.press("ctrl+u", *"value", "colon", *"1000", "enter")
        await screen.hears(SetClip(lane="clipped", rule="value:1000"))
        await screen.press("right_square_bracket")
        await screen.says("B already has value:1000")
        assert len(screen.heard) == 1


@on_a_loop
async def test_a_rule_typed_fast_arrives_complete(watch: Watch) -> None:
    async with watch() as screen:
        await opens_prompt(screen)
        typed = [("ctrl+u", None), *((letter, letter) for letter in "signs"), ("backspace", None), ("enter", "\r")]
        for key, character in typed:
            screen.app.post_message(events.Key(key, character))
        await screen.hears(SetClip(lane="clipped", rule="sign"))


@on_a_loop
async def test_escape_leaves_the_rule_as_it_is(watch: Watch) -> None:
    async with watch() as screen:
        await opens_prompt(screen)
        await screen.press("backspace", "2", "escape")
        await screen.until(lambda: not prompt_of(screen).is_open)
        await screen.press("space")
        await screen.hears(Pause())


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
        await screen.until(lambda: screen.heard[3:] == [Restart(head="linear")])
        await screen.until(lambda: "plain logits" in screen.title and "next:" not in screen.title)
        await screen.press("h", "h", "n")
        await screen.until(lambda: screen.heard[4:] == [Restart(seed=2, head="linear")])


@on_a_loop
async def test_more_iterations(watch: Watch) -> None:
    async with watch("finishes") as screen:
        await screen.until(lambda: "done" in screen.title)
        await screen.press("e")
        await screen.hears(Extend(iterations=1000))
        await screen.says("extended to 2000 steps")
        await screen.until(lambda: "/ 2,000" in screen.title and "training" in screen.title)


# The view


@on_a_loop
async def test_the_charts_zoom_pan_and_follow(watch: Watch) -> None:
    async with watch("normal", "--evaluations", "101") as screen:
        await screen.until(lambda: screen.app.view.last_step == 1000)
        for keys, words in [
            ("z", "Steps 500 to 1,000, following"),
            ("left", "Steps 375 to 875. f: follow the newest step"),
            ("up", "Steps 500 to 750. f: follow the newest step"),
            ("Z", "Steps 375 to 875. f: follow the newest step"),
            ("right", "Steps 500 to 1,000, following"),
            ("down", "Steps 0 to 1,000, following"),
        ]:
            await screen.press(keys)
            await screen.says(words)
        await screen.press("z", "left", "f")
        await screen.says("Steps 0 to 1,000, following")
        assert screen.heard == []


@on_a_loop
async def test_the_charts_draw_the_window(watch: Watch) -> None:
    async with watch("normal", "--evaluations", "101") as screen:
        await screen.until(lambda: screen.app.view.last_step == 1000)
        await screen.until(lambda: screen.rows[-3].split()[:2] == ["step", "0"])
        await screen.press("z")
        await screen.until(lambda: screen.rows[-3].split()[:2] == ["step", "600"])


@on_a_loop
async def test_the_scale_and_the_smoothing_are_shown(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("l")
        await screen.says("Loss on a logarithmic scale")
        await screen.shows(", log")
        await screen.press("l")
        await screen.says("Loss on a linear scale")
        assert ", log" not in screen.text
        for words in ("medium (weight of the past 0.9)", "strong", "off", "light"):
            await screen.press("m")
            await screen.says(f"Smoothing: {words}")


@on_a_loop
async def test_the_cursor_reads_both_charts(watch: Watch) -> None:
    async with watch() as screen:
        await screen.until(lambda: screen.app.view.last_step == 200)
        # Without smoothing.
        await screen.press("m", "m", "m")
        await screen.press("comma")
        await screen.says("Values at step 200. escape: newest values")
        for _ in range(10):
            await screen.press("comma")
        await screen.says("Values at step 100")
        assert "at step 100:  Δloss +0.025" in screen.status
        # The script's values at step 100: loss 2.3 - 0.05, accuracy 0.1 + 0.05.
        await screen.shows("A 2.25")
        await screen.shows("A 0.15")
        await screen.press("full_stop")
        await screen.says("Values at step 110")
        await screen.press("escape")
        await screen.says("Newest values")
        await screen.shows("A 2.2000")


@on_a_loop
async def test_the_cursor_starts_in_the_window_and_scrolls_it(watch: Watch) -> None:
    async with watch("normal", "--evaluations", "101") as screen:
        await screen.until(lambda: screen.app.view.last_step == 1000)
        await screen.press("z", "z", "left", "left", "comma")
        await screen.says("Values at step 870")
        await screen.press(*["comma"] * 26)
        await screen.says("Values at step 610")
        await screen.until(lambda: "610" in screen.rows[-3].split())
        await screen.press("f", "z", "z", "full_stop")
        await screen.says("Values at step 620")
        await screen.until(lambda: "620" in screen.rows[-3].split())
        assert screen.app.main.query_one(ChartsPanel).window.end is not None
        await screen.press("escape")
        assert screen.app.main.query_one(ChartsPanel).window.end is None


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
            lambda: all(len(panel.log_pane._events) < MAX_LINES + 600 for panel in screen.app.main._panels)
        )
        assert all(not lane.unlogged for lane in screen.app.view.lanes.values())
        # Lines that were dropped do not shift what is selected.
        x, y = screen.find(f"Step: {10 * (MAX_LINES + 999)} ")
        await screen.drag(x, y, x + 80, y)
        await screen.press("ctrl+c")
        await screen.until(lambda: screen.app.clipboard.startswith(f"Step: {10 * (MAX_LINES + 999)} "))


@on_a_loop
async def test_a_picture_is_saved(watch: Watch, tmp_path: Path) -> None:
    async with watch() as screen:
        await screen.shows("Step: 200 ")
        await screen.press("p")
        await screen.says("Saved ")
        (picture,) = tmp_path.glob("clipwatch-*.svg")
        words = "".join(ElementTree.parse(picture).getroot().itertext()).replace("\N{NO-BREAK SPACE}", " ")
        assert "Step: 200 validation accuracy: 0.15" in words


@on_a_loop
async def test_a_picture_that_cannot_be_saved_is_reported(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    async with watch() as screen:
        monkeypatch.chdir(folder)
        folder.rmdir()
        await screen.press("p")
        await screen.says("Picture not saved: clipwatch-")
        monkeypatch.chdir(tmp_path)


@on_a_loop
async def test_themes_cycle_and_the_light_one_is_light(watch: Watch) -> None:
    async with watch() as screen:
        assert screen.app.theme == DARK.name
        assert screen.bright < 0.05
        await screen.press("t")
        await screen.says(f"theme {LIGHT.name}")
        await screen.until(lambda: screen.app.main.theme.lane_colour(0) != DARK.primary)
        await screen.until(lambda: screen.bright > 0.95)
        for name in (*THEMES[2:], DARK.name):
            await screen.press("t")
            await screen.says(f"theme {name}")
        await screen.until(lambda: screen.bright < 0.05)


@on_a_loop
async def test_no_color_is_no_colour(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with watch() as screen:
        await screen.press("c")
        await screen.until(lambda: "mid-run" in screen.title)
        theme = screen.app.main.theme
        assert not theme.palette.coloured
        for row in ("title", "status"):
            assert getattr(screen, row)
        for widget in (screen.app.main._title, screen.app.main._status, screen.app.main.query(Chart).first()):
            for line in widget._lines:
                for segment in line:
                    assert segment.style is None or segment.style.color is None


@on_a_loop
async def test_the_ascii_screen_is_ascii(watch: Watch) -> None:
    async with watch("diverges", ascii=True) as screen:
        await screen.shows("diverged at step 210")
        await screen.press("c", "tab", "comma", "z")
        await screen.until(lambda: "mid-run" in screen.title)
        assert all(row.isascii() for row in screen.rows), screen.text
        await screen.press("question_mark")
        await screen.until(lambda: not isinstance(screen.app.screen, MainScreen))
        assert all(row.isascii() for row in screen.rows), screen.text
        await screen.press("escape")
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
        await opens_prompt(screen)
        await screen.press("n")
        await screen.shows("tab: none")
        assert all(row.isascii() for row in screen.rows), screen.text
        await screen.press("ctrl+p")
        await screen.shows("Run: pause")
        assert all(row.isascii() for row in screen.rows), screen.text


# The mouse


@on_a_loop
async def test_a_click_on_a_lane_selects_it(watch: Watch) -> None:
    async with watch() as screen:
        await screen.shows("● unclipped   not clipped")
        await screen.click(*screen.find("● unclipped   not clipped"))
        await screen.says("Selected unclipped")
        assert screen.app.main.selected.name == "unclipped"
        x, y = screen.find("◆ clipped   value:0.001")
        await screen.click(x, y + 5)
        await screen.says("Selected clipped")


@on_a_loop
async def test_a_click_on_the_key_line_does_what_the_key_does(watch: Watch) -> None:
    async with watch() as screen:
        await screen.shows("space pause")
        await screen.click(*screen.find("pause"))
        await screen.hears(Pause())
        await screen.click(screen.find("diagnostics")[0], 39)
        await screen.until(lambda: screen.app.main.diagnosing)


@on_a_loop
async def test_a_click_in_the_diagnostics_selects_the_lane(watch: Watch) -> None:
    async with watch("normal", "--measured", size=(160, 45)) as screen:
        await screen.press("d")
        await screen.shows("conv1")
        await screen.click(10, 20)
        await screen.says("Selected unclipped")
        await screen.click(150, 20)
        await screen.says("Selected clipped")


def charts_of(screen: Watched) -> ChartsPanel:
    return screen.app.main.query_one(ChartsPanel)


async def loss_chart(screen: Watched) -> tuple[int, int, int]:
    """The first column of the curves of the loss, the last one, and a row in the middle; of a run of 1000 steps."""
    await screen.until(lambda: screen.app.view.last_step == 1000)
    chart = screen.app.main.query(Chart).first()
    await screen.until(lambda: chart.plot.area and chart.plot.area.window[1] >= 1000)
    area, region = chart.plot.area, chart.region
    return region.x + area.left, region.x + area.left + area.width - 1, region.y + region.height // 2


@on_a_loop
async def test_the_pointer_shows_values_and_a_click_leaves_the_cursor_there(watch: Watch) -> None:
    async with watch("normal", "--evaluations", "101") as screen:
        left, right, y = await loss_chart(screen)
        await screen.mouse(events.MouseMove, (left + right) // 2, y, button=0)
        await screen.until(lambda: charts_of(screen).cursor == 490 or charts_of(screen).cursor == 500)
        pointed = charts_of(screen).cursor
        assert f"at step {pointed}:" in screen.status
        await screen.mouse(events.MouseMove, left, 0, button=0)
        await screen.until(lambda: charts_of(screen).cursor is None)
        await screen.click((left + right) // 2, y)
        await screen.says(f"Values at step {pointed}. escape: newest values")
        await screen.mouse(events.MouseMove, left, 0, button=0)
        await screen.until(lambda: charts_of(screen).cursor == pointed)
        await screen.press("escape")
        await screen.until(lambda: charts_of(screen).cursor is None)


@on_a_loop
async def test_a_drag_zooms_to_its_steps_and_a_double_click_shows_all(watch: Watch) -> None:
    async with watch("normal", "--evaluations", "101") as screen:
        left, right, y = await loss_chart(screen)
        middle = (left + right) // 2
        await screen.mouse(events.MouseDown, left + 5, y)
        await screen.mouse(events.MouseMove, middle, y)
        await screen.until(lambda: re.match(r" Steps \d+ to \d+  ", screen.status))
        style = screen.app.main.query(Chart).first()._drag_style
        row = screen.app.screen._compositor.render_strips()[y]
        assert {segment.style.bgcolor for segment in row.crop(left + 5, middle + 1)} == {style.bgcolor}
        await screen.mouse(events.MouseUp, middle, y)
        await screen.says("f: follow the newest step")
        first, last = charts_of(screen).window.steps(1000)
        assert 80 <= first <= 110
        assert 480 <= last <= 520
        await screen.until(lambda: screen.app.main.query(Chart).first().plot.area.window == (first, last))
        await screen.click(middle, y + 1, times=2)
        await screen.says("Steps 0 to 1,000, following")
        assert charts_of(screen).window.span is None


@on_a_loop
async def test_a_button_released_elsewhere_ends_a_drag(watch: Watch) -> None:
    async with watch("normal", "--evaluations", "101") as screen:
        left, right, y = await loss_chart(screen)
        for x, row in ((left, y), (3, 6)):
            await screen.mouse(events.MouseDown, x, row)
            await screen.mouse(events.MouseMove, right, row, button=0)
            await screen.until(lambda: screen.app.mouse_captured is None)
        assert charts_of(screen).window.span is None
        assert not screen.app.screen.selections


@on_a_loop
async def test_the_wheel_zooms_at_the_pointer(watch: Watch) -> None:
    async with watch("normal", "--evaluations", "101") as screen:
        left, right, y = await loss_chart(screen)
        for _ in range(4):
            await screen.mouse(events.MouseScrollUp, left + (right - left) // 4, y, button=0)
        first, last = charts_of(screen).window.steps(1000)
        assert 0 < first < 250 < last < 750
        for _ in range(8):
            await screen.mouse(events.MouseScrollDown, left + (right - left) // 4, y, button=0)
        await screen.says("Steps 0 to 1,000, following")
        await screen.mouse(events.MouseScrollUp, right, y, button=0)
        await screen.mouse(events.MouseScrollLeft, right, y, button=0)
        assert charts_of(screen).window.steps(1000)[1] < 1000


@on_a_loop
async def test_many_moves_of_the_mouse_draw_few_charts(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    original = ChartsPanel.draw_chart
    monkeypatch.setattr(ChartsPanel, "draw_chart", lambda self, chart: (drawn.append(chart), original(self, chart)))
    async with watch("normal", "--evaluations", "101") as screen:
        left, right, y = await loss_chart(screen)
        await screen.until(lambda: not charts_of(screen)._pending)
        drawn.clear()
        start = time.monotonic()
        for x in range(left, right):
            screen.app.post_message(
                events.MouseMove(None, x, y, 1, 0, 0, False, False, False, screen_x=x, screen_y=y, style=None)
            )
        await screen.until(lambda: (charts_of(screen).cursor or 0) >= 960 and not charts_of(screen)._pending)
        frames = (time.monotonic() - start) / charts_panel.MOUSE_INTERVAL + 1
        assert len(drawn) <= 2 * frames


# Copying


@on_a_loop
async def test_text_selected_in_a_log_is_copied_by_ctrl_c_which_then_quits(watch: Watch) -> None:
    async with watch() as screen:
        await screen.shows("Step: 190 validation accuracy: 0.2 loss: 2.205")
        await screen.shows("Step: 200 validation accuracy: 0.2 loss: 2.2")
        x, y = screen.find("Step: 190 validation accuracy: 0.2 loss: 2.205")
        # From the middle of a line to the middle of the next one, and back over both panes.
        await screen.mouse(events.MouseDown, x + 6, y)
        await screen.mouse(events.MouseMove, x + 80, y + 1)
        await screen.mouse(events.MouseMove, x + 8, y + 1)
        row = screen.app.screen._compositor.render_strips()[y + 1]
        marked = "".join(segment.text for segment in row if segment.style and segment.style.reverse)
        assert marked.strip() == "Step: 200"
        await screen.mouse(events.MouseUp, x + 8, y + 1)
        await screen.says("Selected. ctrl+c: copy · escape: clear")
        await screen.press("ctrl+c")
        await screen.says("Copied the selection: 190 validation")
        assert screen.app.clipboard == "190 validation accuracy: 0.2 loss: 2.205\nStep: 200"
        assert isinstance(screen.app.screen, MainScreen)
        await screen.press("ctrl+c")
        await screen.until(lambda: isinstance(screen.app.screen, QuitQuestion))


@on_a_loop
async def test_a_log_holds_still_while_text_is_selected(watch: Watch) -> None:
    async with watch("normal", "--goes-on") as screen:
        line = "Step: 200 validation accuracy: 0.2 loss: 2.2"
        await screen.shows(line)
        x, y = screen.find(line)
        await screen.drag(x, y, x + 5, y)
        await screen.says("Selected.")
        await screen.press("c", "c", "c")
        await screen.shows("Step: 230 validation accuracy: 0.16")
        assert screen.find(line) == (x, y)
        await screen.press("escape")
        await screen.shows("Step: 230 validation accuracy: 0.22")


@on_a_loop
async def test_y_copies_the_log_line_under_the_pointer_otherwise_a_lanes_result(watch: Watch) -> None:
    async with watch(size=(80, 24)) as screen:
        await screen.shows("  200 acc 0.20 loss 2.2000")
        x, y = screen.find("  200 acc 0.20 loss 2.2000")
        await screen.press("y")
        await screen.says("Copied the summary: ")
        assert "clip value:0.001; digits, seed 0" in screen.app.clipboard
        await screen.mouse(events.MouseMove, x, y, button=0)
        await screen.press("y")
        await screen.says("Copied the log line: Step: 200")
        assert screen.app.clipboard == "Step: 200 validation accuracy: 0.2 loss: 2.2"
        await screen.mouse(events.MouseMove, x, 1, button=0)
        await screen.press("y")
        await screen.until(lambda: "clip none; digits" in screen.app.clipboard)
        await screen.press("Y")
        await screen.says("Copied the command: clipwatch --dataset digits --seed 0")


# Layout


@pytest.mark.parametrize(("size", "logs", "charts"), [((160, 45), 10, 29), ((80, 24), 4, 14), ((60, 16), 2, 8)])
@on_a_loop
async def test_logs_take_a_quarter_and_l_hides_them(
    watch: Watch, size: tuple[int, int], logs: int, charts: int
) -> None:
    async with watch(size=size) as screen:
        await screen.shows("Step: 200 " if size[0] == 160 else "  200 ")
        panel, pane = charts_of(screen), screen.app.main._panels[0].log_pane
        assert (pane.size.height, panel.size.height) == (logs, charts)
        await screen.press("L")
        await screen.says("Logs hidden. L: show them")
        await screen.until(lambda: panel.size.height == size[1] - 6)
        await screen.press("r")
        await screen.until(lambda: screen.app.view.runs == 2)
        assert panel.size.height == size[1] - 6
        await screen.press("L")
        await screen.until(lambda: panel.size.height == charts)
        await screen.shows(" 200 ")


# Help, palette, quitting


@on_a_loop
async def test_help_opens_and_closes(watch: Watch) -> None:
    async with watch(size=(120, 64)) as screen:
        for key in ("question_mark", "f1"):
            await screen.press(key)
            await screen.until(lambda: isinstance(screen.app.screen, HelpScreen))
            await screen.shows("Pause or resume all lanes")
            assert "the shaded steps Adam's second moment still adapts" in screen.text
            await screen.press("c", "escape")
            await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
        await screen.press("question_mark")
        await screen.shows("Zoom a chart at the pointer")
        await screen.click(2, 20)
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
        assert screen.heard == []


@on_a_loop
async def test_help_can_be_scrolled_on_the_smallest_screen(watch: Watch) -> None:
    async with watch(size=(60, 16)) as screen:
        await screen.press("question_mark")
        await screen.shows("A lane is one training run.")
        for _ in range(10):
            await screen.press("pagedown")
        await screen.shows("End the run and quit")


@on_a_loop
async def test_the_palette_offers_every_key_and_runs_it(watch: Watch) -> None:
    async with watch(keys=keymap({"pause": "x"}), size=(120, 60)) as screen:
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(screen.app.screen, CommandPalette))
        for group, label, keys in [("Run", "pause", "x"), ("Run", "step", "s"), ("Clipping", "looser", "]")]:
            await screen.shows(f"{group + ': ' + label:<36}  {keys}")
        shown = {(entry.group, entry.name): entry for entry in screen.app.palette_entries()}
        for key in KEYS:
            assert ((key.group, key.label) in shown) == (key.only != "replay")
        await screen.press(*"pause")
        await screen.shows("Pause or resume all lanes")
        await screen.press("enter", "enter")
        await screen.hears(Pause())


@on_a_loop
async def test_the_palette_has_presets_and_themes(watch: Watch) -> None:
    async with watch() as screen:
        presets = {entry.name: entry for entry in screen.app.palette_entries()}
        presets["clip the selected lane: norm:1"].act()
        await screen.hears(SetClip(lane="clipped", rule="norm:1"))
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(screen.app.screen, CommandPalette))
        await screen.press(*"nord")
        await screen.shows("Use the colours of nord")
        await screen.until(lambda: screen.app.screen.query_one(OptionList).option_count == 1)
        await screen.press("enter", "enter")
        await screen.says("theme nord")
        assert screen.app.theme == "nord"


@on_a_loop
async def test_the_palette_of_a_replay_offers_no_training(watch: Watch) -> None:
    async with watch("replays") as screen:
        await screen.until(lambda: screen.app.view.state.replay)
        offered = {entry.name for entry in screen.app.palette_entries()}
        assert "back 5 %" in offered
        assert not {"restart", "clip on/off", "clip the selected lane: norm:1"} & offered


@on_a_loop
async def test_q_asks_before_a_run_is_lost(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("q")
        await screen.shows("This run is not recorded. Quitting discards it.")
        for key in ("n", "escape"):
            await screen.press(key)
            await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
            await screen.press("q")
            await screen.until(lambda: isinstance(screen.app.screen, QuitQuestion))
        await screen.click(*screen.find("[n] stay"))
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
        await screen.press("q")
        await screen.shows("[y] quit")
        await screen.click(*screen.find("[y] quit"))
        assert await screen.ends() == 0


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
@on_a_loop
async def test_every_quit_key_asks_first_and_quits_when_pressed_again(watch: Watch, key: str) -> None:
    async with watch() as screen:
        await screen.press(key)
        await screen.until(lambda: isinstance(screen.app.screen, QuitQuestion))
        await screen.press(key)
        assert await screen.ends() == 0


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
@on_a_loop
async def test_quitting_a_finished_run_asks_nothing(watch: Watch, key: str) -> None:
    async with watch("finishes") as screen:
        await screen.until(lambda: "done" in screen.title)
        await screen.press(key)
        assert await screen.ends() == 0


@on_a_loop
async def test_a_key_ends_the_screen_with_the_sweep_of_this_configuration(watch: Watch) -> None:
    async with watch(can_sweep=True) as screen:
        await screen.press("S")
        await screen.shows("Run 32 seeds (0 to 31) of this configuration:")
        await screen.shows("about ")
        await screen.press("escape")
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
        assert screen.app.sweep is None
        await screen.press("S")
        await screen.until(lambda: isinstance(screen.app.screen, SweepQuestion))
        await screen.press("enter")
        assert await screen.ends() == 0
        assert screen.app.sweep == sweep_of_run(RunConfig(dataset="digits"), "digits")


@on_a_loop
async def test_where_no_sweep_can_follow_the_key_says_so(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("S")
        await screen.says("A sweep cannot start from here. In a terminal: clipwatch sweep")


@on_a_loop
async def test_before_the_run_there_is_a_welcome_and_keys_say_that_it_has_not_started(watch: Watch) -> None:
    async with watch("mute", started="", new_run=True, can_sweep=True) as screen:
        await screen.shows("side by side: the lanes")
        await screen.shows("switch clipping on or off")
        for key in ("S", "c", "b", "R", "[", "tab", "d", "z", "space", "s", "G", "v", "n"):
            screen.app.main.say("")
            await screen.press(key)
            await screen.says("The run has not started yet")
        assert screen.heard == []
        assert isinstance(screen.app.screen, MainScreen)
        await screen.press("r")
        await screen.says("Restarting.")
        assert "recorded" not in screen.status


@on_a_loop
async def test_the_first_run_takes_the_place_of_the_welcome(watch: Watch) -> None:
    async with watch(new_run=True) as screen:
        await screen.shows("Step: 200 validation accuracy")
        assert "side by side: the lanes" not in screen.text
        await screen.until(lambda: re.search("^ loss ", screen.text, re.MULTILINE))


@on_a_loop
async def test_quit_when_done_quits(watch: Watch) -> None:
    async with watch("finishes", started="", quit_when_done=True) as screen:
        assert await screen.ends() == 0


@on_a_loop
async def test_a_run_in_which_every_lane_diverged_has_failed(watch: Watch) -> None:
    async with watch("diverges", "--lanes", "1", started="", quit_when_done=True) as screen:
        assert await screen.ends() == 1


@on_a_loop
async def test_ctrl_c_works_from_under_a_prompt(watch: Watch) -> None:
    async with watch() as screen:
        await opens_prompt(screen)
        await screen.press("ctrl+c")
        await screen.until(lambda: isinstance(screen.app.screen, QuitQuestion))
        await screen.press("ctrl+c")
        assert await screen.ends() == 0


@on_a_loop
async def test_keys_can_be_remapped(watch: Watch) -> None:
    remapping = keymap({"pause": "!", "quit": "x", "log_scale": "f5", "zoom_in": "ctrl+g"})
    async with watch(keys=remapping) as screen:
        await screen.press("space", "l", "exclamation_mark")
        await screen.hears(Pause())
        assert ", log" not in screen.text
        await screen.press("f5")
        await screen.says("logarithmic")
        await screen.press("ctrl+g")
        await screen.says("following")
        assert " ! pause " in screen.rows[-1]
        await screen.press("x")
        await screen.until(lambda: isinstance(screen.app.screen, QuitQuestion))


# Diagnostics


SIZES = [(60, 16), (80, 24), (160, 45)]


@pytest.mark.parametrize("size", SIZES)
@on_a_loop
async def test_every_heading_has_the_effect_of_clipping(watch: Watch, size: tuple[int, int]) -> None:
    async with watch("normal", "--measured", size=size) as screen:
        await screen.until(lambda: re.search(r"clip\w* +40 ?% +cos 0.35 .*0 ?1 ?· ?3", screen.text))
        await screen.until(lambda: re.search(r"clip\w* +0 ?% +cos 1.00 ", screen.text))


@pytest.mark.parametrize("size", SIZES)
@on_a_loop
async def test_d_opens_the_diagnostics_and_closes_them(watch: Watch, size: tuple[int, int]) -> None:
    async with watch("normal", "--measured", size=size) as screen:
        await screen.until(lambda: screen.app.view.last_step == 200)
        for key in ("d", "escape"):
            await screen.press("d")
            await screen.shows("conv1")
            await screen.shows("2 of 10 outputs dead")
            await screen.shows("measured at step 200")
            assert "Start Training" not in screen.text
            assert " loss  " not in screen.text
            assert "◆ B" in screen.text
            assert ("● A" in screen.text) == (size[0] == 160)
            await screen.press(key)
            await screen.shows("loss")
            await screen.until(lambda: "conv1" not in screen.text)


@pytest.mark.parametrize("size", SIZES)
@on_a_loop
async def test_question_mark_in_the_diagnostics_opens_the_glossary(watch: Watch, size: tuple[int, int]) -> None:
    async with watch("normal", "--measured", size=size) as screen:
        await screen.press("d")
        await screen.shows("conv1")
        await screen.press("question_mark")
        await screen.until(lambda: isinstance(screen.app.screen, FiguresScreen))
        await screen.shows("elements clipped  % of elements")
        for _ in range(20):
            await screen.press("pagedown")
        await screen.shows("predictions differ  % of images")
        await screen.press("escape")
        await screen.shows("conv1")
        await screen.press("d", "question_mark")
        await screen.until(lambda: isinstance(screen.app.screen, HelpScreen))


@on_a_loop
async def test_tab_shows_the_other_lane_and_clipping_keys_work_there(watch: Watch) -> None:
    async with watch("normal", "--measured", size=(80, 24)) as screen:
        await screen.press("d")
        await screen.shows("◆ B   clipped: every element within ±0.001")
        await screen.press("tab")
        await screen.shows("● A   unclipped")
        await screen.press("c")
        await screen.hears(SetClip(lane="unclipped", rule="value:0.001"))
        await screen.shows("● A   value ±0.001 since step 210")


@on_a_loop
async def test_long_diagnostics_scroll(watch: Watch) -> None:
    async with watch("normal", "--measured", size=(60, 16)) as screen:
        await screen.press("d")
        await screen.shows("conv1")
        assert "1e-10" not in screen.text
        assert re.search(r"↓ \d+ more lines", screen.text)
        await screen.press("end")
        await screen.shows("1e-10")
        assert "↓" not in screen.text
        await screen.press("pageup", "pageup", "pageup")
        await screen.shows("measured at step")


@on_a_loop
async def test_the_diagnostics_are_rendered_again_only_after_a_measurement(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    original = diagnostics_panel.diagnostics_pages
    monkeypatch.setattr(diagnostics_panel, "diagnostics_pages", lambda *given: drawn.append(1) or original(*given))
    async with watch("normal", "--measured") as screen:
        await screen.until(lambda: screen.app.view.last_step == 200)
        await screen.press("d")
        await screen.shows("conv1")
        before = len(drawn)
        await screen.press("space")
        await screen.until(lambda: "paused" in screen.title)
        for _ in range(5):
            screen.app.main.draw()
        assert len(drawn) == before
        await screen.press("tab")
        await screen.until(lambda: len(drawn) > before)


@on_a_loop
async def test_a_run_without_diagnostics_says_so(watch: Watch) -> None:
    async with watch() as screen:
        await screen.shows("elements clipped     \N{EN DASH}")
        await screen.press("d")
        await screen.shows("No diagnostics were measured for this lane.")


@on_a_loop
async def test_an_optimizer_without_moments_has_none_to_reset(watch: Watch) -> None:
    async with watch("normal", "--optimizer", "sgd") as screen:
        await screen.press("R")
        await screen.says("Plain SGD has no optimizer state to reset.")
        assert screen.heard == []


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
        (120, "clip value:0.001 -> none; brief loss spike (Adam's half-life: 693 steps)"),
        (80, "B: brief loss spike (Adam's half-life: 693 steps)"),
        (60, "B: brief loss spike (Adam's half-life: 693 steps)"),
    ],
)
@on_a_loop
async def test_a_toggle_explains_the_transient_as_fully_as_there_is_room(watch: Watch, width: int, words: str) -> None:
    async with watch(size=(width, 30)) as screen:
        await screen.press("c")
        await screen.says(words)


@on_a_loop
async def test_the_charts_shade_the_transient(watch: Watch) -> None:
    async with watch("normal", "--goes-on") as screen:
        await screen.press("c")
        await screen.until(lambda: screen.app.view.lanes["clipped"].changes)
        charts = screen.app.main.query_one(ChartsPanel)
        spec = chart_spec(metric("loss"), screen.app.view, charts.settings, charts.theme, (80, 20))
        assert spec.shades == (Shade(210, 210 + 693, 1),)


@on_a_loop
async def test_outputs_that_die_leave_the_status_line_alone(watch: Watch) -> None:
    async with watch("normal", "--measured") as screen:
        await screen.until(lambda: screen.app.view.state.lanes["clipped"].outputs_changed)
        await screen.says("Training with seed 0")


# Size


@on_a_loop
async def test_a_small_terminal_shows_the_size_needed(watch: Watch) -> None:
    async with watch(size=(59, 16), started="") as screen:
        await screen.shows("clipwatch needs 60 x 16;")
        await screen.shows("this terminal has 59 x 16.")
        await screen.resize(60, 15)
        await screen.shows("this terminal has 60 x 15.")
        await screen.resize(60, 16)
        await screen.until(lambda: "needs" not in screen.text and "clipped" in screen.text)
        await screen.shows("? help")


@on_a_loop
async def test_rapid_resizing_does_no_harm(watch: Watch) -> None:
    async with watch() as screen:
        for width, height in [(1, 1), (200, 5), (3, 100), (60, 16), (61, 17), (2, 2), (300, 100), (59, 15), (80, 24)]:
            await screen.resize(width, height)
            assert all(len(row) <= width for row in screen.rows)
        await screen.press("question_mark")
        for width, height in [(1, 1), (40, 3), (80, 24)]:
            await screen.resize(width, height)
        await screen.press("escape", "b")
        for width, height in [(1, 1), (40, 3), (80, 24)]:
            await screen.resize(width, height)
        await screen.press("escape", "space")
        await screen.hears(Pause())
        await screen.until(lambda: "paused" in screen.title and "Step: 210 paused" in screen.text)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (100, 30), (160, 45), (240, 70)])
@on_a_loop
async def test_every_part_is_visible_at_every_size(watch: Watch, size: tuple[int, int]) -> None:
    async with watch(size=size) as screen:
        await screen.until(lambda: screen.app.view.last_step == 200 and " 200 " in screen.text)
        await screen.until(lambda: "help" in screen.rows[-1])
        for words in ("digits", "A   unclipped", "±0.001", "loss", "accuracy"):
            await screen.shows(words)
        assert [len(row) for row in screen.rows] == [size[0]] * size[1]


# Faults


@on_a_loop
async def test_after_a_killed_engine_the_screen_stays_and_r_starts_another(watch: Watch) -> None:
    async with watch() as screen:
        await screen.shows("Step: 200 ")
        await screen.shows(" s left")
        os.kill(screen.engine_pid, signal.SIGKILL)
        await screen.says("The engine ended (signal 9). r: start a new one")
        await screen.until(lambda: "engine stopped" in screen.title)
        assert "Step: 200 validation accuracy: 0.15" in screen.text
        assert " left" not in screen.text
        assert "steps/s (" not in screen.title
        await screen.press("space")
        await screen.says("The engine has ended. r: start a new one")
        first = screen.engine_pid
        await screen.press("r")
        await screen.until(lambda: screen.app.view.runs >= 2 and "engine stopped" not in screen.title)
        assert screen.engine_pid != first
        await screen.press("c")
        await screen.until(lambda: SetClip(lane="clipped", rule="none") in screen.heard)


@on_a_loop
async def test_quitting_after_the_engine_died_asks_nothing(watch: Watch) -> None:
    async with watch() as screen:
        os.kill(screen.engine_pid, signal.SIGKILL)
        await screen.until(lambda: "engine stopped" in screen.title)
        await screen.press("q")
        assert await screen.ends() == 1


@on_a_loop
async def test_an_engine_that_cannot_be_started_is_reported(watch: Watch) -> None:
    async with watch() as screen:
        os.kill(screen.engine_pid, signal.SIGKILL)
        await screen.until(lambda: "engine stopped" in screen.title)
        screen.app.engine._source[0] = "no-such-program-anywhere"
        await screen.press("r")
        await screen.says("the engine cannot be started: no-such-program-anywhere: No such file or directory")


@on_a_loop
async def test_garbage_is_reported_and_events_continue(watch: Watch) -> None:
    async with watch("garbage") as screen:
        await screen.says("still here")
        await screen.press("space")
        await screen.until(lambda: "paused" in screen.title)


@on_a_loop
async def test_garbage_is_reported_by_kind(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    keep = MainScreen.say
    monkeypatch.setattr(
        MainScreen, "say", lambda self, *texts, **named: (said.extend(texts), keep(self, *texts, **named))[1]
    )
    async with watch("garbage") as screen:
        await screen.says("still here")
    garbage = [text for text in said if "a line that is not an event" in text]
    assert len(garbage) == 3
    assert "Segmentation what?" in garbage[0]
    assert [text for text in said if "'LaneAteItsTail' events are from another version" in text]


@on_a_loop
async def test_a_partial_line_at_the_end_is_reported(watch: Watch) -> None:
    async with watch("half") as screen:
        await screen.says("The engine ended (exit code 0) in the middle of a line. r: start a new one")
        await screen.shows("Step: 200 ")


@on_a_loop
async def test_an_engine_that_does_not_answer_is_reported(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "ANSWER_TIMEOUT", 0.2)
    async with watch("silent") as screen:
        await screen.until(lambda: screen.app.view.last_step == 200)
        await screen.press("space")
        await screen.says("pausing")
        await screen.says("The engine has not answered for")


@on_a_loop
async def test_an_engine_that_never_starts_ends_the_screen_with_its_message(watch: Watch) -> None:
    async with watch("dies", started="") as screen:
        assert await screen.ends() == 3
        assert screen.app.failure == "no such luck"


@on_a_loop
async def test_a_long_stage_counts_seconds(watch: Watch) -> None:
    async with watch("mute", started="") as screen:
        await screen.until(lambda: "starting the engine 1." in screen.title)


@on_a_loop
async def test_keys_before_the_first_event_do_no_harm(watch: Watch) -> None:
    async with watch("mute", started="") as screen:
        await screen.says("Preparing the run")
        keys = [name for key in KEYS if key.id not in ("quit", "picture") for name in key.keys.split(",")]
        for key in keys:
            await screen.press(key)
            if not isinstance(screen.app.screen, MainScreen):
                await screen.press("escape")
        await screen.until(lambda: Restart(seed=0) in screen.heard)
        assert screen.app.is_running
        await screen.press("q")
        assert await screen.ends() == 0
        assert Stop() not in screen.heard
