"""`clipwatch runs`: the recorded runs as a table, or as JSON."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from ..core.errors import BadInput
from ..core.runs import LaneOutcome, Manifest, list_folders


def print_runs(home: Path, *, json: bool) -> int:
    """Print every run in `home`, oldest first; one that cannot be read is told of."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("run", "started", "dataset", "state", "lane", "clip", "steps", "loss", "accuracy"):
        table.add_column(heading, justify="right" if heading in ("steps", "loss", "accuracy") else "left", no_wrap=True)
    for folder in list_folders(home):
        try:
            manifest = folder.manifest()
        except BadInput as error:
            print(f"clipwatch: {error}", file=sys.stderr)
            continue
        if json:
            found = {"run": folder.path.name, "folder": str(folder.path), **msgspec.to_builtins(manifest)}
            print(msgspec.json.encode(found).decode())
        else:
            _add(table, folder.path.name, manifest)
    if not json:
        width = None if sys.stdout.isatty() else 140
        Console(width=width, highlight=False).print(table if table.rows else f"no runs are kept in {home}")
    return 0


def _add(table: Table, name: str, manifest: Manifest) -> None:
    started = f"{datetime.fromtimestamp(manifest.started):%Y-%m-%d %H:%M}"
    first = (name, started, manifest.dataset.name, manifest.state)
    for number, lane in enumerate(manifest.lanes or (None,)):
        table.add_row(*(first if number == 0 else ("",) * 4), *_lane(lane))


def _lane(lane: LaneOutcome | None) -> tuple[str, ...]:
    if lane is None:
        return ("",) * 5
    loss, accuracy = (f"{lane.loss:.4f}", f"{lane.accuracy:.3f}") if lane.loss is not None else ("-", "-")
    return lane.name, lane.rule, str(lane.step), loss, accuracy
