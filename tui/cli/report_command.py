"""`clipwatch report`: writes a document about recorded runs or about a sweep."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ...core.errors import BadInput
from ...core.files.outputs import is_stream
from ...core.reports.document import Format, write_report
from ...core.reports.run_summary import summarize_run
from ...core.runs.folder import RunFolder, runs_folder
from ...core.runs.reader import read_recording
from ...core.sweeps.recorded_folders import find
from ...core.sweeps.store import SweepFolder
from ..live.screenshot import picture
from ..text.messages import say, tell

# The format for each file name extension.
FORMATS: dict[str, Format] = {"": "html", ".html": "html", ".htm": "html", ".md": "md", ".markdown": "md"}


def print_report(args: argparse.Namespace) -> int:
    """Write the document and print its path; return the exit code."""
    if args.output and not args.format and args.output.suffix.lower() not in FORMATS:
        raise BadInput(f"report: {args.output}: unknown format; use a name that ends in .html or .md, or add --format")
    folders = [find(name, runs_folder(args.runs_dir), tell) for name in args.runs]
    sweeps = [folder for folder in folders if isinstance(folder, SweepFolder)]
    if not sweeps:
        output = _report_runs([folder.path for folder in folders], args)
    elif len(folders) == 1:
        output = _report_sweep(sweeps[0], args)
    else:
        raise BadInput("report: a sweep cannot be combined with other sweeps or runs; name one sweep, or only runs")
    if not is_stream(output):
        say(str(output))
    return 0


def _report_sweep(sweep: SweepFolder, args: argparse.Namespace) -> Path:
    from ...core.reports.sweep_document import report_sweep

    return report_sweep(sweep, args.output, args.format, args.lang)


def _report_runs(paths: Sequence[Path], args: argparse.Namespace) -> Path:
    format: Format = args.format or FORMATS.get(args.output.suffix.lower() if args.output else "", "html")
    output = args.output or Path(f"report.{format}")
    # A run that is named twice appears once.
    recordings = {path: read_recording(RunFolder(path).events) for path in dict.fromkeys(map(Path.resolve, paths))}
    watched = [path.name for path, read in recordings.items() if read.started.watched]
    if watched and len(recordings) > 1:
        raise BadInput(
            f"report: run {watched[0]} was watched; only runs that clipwatch trained can be compared: name it alone"
        )
    summaries = [summarize_run(path.name, read, picture(read.table)) for path, read in recordings.items()]
    write_report(summaries, output, format, args.lang)
    return output
