"""The screen under a pilot, over a scripted engine."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input

from clipwatch.core.stream.codec import decode_command
from clipwatch.core.stream.commands import Command
from clipwatch.tui.engine_child.process import EngineProcess
from clipwatch.tui.live.app import ClipwatchApp
from clipwatch.tui.widgets.chart_grid import Chart
from clipwatch.tui.widgets.charts_panel import ChartsPanel
from clipwatch.tui.widgets.rule_prompt import RulePrompt

SCRIPT = Path(__file__).with_name("scripted_engine.py")
DEADLINE = 20.0


def on_a_loop(test: Callable[..., Coroutine[object, object, None]]) -> Callable[..., None]:
    """Runs a coroutine as a test."""

    @wraps(test)
    def run(*arguments: object, **named: object) -> None:
        asyncio.run(test(*arguments, **named))

    return run


class Watched:
    """The app under a pilot: the screen's text, and the commands that the engine received."""

    def __init__(self, app: ClipwatchApp, pilot: Pilot[int], folder: Path) -> None:
        self.app, self._pilot, self._folder = app, pilot, folder

    @property
    def rows(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    @property
    def title(self) -> str:
        return self.rows[0]

    @property
    def status(self) -> str:
        return self.rows[-2]

    @property
    def bright(self) -> float:
        """The share of cells with a bright background."""
        segments = [segment for strip in self.app.screen._compositor.render_strips() for segment in strip]
        backgrounds = [(len(segment.text), segment.style and segment.style.bgcolor) for segment in segments]
        bright = sum(length for length, colour in backgrounds if colour and sum(colour.get_truecolor()) > 3 * 190)
        return bright / sum(length for length, _ in backgrounds)

    @property
    def heard(self) -> list[Command]:
        """The commands that the engine received."""
        file = self._folder / "heard"
        return [decode_command(line) for line in file.read_bytes().splitlines()] if file.exists() else []

    @property
    def engine_pid(self) -> int:
        return int((self._folder / "pid").read_text())

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def mouse(self, kind: type[events.MouseEvent], x: int, y: int, button: int = 1) -> None:
        """Send one mouse event at a cell of the screen, as the terminal does."""
        event = kind(None, x, y, 0, 0, button, False, False, False, screen_x=x, screen_y=y, style=None)
        self.app.post_message(event)
        await self._pilot.pause()

    async def click(self, x: int, y: int, times: int = 1) -> None:
        for _ in range(times):
            await self.mouse(events.MouseDown, x, y)
            await self.mouse(events.MouseUp, x, y)

    async def drag(self, x: int, y: int, to_x: int, to_y: int) -> None:
        """Press the button at one cell and release it at another."""
        await self.mouse(events.MouseDown, x, y)
        await self.mouse(events.MouseMove, to_x, to_y)
        await self.mouse(events.MouseUp, to_x, to_y)

    def find(self, words: str) -> tuple[int, int]:
        """The cell where the words begin on the screen."""
        return next((row.index(words), y) for y, row in enumerate(self.rows) if words in row)

    async def resize(self, width: int, height: int) -> None:
        await self._pilot.resize_terminal(width, height)

    async def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, f"it never came true; on the screen:\n{self.text}"
            await self._pilot.pause(0.01)

    async def shows(self, words: str) -> None:
        await self.until(lambda: words in self.text)

    async def says(self, words: str) -> None:
        """Wait until the status line has the words."""
        await self.until(lambda: words in self.status)

    async def hears(self, *commands: Command) -> None:
        """Wait until the engine has received exactly these commands, in this order."""
        await self.until(lambda: len(self.heard) >= len(commands))
        assert self.heard == list(commands)

    async def ends(self) -> int | None:
        """Wait for the app to end; return its exit code."""
        await self.until(lambda: not self.app.is_running or self.app._exit)
        return self.app.return_code


Watch = Callable[..., "asynccontextmanager[Watched]"]


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Run the app with a scripted engine of this behaviour, and wait for its lanes."""
    monkeypatch.chdir(tmp_path)

    @asynccontextmanager
    async def watching(
        behaviour: str = "normal",
        *arguments: str,
        size: tuple[int, int] = (120, 40),
        keys: dict[str, str] | None = None,
        started: str = "1 / 2",
        **options: Any,
    ) -> AsyncIterator[Watched]:
        files = ["--heard", str(tmp_path / "heard"), "--pid", str(tmp_path / "pid")]
        command = [sys.executable, str(SCRIPT), behaviour, *files, *arguments]
        app = ClipwatchApp(EngineProcess(command), keymap=keys or {}, **options)
        try:
            async with app.run_test(size=size) as pilot:
                watched = Watched(app, pilot, tmp_path)
                if started == "1 / 2":
                    await watched.until(
                        lambda: app.main.selected and app.view.last_step >= 0 and "clipped" in watched.text
                    )
                    await watched.until(lambda: "Start Training..." in watched.text or app.view.last_step)
                yield watched
        finally:
            app.engine.stop()

    return watching


def prompt_of(screen: Watched) -> RulePrompt:
    return screen.app.main.query_one(RulePrompt)


async def opens_prompt(screen: Watched) -> Input:
    await screen.press("b")
    await screen.until(lambda: prompt_of(screen).is_open and isinstance(screen.app.focused, Input))
    return screen.app.main.query_one(Input)


def charts_of(screen: Watched) -> ChartsPanel:
    return screen.app.main.query_one(ChartsPanel)


async def loss_chart(screen: Watched) -> tuple[int, int, int]:
    """The first column of the curves of the loss, the last one, and a row in the middle; of a run of 1000 steps."""
    await screen.until(lambda: screen.app.view.last_step == 1000)
    chart = screen.app.main.query(Chart).first()
    await screen.until(lambda: chart.plot.area and chart.plot.area.window[1] >= 1000)
    area, region = chart.plot.area, chart.region
    return region.x + area.left, region.x + area.left + area.width - 1, region.y + region.height // 2
