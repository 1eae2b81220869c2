"""The table of compared lanes: which columns there are, and which of them fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len

from ...core.reports.compared_cells import UNKNOWN
from ...core.runs.compared import ComparedLane
from ...core.stream.builtin_experiments import ACCURACY
from ...core.stream.experiment_info import LOSS, MetricInfo
from .words import differences, setting_name, setting_text, step_text, value_text

# Blanks between two columns.
GAP = 2
DIFFERS, RUN = "differs by", "run"
# Columns of this rank and above are left out before the settings are shortened.
_IN_DETAILS = 6
# The fewest cells of the columns that may be shortened.
_LEAST = {DIFFERS: 14}


@dataclass(frozen=True)
class Column:
    """A column: those with the highest ranks are left out first. `least`: the fewest cells that it may get."""

    name: str
    cells: tuple[str, ...]
    rank: int
    right: bool = False

    @cached_property
    def width(self) -> int:
        """The cells that it takes in full."""
        return max(cell_len(self.name), *map(cell_len, self.cells), 1)

    @property
    def least(self) -> int:
        """The fewest cells that it takes."""
        return min(self.width, _LEAST.get(self.name, self.width))


def table_columns(lanes: Sequence[ComparedLane], metrics: Sequence[MetricInfo], width: int) -> list[tuple[Column, int]]:
    """The columns that fit into `width` cells, and their widths.

    Each setting in which the lanes differ has a column if all of them fit; otherwise one column has them all.
    """
    if not lanes:
        return []
    settings = [
        Column(setting_name(name), tuple(setting_text(lane.settings.get(name)) for lane in lanes), 2)
        for name in lanes[0].differing
    ]
    before, after = _before(lanes), _after(lanes, metrics)
    if _needed(full := [*before, *settings, *after], narrow=False) <= width:
        return [(column, column.width) for column in full]
    together = Column(DIFFERS, tuple(differences(lane) or UNKNOWN for lane in lanes), 2)
    return _fitting([*before, together, *after] if settings else [*before, *after], width)


def _before(lanes: Sequence[ComparedLane]) -> list[Column]:
    return [
        Column("", tuple(lane.mark for lane in lanes), 0),
        Column(RUN, tuple(lane.run_name for lane in lanes), 6),
        Column("lane", tuple(lane.state.name for lane in lanes), 4),
    ]


def _after(lanes: Sequence[ComparedLane], metrics: Sequence[MetricInfo]) -> list[Column]:
    columns = [Column("steps", tuple(map(step_text, lanes)), 3, right=True)]
    for number, metric in enumerate(metric for metric in metrics if any(lane.value(metric) for lane in lanes)):
        # The most important metric stays longest, the loss longer than the others.
        rank = 1 if number == 0 else 5 if metric.name == LOSS.name else 7
        interval = " (95 %)" if metric.name == ACCURACY.name else ""
        columns.append(Column(f"{metric.words}{interval}", tuple(value_text(lane, metric) for lane in lanes), rank))
    return columns


def _needed(columns: Sequence[Column], *, narrow: bool) -> int:
    return sum((column.least if narrow else column.width) + GAP for column in columns)


def _fitting(columns: list[Column], width: int) -> list[tuple[Column, int]]:
    """The columns that fit. The settings in full are more important than what the details say, too."""
    extra = [column for column in reversed(columns) if column.rank >= _IN_DETAILS]
    for column in sorted(extra, key=lambda column: -column.rank):
        if _needed(columns, narrow=False) > width:
            columns.remove(column)
    while len(columns) > 1 and _needed(columns, narrow=True) > width:
        columns.remove(max(reversed(columns), key=lambda column: column.rank))
    spare = width - _needed(columns, narrow=True)
    widths: dict[str, int] = {}
    for column in sorted(columns, key=lambda column: column.rank):
        more = max(0, min(spare, column.width - column.least))
        widths[column.name], spare = column.least + more, spare - more
    return [(column, widths[column.name]) for column in columns]
