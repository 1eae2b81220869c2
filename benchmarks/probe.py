"""The screen with instruments: `python probe.py OUT.json [OPTIONS]` runs clipwatch and writes what its loop did."""

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
from clipwatch.tui.widgets.charts_panel import Chart, ChartsPanel

BEAT = 0.01
# Of this process; the peak that the system tells begins with that of the process that started it.
MEMORY = Path("/proc/self/statm")
beats: list[float] = []
frames: list[dict[str, float]] = []


async def beat() -> None:
    """Note when the loop comes round; a gap between two beats is what a key may have to wait."""
    while True:
        beats.append(time.perf_counter())
        await asyncio.sleep(BEAT)


@contextmanager
def added_to_the_frame() -> Iterator[None]:
    """Count what is done in here, in later turns of the loop, to the frame that was begun last."""
    started = time.perf_counter()
    yield
    if frames:
        frames[-1]["seconds"] += time.perf_counter() - started


class ProbedScreen(MainScreen):
    """Notes its frames, and what drawing and painting them takes."""

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
        with added_to_the_frame():
            super()._compositor_refresh()


class ProbedCharts(ChartsPanel):
    """Counts what the charts take to the frame."""

    def draw_chart(self, chart: Chart) -> None:
        with added_to_the_frame():
            super().draw_chart(chart)


class ProbedApp(ClipwatchApp):
    """Has a heartbeat while its screen is up."""

    def on_ready(self) -> None:
        """The loop runs."""
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
