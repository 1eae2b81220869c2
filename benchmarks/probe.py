"""Runs clipwatch with probes in the screen, and writes their data: `python probe.py OUT.json [OPTIONS]`."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clipwatch.tui.cli.main import main
from clipwatch.tui.live import app
from clipwatch.tui.live.app import ClipwatchApp
from clipwatch.tui.screens import main as main_screen
from clipwatch.tui.screens.main import MainScreen
from clipwatch.tui.widgets.chart_grid import Chart
from clipwatch.tui.widgets.charts_panel import ChartsPanel

BEAT = 0.01
# The current memory of this process. The peak from `getrusage` would include that of the parent process.
MEMORY = Path("/proc/self/statm")
beats: list[float] = []
frames: list[dict[str, float]] = []


async def beat() -> None:
    """Record the time whenever the event loop runs this. A gap between two beats is a time that a key may wait."""
    while True:
        beats.append(time.perf_counter())
        await asyncio.sleep(BEAT)


@contextmanager
def add_to_frame() -> Iterator[None]:
    """Add the time spent in this context to the frame that started last."""
    started = time.perf_counter()
    yield
    if frames:
        frames[-1]["seconds"] += time.perf_counter() - started


class ProbedScreen(MainScreen):
    """Records the frames, and the time for drawing and painting them."""

    def draw(self, *, charts: bool = True) -> None:
        started = time.perf_counter()
        super().draw(charts=charts)
        now = time.perf_counter()
        frames.append(
            {
                "at": now,
                "charts": charts,
                "seconds": now - started,
                "events": sum(len(lane.loss) for lane in self._view.lanes.values()),
                "cpu": time.process_time(),
                "memory": int(MEMORY.read_text().split()[1]) * resource.getpagesize() / 1e6,
            }
        )

    def _compositor_refresh(self) -> None:
        with add_to_frame():
            super()._compositor_refresh()


class ProbedCharts(ChartsPanel):
    """Adds the time for drawing charts to the frame."""

    def draw_chart(self, chart: Chart) -> None:
        with add_to_frame():
            super().draw_chart(chart)


class ProbedApp(ClipwatchApp):
    """Records beats of the event loop while the app runs."""

    def on_ready(self) -> None:
        """Start the beats."""
        super().on_ready()
        self._heart = asyncio.create_task(beat())

    def exit(self, *arguments: object, **options: object) -> None:
        self._heart.cancel()
        super().exit(*arguments, **options)


if __name__ == "__main__":
    app.ClipwatchApp, app.MainScreen, main_screen.ChartsPanel = ProbedApp, ProbedScreen, ProbedCharts
    path, *options = sys.argv[1:]
    try:
        code = main(options)
    finally:
        Path(path).write_text(json.dumps({"beats": beats, "frames": frames}))
    raise SystemExit(code)
