"""The map of a sweep over two axes: how good each pair of values is, and which values work under each rule."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..statistics.intervals import wilson_interval
from ..stream.experiment_info import MetricInfo
from ..stream.sweep_config import SweepConfig, Value
from ..stream.sweep_events import Results
from .comparisons import Summary

# A cell works if its median is this near to the best cell: a difference of a share, or else a part of the best value.
NEAR_SHARE, NEAR_PART = 0.05, 0.1


@dataclass(frozen=True)
class MapCell:
    """One setting: the median of the seeds that completed, and how many solved the task, of all that were trained.

    `solved` is None if the metric has no threshold for that. Seeds that diverged have not solved it.
    """

    median: float
    solved: int | None
    trained: int
    diverged: int


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

    def working(self, row: Value) -> tuple[Value, ...]:
        """The columns that work in this row."""
        return tuple(column for column in self.columns if (row, column) in self.works)

    @property
    def best(self) -> float:
        """The best median; NaN if there is none."""
        medians = [cell.median for cell in self.cells.values() if math.isfinite(cell.median)]
        return (min if self.metric.lower_is_better else max)(medians, default=math.nan)

    def clearly_better(self, one: Value, other: Value) -> tuple[Value, ...]:
        """The columns that work in row `one` and clearly do not in row `other`.

        Clear is a difference between the shares solved whose Wilson intervals do not overlap. If the task cannot be
        solved, it is one between medians that is larger than what counts as near the best.
        """
        works = ((column, self.at(one, column), self.at(other, column)) for column in self.working(one))
        return tuple(column for column, cell, rest in works if cell and rest and self._differ(cell, rest))

    def _differ(self, cell: MapCell, rest: MapCell) -> bool:
        if cell.solved is not None and rest.solved is not None:
            return wilson_interval(cell.solved, cell.trained)[0] > wilson_interval(rest.solved, rest.trained)[1]
        return math.isnan(rest.median) or abs(cell.median - rest.median) > _reach(self.metric, self.best)

    def share(self, cell: MapCell) -> float:
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
    solves = metric.solved_at is not None
    if summary is None:
        return MapCell(math.nan, 0 if solves else None, trained, trained)
    return MapCell(summary.range[0], summary.solved, trained, trained - summary.seeds)


def _working(cells: dict[tuple[Value, Value], MapCell], metric: MetricInfo) -> frozenset[tuple[Value, Value]]:
    if metric.lower_is_better is None:
        return frozenset()
    if metric.solved_at is not None:
        return frozenset(place for place, cell in cells.items() if 2 * (cell.solved or 0) >= cell.trained)
    medians = [cell.median for cell in cells.values() if math.isfinite(cell.median)]
    if not medians:
        return frozenset()
    best = min(medians) if metric.lower_is_better else max(medians)
    near = (place for place, cell in cells.items() if abs(cell.median - best) <= _reach(metric, best))
    return frozenset(place for place in near if 2 * cells[place].diverged < cells[place].trained)


def _reach(metric: MetricInfo, best: float) -> float:
    """How far from the best a median is still near it."""
    # A little more, since 0.95 - 0.9 is above 0.05 in binary.
    return (NEAR_SHARE if metric.share else NEAR_PART * abs(best)) * (1 + 1e-9)
