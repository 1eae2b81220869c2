"""`clipwatch compare`: shows several runs in one screen, prints their table, or writes it as a report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from ...core.files.outputs import is_stream, output_path
from ..text.messages import say, tell
from ..view.metrics import HISTOGRAM
from .options import CHARTS, DEBUG, HELP, RUNS_DIR, Group, flag, one_of, option
from .parser import Subcommand

if TYPE_CHECKING:
    from ...core.runs.folder import RunFolder


def _compare(args: argparse.Namespace) -> int:
    is_report = bool(args.output or args.format)
    _require_effect(args, is_report=is_report)
    folders = _found(args)
    if is_report:
        return _report(folders, args)
    if args.no_ui or args.json:
        from ..compare.console import print_comparison

        return print_comparison(folders, json=args.json)
    from ..compare.run import show_comparison

    return show_comparison(folders, charts=args.charts)


def _require_effect(args: argparse.Namespace, *, is_report: bool) -> None:
    """Raise BadInput for an option that has no effect on what is to be written, printed or shown."""
    if args.lang and not is_report:
        raise BadInput("compare: --lang is for a report; add -o FILE, or leave it out")
    if is_report and (args.no_ui or args.json):
        option = "--json" if args.json else "--no-ui"
        raise BadInput(f"compare: a report opens no screen and prints no table; leave {option} out")
    if HISTOGRAM in args.charts:
        raise BadInput(f"compare: --charts {HISTOGRAM}: the heat map is of one run; clipwatch replay shows it")
    if args.charts and (is_report or args.no_ui or args.json):
        raise BadInput("compare: --charts is for the screen; leave it out")


def _report(folders: Sequence[RunFolder], args: argparse.Namespace) -> int:
    """Write the report and print its path; return the exit code. Raises BadInput for an unknown format."""
    from ...core.reports.compared import report_comparison
    from .report_command import FORMATS

    suffix = args.output.suffix.lower() if args.output else ""
    if not args.format and suffix not in FORMATS:
        raise BadInput(f"compare: {args.output}: unknown format; use a name that ends in .html or .md, or add --format")
    format = args.format or FORMATS[suffix]
    output = args.output or Path(f"comparison.{format}")
    runs = report_comparison(folders, output, format, args.lang or "en")
    if not is_stream(output):
        say(str(output))
    unreadable = [run for run in runs if run.fault and not run.started]
    for run in unreadable:
        tell(f"{run.name} is left out: {run.fault}")
    return 1 if unreadable else 0


def _found(args: argparse.Namespace) -> list[RunFolder]:
    """The runs that are named, each once. Raises BadInput."""
    from ...core.runs.folder import runs_folder
    from ...core.sweeps.recorded_folders import find_run

    if len(args.runs) < 2:
        raise BadInput("compare: name two runs or more; clipwatch runs lists them")
    home = runs_folder(args.runs_dir)
    folders = [find_run(name, home, tell) for name in args.runs]
    paths = [folder.path.resolve() for folder in folders]
    for name, path in zip(args.runs, paths, strict=True):
        if paths.count(path) > 1:
            raise BadInput(f"compare: run {name!r} is named twice: name each run once")
    return folders


COMPARE = Subcommand(
    "compare",
    "show the lanes of several runs in the same charts",
    _compare,
    (
        Group(
            "arguments",
            (
                option(
                    "runs",
                    metavar="RUN",
                    nargs="+",
                    help="folder or name of a run, or last for the newest one; two or more",
                ),
            ),
        ),
        Group(
            "options",
            (
                flag("--no-ui", help="print the table of lanes instead of opening the screen"),
                flag("--json", help="print one JSON object per lane (implies --no-ui)"),
                CHARTS,
                option(
                    "-o",
                    "--output",
                    metavar="FILE",
                    type=output_path,
                    help="write a report with the table and the curves instead: FILE.html or FILE.md",
                ),
                option(
                    "--format",
                    metavar="FORMAT",
                    type=one_of("html", "md"),
                    choices=("html", "md"),
                    help="html or md (default: by the extension of FILE); without -o, the report is comparison.html or"
                    " comparison.md",
                ),
                option(
                    "--lang",
                    metavar="LANGUAGE",
                    type=one_of("en", "zh"),
                    choices=("en", "zh"),
                    help="language of the report: en (English) or zh (Chinese) (default: en)",
                ),
                RUNS_DIR,
                DEBUG,
                HELP,
            ),
        ),
    ),
    epilog="""\
examples:
  clipwatch compare last 20260331-101500-mnist-0
  clipwatch compare A B C --no-ui            print the table
  clipwatch compare A B -o comparison.html   write a report

Runs under way are followed. A run that cannot be read is left out, and the exit code is 1.""",
)
