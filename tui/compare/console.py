"""Prints the comparison as a table or as JSON lines."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.cells import cell_len

from ...core.errors import ClipwatchError
from ...core.runs.compared import ComparedLane, ComparedRun, compared_lanes, compared_metrics, in_short, why_unreadable
from ...core.runs.folder import RunFolder
from ...core.runs.followed_run import FollowedRun
from ...core.safe_text import printable, valid_unicode
from ...core.stream.experiment_info import MetricInfo
from ..text.messages import say, tell
from ..text.wrapping import wrapped
from .table import GAP, RUN, Column, table_columns
from .words import best_words, experiments_text, faults

# The width of the table in a file or a pipe.
_FILE_WIDTH = 160


def print_comparison(folders: Sequence[RunFolder], *, json: bool) -> int:
    """Print a row or a JSON object for each lane of the runs; return the exit code: 1 if a run cannot be read."""
    runs = [_read(folder) for folder in folders]
    code = print_json(runs) if json else print_table(runs)
    if remark := experiments_text(runs):
        tell(remark)
    return code


def print_table(runs: Sequence[ComparedRun]) -> int:
    """Print the table, below it the runs that cannot be read, or not in full; return the exit code."""
    if lanes := compared_lanes(runs):
        for line in table_lines(lanes, compared_metrics(runs), _width()):
            say(line)
        if best := best_words(lanes, runs):
            say("")
            for line in wrapped(best, _width()):
                say(line)
    said = faults(runs)
    for text in ["", *said] if lanes and said else said:
        say(text)
    return _code(runs)


def print_json(runs: Sequence[ComparedRun]) -> int:
    """Print a JSON object for each lane; return the exit code."""
    metrics = compared_metrics(runs)
    for lane in compared_lanes(runs):
        sys.stdout.buffer.write(msgspec.json.encode(_json_object(lane, metrics)) + b"\n")
    for text in faults(runs):
        tell(text)
    return _code(runs)


def _json_object(lane: ComparedLane, metrics: Sequence[MetricInfo]) -> dict[str, Any]:
    """A lane with all its settings and values. Numbers that are not finite become null."""
    values = {metric.name: found for metric in metrics if (found := lane.value(metric))}
    return {
        "mark": lane.mark,
        "run": valid_unicode(lane.run_name),
        "lane": lane.state.name,
        "settings": lane.settings,
        "differing": lane.differing,
        "status": lane.state.status,
        "step": lane.state.step,
        "planned": lane.state.planned,
        "values": values,
    }


def _code(runs: Sequence[ComparedRun]) -> int:
    return int(any(run.fault and not run.started for run in runs))


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else _FILE_WIDTH


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
    try:
        for event in followed.begin():
            run.fold(event)
    except (ClipwatchError, OSError) as error:
        run.fault = why_unreadable(folder, error)
    else:
        run.fault = in_short(followed.damage)
    followed.close()
    return run
