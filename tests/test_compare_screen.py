"""The screen of a comparison: its lines at each size, what its keys do, and how it follows runs under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path

import msgspec
import pytest
from compared_runs import finished, recorded, story
from fake_loop import FakeLoop
from test_compared import FORK, FOUR
from test_runs_screen import app_of, names, write_run
from test_runs_table import write as write_sweep
from textual.pilot import Pilot
from textual.widgets import Input

from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.runs.followed_run import lane_times
from clipwatch.core.stream.events import Event
from clipwatch.tui.charts.legend import header
from clipwatch.tui.compare.app import CompareApp
from clipwatch.tui.compare.charts import ChartedComparison
from clipwatch.tui.compare.keys import KEYS
from clipwatch.tui.compare.page import details, legend, remark, title
from clipwatch.tui.compare.times import PER_SECOND
from clipwatch.tui.compare.view import CompareView
from clipwatch.tui.screens.help import HelpScreen
from clipwatch.tui.style.chart_styles import Palette
from clipwatch.tui.style.theme import Theme
from clipwatch.tui.text.number_format import number_of
from clipwatch.tui.view.chart_specs import ChartSettings
from clipwatch.tui.view.metrics import metric

THEME = Theme(Palette(), "#23232e")
PLAIN = Theme(Palette(coloured=False), "#23232e", ascii=True)


def viewed(*stories: Sequence[Event]) -> CompareView:
    view = CompareView([f"run{number}" for number in range(1, len(stories) + 1)])
    for place, events in enumerate(stories):
        view.begin(place, events, lane_times(EventTable.of(events)), followed=False)
    return view


def marks(view: CompareView) -> str:
    return " ".join(lane.mark for lane in view.shown)


# Pure


@pytest.mark.parametrize("size", [(160, 9), (120, 9), (80, 9), (60, 5)])
@pytest.mark.parametrize("theme", [THEME, PLAIN])
def test_the_lines_fit(size: tuple[int, int], theme: Theme) -> None:
    view = viewed(*FOUR)
    lines = legend(view, 7, size, theme)
    rest = [title(view, size[0], theme), details(view.lanes[3], size[0], theme)]
    assert len(lines) == size[1]
    assert {line.cell_length for line in (*lines, *rest)} == {size[0]}
    assert not theme.ascii or all(line.text.isascii() for line in (*lines, *rest))
    # The selected row is visible, and says what the lane's result is.
    assert "4B" in lines[-1].text
    assert "0.590 (0.492-0.681)" in lines[-1].text


def test_a_lane_keeps_its_colour_and_symbol_when_others_are_hidden() -> None:
    view = viewed(*FOUR)
    charted = ChartedComparison(view)

    def drawn() -> dict[str, tuple[str, str]]:
        spec = charted.spec(metric("loss"), ChartSettings(), THEME, (80, 20))
        return {lane.name: (spec.symbol(place), lane.color) for place, lane in enumerate(spec.lanes)}

    before = drawn()
    view.toggle(view.lanes[0])
    view.toggle(view.lanes[2])
    after = drawn()
    assert list(after) == ["1B", "2B", "3A", "3B", "4A", "4B"]
    assert all(before[name] == shown for name, shown in after.items())


def test_twelve_lanes_are_told_apart() -> None:
    view = viewed(*(story(seed=seed) for seed in range(6)))
    spec = ChartedComparison(view).spec(metric("loss"), ChartSettings(), THEME, (160, 20))
    assert len({(spec.symbol(place), lane.color) for place, lane in enumerate(spec.lanes)}) == 12


def test_a_filter_shows_lanes_in_whose_row_every_word_occurs() -> None:
    view = viewed(*FOUR)
    for filter, shown in {
        "": "1A 1B 2A 2B 3A 3B 4A 4B",
        "LINEAR clipped": "2A 2B 4A 4B",
        "value:0.001 run3": "3B",
        "2b": "2B",
        "seed run4": "4A 4B",
        "nothing": "",
    }.items():
        view.filter = filter
        assert marks(view) == shown


def test_only_one_lane_and_all_again() -> None:
    view = viewed(*FOUR[:2])
    assert view.show_only(view.lanes[2])
    assert marks(view) == "2A"
    assert not view.show_only(view.lanes[2])
    assert marks(view) == "1A 1B 2A 2B"


def test_a_fork_that_begins_later_is_not_beside_the_only_lane() -> None:
    view = viewed(*FOUR[:2])
    view.show_only(view.lanes[2])
    view.append(1, FORK, followed=False)
    assert marks(view) == "2A"
    # Others can be shown beside it.
    view.toggle(view.lanes[0])
    assert marks(view) == "1A 2A"
    assert view.show_only(view.lanes[2])
    assert not view.show_only(view.lanes[2])
    assert marks(view) == "1A 1B 2A 2B 2C"


def test_more_faults_than_there_is_room_for_are_counted() -> None:
    view = viewed(*FOUR)
    for place in range(4):
        view.runs[place].run.fault = "damaged"
    lines = [line.text.strip() for line in legend(view, 7, (80, 7), THEME)]
    assert len(lines) == 7
    assert lines[-2:] == ["1  run1: damaged", "3 of the runs cannot be read, or not in full"]
    assert "4B" in lines[-3]


def test_a_stopped_lane_says_how_many_steps_it_has_done() -> None:
    ends = msgspec.structs.replace(finished("unclipped"), step=50, reason="stopped")
    view = viewed([*story(ends=False, lanes={"unclipped": "none"}), ends])
    assert "50 steps, stopped" in details(view.lanes[0], 80, THEME).text


def test_by_seconds_a_curve_ends_when_its_last_step_was_done() -> None:
    view = viewed(story(pace=50.0), story(pace=10.0))
    view.by_seconds = True
    charted = ChartedComparison(view)
    spec = charted.spec(metric("grad-norm"), ChartSettings(), THEME, (100, 20))
    ends = [lane.curve.last for lane in spec.lanes]
    assert [end[0] / PER_SECOND for end in ends if end] == [2, 2, 10, 10]
    assert (spec.unit, spec.steps_per_unit, spec.last) == ("s", PER_SECOND, 10 * PER_SECOND)
    assert "since the lanes of each run started" in remark(view)


@pytest.mark.parametrize("by_seconds", [False, True])
def test_a_forked_lane_is_drawn_from_its_parents_last_value_on(by_seconds: bool) -> None:
    view = viewed(story(), story(*FORK))
    view.by_seconds = by_seconds
    spec = ChartedComparison(view).spec(metric("loss"), ChartSettings(), THEME, (100, 20))
    parent, fork = spec.lanes[3], spec.lanes[4]
    assert (parent.name, fork.name, parent.start) == ("2B", "2C", None)
    # The parent's evaluation of step 49 was done after half a second.
    assert fork.start == (PER_SECOND // 2 if by_seconds else 49)
    assert fork.curve.nearest(fork.start) == parent.curve.nearest(fork.start)
    assert fork.curve.last
    assert (fork.curve.last[0] > 1.9 * PER_SECOND) == by_seconds


def test_a_metric_that_only_some_have_says_who_lacks_it() -> None:
    view = viewed(story(), story(experiment="temporal-order"), story(seed=1))
    charted = ChartedComparison(view)
    assert charted.by_interest()[0].name == "loss"
    view.runs[0].view.lanes["clipped"].add(50, {"dead-outputs": 3.0})
    assert charted.heading(charted.metric("dead-outputs")) == "dead outputs; not in run 2 (temporal-order), 3 (lenet)"
    names = [one.name for one in charted.by_interest()]
    assert names[-1] == "dead-outputs"
    assert charted.heading(charted.metric("loss")) == "validation loss"


def test_a_legend_that_does_not_fit_leaves_the_title() -> None:
    spec = ChartedComparison(viewed(*FOUR)).spec(metric("loss"), ChartSettings(), THEME, (40, 10))
    (line,) = header(spec)
    assert line.text.startswith(" validation loss")


def test_every_key_has_one_meaning() -> None:
    pressed = [key for one in KEYS for key in one.keys.split(",")]
    assert len(pressed) == len(set(pressed))


# Driven by keys


def on_a_loop(test: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """Run a coroutine as a test."""

    @wraps(test)
    def run(*arguments: object, **options: object) -> None:
        asyncio.run(test(*arguments, **options))

    return run


@asynccontextmanager
async def shown(
    folders: Sequence[RunFolder], size: tuple[int, int] = (120, 35), *, ascii: bool = False
) -> AsyncIterator[tuple[CompareApp, Pilot[int]]]:
    """The app once it has read the runs."""
    app = CompareApp(folders, ascii=ascii)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: not app.view.gains_runs and number_of(len(app.view.lanes), "lane") in text(app))
        try:
            yield app, pilot
        finally:
            app.reader.stop()


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await pilot.pause(0.02)


def text(app: CompareApp) -> str:
    width, height = app.size
    lines = app.screen._compositor.render_strips()
    return "\n".join(line.text for line in lines[:height] if line.cell_length <= width)


@pytest.mark.parametrize("size", [(160, 45), (120, 35), (80, 24), (60, 16)])
@on_a_loop
async def test_at_every_size_there_are_charts_a_table_and_keys(size: tuple[int, int], tmp_path: Path) -> None:
    async with shown(recorded(tmp_path, *FOUR), size) as (app, pilot):
        await until(pilot, lambda: "loss" in text(app) and "4 runs" in text(app))
        for words in ("clipwatch compare", "8 lanes", "accuracy", "1A", "0.600 (0.502-0.691)", "space hide", "q quit"):
            assert words in text(app)


@on_a_loop
async def test_keys_change_what_is_shown(tmp_path: Path) -> None:
    async with shown(recorded(tmp_path, *FOUR)) as (app, pilot):
        await pilot.press("down", "space")
        assert marks(app.view) == "1A 2A 2B 3A 3B 4A 4B"
        await pilot.press("o")
        assert marks(app.view) == "1B"
        await pilot.press("o", "x")
        assert app.view.by_seconds
        assert "by seconds" in text(app)
        before = app._charts.shown[0]
        await pilot.press("v")
        assert app._charts.shown[0] != before
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)


@on_a_loop
async def test_the_filter_narrows_as_the_user_types_and_escape_shows_all(tmp_path: Path) -> None:
    async with shown(recorded(tmp_path, *FOUR)) as (app, pilot):
        # Keys of the screen are letters of the filter.
        await pilot.press("slash", *"relu x")
        assert app.query_one(Input).value == "relu x"
        await pilot.press("backspace", "backspace", "enter", "down", "space")
        assert marks(app.view) == "1A 3A 3B"
        await pilot.press("escape")
        assert marks(app.view) == "1A 2A 2B 3A 3B 4A 4B"


@on_a_loop
async def test_a_click_on_a_row_selects_its_lane(tmp_path: Path) -> None:
    async with shown(recorded(tmp_path, *FOUR)) as (app, pilot):
        await pilot.click("#legend", offset=(5, 3))
        assert app.selected
        assert app.selected.mark == "2A"


@on_a_loop
async def test_a_run_under_way_is_followed(tmp_path: Path) -> None:
    (done,) = recorded(tmp_path, story())
    loop = FakeLoop(tmp_path / "watched")
    loop.train(10)
    async with shown([done, loop.folder]) as (app, pilot):
        assert "1 run under way" in text(app)
        loop.train(20)
        loop.evaluate(1.25, seconds=3.0)
        lane = next(lane for lane in app.view.lanes if lane.state.name == "loop")
        await until(pilot, lambda: app.view.curve(lane, "loss")[0].last == (29, 1.25))
        app.view.by_seconds = True
        assert app.view.curve(lane, "grad-norm")[0].last == (3 * PER_SECOND, 2.0)
        loop.end()
        await until(pilot, lambda: not app.view.runs[1].is_growing)
        await until(pilot, lambda: "under way" not in text(app))


@on_a_loop
async def test_a_run_that_cannot_be_read_is_said_and_the_others_are_shown(tmp_path: Path) -> None:
    folders = recorded(tmp_path, *FOUR[:3])
    folders[1].events.write_bytes(b"nothing\n")
    folders[1].config.unlink()
    async with shown(folders) as (app, pilot):
        await until(pilot, lambda: "2  run2: " in text(app) and "holds no run" in text(app))
        assert marks(app.view) == "1A 1B 3A 3B"
        # It is said as long as the screen is open, and clicks find the rows above it.
        await pilot.press("down", "down")
        assert "holds no run" in text(app)
        await pilot.click("#legend", offset=(5, 4))
        assert app.selected
        assert app.selected.mark == "3B"


@on_a_loop
async def test_if_no_run_can_be_read_the_screen_says_so(tmp_path: Path) -> None:
    folders = recorded(tmp_path, *FOUR[:2])
    for folder in folders:
        folder.events.write_bytes(b"nothing\n")
        folder.config.unlink()
    app = CompareApp(folders)
    async with app.run_test(size=(120, 35)) as pilot:
        await until(pilot, lambda: "1  run1: " in text(app) and "2  run2: " in text(app))
        assert "none of these runs can be read" in text(app)
        assert "filter" not in remark(app.view)
        app.reader.stop()


@on_a_loop
async def test_no_name_from_outside_is_more_than_text(tmp_path: Path) -> None:
    folders = recorded(tmp_path, *FOUR[:2])
    strange = RunFolder(folders[0].path.rename(tmp_path / "\x1b[2J[bold]"))
    async with shown([strange, folders[1]], (160, 45), ascii=True) as (app, pilot):
        await until(pilot, lambda: "\\x1b[2J[bold]" in text(app))
        assert text(app).replace("\n", "").isascii()


# From the list of runs


@on_a_loop
async def test_runs_that_are_marked_in_the_list_are_compared(tmp_path: Path) -> None:
    runs = [write_run(tmp_path, float(number)) for number in range(3)]
    app = app_of(tmp_path)
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.pause()
        await pilot.press("c")
        assert not app.compared
        await pilot.press("space", "down", "space")
        assert [name[0] for name in names(app)] == ["●", " ", "●"]
        await pilot.press("c")
    assert app.compared == [runs[2], runs[0]]
    # Leaving the comparison leads back to the list with its marks.
    again = app_of(tmp_path, app.state)
    async with again.run_test(size=(100, 24)) as pilot:
        await pilot.pause()
        assert [name[0] for name in names(again)] == ["●", " ", "●"]
        await pilot.press("up", "up", "space")
        assert again.state.marked == (runs[0].path.name,)


@on_a_loop
async def test_a_sweep_cannot_be_marked(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    app = app_of(tmp_path)
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.pause()
        await pilot.press("space")
        assert app.state.marked == ()
