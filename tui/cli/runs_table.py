"""`clipwatch runs`: the recorded runs and sweeps as a table, or as JSON."""

from __future__ import annotations

import shutil
import sys
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

# Each column with the least width of a terminal that shows it; name, which tells date and data too, is never shortened.
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
# What a rule is folded to at the narrowest.
_LEAST_CLIP = 12


def print_runs(home: Path, *, json: bool) -> int:
    """Print every run and sweep in `home`, oldest first; one that cannot be read is told of."""
    rows: list[tuple[str, ...]] = []
    sweeps = False
    for folder in recorded_folders(home, tell):
        try:
            found = folder.manifest() if isinstance(folder, RunFolder) else overview(folder)
        except BadInput as error:
            tell(str(error))
            continue
        sweeps = sweeps or isinstance(found, SweepOverview)
        if json:
            sys.stdout.buffer.write(msgspec.json.encode(_found(folder, found)) + b"\n")
        else:
            rows += _rows(folder.path.name, found)
    if not json:
        _print_table(rows, home)
        if sweeps:
            print("\nOf a sweep: by how much these two settings differ, on average over the seeds that both have.")
    return 0


def _print_table(rows: list[tuple[str, ...]], home: Path) -> None:
    """Plain lines, which a thousand runs take no time to lay out."""
    if not rows:
        say(f"no runs are kept in {home}")
        return
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else _FILE_WIDTH
    places = [place for place, least in enumerate(_COLUMNS.values()) if room >= least]
    encoding = sys.stdout.encoding
    lines = [tuple(in_encoding(row[place], encoding) for place in places) for row in (tuple(_COLUMNS), *rows)]
    headings = lines[0]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    folded = headings.index("clip")
    widths[folded] = min(widths[folded], max(_LEAST_CLIP, room - sum(widths) - len(widths) + widths[folded]))
    rule = ("─" if encoding.lower().startswith("utf") else "-") * (sum(widths) + len(widths) - 1)
    for number, line in enumerate(lines):
        pieces = wrapped(line[folded], widths[folded], break_on_hyphens=False) or [""]
        for place, piece in enumerate(pieces):
            cells = [piece if column == folded else "" if place else cell for column, cell in enumerate(line)]
            print(" ".join(map(_padded, cells, headings, widths)).rstrip())
        if number == 0:
            print(rule)


def _padded(cell: str, heading: str, width: int) -> str:
    gap = " " * (width - cell_len(cell))
    return gap + cell if heading in _FIGURES else cell + gap


def _found(folder: RecordedFolder, found: Manifest | SweepOverview) -> dict[str, Any]:
    kind = "run" if isinstance(found, Manifest) else "sweep"
    return {
        "kind": kind,
        "run": valid_unicode(folder.path.name),
        "folder": path_text(folder.path),
        **msgspec.to_builtins(found),
    }


def _rows(name: str, kept: Manifest | SweepOverview) -> list[tuple[str, ...]]:
    kind = "run" if isinstance(kept, Manifest) else "sweep"
    started = f"{datetime.fromtimestamp(kept.started):%Y-%m-%d %H:%M}"
    first = (kind, name, started, kept.dataset.name, kept.state)
    rows = [_lane(lane) for lane in kept.lanes or (None,)] if isinstance(kept, Manifest) else _sweep(kept)
    return [((*first, *row) if number == 0 else (*("",) * len(first), *row)) for number, row in enumerate(rows)]


def _lane(lane: LaneOutcome | None) -> tuple[str, ...]:
    if lane is None:
        return ("",) * 5
    if lane.ended in ("diverged", "error"):
        return lane.name, lane.rule, str(lane.step), "-", lane.ended
    loss, accuracy = (f"{lane.loss:.4f}", f"{lane.accuracy:.3f}") if lane.loss is not None else ("-", "-")
    return lane.name, lane.rule, str(lane.step), loss, accuracy


def _sweep(kept: SweepOverview) -> list[tuple[str, ...]]:
    """Two rows: settings and seeds; how much is done, and of the first comparison what is compared and the means."""
    found = kept.comparison
    pair, _, common = found.name.partition(" (") if found else ("", "", "")
    figures = (f"{found.nats:+.4f}", f"{found.points / 100:+.3f}") if found else ("-", "-")
    diverged = f", {kept.diverged:,} diverged" if kept.diverged else ""
    return [
        (number_of(kept.settings, "setting"), pair, f"{kept.done:,} of {kept.total:,}{diverged}", *figures),
        (number_of(kept.seeds, "seed"), f"({common}" if common else "", "", "", ""),
    ]
