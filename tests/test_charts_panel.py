"""The charts of the screen: which ones, their window, cursor and scale."""

from __future__ import annotations

from watched_screen import Watch, on_a_loop

from clipwatch.tui.charts.chart_spec import Shade
from clipwatch.tui.view.chart_specs import chart_spec
from clipwatch.tui.view.metrics import metric
from clipwatch.tui.widgets.charts_panel import ChartsPanel


@on_a_loop
async def test_the_charts_zoom_pan_and_follow(watch: Watch) -> None:
    async with watch("normal", "--evaluations", "101") as screen:
        await screen.until(lambda: screen.app.view.last_step == 1000)
        for keys, words in [
            ("z", "Steps 500 to 1,000, following"),
            ("left", "Steps 375 to 875. f: follow the newest step"),
            ("up", "Steps 500 to 750. f: follow the newest step"),
            ("Z", "Steps 375 to 875. f: follow the newest step"),
            ("right", "Steps 500 to 1,000, following"),
            ("down", "Steps 0 to 1,000, following"),
        ]:
            await screen.press(keys)
            await screen.says(words)
        await screen.press("z", "left", "f")
        await screen.says("Steps 0 to 1,000, following")
        assert screen.heard == []


@on_a_loop
async def test_the_charts_draw_the_window(watch: Watch) -> None:
    async with watch("normal", "--evaluations", "101") as screen:
        await screen.until(lambda: screen.app.view.last_step == 1000)
        await screen.until(lambda: screen.rows[-3].split()[:2] == ["step", "0"])
        await screen.press("z")
        await screen.until(lambda: screen.rows[-3].split()[:2] == ["step", "600"])


@on_a_loop
async def test_the_scale_and_the_smoothing_are_shown(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("l")
        await screen.says("Logarithmic scales, except for shares and cosines")
        await screen.shows("validation loss, 100 images, log")
        assert screen.text.count(", log") == 1
        await screen.press("l")
        await screen.says("Linear scales")
        await screen.until(lambda: ", log" not in screen.text)
        for words in ("medium (weight of the past 0.9)", "strong", "off", "light"):
            await screen.press("m")
            await screen.says(f"Smoothing: {words}")


@on_a_loop
async def test_the_cursor_reads_both_charts(watch: Watch) -> None:
    async with watch() as screen:
        await screen.until(lambda: screen.app.view.last_step == 200)
        # Without smoothing.
        await screen.press("m", "m", "m")
        await screen.press("comma")
        await screen.says("Values at step 200. escape: newest values")
        for _ in range(10):
            await screen.press("comma")
        await screen.says("Values at step 100")
        assert "at step 100:  Δloss +0.025" in screen.status
        # The script's values at step 100: loss 2.3 - 0.05, accuracy 0.1 + 0.05.
        await screen.shows("A 2.25")
        await screen.shows("A 0.15")
        await screen.press("full_stop")
        await screen.says("Values at step 110")
        await screen.press("escape")
        await screen.says("Newest values")
        await screen.shows("A 2.2000")


@on_a_loop
async def test_the_cursor_starts_in_the_window_and_scrolls_it(watch: Watch) -> None:
    async with watch("normal", "--evaluations", "101") as screen:
        await screen.until(lambda: screen.app.view.last_step == 1000)
        await screen.press("z", "z", "left", "left", "comma")
        await screen.says("Values at step 870")
        await screen.press(*["comma"] * 26)
        await screen.says("Values at step 610")
        await screen.until(lambda: "610" in screen.rows[-3].split())
        await screen.press("f", "z", "z", "full_stop")
        await screen.says("Values at step 620")
        await screen.until(lambda: "620" in screen.rows[-3].split())
        assert screen.app.main.query_one(ChartsPanel).window.end is not None
        await screen.press("escape")
        assert screen.app.main.query_one(ChartsPanel).window.end is None


@on_a_loop
async def test_the_charts_shade_the_transient(watch: Watch) -> None:
    async with watch("normal", "--goes-on") as screen:
        await screen.press("c")
        await screen.until(lambda: screen.app.view.lanes["clipped"].changes)
        charts = screen.app.main.query_one(ChartsPanel)
        spec = chart_spec(metric("loss"), screen.app.view, charts.settings, charts.theme, (80, 20))
        assert spec.shades == (Shade(210, 210 + 693, 1),)
