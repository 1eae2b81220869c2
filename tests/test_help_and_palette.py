"""Help, command palette and remapped keys on the screen."""

from __future__ import annotations

from textual.command import CommandPalette
from textual.widgets import OptionList
from watched_screen import Watch, on_a_loop, opens_prompt

from clipwatch.core.stream.commands import Pause, SetClip
from clipwatch.tui.screens.help import HelpScreen
from clipwatch.tui.screens.main import MainScreen
from clipwatch.tui.screens.quit_question import QuitQuestion
from clipwatch.tui.view.keymap import keymap
from clipwatch.tui.view.keys import KEYS


@on_a_loop
async def test_help_opens_and_closes(watch: Watch) -> None:
    async with watch(size=(120, 64)) as screen:
        for key in ("question_mark", "f1"):
            await screen.press(key)
            await screen.until(lambda: isinstance(screen.app.screen, HelpScreen))
            await screen.shows("Pause or resume all lanes")
            assert "the strip named" in " ".join(screen.text.split())
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
        for _ in range(12):
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
            assert ((key.group, key.label) in shown) == (key.only not in ("replay", "steered"))
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
        await screen.press(*"theme", "space", *"nord")
        await screen.shows("Use the colours of nord")
        await screen.until(lambda: screen.app.screen.query_one(OptionList).option_count == 1)
        await screen.press("enter", "enter")
        await screen.says("theme nord")
        assert screen.app.theme == "nord"


@on_a_loop
async def test_pages_of_the_palette_need_room_for_a_line(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(screen.app.screen, CommandPalette))
        await screen.resize(60, 2)
        await screen.press("pagedown", "pageup")
        await screen.resize(80, 24)
        await screen.shows("Pause or resume all lanes")
        await screen.press("pagedown")
        assert screen.app.screen.query_one(OptionList).highlighted


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
        await screen.says("Logarithmic")
        await screen.press("ctrl+g")
        await screen.says("following")
        assert " ! pause " in screen.rows[-1]
        await screen.press("x")
        await screen.until(lambda: isinstance(screen.app.screen, QuitQuestion))
