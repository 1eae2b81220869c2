"""The screen with instruments: `python probe.py OUT.json [OPTIONS]` runs clipwatch and writes what its loop did."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from textual.timer import Timer

from clipwatch.tui import live
from clipwatch.tui.app import ClipwatchApp
from clipwatch.tui.cli import main
from clipwatch.tui.screens.main import MainScreen

BEAT = 0.01


class Instruments:
    """Every beat of the loop and every frame, with what the process had used by then."""

    def __init__(self) -> None:
        self.beats: list[float] = []
        self.frames: list[dict[str, float]] = []
        self.paints: list[float] = []

    async def beat(self) -> None:
        """Note when the loop comes round; the gaps between are what keeps a key waiting."""
        while True:
            self.beats.append(time.perf_counter())
            await asyncio.sleep(BEAT)

    def frame(self, screen: MainScreen, started: float, charts: bool) -> None:
        """Note a frame."""
        now = time.perf_counter()
        self.frames.append(
            {
                "at": now,
                "seconds": now - started,
                "charts": charts,
                "events": sum(len(lane.loss) for lane in screen._view.lanes.values()),
                "cpu": time.process_time(),
                "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )


instruments = Instruments()


class ProbedScreen(MainScreen):
    """Notes its frames, and what painting them takes."""

    def draw(self, *, charts: bool = True) -> None:
        started = time.perf_counter()
        super().draw(charts=charts)
        instruments.frame(self, started, charts)

    def _compositor_refresh(self) -> None:
        started = time.perf_counter()
        super()._compositor_refresh()
        instruments.paints.append(time.perf_counter() - started)


class ProbedApp(ClipwatchApp):
    """Has a heartbeat."""

    def on_ready(self) -> None:
        """The loop runs."""
        self._heart = asyncio.create_task(instruments.beat())
        self._beginning: Timer | None = None


if __name__ == "__main__":
    from clipwatch.tui import app

    live.ClipwatchApp, app.MainScreen = ProbedApp, ProbedScreen
    path, *options = sys.argv[1:]
    sys.argv[1:] = options
    try:
        code = main(options)
    finally:
        Path(path).write_text(json.dumps(vars(instruments)))
    raise SystemExit(code)
