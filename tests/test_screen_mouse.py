"""The mouse on the screen, and what it lets one copy."""

from __future__ import annotations

import re
import time

import pytest
from textual import events
from watched_screen import Watch, charts_of, loss_chart, on_a_loop

from clipwatch.core.stream.commands import Pause
from clipwatch.tui.screens.main import MainScreen
from clipwatch.tui.screens.quit_question import QuitQuestion
from clipwatch.tui.widgets import charts_panel
from clipwatch.tui.widgets.chart_grid import Chart
from clipwatch.tui.widgets.charts_panel import ChartsPanel


@on_a_loop
async def test_a_click_on_a_lane_selects_it(watch: Watch) -> None:
    async with watch() as screen:
        await screen.shows("● A   unclipped")
        await screen.click(*screen.find("● A   unclipped"))
        await screen.says("Selected A")
        assert screen.app.main.selected.name == "unclipped"
        x, y = screen.find("◆ B   clipped: every element within ±0.001")
        await screen.click(x, y + 5)
        await screen.says("Selected B")


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
        await screen.says("Selected A")
        await screen.click(150, 20)
        await screen.says("Selected B")


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
        column = 1000 / (right - left)
        assert first == pytest.approx(5 * column, abs=column)
        assert last == pytest.approx(500, abs=column)
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
