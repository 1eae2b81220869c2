"""The grid of all charts: its layout, keys and mouse."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual import events
from textual.command import CommandPalette
from textual.widgets import Input
from watched_screen import Watch, Watched, on_a_loop

from clipwatch.tui.screens.grid import GridScreen
from clipwatch.tui.screens.help import HelpScreen
from clipwatch.tui.screens.main import MainScreen
from clipwatch.tui.style.theme import LIGHT
from clipwatch.tui.view.step_window import WHOLE_RUN
from clipwatch.tui.widgets.chart_grid import Chart

RECORDED = ("--measured", "--evaluations", "40")


async def opened(screen: Watched) -> GridScreen:
    await screen.until(lambda: screen.app.view.last_step >= 390)
    await screen.press("G")
    await screen.shows("all charts")
    grid = screen.app.screen
    assert isinstance(grid, GridScreen)
    return grid


def shown(screen: Watched) -> list[Chart]:
    return list(screen.app.screen.query(Chart))


def text_of(chart: Chart) -> str:
    return "\n".join(strip.text for strip in chart.paint(0, chart.size.height))


@on_a_loop
async def test_a_resize_shows_as_many_charts_as_fit(watch: Watch) -> None:
    async with watch("normal", *RECORDED, size=(160, 45)) as screen:
        await opened(screen)
        for size, charts in (((60, 16), 2), ((80, 24), 4), ((160, 45), 14)):
            await screen.resize(*size)
            await screen.until(lambda charts=charts: len(shown(screen)) == charts)
            await screen.until(lambda: all(text_of(chart).strip() for chart in shown(screen)))
            assert all("needs" not in text_of(chart) for chart in shown(screen))


@on_a_loop
async def test_enter_moves_the_selected_chart_to_the_left(watch: Watch) -> None:
    async with watch("normal", *RECORDED) as screen:
        await opened(screen)
        await screen.press("right", "right", "left", "enter")
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
        await screen.says("accuracy, 100 images. v: next")


@on_a_loop
async def test_the_filter_takes_letters_and_escape_clears_it(watch: Watch) -> None:
    async with watch("normal", *RECORDED, size=(160, 45)) as screen:
        await opened(screen)
        charts = len(shown(screen))
        await screen.press("slash", *"qt")
        await screen.shows("no series has this in its name")
        assert not shown(screen)
        # The screen stays: there is nothing to select.
        await screen.press("enter")
        await screen.press("escape")
        await screen.until(lambda: len(shown(screen)) == charts)
        await screen.press("slash", *"cosine")
        await screen.shows("cosine")
        await screen.until(lambda: len(shown(screen)) < 5)
        await screen.press("enter")
        await screen.says("cosine")


@on_a_loop
async def test_keys_change_all_charts_and_those_of_the_run(watch: Watch) -> None:
    async with watch("normal", *RECORDED) as screen:
        grid = await opened(screen)
        await screen.press("z")
        await screen.shows("Steps 195 to 390, following")
        await screen.press("comma")
        await screen.shows("Values at step 390. escape: newest values")
        await screen.press("escape")
        await screen.shows("Newest values")
        assert screen.app.screen is grid
        await screen.press("escape")
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
        assert screen.app.main._charts.window != WHOLE_RUN


@on_a_loop
async def test_help_theme_and_picture_work_and_say_so(watch: Watch, tmp_path: Path) -> None:
    async with watch("normal", *RECORDED) as screen:
        grid = await opened(screen)
        await screen.press("question_mark")
        await screen.until(lambda: isinstance(screen.app.screen, HelpScreen))
        await screen.shows("Show only the charts with some text in their name")
        await screen.press("escape", "t")
        await screen.shows(f"theme {LIGHT.name}")
        await screen.until(lambda: screen.bright > 0.8)
        await screen.press("p")
        await screen.until(lambda: list(tmp_path.glob("clipwatch-*.svg")))
        await screen.shows("Saved ")
        assert screen.app.screen is grid


@pytest.mark.parametrize("key", ["q", "G", "escape"])
@on_a_loop
async def test_these_keys_lead_back(watch: Watch, key: str) -> None:
    async with watch("normal", *RECORDED) as screen:
        await opened(screen)
        await screen.press(key)
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
        assert screen.app.is_running


@on_a_loop
async def test_a_click_selects_a_chart_and_puts_the_cursor_there(watch: Watch) -> None:
    async with watch("normal", *RECORDED) as screen:
        await opened(screen)
        await screen.until(lambda: all(text_of(chart).strip() for chart in shown(screen)))
        chart = shown(screen)[1]
        await screen.click(chart.region.x + chart.size.width // 2, chart.region.y + 4)
        await screen.shows("accuracy, 100 images  Values at step")
        await screen.until(lambda: all(chart.plot for chart in shown(screen)))
        assert screen.app.main._charts.settings.cursor
        await screen.until(lambda: screen.app.screen._grid.settings == screen.app.main._charts.settings)


@on_a_loop
async def test_the_pointer_the_wheel_and_the_key_line_work(watch: Watch) -> None:
    async with watch("normal", *RECORDED) as screen:
        grid = await opened(screen)
        await screen.until(lambda: all(text_of(chart).strip() for chart in shown(screen)))
        chart = shown(screen)[0]
        x, y = chart.region.x + chart.size.width // 2, chart.region.y + 4
        await screen.mouse(events.MouseMove, x, y, button=0)
        await screen.until(lambda: grid._grid.settings.pointed is not None)
        await screen.mouse(events.MouseScrollUp, x, y, button=0)
        await screen.shows("f: follow the newest step")
        await screen.until(lambda: grid._grid.settings.window != WHOLE_RUN)
        await screen.click(*screen.find("escape back"))
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))


@on_a_loop
async def test_before_the_run_there_are_no_charts_to_show(watch: Watch) -> None:
    async with watch("mute", started="") as screen:
        await screen.press("G")
        await screen.says("not started")
        assert isinstance(screen.app.screen, MainScreen)


@on_a_loop
async def test_the_palette_opens_over_the_run_on_which_its_entries_act(watch: Watch) -> None:
    async with watch("normal", *RECORDED) as screen:
        await opened(screen)
        await screen.press("ctrl+p")
        await screen.until(lambda: isinstance(screen.app.screen, CommandPalette))
        await screen.press("escape")
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))


@on_a_loop
async def test_other_tasks_run_between_two_charts(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    async with watch("normal", *RECORDED, size=(160, 45)) as screen:
        grid = await opened(screen)
        await screen.until(lambda: all(text_of(chart).strip() for chart in shown(screen)))
        order: list[str] = []
        monkeypatch.setattr(grid._grid, "draw_chart", lambda chart: order.append("chart"))

        async def work() -> None:
            while order.count("chart") < 14:
                order.append("other")
                await asyncio.sleep(0)

        grid._grid.draw_soon(grid.theme)
        await asyncio.wait_for(work(), 20)
        # Time enough for a key, which passes through several tasks.
        assert "chart chart" not in " ".join(order)
        assert all(len(part.split()) >= 3 for part in " ".join(order).split("chart")[1:-1])


@on_a_loop
async def test_enters_that_arrive_after_the_filter_has_closed_the_grid_are_ignored(watch: Watch) -> None:
    async with watch("normal", *RECORDED) as screen:
        grid = await opened(screen)
        await screen.press("slash", *"loss")
        field = grid.query_one(Input)
        for _ in range(3):
            field.post_message(Input.Submitted(field, field.value))
        await screen.until(lambda: isinstance(screen.app.screen, MainScreen))
        await screen.press("question_mark")
        await screen.until(lambda: isinstance(screen.app.screen, HelpScreen))
