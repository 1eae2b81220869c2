"""What a grid of charts needs to know of what it shows: of a run, or of several that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from textual.strip import Strip

from ..charts.plotting import Plot
from ..style.theme import Theme
from .chart_specs import ChartSettings, draw_metric
from .grid_pages import metrics_by_interest
from .metrics import Metric, metric
from .run_view import RunView


class Charted(Protocol):
    """The subject of charts. Its horizontal axis has integers: steps, or another unit that has words for a place."""

    @property
    def newest(self) -> int:
        """The newest place on the axis."""
        ...

    @property
    def final(self) -> int:
        """The last place that the axis will have."""
        ...

    @property
    def stride(self) -> int:
        """How far the cursor moves at a time."""
        ...

    @property
    def at_full_speed(self) -> bool:
        """Whether the processor is needed for training."""
        ...

    @property
    def gains_series(self) -> bool:
        """Whether there may be series at any time that were not there before."""
        ...

    def by_interest(self) -> Sequence[Metric]:
        """All metrics, the most interesting first."""
        ...

    def metric(self, name: str) -> Metric:
        """The metric of this name."""
        ...

    def heading(self, metric: Metric) -> str:
        """What is said of a metric that was selected."""
        ...

    def place(self, at: int) -> str:
        """A place on the axis in words: `step 300`."""
        ...

    def span(self, first: int, last: int) -> str:
        """A part of the axis in words: `Steps 0 to 300`."""
        ...

    def draw(
        self, metric: Metric, settings: ChartSettings, theme: Theme, size: tuple[int, int], plot: Plot
    ) -> list[Strip]:
        """A chart of `size` (width, height) cells. `plot` caches what it drew before."""
        ...


@dataclass(frozen=True, eq=False)
class ChartedRun:
    """A run by its steps."""

    view: RunView

    @property
    def newest(self) -> int:
        """The newest step."""
        return self.view.last_step

    @property
    def final(self) -> int:
        """The last step of the run."""
        return self.view.final_step

    @property
    def stride(self) -> int:
        """The number of steps between evaluations."""
        return self.view.state.config.eval_every if self.view.state.config else 1

    @property
    def at_full_speed(self) -> bool:
        """Whether a lane trains without a speed limit."""
        return self.view.at_full_speed

    @property
    def gains_series(self) -> bool:
        """What a watched loop gives shows only as it trains."""
        return self.view.state.watched

    def by_interest(self) -> Sequence[Metric]:
        """The metrics of the run."""
        return metrics_by_interest(self.view)

    def metric(self, name: str) -> Metric:
        """The metric of this name."""
        return metric(name, self.view.state.experiment)

    def heading(self, metric: Metric) -> str:
        """The title and what the values were measured on."""
        return metric.heading(self.view.state.own_config)

    def place(self, at: int) -> str:
        """A step."""
        return f"step {at:,}"

    def span(self, first: int, last: int) -> str:
        """A stretch of steps."""
        return f"Steps {first:,} to {last:,}"

    def draw(
        self, metric: Metric, settings: ChartSettings, theme: Theme, size: tuple[int, int], plot: Plot
    ) -> list[Strip]:
        """A chart of all lanes."""
        return draw_metric(metric, self.view, settings, theme, size, plot)
