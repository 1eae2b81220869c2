"""`clipwatch attach`: shows a run that another process trains, and steers it if it is a watched loop."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ...core.files.paths import path_text
from ...core.safe_text import in_encoding
from ..text.messages import say, tell
from ..text.number_format import duration
from .options import DEBUG, HELP, KEYS_CONFIG, OUTPUT, RUNS_DIR, Group, flag, option
from .parser import Subcommand
from .settings import headless_options, screen_options, uses_screen, warn_of_settings

if TYPE_CHECKING:
    from ...core.runs.folder import RunFolder
    from ...core.sweeps.attachable import AttachableRun

_COLUMNS = ("kind", "name", "state", "step", "last sign of life", "folder")


def _attach(args: argparse.Namespace) -> int:
    if args.list:
        return _list(args)
    warn_of_settings(args)
    folder = _found(args)
    if uses_screen(args):
        from ..engine_child.request import AttachRun
        from ..live.run import run_live

        return run_live(AttachRun(folder=folder.path, debug=args.debug), screen_options(args))
    from ..headless.run import attach_headless

    return attach_headless(folder, headless_options(args))


def _found(args: argparse.Namespace) -> RunFolder:
    """The run that is named, or else the newest one that is running."""
    from ...core.runs.folder import runs_folder
    from ...core.sweeps.attachable import newest_running
    from ...core.sweeps.recorded_folders import find_run

    home = runs_folder(args.runs_dir)
    return find_run(args.run, home, tell) if args.run else newest_running(home, tell)


def _list(args: argparse.Namespace) -> int:
    """Print a table of all runs, those that are running first."""
    from ...core.runs.folder import runs_folder
    from ...core.sweeps.attachable import attachable_runs
    from .runs_table import print_lines

    home = runs_folder(args.runs_dir)
    if rows := [_row(run) for run in attachable_runs(home, tell)]:
        print_lines(_COLUMNS, [[in_encoding(cell, sys.stdout.encoding) for cell in row] for row in rows], ("step",))
    else:
        say(f"no runs in {home}")
    return 0


def _row(run: AttachableRun) -> tuple[str, ...]:
    kind = "watched" if run.manifest.watched else "trained"
    age = "-" if run.silent is None else f"{duration(run.silent)} ago"
    folder = run.folder.path
    return kind, folder.name, run.state, f"{run.steps:,}", age, path_text(folder)


ATTACH = Subcommand(
    "attach",
    "show a run of another process, and steer a loop",
    _attach,
    (
        Group(
            "arguments",
            (
                option(
                    "run",
                    metavar="RUN",
                    nargs="?",
                    help="folder or name of a run, or last for the newest one (default: the newest that is running)",
                ),
            ),
        ),
        Group("attach", (flag("--list", help="print a table of the runs, those that are running first"),)),
        Group("output", OUTPUT),
        Group("other options", (KEYS_CONFIG, RUNS_DIR, DEBUG, HELP)),
    ),
    defaults={"no_record": True, "tensorboard": None},
    epilog="""\
examples:
  clipwatch attach                           the newest run that is running
  clipwatch attach last                      the newest run, running or not
  clipwatch --engine-command "ssh box clipwatch attach RUN --json --control"
                                             a run on another machine

Quitting leaves the run alone. With --control, {"command":"Stop"} ends attach,
and {"command":"Stop","lane":"loop"} asks the loop to stop.""",
)
