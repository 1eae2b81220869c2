"""A seek in a recording: drawn once, when it has wholly arrived, and then as if it had been watched; keys add up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager

import pytest
from test_replay import many
from watched_screen import Watched, on_a_loop

from clipwatch.core.engine.replay import Replay
from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.stream.codec import encode
from clipwatch.core.stream.commands import AnyCommand, Pause, Seek, SetPace
from clipwatch.core.stream.events import Event, LaneEvent
from clipwatch.tui.live.app import ClipwatchApp
from clipwatch.tui.screens.main import MainScreen
from clipwatch.tui.widgets.charts_panel import ChartsPanel

STORY = many(1000)
# A key seeks a twentieth of the recording.
KEY = 500
BEGUN = 4000
PAUSE = Pause()


class Told:
    """An engine that has said what it was told to say, and notes what it hears."""

    behind = False
    partial_line = b""
    last_error_line = ""

    def __init__(self, events: Iterable[Event]) -> None:
        self.exit_code: int | None = None
        self.heard: list[AnyCommand] = []
        self._waiting: list[bytes] = []
        self.say(events)

    def say(self, events: Iterable[Event]) -> None:
        self._waiting += map(encode, events)

    def lines(self, seconds: float) -> Iterator[bytes]:
        waiting, self._waiting = self._waiting, []
        yield from waiting

    def send(self, command: AnyCommand) -> bool:
        self.heard.append(command)
        return True

    def stop(self) -> list[bytes]:
        return []

    def restart(self) -> None: ...


class Counted:
    """How often the app looked at its engine, and its drawings: whether the charts were among them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looks = 0
        self.draws: list[bool] = []
        catch_up, draw = ClipwatchApp.catch_up, MainScreen.draw

        def count_catch_up(app: ClipwatchApp) -> None:
            catch_up(app)
            self.looks += 1

        def count_draw(screen: MainScreen, *, charts: bool = True) -> None:
            self.draws.append(charts)
            draw(screen, charts=charts)

        monkeypatch.setattr(ClipwatchApp, "catch_up", count_catch_up)
        monkeypatch.setattr(MainScreen, "draw", count_draw)


@asynccontextmanager
async def watching(engine: Told, words: str) -> AsyncIterator[Watched]:
    """The screen over this engine, once it shows the words."""
    app = ClipwatchApp(engine, keymap={})
    async with app.run_test(size=(140, 45)) as pilot:
        screen = Watched(app, pilot, None)
        await screen.shows(words)
        await screen.until(lambda: not app.feed.stale and not app.main.query_one(ChartsPanel)._pending)
        yield screen


async def looked_again(screen: Watched, counted: Counted) -> None:
    """Several frames have gone by, in each of which there was a chance to draw."""
    enough = counted.looks + 4
    await screen.until(lambda: counted.looks >= enough)


def replaying(command: AnyCommand = PAUSE) -> tuple[Replay, Told]:
    """A replay at a step, paused or as this command has it, and an engine that has told so."""
    replay = Replay("story", EventTable.of(STORY), speed=1.0, lasting=True)
    return replay, Told([*replay._seek(BEGUN), *replay._obey(command)])


@pytest.mark.parametrize("key", ["<", ">"])
@on_a_loop
async def test_a_seek_is_drawn_once_when_all_of_it_is_here(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    replay, engine = replaying()
    counted = Counted(monkeypatch)
    place = BEGUN + KEY * (1 if key == ">" else -1)
    async with watching(engine, f"Step: {BEGUN} ") as screen:
        await looked_again(screen, counted)
        rows, drawn = screen.rows, len(counted.draws)
        await screen.press(key)
        await screen.until(lambda: engine.heard == [Seek(step=place)])
        answer = list(replay._seek(place))
        for part in (answer[: len(answer) // 2], answer[len(answer) // 2 : -1]):
            engine.say(part)
            await looked_again(screen, counted)
            assert len(counted.draws) == drawn
            assert screen.rows[:-2] == rows[:-2]
        engine.say(answer[-1:])
        await screen.shows(f"Step: {place} ")
        await looked_again(screen, counted)
        assert len(counted.draws) == drawn + 1
        assert screen.rows[:-2] != rows[:-2]


@on_a_loop
async def test_at_full_speed_too_the_one_drawing_after_a_seek_has_the_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    replay, engine = replaying(SetPace(pace=None))
    counted = Counted(monkeypatch)
    async with watching(engine, f"Step: {BEGUN} ") as screen:
        assert screen.app.view.at_full_speed
        await looked_again(screen, counted)
        counted.draws.clear()
        await screen.press(">")
        engine.say(replay._seek(BEGUN + KEY))
        await screen.shows(f"Step: {BEGUN + KEY} ")
        await looked_again(screen, counted)
        assert counted.draws == [True]


@on_a_loop
async def test_keys_add_up_while_a_seek_is_under_way() -> None:
    replay, engine = replaying()
    async with watching(engine, f"Step: {BEGUN} ") as screen:
        await screen.press(">", ">", ">", "<", ">")
        assert screen.app.requests.step(BEGUN) == BEGUN + 3 * KEY
        assert engine.heard == [Seek(step=BEGUN + KEY)]
        engine.say(replay._seek(BEGUN + KEY))
        await screen.until(lambda: len(engine.heard) == 2)
        engine.say(replay._seek(BEGUN + 3 * KEY))
        await screen.shows(f"Step: {BEGUN + 3 * KEY} ")
        assert engine.heard == [Seek(step=BEGUN + KEY), Seek(step=BEGUN + 3 * KEY)]
        await screen.press("<")
        await screen.until(lambda: engine.heard[2:] == [Seek(step=BEGUN + 2 * KEY)])


@pytest.mark.parametrize("path", [(9000,), (9500, 700), (3000, 5000, 4500)])
@on_a_loop
async def test_the_screen_is_the_one_of_who_watched(path: tuple[int, ...]) -> None:
    watched = [event for event in STORY if not isinstance(event, LaneEvent) or event.step <= path[-1]]
    words = f"Step: {path[-1]} "
    async with watching(Told(watched), words) as screen:
        expected = screen.rows
    replay = Replay("story", EventTable.of(STORY), speed=1.0, lasting=True)
    told = [event for step in path for event in replay._seek(step)]
    async with watching(Told(told), words) as screen:
        assert parts_of_lanes(screen.rows) == parts_of_lanes(expected)


def parts_of_lanes(rows: list[str]) -> list[str]:
    """All but title, status and keys; how far back the logs go, at the right edge of each, is another matter."""
    return [row.replace("█", " ") for row in rows[1:-2]]


@on_a_loop
async def test_an_engine_that_ends_in_a_seek_leaves_what_it_told_on_the_screen() -> None:
    replay, engine = replaying()
    async with watching(engine, f"Step: {BEGUN} ") as screen:
        await screen.press(">")
        engine.say(list(replay._seek(BEGUN + KEY))[:-1])
        engine.exit_code = 1
        await screen.until(lambda: screen.app.view.engine_gone)
        await screen.shows(f"Step: {BEGUN + KEY} ")
