"""The map of a sweep over two axes: how good each pair of values is, and which values work under each rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..statistics.intervals import median_interval, wilson_interval
from ..stream.experiment_info import MetricInfo
from ..stream.sweep_config import SweepConfig, Value
from ..stream.sweep_events import Results
from .comparisons import Summary

# A cell works if its median is this near to the best cell: a difference of a share, or else a part of the best value.
NEAR_SHARE, NEAR_PART = 0.05, 0.1
# The fewest seeds of which two cells can be told apart: below, no paired difference is significant and a median has no
# interval.
_FEWEST = 6


@dataclass(frozen=True)
class MapCell:
    """One setting: the median of the seeds that completed, and how many solved the task, of all that were trained.

    `solved` is None if the metric has no threshold for that. Seeds that diverged have not solved it. `interval`: the
    95 % interval of the share of seeds that solved it, or else of the median, with seeds that diverged as the worst.
    """

    median: float
    solved: int | None
    trained: int
    diverged: int
    interval: tuple[float, float]

    @property
    def mostly_diverged(self) -> bool:
        """Whether at least half of the seeds diverged."""
        return 2 * self.diverged >= self.trained

    @property
    def diverging(self) -> tuple[float, float]:
        """The 95 % interval of the share of seeds that diverge."""
        return wilson_interval(self.diverged, self.trained)


@dataclass(frozen=True)
class GridMap:
    """The cells by (row, column). The rows are rules if there are any; the columns are numbers in ascending order.

    `works`: the cells that work. If the task can be solved, at least half of their seeds have solved it. Otherwise
    their median is near the best, and fewer than half of their seeds diverged. `finished`: no seed is missing.
    """

    row_axis: str
    column_axis: str
    rows: tuple[Value, ...]
    columns: tuple[Value, ...]
    metric: MetricInfo
    cells: dict[tuple[Value, Value], MapCell]
    works: frozenset[tuple[Value, Value]]
    finished: bool

    def at(self, row: Value, column: Value) -> MapCell | None:
        """The cell of a pair of values; None before its first seed."""
        return self.cells.get((row, column))

    @property
    def by_solving(self) -> bool:
        """Whether it is solving the task that makes a cell work."""
        return self.metric.solved_at is not None

    @property
    def fewest_seeds(self) -> int:
        """The fewest seeds a cell with which two cells can clearly differ."""
        return _FEWEST

    def working(self, row: Value) -> tuple[Value, ...]:
        """The columns that work in this row."""
        return tuple(column for column in self.columns if (row, column) in self.works)

    @property
    def best(self) -> float:
        """The best median; NaN if there is none."""
        return _best(self.cells, self.metric)

    def works_only_in(self, row: Value, other: Value) -> tuple[Value, ...]:
        """The columns that work in a row and clearly do not in another one.

        Clear: the 95 % intervals of the shares solved do not overlap. If the task cannot be solved, it is those of the
        shares that diverged, if at least half of the seeds did, or those of the medians, if these also differ by more
        than what counts as near the best.
        """
        columns = (column for column in self.working(row) if (other, column) not in self.works)
        return tuple(column for column in columns if self._differ(self.at(row, column), self.at(other, column)))

    def _differ(self, one: MapCell | None, other: MapCell | None) -> bool:
        if one is None or other is None:
            return False
        (low, high), (other_low, other_high) = one.interval, other.interval
        if self.by_solving:
            return low > other_high
        if other.mostly_diverged and one.diverging[1] < other.diverging[0]:
            return True
        apart = high < other_low if self.metric.lower_is_better else low > other_high
        far = other.mostly_diverged or abs(one.median - other.median) > _reach(self.metric, self.best)
        return apart and far

    def shade(self, cell: MapCell) -> float:
        """How good a cell is among all: 0 is the worst and 1 the best; NaN without a median."""
        medians = [other.median for other in self.cells.values() if math.isfinite(other.median)]
        low, high = (0.0, 1.0) if self.metric.share else (min(medians, default=0.0), max(medians, default=1.0))
        place = (cell.median - low) / (high - low) if high > low else 1.0
        return 1.0 - place if self.metric.lower_is_better else place


def grid_map(results: Results, summaries: Sequence[Summary]) -> GridMap | None:
    """The map of a sweep of two axes of which one is numbers and the other numbers or rules; None for other sweeps."""
    config = results.started.config
    if not summaries or len(config.axes) != 2 or not all(is_scale(axis, config) for axis in config.axes):
        return None
    column_axis, row_axis = sorted(config.axes, key=lambda axis: axis == "clip")
    by_setting = {summary.setting.number: summary for summary in summaries}
    metric = summaries[0].metric
    cells: dict[tuple[Value, Value], MapCell] = {}
    for setting in config.settings:
        summary = by_setting.get(setting.number)
        # Not all of the newest seeds if the summaries are older.
        trained = summary.trained if summary else sum(number == setting.number for number, _ in results.replicas)
        if trained:
            cells[setting.choice[row_axis], setting.choice[column_axis]] = _cell(summary, metric, trained)
    finished = sum(cell.trained for cell in cells.values()) == config.replicas
    columns = tuple(sorted(config.axes[column_axis], key=float))
    works = _working(cells, metric)
    return GridMap(row_axis, column_axis, config.axes[row_axis], columns, metric, cells, works, finished)


def is_scale(axis: str, config: SweepConfig) -> bool:
    """Whether an axis has several values that are numbers or rules."""
    values = config.axes[axis]
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return len(values) > 1 and (axis == "clip" or are_numbers)


def _cell(summary: Summary | None, metric: MetricInfo, trained: int) -> MapCell:
    values = summary.of(metric.name) if summary else ()
    median, diverged = (summary.range[0], summary.diverged) if summary else (math.nan, trained)
    if metric.solved_at is not None:
        solved = (summary.solved if summary else None) or 0
        return MapCell(median, solved, trained, diverged, wilson_interval(solved, trained))
    worst = math.inf if metric.lower_is_better else -math.inf
    return MapCell(median, None, trained, diverged, median_interval((*values, *[worst] * (trained - len(values)))))


def _working(cells: dict[tuple[Value, Value], MapCell], metric: MetricInfo) -> frozenset[tuple[Value, Value]]:
    if metric.lower_is_better is None:
        return frozenset()
    if metric.solved_at is not None:
        return frozenset(place for place, cell in cells.items() if 2 * (cell.solved or 0) >= cell.trained)
    best = _best(cells, metric)
    near = (place for place, cell in cells.items() if abs(cell.median - best) <= _reach(metric, best))
    return frozenset(place for place in near if not cells[place].mostly_diverged)


def _best(cells: dict[tuple[Value, Value], MapCell], metric: MetricInfo) -> float:
    """The best median; NaN if there is none."""
    medians = [cell.median for cell in cells.values() if math.isfinite(cell.median)]
    return (min if metric.lower_is_better else max)(medians, default=math.nan)


def _reach(metric: MetricInfo, best: float) -> float:
    """How far from the best a median is still near it."""
    # A little more, since 0.95 - 0.9 is above 0.05 in binary.
    return (NEAR_SHARE if metric.share else NEAR_PART * abs(best)) * (1 + 1e-9)
