"""The screen in every theme, without colour, in ASCII, and as a picture."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from watched_screen import Watch, on_a_loop, opens_prompt

from clipwatch.tui.screens.main import MainScreen
from clipwatch.tui.style.theme import DARK, LIGHT, THEMES
from clipwatch.tui.widgets.chart_grid import Chart


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
