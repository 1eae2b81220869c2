"""The parts of the screen at every size."""

from __future__ import annotations

import pytest
from watched_screen import Watch, charts_of, on_a_loop

from clipwatch.core.stream.commands import Pause


@pytest.mark.parametrize(("size", "logs", "charts"), [((160, 45), 10, 29), ((80, 24), 4, 14), ((60, 16), 2, 8)])
@on_a_loop
async def test_logs_take_a_quarter_and_l_hides_them(
    watch: Watch, size: tuple[int, int], logs: int, charts: int
) -> None:
    async with watch(size=size) as screen:
        await screen.shows("Step: 200 " if size[0] == 160 else "  200 ")
        panel, pane = charts_of(screen), screen.app.main._lanes._panels[0].log_pane
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
