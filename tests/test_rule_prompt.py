"""The prompt for a clip rule, on the screen."""

from __future__ import annotations

import re

import pytest
from textual import events
from textual.widgets import Input
from watched_screen import Watch, charts_of, on_a_loop, opens_prompt, prompt_of

from clipwatch.core.stream.commands import Pause, SetClip


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
        await screen.until(lambda: screen.rows[charts.region.bottom - 1].split()[:2] == ["step", "0"])
        assert "◆ B  clip: value:0.001" in screen.rows[-3]
        screen.app.engine.send(SetClip(lane="clipped", rule="norm:3"))
        await screen.until(lambda: screen.app.view.last_step == 210 and re.search("norm.*3", screen.rows[1]))
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
async def test_the_prompt_begins_with_a_rule_that_the_engine_has_not_answered_yet(watch: Watch) -> None:
    async with watch() as screen:
        await screen.until(lambda: screen.app.view.last_step == 200)
        screen.app.steering.lanes.use_rule("value:0.002")
        # No event of the engine is read in between.
        screen.app.action_steer("rule")
        assert prompt_of(screen).query_one(Input).value == "value:0.002"
