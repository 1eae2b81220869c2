"""`clipwatch runs`: the list of recorded runs and sweeps, and the commands that rename and delete them."""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
import time
from datetime import datetime
from functools import partial

from ...core.errors import BadInput
from ...core.files.paths import path_text
from ...core.runs.own_code import whole_path
from ...core.stream.builtin_experiments import BUILT_IN, DATASETS
from ..text.messages import say, tell
from ..text.number_format import number_of
from .options import DEBUG, HELP, RUNS_DIR, Group, flag, one_of, option
from .parser import Subcommand
from .replica_command import replica_after_sweep

_UNITS = {"h": 3600, "d": 86400, "w": 7 * 86400}
_AGE = re.compile(r"(\d+(?:\.\d+)?)([hdw])")


def since(text: str) -> float:
    """Parse a date, or an age such as `3d`; return seconds since 1970."""
    if age := _AGE.fullmatch(text):
        return time.time() - float(age[1]) * _UNITS[age[2]]
    try:
        start = datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        start = math.nan
    if not math.isfinite(start):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a date such as 2026-03-31 nor an age such as 12h, 3d or 2w"
        )
    return start


def _list(args: argparse.Namespace) -> int:
    from ...core.runs.folder import runs_folder
    from ...core.sweeps.listing import Filter

    filter = Filter(experiment=args.experiment, dataset=args.dataset, since=args.since, changed=args.changed)
    home = runs_folder(args.runs_dir)
    if args.json or args.list or not _is_terminal():
        from .runs_table import print_runs

        return print_runs(home, filter, json=args.json)
    from ...core.runs.machine import Machine
    from ..runs.show import show_runs

    return show_runs(home, filter, partial(replica_after_sweep, machine=Machine()))


def _experiment(text: str) -> str:
    """The name of an experiment; that of a file with a folder becomes a whole path, as recordings have it."""
    return path_text(whole_path(text)) if os.sep in text else text


def _is_terminal() -> bool:
    """Whether the list can be a screen: keys come from standard input, and the screen is drawn on standard error."""
    has_screen = os.environ.get("TERM", "") not in ("", "dumb")
    return has_screen and all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _rename(args: argparse.Namespace) -> int:
    from ...core.runs.folder import runs_folder
    from ...core.sweeps.housekeeping import rename
    from ...core.sweeps.recorded_folders import find

    folder = find(args.run, runs_folder(args.runs_dir), tell)
    say(f"{folder.path.name} is now {rename(folder, args.name).name}")
    return 0


def _delete(args: argparse.Namespace) -> int:
    from rich.filesize import decimal

    from ...core.runs.folder import runs_folder
    from ...core.sweeps.housekeeping import deletable, delete
    from ...core.sweeps.recorded_folders import find

    home = runs_folder(args.runs_dir)
    # A run that is named twice is deleted once.
    folders = list(dict.fromkeys(find(name, home, tell) for name in args.runs))
    bytes = [deletable(folder).bytes for folder in folders]
    if not args.yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise BadInput("delete: there is no terminal to ask on; add --yes")
        for folder, count in zip(folders, bytes, strict=True):
            tell(f"{folder.path} ({decimal(count)})")
        if not _confirmed(f"delete {number_of(len(folders), 'recording')}, {decimal(sum(bytes))}, for ever? [y/N] "):
            tell("nothing was deleted")
            return 1
    for folder, count in zip(folders, bytes, strict=True):
        delete(folder)
        say(f"deleted {folder.path.name} ({decimal(count)})")
    return 0


def _confirmed(question: str) -> bool:
    """Ask on the terminal; anything but y or yes means no."""
    sys.stderr.write(f"clipwatch: {question}")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


_COMMON = (RUNS_DIR, DEBUG, HELP)
_DATASETS = DATASETS[1:]
RUNS = Subcommand(
    "runs",
    "list, open, rename and delete recorded runs and sweeps",
    _list,
    (
        Group(
            "which runs",
            (
                option(
                    "--experiment",
                    metavar="NAME",
                    type=_experiment,
                    choices=tuple(BUILT_IN),
                    help=f"only those of this experiment: {', '.join(BUILT_IN)}, or the class or file of your own",
                ),
                option(
                    "--dataset",
                    metavar="NAME",
                    type=one_of(*_DATASETS),
                    choices=_DATASETS,
                    help=f"only those on this data: {', '.join(_DATASETS)}",
                ),
                option(
                    "--since",
                    metavar="WHEN",
                    type=since,
                    help="only those started since a date (2026-03-31) or within the last 12h, 3d, 2w",
                ),
                flag("--changed", help="only runs that were changed mid-run"),
            ),
        ),
        Group(
            "options",
            (
                flag("--list", help="print a table instead of opening the screen (the default without a terminal)"),
                flag("--json", help="print one JSON object per run or sweep"),
                *_COMMON,
            ),
        ),
    ),
)
_ONE = option("run", metavar="RUN", help="folder or name of a run or sweep, or last for the newest one")
_MANY = option(
    "runs",
    metavar="RUN",
    nargs="+",
    help="folder or name of a run or sweep, or last for the newest one; several may be named",
)
RENAME = Subcommand(
    "runs rename",
    "rename a recorded run or sweep",
    _rename,
    (
        Group("arguments", (_ONE, option("name", metavar="NAME", help="the new name of its folder"))),
        Group("options", _COMMON),
    ),
)
DELETE = Subcommand(
    "runs delete",
    "delete recorded runs and sweeps; asks first",
    _delete,
    (
        Group("arguments", (_MANY,)),
        Group("options", (flag("--yes", help="do not ask"), *_COMMON)),
    ),
)
