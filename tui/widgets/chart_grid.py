"""Charts in a grid, drawn one after the other so that no key waits for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from textual.containers import Container
from textual.strip import Strip

from ..style.theme import Theme
from ..terminal.once import call_once
from ..view.chart_specs import ChartSettings
from ..view.charted import Charted
from ..view.metrics import Metric
from .chart_mouse import ChartMouse

# Charts wait this many seconds after a key or a resize, so that its cheap response is painted first. It is shorter than
# two of Textual's repaints.
RESPONSE_TIME = 0.03
# Up to this many charts are painted together, since a repaint costs as much as a chart. More are drawn in turn, with
# these seconds between two of them, in which a key passes from task to task: it waits for one chart at most.
TOGETHER, PAUSE = 4, 0.004


class Chart(ChartMouse):
    """One metric of all lanes."""

    DEFAULT_CSS = "Chart { width: 1fr; height: 1fr; background: $surface; }"

    def __init__(self, metric: Metric) -> None:
        super().__init__()
        self.metric = metric


class ChartGrid(Container):
    """Shows the metrics `shown` of what is `charted`, `columns` side by side, in rows of equal height."""

    DEFAULT_CSS = """
    ChartGrid { layout: grid; grid-size: 2; grid-gutter: 0 1; }
    """

    def __init__(self, charted: Charted, theme: Theme, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.charted, self.theme = charted, theme
        self.settings = ChartSettings()
        self._charts: list[Chart] = []
        self._pending: list[Chart] = []
        self._responded_at = 0.0

    @property
    def shown(self) -> list[Metric]:
        """The metrics, row by row."""
        return [chart.metric for chart in self._charts]

    @property
    def charts(self) -> Sequence[Chart]:
        """The charts, row by row."""
        return self._charts

    def show_metrics(self, metrics: Sequence[Metric], columns: int) -> None:
        """Show these metrics. Charts keep their place and size if only a metric changes."""
        for chart in self._charts[len(metrics) :]:
            chart.remove()
        del self._charts[len(metrics) :]
        for chart, metric in zip(self._charts, metrics, strict=False):
            chart.metric = metric
        added = [Chart(metric) for metric in metrics[len(self._charts) :]]
        self._charts += added
        self.styles.grid_size_columns = columns
        if self.is_attached:
            self.mount_all(added)
        self.call_after_refresh(self.draw_soon, self.theme)

    def on_mount(self) -> None:
        """Add the charts that were shown before the grid was part of the screen."""
        self.mount_all(chart for chart in self._charts if not chart.is_attached)

    def on_resize(self) -> None:
        """Draw the charts at their new size."""
        self.call_after_refresh(self.draw_soon, self.theme)

    def yield_to_response(self) -> None:
        """Delay the charts until the response that was just drawn is painted."""
        self._responded_at = time.monotonic()

    def draw(self, theme: Theme) -> None:
        """Draw all charts now."""
        self.theme = theme
        for chart in self._charts:
            self.draw_chart(chart)

    def draw_soon(self, theme: Theme) -> None:
        """Schedule all charts: a few to be painted together, many in turn, so that no key waits for all of them."""
        self.theme = theme
        idle = not self._pending
        # A chart that is already pending keeps its place and is drawn once.
        self._pending += [chart for chart in self._charts if chart not in self._pending]
        if idle and self._pending:
            self._schedule(self._draw_next)

    def _schedule(self, draw: Callable[[], None], pause: float = 0.0) -> None:
        """Call `draw` after a pause, and after a response that was just drawn is painted."""
        if (wait := max(pause, self._responded_at + RESPONSE_TIME - time.monotonic())) > 0:
            call_once(self, wait, draw)
        else:
            self.call_later(draw)

    def _draw_next(self) -> None:
        if not self.display:
            self._pending.clear()
        if not self._pending:
            return
        chart = self._pending.pop(0)
        if chart in self._charts:
            self.draw_chart(chart)
        if self._pending:
            # With `call_later` alone, Textual draws all of them before it reads a key.
            self._schedule(self._draw_next, PAUSE if len(self._charts) > TOGETHER else 0.0)

    def draw_chart(self, chart: Chart) -> None:
        """Draw one chart."""
        if chart.size.width and chart.size.height:
            chart.show(self.strips_of(chart))

    def strips_of(self, chart: Chart) -> list[Strip]:
        """What a chart shows now."""
        size = (chart.size.width, chart.size.height)
        return self.charted.draw(chart.metric, self.settings, self.theme, size, chart.plot)
