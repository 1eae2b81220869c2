"""`clipwatch compare`: shows several runs in one screen, prints their table, or writes it as a report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from ...core.files.outputs import is_stream, output_path
from ..text.messages import say, tell
from .options import DEBUG, HELP, RUNS_DIR, Group, flag, one_of, option
from .parser import Subcommand

if TYPE_CHECKING:
    from ...core.runs.folder import RunFolder


def _compare(args: argparse.Namespace) -> int:
    folders = _found(args)
    if args.output or args.format:
        _report(folders, args)
        return 0
    if args.no_ui:
        from ..compare.console import print_comparison

        return print_comparison(folders)
    from ..compare.run import show_comparison

    return show_comparison(folders)


def _report(folders: Sequence[RunFolder], args: argparse.Namespace) -> None:
    """Write the report and print its path. Raises BadInput for an unknown format."""
    from ...core.reports.compared import report_comparison
    from .report_command import FORMATS

    suffix = args.output.suffix.lower() if args.output else ""
    if not args.format and suffix not in FORMATS:
        raise BadInput(f"compare: {args.output}: unknown format; use a name that ends in .html or .md, or add --format")
    format = args.format or FORMATS[suffix]
    output = args.output or Path(f"comparison.{format}")
    report_comparison(folders, output, format, args.lang)
    if not is_stream(output):
        say(str(output))


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
                    help="html or md (default: by the extension of FILE, otherwise html)",
                ),
                option(
                    "--lang",
                    metavar="LANGUAGE",
                    type=one_of("en", "zh"),
                    choices=("en", "zh"),
                    default="en",
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

Runs under way are followed.""",
)
