"""The charts of the screen: which ones, their window, cursor and scale."""

from __future__ import annotations

import re

from textual import events
from watched_screen import Watch, Watched, charts_of, on_a_loop

from clipwatch.tui.charts.chart_spec import Shade
from clipwatch.tui.view.chart_specs import chart_spec
from clipwatch.tui.view.metrics import metric
from clipwatch.tui.widgets.chart_grid import Chart
from clipwatch.tui.widgets.charts_panel import ChartsPanel

EVERYTHING = ("--measured", "--logged")


def names(screen: Watched) -> list[str]:
    """The metrics that the charts show."""
    return [one.name for one in charts_of(screen).shown]


def charts(screen: Watched) -> list[Chart]:
    return list(screen.app.main.query(Chart))


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
        for words in ("medium", "strong", "off", "light"):
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


# Which metrics


@on_a_loop
async def test_v_steps_the_left_chart_through_the_metrics_and_shift_v_the_right_one(watch: Watch) -> None:
    async with watch("normal", *EVERYTHING) as screen:
        assert names(screen) == ["loss", "accuracy"]
        await screen.press("v")
        await screen.says("gradient norm ‖g‖, before clipping. v: next · G: all")
        await screen.shows("gradient norm ‖g‖, log")
        await screen.shows("A 2.0000")
        await screen.press("V")
        await screen.says("% of elements clipped. V: next · G: all")
        await screen.press("v")
        await screen.says("log10 |g|, all elements")
        await screen.press("V", "V")
        assert names(screen) == ["histogram", "cosine"]
        # No metric stands twice, and a restart keeps the choice.
        for _ in range(40):
            await screen.press("v")
            assert len(set(names(screen))) == 2
        chosen = names(screen)
        await screen.press("r")
        await screen.until(lambda: screen.app.view.runs == 2)
        await screen.shows("Step: 200 ")
        assert names(screen) == chosen


@on_a_loop
async def test_a_metric_that_the_run_does_not_record_says_so(watch: Watch) -> None:
    async with watch() as screen:
        await screen.press("v")
        await screen.shows("not recorded in this run")


@on_a_loop
async def test_from_50_rows_on_there_are_four_charts_unless_the_user_asked_for_others(watch: Watch) -> None:
    async with watch("normal", *EVERYTHING, size=(160, 50)) as screen:
        assert names(screen) == ["loss", "accuracy", "grad-norm", "clipped"]
        for title in ("validation loss", "accuracy", "gradient norm ‖g‖", "% of elements clipped"):
            await screen.shows(title)
        top, bottom = charts(screen)[0].region, charts(screen)[2].region
        assert top.bottom == bottom.y
        assert abs(top.height - bottom.height) <= 1
        await screen.resize(160, 45)
        await screen.until(lambda: len(charts(screen)) == 2)
        await screen.press("v")
        await screen.resize(160, 50)
        await screen.until(lambda: screen.app.main.size.height == 50)
        await screen.shows("gradient norm")
        assert len(charts(screen)) == 2


@on_a_loop
async def test_the_charts_that_were_asked_for_are_shown(watch: Watch) -> None:
    async with watch("normal", *EVERYTHING, charts=("cosine", "train-loss", "grad-norm")) as screen:
        assert names(screen) == ["cosine", "train-loss", "grad-norm"]
        await screen.shows("training loss, batches of 8")
        await screen.resize(160, 60)
        await screen.shows("cosine of g and ĝ")
        assert len(charts(screen)) == 3


@on_a_loop
async def test_l_makes_all_scales_logarithmic_and_then_all_linear(watch: Watch) -> None:
    async with watch("normal", *EVERYTHING, size=(160, 50)) as screen:
        logarithmic = lambda: [title in screen.text for title in ("validation loss, log", "‖g‖, log")]  # noqa: E731
        await screen.until(lambda: logarithmic() == [False, True])
        await screen.press("l")
        await screen.until(lambda: logarithmic() == [True, True])
        # The accuracy and the share of elements stay linear.
        assert screen.text.count(", log") == 2
        await screen.press("l")
        await screen.until(lambda: logarithmic() == [False, False])


@on_a_loop
async def test_the_mouse_in_one_chart_acts_on_all(watch: Watch) -> None:
    async with watch("normal", *EVERYTHING, "--evaluations", "101", size=(160, 50)) as screen:
        await screen.until(lambda: screen.app.view.last_step == 1000)
        last = charts(screen)[3]
        await screen.until(lambda: last.plot.area and last.plot.area.window[1] >= 1000)
        left, y = last.region.x + last.plot.area.left, last.region.y + 6
        middle = left + last.plot.area.width // 2
        await screen.mouse(events.MouseMove, middle, y, button=0)
        await screen.until(lambda: abs((charts_of(screen).cursor or 0) - 500) <= 20)
        at = str(charts_of(screen).cursor)
        axes = [chart.region.bottom - 1 for chart in charts(screen)]
        await screen.until(lambda: all(len(re.findall(rf"\b{at}\b", screen.rows[row])) == 2 for row in axes))
        await screen.drag(left + 10, y, middle, y)
        await screen.says("f: follow the newest step")
        window = charts_of(screen).window.steps(1000)
        assert 0 < window[0] < window[1] < 600
        await screen.until(lambda: {chart.plot.area.window for chart in charts(screen) if chart.plot.area} == {window})
