"""The prompt for a fork, on the screen."""

from __future__ import annotations

import pytest
from textual.widgets import Input
from watched_screen import Watch, Watched, on_a_loop, prompt_of

from clipwatch.core.stream.commands import Fork, SetClip


async def opens_fork(screen: Watched) -> Input:
    await screen.press("F")
    await screen.until(lambda: prompt_of(screen).is_open and isinstance(screen.app.focused, Input))
    return screen.app.main.query_one(Input)


@on_a_loop
async def test_a_fork_begins_with_the_parents_rule_and_its_lane_is_selected(watch: Watch) -> None:
    async with watch() as screen:
        field = await opens_fork(screen)
        assert field.value == "B+1=value:0.001"
        await screen.shows("B  fork: ")
        await screen.press(*"norm", "colon", "2")
        assert field.value == "B+1=norm:2"
        await screen.press("comma", "l")
        await screen.shows("tab: lr=0.001")
        await screen.press("tab", *"0.01")
        await screen.shows("scale the gradient down to an L2 norm of 2, learning rate 0.01")
        await screen.press("enter")
        await screen.hears(Fork(lane="clipped", name="B+1", rule="norm:2", learning_rate=0.01))
        await screen.until(lambda: screen.app.main.selected and screen.app.main.selected.name == "B+1")
        await screen.shows("▲ B+1")
        # The log and the heading call the parent as the screen does, not by its recorded name.
        await screen.shows("fork of B")


@on_a_loop
async def test_what_is_wrong_is_said_while_it_is_typed(watch: Watch) -> None:
    async with watch() as screen:
        field = await opens_fork(screen)
        for text, words in (
            ("A=none", "there is a lane A already; another name is free: B+1"),
            ("clipped=none", "there is a lane clipped already"),
            ("B+1=nonsense", "not a rule"),
            ("B+1=none,lr=-1", "learning-rate -1.0: must be a finite number above 0"),
            ("B+1=none,optimizer=sgd", "a fork keeps its parent's optimizer"),
        ):
            field.value = text
            await screen.shows(words)
            await screen.press("enter")
            assert prompt_of(screen).is_open
        await screen.press("escape")
        await screen.until(lambda: not prompt_of(screen).is_open)
    assert not any(isinstance(command, Fork) for command in screen.heard)


@on_a_loop
async def test_rules_of_the_list_replace_the_rule_alone_and_without_a_name_the_default_is_taken(watch: Watch) -> None:
    async with watch() as screen:
        field = await opens_fork(screen)
        await screen.press(*["down"] * 4)
        await screen.until(lambda: field.value == "B+1=norm:1")
        field.value = "sign"
        await screen.press("enter")
        await screen.hears(Fork(lane="clipped", name="B+1", rule="sign"))


@on_a_loop
async def test_forks_of_one_lane_and_forks_of_forks_have_names_of_their_own(watch: Watch) -> None:
    async with watch("silent") as screen:
        # Neither the new rule nor the fork has been answered when the next prompt opens.
        screen.app.steering.lanes.use_rule("norm:3")
        field = await opens_fork(screen)
        assert field.value == "B+1=norm:3"
        await screen.press("enter")
        field = await opens_fork(screen)
        assert field.value == "B+2=norm:3"
        await screen.hears(SetClip(lane="clipped", rule="norm:3"), Fork(lane="clipped", name="B+1", rule="norm:3"))
    async with watch() as screen:
        await opens_fork(screen)
        await screen.press("enter")
        await screen.shows("▲ B+1")
        field = await opens_fork(screen)
        assert field.value == "B+1+1=value:0.001"


@pytest.mark.parametrize(
    ("behaviour", "words"), [("finishes", "B has ended. A fork needs a lane that trains"), ("mute", "not started yet")]
)
@on_a_loop
async def test_a_lane_that_does_not_train_cannot_be_forked(watch: Watch, behaviour: str, words: str) -> None:
    async with watch(behaviour, started="any") as screen:
        if behaviour == "finishes":
            await screen.until(lambda: screen.app.main.selected and screen.app.main.selected.ended)
        await screen.press("F")
        await screen.says(words)
        assert not prompt_of(screen).is_open


@on_a_loop
async def test_in_a_replay_a_fork_at_the_step_in_sight_ends_the_screen(watch: Watch) -> None:
    async with watch("replays", can_fork=True) as screen:
        await screen.until(lambda: screen.app.view.state.replay and screen.app.main.selected)
        await screen.press("F")
        await screen.says("B ends here, and a fork needs steps to train. <: back, then F")
    async with watch("replaying", can_fork=True) as screen:
        await screen.until(lambda: screen.app.view.state.replay and screen.app.main.selected)
        field = await opens_fork(screen)
        await screen.shows("B  fork at 201: ")
        assert field.value == "B+1=value:0.001"
        await screen.press(*"none", "enter")
        await screen.ends()
        assert screen.app.fork == Fork(lane="clipped", name="B+1", rule="none", at_step=201)
    assert not any(isinstance(command, Fork) for command in screen.heard)


@on_a_loop
async def test_a_replay_that_no_run_can_follow_says_how_to_fork(watch: Watch) -> None:
    async with watch("replays") as screen:
        await screen.until(lambda: screen.app.view.state.replay and screen.app.main.selected)
        await screen.press("F")
        await screen.says("A recording cannot be forked from here. In a terminal: clipwatch fork")
