"""The prompt for a fork, on the screen."""

from __future__ import annotations

import pytest
from textual.widgets import Input
from watched_screen import Watch, Watched, on_a_loop, prompt_of

from clipwatch.core.stream.commands import Fork, SetClip
from clipwatch.core.stream.events import LaneFailed, LaneForked


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
async def test_a_fork_that_was_not_asked_for_here_is_not_selected(watch: Watch) -> None:
    async with watch() as screen:
        # It was scheduled, or asked for elsewhere.
        screen.app.engine.send(Fork(lane="clipped", name="later", rule="none"))
        await screen.shows("▲ later")
        assert screen.app.main.selected
        assert screen.app.main.selected.name == "clipped"


@on_a_loop
async def test_an_open_prompt_keeps_its_lane_when_a_fork_begins(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("tab", "b")
        await screen.until(lambda: prompt_of(screen).is_open)
        fork = Fork(lane="clipped", name="asked", rule="none")
        screen.app.steering.lanes._fork(fork)
        await screen.shows("▲ asked")
        await screen.press(*"sign", "enter")
        await screen.hears(fork, SetClip(lane="unclipped", rule="sign"))


@on_a_loop
async def test_what_is_wrong_is_said_while_it_is_typed(watch: Watch) -> None:
    async with watch() as screen:
        field = await opens_fork(screen)
        for text, words in (
            ("A=none", "there is a lane of this name already; use another name"),
            ("clipped=none", "there is a lane of this name already"),
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


@on_a_loop
async def test_a_run_that_starts_again_has_no_forks(watch: Watch) -> None:
    async with watch(size=(160, 45)) as screen:
        for _ in range(3):
            await opens_fork(screen)
            await screen.press("enter")
            await screen.until(lambda: not screen.app.requests.forks and len(screen.app.view.state.lanes) > 2)
        await screen.press("n")
        await screen.until(lambda: screen.app.view.runs == 2 and len(screen.app.view.state.lanes) == 2)
        await screen.until(lambda: "fork of" not in screen.text)
        # A fork of the new run gets a panel of the run before.
        await opens_fork(screen)
        await screen.press("enter")
        await screen.shows("▲ B+1")
        assert "■" not in screen.rows[1]
        await screen.press("tab")
        await screen.says("Selected A")


@on_a_loop
async def test_a_restart_says_that_the_forks_are_gone(watch: Watch) -> None:
    async with watch("silent") as screen:
        screen.app.view.fold(LaneForked(lane="B+1", step=9, parent="clipped", rule="none", learning_rate=1, seconds=1))
        await screen.press("n")
        await screen.says("Restarting with seed 1, without the forks. The run so far")


@on_a_loop
async def test_a_lane_that_ends_while_the_prompt_is_open_is_not_forked(watch: Watch) -> None:
    async with watch() as screen:
        await opens_fork(screen)
        for lane in ("unclipped", "clipped"):
            screen.app.view.fold(LaneFailed(lane=lane, step=900, reason="diverged", cause="", seconds=9.0))
        await screen.press("enter")
        await screen.says("B has failed, so there is no state to fork")
        assert not prompt_of(screen).is_open
    assert not any(isinstance(command, Fork) for command in screen.heard)


@pytest.mark.parametrize("width", [60, 80])
@on_a_loop
async def test_narrow_screens_say_how_to_name_a_fork_and_to_set_its_rate(watch: Watch, width: int) -> None:
    async with watch(size=(width, 24), started="any") as screen:
        await screen.until(lambda: screen.app.main.selected)
        await opens_fork(screen)
        await screen.says("NAME=RULE,lr=")
    async with watch("replaying", size=(width, 24), started="any", can_fork=True) as screen:
        await screen.until(lambda: screen.app.view.state.replay and screen.app.main.selected)
        await opens_fork(screen)
        await screen.says("NAME=RULE,lr=")


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
        await screen.says("enter: end the replay, train a new run")
        assert field.value == "B+1=value:0.001"
        await screen.press(*"none", "enter")
        await screen.ends()
        assert screen.app.fork == Fork(lane="clipped", name="B+1", rule="none", at_step=201)
    assert not any(isinstance(command, Fork) for command in screen.heard)


@on_a_loop
async def test_a_replay_that_no_run_can_follow_says_how_to_fork(watch: Watch) -> None:
    async with watch("replaying") as screen:
        await screen.until(lambda: screen.app.view.state.replay and screen.app.main.selected)
        await screen.press("F")
        await screen.says("In a terminal: clipwatch fork a-run --at 201 --from clipped --lane norm:1")
