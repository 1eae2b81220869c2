"""The diagnostics on the screen."""

from __future__ import annotations

import re

import pytest
from watched_screen import Watch, on_a_loop

from clipwatch.core.stream.commands import SetClip
from clipwatch.core.stream.events import LaneFailed
from clipwatch.tui.screens.figures import FiguresScreen
from clipwatch.tui.screens.help import HelpScreen
from clipwatch.tui.widgets import diagnostics_panel

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
async def test_the_diagnostics_say_that_a_lane_has_failed(watch: Watch) -> None:
    async with watch("normal", "--measured") as screen:
        await screen.until(lambda: screen.app.view.last_step == 200)
        await screen.press("d")
        await screen.shows("conv1")
        cause = "the training loss is nan"
        screen.app.view.fold(LaneFailed(lane="clipped", step=205, reason="diverged", cause=cause, seconds=1.0))
        screen.app.main.draw()
        await screen.shows("diverged at step 205: the loss became NaN")


@on_a_loop
async def test_a_run_without_diagnostics_says_so(watch: Watch) -> None:
    async with watch() as screen:
        await screen.shows("elements clipped     \N{EN DASH}")
        await screen.press("d")
        await screen.shows("No diagnostics were measured for this lane.")


@on_a_loop
async def test_a_figure_has_the_curve_of_its_measurements(watch: Watch) -> None:
    async with watch("normal", "--measured", size=(160, 45)) as screen:
        await screen.until(lambda: screen.app.view.last_step == 200)
        await screen.press("d")
        # Five measurements, all alike.
        await screen.until(lambda: re.search(r"L2 distance to A +10\.7 ▁{5} ", screen.text))
