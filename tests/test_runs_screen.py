"""The list of runs as a screen: what it shows at each size, its filter, and what its keys do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path

import msgspec
import pytest
import recordings as recorded
from rich.cells import cell_len
from test_recorded_folders import unheard
from test_runs_table import write as write_sweep
from test_state import RUN
from textual.widgets import DataTable, Input
from virtual_terminal import CLIPWATCH, VirtualTerminal

from clipwatch.core.runs.folder import LaneOutcome, Manifest, RunFolder, create_run
from clipwatch.core.sweeps.listing import EVERYTHING, Recording, recordings
from clipwatch.core.sweeps.overview import overview
from clipwatch.tui.runs.app import ListState, RunsApp
from clipwatch.tui.runs.bars import details
from clipwatch.tui.runs.delete_question import DeleteQuestion
from clipwatch.tui.runs.rows import Row, fitting
from clipwatch.tui.screens.help import HelpScreen
from clipwatch.tui.style.chart_styles import Palette
from clipwatch.tui.style.theme import DARK, LIGHT, Theme

CLIPPED = LaneOutcome(name="clipped", rule="value:0.001", step=1000, loss=1.25, accuracy=0.5, ended="completed")
START = ListState()
LANES = (msgspec.structs.replace(CLIPPED, name="unclipped", rule="none", accuracy=0.75), CLIPPED)


def write_run(
    home: Path,
    started: float,
    *,
    changed: bool = False,
    lanes: tuple[LaneOutcome, ...] = LANES,
    optimizer: str = "adam",
) -> RunFolder:
    folder = create_run(home, "digits", int(started), started)
    folder.write_manifest(
        Manifest(
            state="done",
            started=started,
            seed=int(started),
            dataset=RUN.dataset,
            device="cpu",
            versions={},
            lanes=lanes,
            settings={"head": "relu"},
            optimizer=optimizer,
            changed=changed,
        )
    )
    return folder


def row_of(folder: RunFolder, *, ascii: bool = False) -> Row:
    return Row(Recording(folder, folder.manifest()), ascii=ascii)


# Pure


def test_a_row_says_what_was_trained_and_what_came_out(tmp_path: Path) -> None:
    cells = row_of(write_run(tmp_path, 3.0, changed=True)).cells
    assert cells["clip"] == "none, value:0.001"
    assert cells["result"] == "0.750  0.500"
    assert (cells["data"], cells["settings"], cells["optimizer"], cells["seed"]) == (
        RUN.dataset.name,
        "relu",
        "adam",
        "3",
    )
    assert cells["state"] == "done*"


def test_many_lanes_are_a_range_and_a_count(tmp_path: Path) -> None:
    cells = row_of(write_run(tmp_path, 3.0, lanes=(*LANES, CLIPPED, CLIPPED))).cells
    assert cells["result"] == "0.500 to 0.750"
    assert cells["clip"] == "none, value:0.001, +2"[:19] + "…"


def test_a_lane_that_failed_has_a_dash(tmp_path: Path) -> None:
    failed = LaneOutcome(name="a", rule="none", step=7, ended="diverged")
    assert row_of(write_run(tmp_path, 3.0, lanes=(failed, CLIPPED))).cells["result"] == "-  0.500"


@pytest.mark.parametrize("width", [20, 60, 80, 120, 160])
def test_the_columns_fit_and_wider_terminals_show_more(width: int, tmp_path: Path) -> None:
    rows = [row_of(write_run(tmp_path, float(number))) for number in range(2)]
    columns = fitting(rows, width)
    assert sum(column.width + 2 for column in columns) <= width
    names = [column.name for column in columns]
    assert names[0] == "name"
    shown_from = {"state": 60, "result": 60, "data": 80, "settings": 80, "optimizer": 120, "clip": 120, "started": 160}
    for name, least in shown_from.items():
        assert width < least or name in names


@pytest.mark.parametrize(
    ("filter", "shown"),
    [
        ("", True),
        ("sgd relu", True),
        ("SGD", True),
        ("changed", True),
        ("value:0.001", True),
        ("sgd linear", False),
        ("sweep", False),
    ],
)
def test_every_word_of_a_filter_must_occur(filter: str, shown: bool, tmp_path: Path) -> None:
    assert row_of(write_run(tmp_path, 1.0, optimizer="sgd", changed=True)).matches(filter) is shown


def test_what_is_cut_off_in_a_cell_is_found(tmp_path: Path) -> None:
    rule = "value:-0.0012345:0.0012345"
    lanes = (CLIPPED, msgspec.structs.replace(CLIPPED, rule=rule))
    assert row_of(write_run(tmp_path, 1.0, lanes=lanes)).matches(rule)


def test_a_name_from_outside_moves_no_cursor_and_has_an_ascii_form(tmp_path: Path) -> None:
    run = RunFolder(write_run(tmp_path, 1.0).path.rename(tmp_path / "\x1b[2J裁"))
    assert row_of(run).cells["name"] == "\\x1b[2J裁"
    assert row_of(run, ascii=True).cells["name"] == "\\x1b[2J\\u88c1"


@pytest.mark.parametrize("ascii", [False, True])
@pytest.mark.parametrize("width", [60, 160])
def test_the_details_are_as_wide_as_the_screen_and_no_higher_than_their_room(
    ascii: bool, width: int, tmp_path: Path
) -> None:
    theme = Theme(Palette(coloured=False), "#23232e", ascii=ascii)
    run = write_run(tmp_path, 1.0, lanes=LANES * 3)
    sweep = write_sweep(tmp_path)
    for recording in (Recording(run, run.manifest()), Recording(sweep, overview(sweep))):
        lines = details(recording, width, 4, theme)
        assert len(lines) == 4
        assert {line.cell_length for line in lines} == {width}
        text = "\n".join(line.text for line in lines)
        assert not ascii or text.isascii()
    assert "percentage points" in text
    assert "value:0.001 vs. not clipped" in text
    assert "and 4 more lanes" in "".join(line.text for line in details(Recording(run, run.manifest()), width, 4, theme))


# Driven by keys


def on_a_loop(test: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """Run a coroutine as a test."""

    @wraps(test)
    def run(*arguments: object, **options: object) -> None:
        asyncio.run(test(*arguments, **options))

    return run


def app_of(home: Path, state: ListState = START, *, ascii: bool = False) -> RunsApp:
    return RunsApp(recordings(home, EVERYTHING, unheard), home, state, ascii=ascii)


def names(app: RunsApp) -> list[str]:
    table = app.query_one(DataTable)
    return [str(table.get_row_at(number)[0]) for number in range(table.row_count)]


@on_a_loop
async def test_the_newest_is_first_and_enter_opens_what_is_selected(tmp_path: Path) -> None:
    runs = [write_run(tmp_path, float(number)) for number in range(3)]
    app = app_of(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert names(app) == [run.path.name for run in reversed(runs)]
        await pilot.press("down", "enter")
    assert app.opened == runs[1]
    assert app.exit_code == 0
    again = app_of(tmp_path, app.state)
    async with again.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("enter")
    assert again.opened == runs[1]


@on_a_loop
async def test_typing_filters_and_escape_shows_all(tmp_path: Path) -> None:
    write_run(tmp_path, 1.0)
    write_run(tmp_path, 2.0, optimizer="sgd")
    app = app_of(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        # Keys of the list are letters of the filter.
        await pilot.press("slash", *"sgd xrq")
        assert app.query_one(Input).value == "sgd xrq"
        await pilot.press(*["backspace"] * 4)
        assert len(names(app)) == 1
        await pilot.press("enter")
        assert len(names(app)) == 1
        assert app.query_one(DataTable).has_focus
        await pilot.press("escape")
        assert len(names(app)) == 2


@on_a_loop
async def test_a_run_is_renamed_and_a_wrong_name_is_answered(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1.0)
    app = app_of(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("r", "ctrl+u", *"a/b", "enter")
        assert "without /" in app.query_one("#message").render_line(0).text  # type: ignore[attr-defined]
        await pilot.press("r", "ctrl+u", *"mine", "enter")
        assert names(app) == ["mine"]
    assert not run.path.exists()
    assert RunFolder(tmp_path / "mine").manifest().started == 1.0


@on_a_loop
async def test_a_click_on_another_run_ends_the_renaming(tmp_path: Path) -> None:
    runs = [write_run(tmp_path, float(number)) for number in range(3)]
    app = app_of(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("r")
        # The header of the table is in the first line.
        await pilot.click(DataTable, offset=(3, 2))
        await pilot.pause()
        assert not app.query_one("#prompt").display
        await pilot.press("ctrl+u", *"mine", "enter")
    assert all(run.path.exists() for run in runs)


@on_a_loop
async def test_a_run_is_deleted_only_after_y(tmp_path: Path) -> None:
    runs = [write_run(tmp_path, float(number)) for number in range(3)]
    app = app_of(tmp_path)
    async with app.run_test(size=(60, 16)) as pilot:
        await pilot.pause()
        for key in ("n", "enter", "escape"):
            await pilot.press("down", "up", "x")
            assert isinstance(app.screen, DeleteQuestion)
            await pilot.press(key)
            assert len(names(app)) == 3
        await pilot.press("down", "x", "y")
        assert names(app) == [runs[2].path.name, runs[0].path.name]
        await pilot.pause()
        message = app.query_one("#message").render_line(0)  # type: ignore[attr-defined]
        assert message.text.startswith(f" deleted {runs[1].path.name}")
        assert app.make_theme().alert not in [segment.style for segment in message]
        await pilot.press("up", "down")
        assert "deleted" not in app.query_one("#message").render_line(0).text  # type: ignore[attr-defined]
    assert [run.path.exists() for run in runs] == [True, False, True]


@on_a_loop
async def test_a_deleted_run_is_not_marked_any_more(tmp_path: Path) -> None:
    runs = [write_run(tmp_path, float(number)) for number in range(3)]
    app = app_of(tmp_path)
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.pause()
        await pilot.press("space", "up", "x", "y")
        assert app.state.marked == ()
        # No column of marks either.
        assert names(app) == [runs[1].path.name, runs[0].path.name]
        await pilot.press("space")
        assert app.state.marked == (runs[1].path.name,)
    # Another program may have deleted it.
    runs[1].path.rename(tmp_path.parent / "elsewhere")
    assert app_of(tmp_path, app.state).state.marked == ()


@on_a_loop
async def test_a_run_under_way_is_not_deleted(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1.0)
    app = app_of(tmp_path)
    with run.claim():
        async with app.run_test(size=(160, 45)) as pilot:
            await pilot.pause()
            await pilot.press("x")
            message = app.query_one("#message").render_line(0)  # type: ignore[attr-defined]
            assert "another process is writing it" in message.text
            assert app.make_theme().alert in [segment.style for segment in message]
            assert not isinstance(app.screen, DeleteQuestion)


@on_a_loop
async def test_help_theme_and_quit(tmp_path: Path) -> None:
    app = app_of(tmp_path, ascii=True)
    async with app.run_test(size=(60, 16)) as pilot:
        await pilot.pause()
        assert "no runs here" in app.query_one("#message").render_line(0).text  # type: ignore[attr-defined]
        await pilot.press("r", "x", "enter", "question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "t")
        assert (app.theme, app.state.theme) == (LIGHT.name, LIGHT.name)
        await pilot.press("q")
    assert app.opened is None
    assert app.exit_code == 0
    assert ListState().theme == DARK.name


@on_a_loop
async def test_a_picture_is_saved_and_a_click_on_a_key_does_what_it_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path / "runs", 1.0)
    app = app_of(tmp_path / "runs")
    async with app.run_test(size=(120, 35)) as pilot:
        await pilot.pause()
        await pilot.press("p")
        assert list(tmp_path.glob("clipwatch-*.svg"))
        assert "Saved " in app.query_one("#message").render_line(0).text  # type: ignore[attr-defined]
        keys = app.query_one("#keys").render_line(0).text  # type: ignore[attr-defined]
        await pilot.click("#keys", offset=(keys.index("? help"), 0))
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        await pilot.click("#keys", offset=(keys.index("enter open"), 0))
    assert app.opened


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 35), (160, 45)])
@on_a_loop
async def test_nothing_is_wider_than_the_screen(size: tuple[int, int], tmp_path: Path) -> None:
    write_run(tmp_path, 1.0, lanes=LANES * 3)
    write_sweep(tmp_path)
    app = app_of(tmp_path)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        table = app.query_one(DataTable)
        assert table.virtual_size.width <= size[0]
        assert table.size.height >= 3
        assert all(cell_len(name) >= 20 for name in names(app))


# In a terminal


def test_a_run_and_a_sweep_are_opened_and_lead_back_to_the_list(tmp_path: Path) -> None:
    run = recorded.record(tmp_path, "--iterations", "20", "--seed", "4")
    sweep = write_sweep(tmp_path)
    terminal = VirtualTerminal([*CLIPWATCH, "runs", "--runs-dir", str(tmp_path)], size=(80, 24))
    try:
        terminal.shows("2 recordings", run.name, sweep.path.name, "enter open")
        terminal.type("\x1b[B\r")
        terminal.shows("recorded sweep", "8 / 8")
        terminal.type("q")
        terminal.shows("2 recordings", "enter open")
        # The sweep is still selected.
        terminal.type("\r")
        terminal.shows("recorded sweep", "8 / 8")
        terminal.type("q")
        terminal.shows("2 recordings", "enter open")
        terminal.type("\x1b[A\r")
        terminal.shows("replay", "q quit", "seed 4")
        terminal.type("q")
        terminal.shows("2 recordings", "enter open")
        terminal.type("q")
        assert terminal.ends() == 0
        assert terminal.restored
        assert terminal.as_it_was
    finally:
        terminal.close()


def test_with_list_or_without_a_screen_a_terminal_gets_the_table(tmp_path: Path) -> None:
    run = write_run(tmp_path, 1.0)
    for arguments, term in ((["--list"], "xterm"), ([], "dumb")):
        terminal = VirtualTerminal(
            [*CLIPWATCH, "runs", *arguments, "--runs-dir", str(tmp_path)], environment={"TERM": term}
        )
        try:
            assert terminal.ends() == 0
            assert run.path.name in terminal.text
            assert b"\x1b[?1049h" not in terminal.output
        finally:
            terminal.close()
