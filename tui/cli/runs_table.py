"""`clipwatch runs`: lists the recorded runs and sweeps as a table or as JSON lines."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.cells import cell_len

from ...core.files.paths import path_text
from ...core.safe_text import in_encoding, valid_unicode
from ...core.sweeps.listing import EVERYTHING, Filter, Recording, recordings
from ...core.sweeps.tree import origin_words, tree
from ..runs.cells import branch, lane_cells, legend, shared_cells, started
from ..text.messages import say, tell
from ..text.wrapping import wrapped

# Each column with the least terminal width at which it is shown. Names include the date and the dataset unless they
# were changed, and are never shortened.
_COLUMNS = {
    "kind": 140,
    "name": 0,
    "started": 160,
    "data": 100,
    "settings": 100,
    "optimizer": 100,
    "state": 0,
    "forked from": 100,
    "lane": 130,
    "clip": 0,
    "done": 70,
    "loss": 130,
    "result": 0,
}
# Only shown if a run was forked from another one.
_FORKED = tuple(_COLUMNS).index("forked from")
_RIGHT_ALIGNED = ("done", "loss", "result")
_FILE_WIDTH = 160
# The least width of the column of clip rules, which is wrapped.
_MIN_CLIP_WIDTH = 12


def print_runs(runs_dir: Path, filter: Filter = EVERYTHING, *, json: bool) -> int:
    """Print the runs and sweeps in `runs_dir` that a filter accepts, oldest first; report those that are unreadable."""
    found = recordings(runs_dir, filter, tell)
    if json:
        for recording in found:
            sys.stdout.buffer.write(msgspec.json.encode(_json_object(recording)) + b"\n")
    elif not found:
        say(f"no runs in {runs_dir}" if filter == EVERYTHING else f"no such runs in {runs_dir}")
    else:
        _print_table([row for recording, depth in tree(found) for row in _rows(recording, depth)])
        for text in legend(found):
            print(f"\n{text}")
    return 0


def _print_table(rows: list[tuple[str, ...]]) -> None:
    """Print the table as plain lines: a Rich table of a thousand runs would be slow."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _FILE_WIDTH
    forked = any(row[_FORKED] for row in rows)
    shown = [
        number for number, least in enumerate(_COLUMNS.values()) if width >= least and (forked or number != _FORKED)
    ]
    encoding = sys.stdout.encoding
    headings, *lines = [[in_encoding(row[number], encoding) for number in shown] for row in (tuple(_COLUMNS), *rows)]
    widths = _widths(headings, lines)
    clip = headings.index("clip")
    narrowed = min(widths[clip], max(_MIN_CLIP_WIDTH, width - sum(widths) - len(widths) + widths[clip]))
    print_lines(headings, [piece for line in lines for piece in _wrapped(line, clip, narrowed)], _RIGHT_ALIGNED)


def print_lines(headings: Sequence[str], rows: Sequence[Sequence[str]], right_aligned: Sequence[str] = ()) -> None:
    """Print rows in columns below their headings."""
    encoding, widths = sys.stdout.encoding, _widths(headings, rows)
    for number, line in enumerate((headings, *rows)):
        cells = zip(line, widths, headings, strict=True)
        print(" ".join(_padded(cell, width, right=name in right_aligned) for cell, width, name in cells).rstrip())
        if number == 0:
            print(("─" if encoding.lower().startswith("utf") else "-") * (sum(widths) + len(widths) - 1))


def _widths(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cell_len, column)) for column in zip(headings, *rows, strict=True)]


def _wrapped(line: Sequence[str], column: int, width: int) -> Iterator[tuple[str, ...]]:
    """The lines of a row with one wrapped column."""
    blank = ("",) * len(line)
    for number, piece in enumerate(wrapped(line[column], width, break_on_hyphens=False) or [""]):
        cells = blank if number else line
        yield (*cells[:column], piece, *cells[column + 1 :])


def _padded(cell: str, width: int, *, right: bool) -> str:
    gap = " " * (width - cell_len(cell))
    return gap + cell if right else cell + gap


def _json_object(recording: Recording) -> dict[str, Any]:
    """A run or sweep as a JSON object."""
    return {
        "kind": "sweep" if recording.kind == "sweep" else "run",
        "run": valid_unicode(recording.name),
        "folder": path_text(recording.folder.path),
        **msgspec.to_builtins(recording.overview),
    }


def _rows(recording: Recording, depth: int) -> list[tuple[str, ...]]:
    """The rows of a recording. All but the first are blank up to the column `lane`."""
    name = branch(depth, ascii=not sys.stdout.encoding.lower().startswith("utf")) + recording.name
    shared = shared_cells(recording)
    first = (recording.kind, name, started(recording), *shared, origin_words(recording, depth))
    return [
        ((*first, *row) if number == 0 else (*("",) * len(first), *row))
        for number, row in enumerate(lane_cells(recording))
    ]
