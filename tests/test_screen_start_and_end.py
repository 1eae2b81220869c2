"""What the screen shows before a run, and how it ends."""

from __future__ import annotations

import pytest
from watched_screen import Watch, on_a_loop

from clipwatch.core.stream.config import RunConfig
from clipwatch.core.stream.sweep_config import sweep_of_run
from clipwatch.tui.screens.main import MainScreen
from clipwatch.tui.screens.quit_question import QuitQuestion
from clipwatch.tui.screens.sweep_question import SweepQuestion


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
        assert screen.app.sweep == sweep_of_run(RunConfig(settings={"dataset": "digits"}), "digits")


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
        await screen.shows("validation loss, 100 images ")


@on_a_loop
async def test_quit_when_done_quits(watch: Watch) -> None:
    async with watch("finishes", started="", quit_when_done=True) as screen:
        assert await screen.ends() == 0


@on_a_loop
async def test_a_run_in_which_every_lane_diverged_has_failed(watch: Watch) -> None:
    async with watch("diverges", "--lanes", "1", started="", quit_when_done=True) as screen:
        assert await screen.ends() == 1
