"""`clipwatch runs`: lists the recorded runs and sweeps as a table or as JSON lines."""

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
from ...core.safe_text import in_encoding, valid_unicode
from ...core.sweeps.overview import SweepOverview, overview
from ...core.sweeps.recorded_folders import RecordedFolder, recorded_folders
from ..text.messages import say, tell
from ..text.number_format import number_of
from ..text.wrapping import wrapped

# Each column with the least terminal width at which it is shown. Names include the date and the dataset, and are never
# shortened.
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
_RIGHT_ALIGNED = ("done", "loss", "accuracy")
_FILE_WIDTH = 160
# The least width of the column of clip rules, which is wrapped.
_MIN_CLIP_WIDTH = 12


def print_runs(runs_dir: Path, *, json: bool) -> int:
    """Print every run and sweep in `runs_dir`, oldest first; report those that cannot be read."""
    rows: list[tuple[str, ...]] = []
    has_sweeps = False
    for folder in recorded_folders(runs_dir, tell):
        try:
            recorded = folder.manifest() if isinstance(folder, RunFolder) else overview(folder)
        except BadInput as error:
            tell(str(error))
            continue
        has_sweeps = has_sweeps or isinstance(recorded, SweepOverview)
        if json:
            sys.stdout.buffer.write(msgspec.json.encode(_json_object(folder, recorded)) + b"\n")
        else:
            rows += _rows(folder.path.name, recorded)
    if not json:
        _print_table(rows, runs_dir)
        if has_sweeps:
            print("\nFor a sweep, loss and accuracy are mean differences of the two settings over the seeds of both.")
    return 0


def _print_table(rows: list[tuple[str, ...]], runs_dir: Path) -> None:
    """Print the table as plain lines: a Rich table of a thousand runs would be slow."""
    if not rows:
        say(f"no runs in {runs_dir}")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _FILE_WIDTH
    shown = [number for number, least in enumerate(_COLUMNS.values()) if width >= least]
    encoding = sys.stdout.encoding
    lines = [tuple(in_encoding(row[number], encoding) for number in shown) for row in (tuple(_COLUMNS), *rows)]
    headings = lines[0]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    clip = headings.index("clip")
    widths[clip] = min(widths[clip], max(_MIN_CLIP_WIDTH, width - sum(widths) - len(widths) + widths[clip]))
    for number, line in enumerate(lines):
        for cells in _wrapped(line, clip, widths[clip]):
            print(" ".join(map(_padded, cells, headings, widths)).rstrip())
        if number == 0:
            print(("─" if encoding.lower().startswith("utf") else "-") * (sum(widths) + len(widths) - 1))


def _wrapped(line: tuple[str, ...], column: int, width: int) -> Iterator[tuple[str, ...]]:
    """The lines of a row with one wrapped column."""
    blank = ("",) * len(line)
    for number, piece in enumerate(wrapped(line[column], width, break_on_hyphens=False) or [""]):
        cells = blank if number else line
        yield (*cells[:column], piece, *cells[column + 1 :])


def _padded(cell: str, heading: str, width: int) -> str:
    gap = " " * (width - cell_len(cell))
    return gap + cell if heading in _RIGHT_ALIGNED else cell + gap


def _json_object(folder: RecordedFolder, recorded: Manifest | SweepOverview) -> dict[str, Any]:
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
    rows = (
        [_lane_cells(lane) for lane in recorded.lanes or (None,)]
        if isinstance(recorded, Manifest)
        else _sweep_cells(recorded)
    )
    return [((*first, *row) if number == 0 else (*("",) * len(first), *row)) for number, row in enumerate(rows)]


def _lane_cells(lane: LaneOutcome | None) -> tuple[str, ...]:
    if lane is None:
        return ("",) * 5
    if lane.ended in ("diverged", "error"):
        return lane.name, lane.rule, str(lane.step), "-", lane.ended
    loss, accuracy = (f"{lane.loss:.4f}", f"{lane.accuracy:.3f}") if lane.loss is not None else ("-", "-")
    return lane.name, lane.rule, str(lane.step), loss, accuracy


def _sweep_cells(sweep: SweepOverview) -> list[tuple[str, ...]]:
    """Two rows: the numbers of settings, seeds and finished trainings, and the first comparison with its means."""
    compared = sweep.comparison
    pair, _, common = compared.name.partition(" (") if compared else ("", "", "")
    figures = (f"{compared.nats:+.4f}", f"{compared.points / 100:+.3f}") if compared else ("-", "-")
    diverged = f", {sweep.diverged:,} diverged" if sweep.diverged else ""
    return [
        (number_of(sweep.settings, "setting"), pair, f"{sweep.done:,} of {sweep.total:,}{diverged}", *figures),
        (number_of(sweep.seeds, "seed"), f"({common}" if common else "", "", "", ""),
    ]
