"""`clipwatch runs`: the recorded runs and sweeps as a table, or as JSON."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from rich.cells import cell_len

from ...core.errors import BadInput
from ...core.files.paths import path_text
from ...core.runs.folder import LaneOutcome, Manifest, RunFolder
from ...core.sweeps.archive import RecordedFolder, recorded_folders
from ...core.sweeps.overview import SweepOverview, overview
from ...core.text import in_encoding, valid_unicode
from ..text.messages import say, tell
from ..text.notation import number_of
from ..text.wrapping import wrapped

# The least width of a terminal in which each column is shown. A name tells the date and the data, too, and is whole.
_COLUMNS = {
    "kind": 110,
    "name": 0,
    "started": 150,
    "dataset": 150,
    "state": 0,
    "lane": 110,
    "clip": 0,
    "done": 70,
    "loss": 110,
    "accuracy": 0,
}
_FIGURES = ("done", "loss", "accuracy")
_FILE_WIDTH = 160
# The least width to which the column of clip rules is wrapped.
_LEAST_CLIP = 12


def print_runs(home: Path, *, json: bool) -> int:
    """Print every run and sweep in `home`, oldest first; report those that cannot be read."""
    rows: list[tuple[str, ...]] = []
    has_sweeps = False
    for folder in recorded_folders(home, tell):
        try:
            recorded = folder.manifest() if isinstance(folder, RunFolder) else overview(folder)
        except BadInput as error:
            tell(str(error))
            continue
        has_sweeps = has_sweeps or isinstance(recorded, SweepOverview)
        if json:
            sys.stdout.buffer.write(msgspec.json.encode(_plain(folder, recorded)) + b"\n")
        else:
            rows += _rows(folder.path.name, recorded)
    if not json:
        _print_table(rows, home)
        if has_sweeps:
            print("\nFor a sweep: the mean difference between these two settings, over the seeds that both have.")
    return 0


def _print_table(rows: list[tuple[str, ...]], home: Path) -> None:
    """Plain lines: a thousand runs are laid out in no time."""
    if not rows:
        say(f"no runs in {home}")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _FILE_WIDTH
    shown = [number for number, least in enumerate(_COLUMNS.values()) if width >= least]
    encoding = sys.stdout.encoding
    lines = [tuple(in_encoding(row[number], encoding) for number in shown) for row in (tuple(_COLUMNS), *rows)]
    headings = lines[0]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    clip = headings.index("clip")
    widths[clip] = min(widths[clip], max(_LEAST_CLIP, width - sum(widths) - len(widths) + widths[clip]))
    for number, line in enumerate(lines):
        for cells in _wrapped(line, clip, widths[clip]):
            print(" ".join(map(_padded, cells, headings, widths)).rstrip())
        if number == 0:
            print(("─" if encoding.lower().startswith("utf") else "-") * (sum(widths) + len(widths) - 1))


def _wrapped(line: tuple[str, ...], column: int, width: int) -> Iterator[tuple[str, ...]]:
    """The lines of a row of which one column is wrapped."""
    blank = ("",) * len(line)
    for number, piece in enumerate(wrapped(line[column], width, break_on_hyphens=False) or [""]):
        cells = blank if number else line
        yield (*cells[:column], piece, *cells[column + 1 :])


def _padded(cell: str, heading: str, width: int) -> str:
    gap = " " * (width - cell_len(cell))
    return gap + cell if heading in _FIGURES else cell + gap


def _plain(folder: RecordedFolder, recorded: Manifest | SweepOverview) -> dict[str, Any]:
    """A run or sweep as a JSON object."""
    kind = "run" if isinstance(recorded, Manifest) else "sweep"
    return {
        "kind": kind,
        "run": valid_unicode(folder.path.name),
        "folder": path_text(folder.path),
        **msgspec.to_builtins(recorded),
    }


def _rows(name: str, recorded: Manifest | SweepOverview) -> list[tuple[str, ...]]:
    kind = "run" if isinstance(recorded, Manifest) else "sweep"
    started = f"{datetime.fromtimestamp(recorded.started):%Y-%m-%d %H:%M}"
    first = (kind, name, started, recorded.dataset.name, recorded.state)
    rows = [_lane(lane) for lane in recorded.lanes or (None,)] if isinstance(recorded, Manifest) else _sweep(recorded)
    return [((*first, *row) if number == 0 else (*("",) * len(first), *row)) for number, row in enumerate(rows)]


def _lane(lane: LaneOutcome | None) -> tuple[str, ...]:
    if lane is None:
        return ("",) * 5
    if lane.ended in ("diverged", "error"):
        return lane.name, lane.rule, str(lane.step), "-", lane.ended
    loss, accuracy = (f"{lane.loss:.4f}", f"{lane.accuracy:.3f}") if lane.loss is not None else ("-", "-")
    return lane.name, lane.rule, str(lane.step), loss, accuracy


def _sweep(sweep: SweepOverview) -> list[tuple[str, ...]]:
    """Two rows: settings, seeds and how many trainings are done; the two settings compared first and their means."""
    compared = sweep.comparison
    pair, _, common = compared.name.partition(" (") if compared else ("", "", "")
    figures = (f"{compared.nats:+.4f}", f"{compared.points / 100:+.3f}") if compared else ("-", "-")
    diverged = f", {sweep.diverged:,} diverged" if sweep.diverged else ""
    return [
        (number_of(sweep.settings, "setting"), pair, f"{sweep.done:,} of {sweep.total:,}{diverged}", *figures),
        (number_of(sweep.seeds, "seed"), f"({common}" if common else "", "", "", ""),
    ]
