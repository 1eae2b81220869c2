"""The grid of all charts: which series there are, how many charts fit on a page, and which one is selected."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...core.stream.rules import recorded_rule
from .metrics import HISTOGRAM, Metric, by_interest, by_interest_watched, metric
from .run_view import RunView

# The least columns and rows of a chart in the grid.
MIN_CHART = (38, 9)
# Two charts beside each other may be narrower: one alone would be wide and low.
_MIN_HALF = 29


@dataclass(frozen=True)
class GridPages:
    """The metrics of the grid, `across` by `down` on a page, and the index of the `selected` one."""

    metrics: tuple[Metric, ...] = ()
    across: int = 1
    down: int = 1
    selected: int = 0

    @property
    def page_size(self) -> int:
        """How many charts fit on a page."""
        return self.across * self.down

    @property
    def page(self) -> int:
        """The number of the page with the selected chart, from 0."""
        return self.selected // self.page_size

    @property
    def pages(self) -> int:
        """The number of pages, at least 1."""
        return max(1, -(-len(self.metrics) // self.page_size))

    @property
    def on_page(self) -> tuple[Metric, ...]:
        """The metrics of the page with the selected chart."""
        start = self.page * self.page_size
        return self.metrics[start : start + self.page_size]

    @property
    def chosen(self) -> Metric | None:
        """The selected metric; None if the filter leaves none."""
        return self.metrics[self.selected] if self.metrics else None

    def of(self, metrics: list[Metric]) -> GridPages:
        """The grid with other metrics. The same one stays selected if it is among them."""
        at = metrics.index(self.chosen) if self.chosen in metrics else 0
        return replace(self, metrics=tuple(metrics), selected=at)

    def fitted(self, width: int, height: int) -> GridPages:
        """The grid on an area of this size."""
        across = max(1, width // MIN_CHART[0], min(2, width // _MIN_HALF))
        return replace(self, across=across, down=max(1, height // MIN_CHART[1]))

    def moved(self, steps: int) -> GridPages:
        """The grid with another chart selected, `steps` further on, within the first and the last."""
        return replace(self, selected=min(max(0, self.selected + steps), max(0, len(self.metrics) - 1)))


def recorded_series(view: RunView) -> set[str]:
    """The names of the series that have values, and of the heat map if there are histograms."""
    recorded = {name for lane in view.lanes.values() for name, curve in lane.series.items() if len(curve)}
    has_histograms = any(len(lane.histograms.steps) for lane in view.lanes.values())
    return {*recorded, HISTOGRAM} if has_histograms else recorded


def metrics_by_interest(view: RunView) -> list[Metric]:
    """All metrics of a run, first those that say most about its lanes."""
    state = view.state
    if state.watched:
        return by_interest_watched(recorded_series(view), state.experiment)
    return by_interest((recorded_rule(lane.rule) for lane in state.lanes.values()), state.experiment)


def recorded_metrics(view: RunView, containing: str = "") -> list[Metric]:
    """The metrics that a run has values of, the most interesting first; only those whose name or title has the text."""
    experiment, recorded = view.state.experiment, recorded_series(view)
    names = dict.fromkeys(one.name for one in metrics_by_interest(view))
    names |= dict.fromkeys(name for lane in view.lanes.values() for name in lane.series)
    found = [metric(name, experiment) for name in names if name in recorded]
    wanted = containing.casefold()
    return [one for one in found if wanted in f"{one.name} {one.title}".casefold()]
