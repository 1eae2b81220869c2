"""Prints the comparison as a table."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from ...core.runs.compared import ComparedLane, ComparedRun, compared_lanes, compared_metrics
from ...core.runs.folder import RunFolder
from ...core.runs.followed_run import FollowedRun
from ...core.safe_text import printable
from ...core.stream.experiment_info import MetricInfo
from ..text.messages import say, tell
from ..text.wrapping import wrapped
from .table import GAP, RUN, Column, table_columns
from .words import experiments_text

# The width of the table in a file or a pipe.
_FILE_WIDTH = 160


def print_comparison(folders: Sequence[RunFolder]) -> int:
    """Print a row for each lane of the runs; return the exit code."""
    runs = [_read(folder) for folder in folders]
    print_table(runs)
    if remark := experiments_text(runs):
        tell(remark)
    return 0


def print_table(runs: Sequence[ComparedRun]) -> None:
    """Print the table."""
    lanes, metrics = compared_lanes(runs), compared_metrics(runs)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else _FILE_WIDTH
    for line in table_lines(lanes, metrics, width):
        say(line)


def table_lines(lanes: Sequence[ComparedLane], metrics: Sequence[MetricInfo], width: int) -> Iterator[str]:
    """The table in lines of at most `width` cells; before it the names of the runs, if there is no room beside them."""
    columns = table_columns(lanes, metrics, width + GAP)
    if all(column.name != RUN for column, _ in columns):
        names = {lane.run: lane.run_name for lane in lanes}
        yield from (f"{place + 1}  {printable(name)}" for place, name in names.items())
        yield ""
    yield _line([column.name for column, _ in columns], columns)
    yield "-" * (sum(cells + GAP for _, cells in columns) - GAP)
    for row in range(len(lanes)):
        pieces = [wrapped(printable(column.cells[row]), cells) for column, cells in columns]
        for number in range(max(map(len, pieces))):
            yield _line([piece[number] if number < len(piece) else "" for piece in pieces], columns)


def _line(cells: Sequence[str], columns: Sequence[tuple[Column, int]]) -> str:
    padded = []
    for cell, (column, width) in zip(cells, columns, strict=True):
        blanks = " " * (width - cell_len(cell))
        padded.append(blanks + cell if column.right else cell + blanks)
    return (" " * GAP).join(padded).rstrip()


def _read(folder: RunFolder) -> ComparedRun:
    followed, run = FollowedRun(folder), ComparedRun(folder.path.name)
    for event in followed.begin():
        run.fold(event)
    followed.close()
    for text in followed.damage:
        tell(text)
    return run
