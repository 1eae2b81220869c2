"""The subcommands: `clipwatch sweep`, and the commands for recorded runs."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from ...core.files.outputs import output_path
from ..text.messages import tell
from .attach_command import ATTACH
from .compare_command import COMPARE
from .experiment_command import EXPERIMENT_COMMANDS
from .experiment_settings import announce_code
from .export_command import EXPORT
from .fork_command import FORK, fork_after_replay
from .found_run import RUN, found_run
from .options import (
    BACKEND,
    DEBUG,
    HELP,
    KEYS_CONFIG,
    MACHINE,
    OUTPUT,
    RUNS_DIR,
    TENSORBOARD,
    Group,
    integer,
    one_of,
    option,
)
from .parser import Subcommand
from .replica_command import REPLICA
from .runs_command import DELETE, RENAME, RUNS
from .settings import headless_options, machine, screen_options, uses_screen, warn_of_settings
from .sweep_after_run import sweep_after_run
from .sweep_options import EPILOG, SWEEP_GROUPS, UNSUPPORTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...core.runs.folder import RunFolder
    from ..engine_child.request import AnyRequest


def _resume(args: argparse.Namespace) -> int:
    from ...core.runs.folder import RunFolder, runs_folder
    from ...core.sweeps.recorded_folders import find

    warn_of_settings(args)
    folder = find(args.run, runs_folder(args.runs_dir), tell)
    if isinstance(folder, RunFolder):
        return _resume_run(folder, args)
    from .sweep_command import resume_sweep

    return resume_sweep(folder, args)


def _resume_run(folder: RunFolder, args: argparse.Namespace) -> int:
    if args.workers or args.backend or args.ray_address:
        raise BadInput("--workers, --backend and --ray-address apply only to sweeps; leave them out")
    if args.iterations is not None and args.iterations < 1:
        raise BadInput(f"iterations {args.iterations}: must be 1 or more")
    from ...core.runs.reader import read_recording
    from ...core.runs.watched import require_own_training

    started = read_recording(folder.events).started
    require_own_training(folder.path, started, "continue")
    announce_code(started.config.experiment, started.experiment)
    steps, tensorboard = args.iterations, args.tensorboard
    if uses_screen(args):
        from ..engine_child.request import ResumeRun

        request = ResumeRun(
            folder=folder.path, iterations=steps, machine=machine(args), tensorboard=tensorboard, debug=args.debug
        )
        return _show(args, request)
    from ..headless.run import resume_headless

    return resume_headless(folder, steps, machine(args), headless_options(args))


def _show(args: argparse.Namespace, request: AnyRequest, preparing: Sequence[str] = ()) -> int:
    """Show the engine of a request; `preparing` is what the screen says before its run starts."""
    from ..live.run import run_live

    return run_live(request, screen_options(args), train_sweep=sweep_after_run(args), preparing=preparing)


def _replay(args: argparse.Namespace) -> int:
    warn_of_settings(args)
    folder = found_run(args)
    speed = _speed(args.speed)
    if uses_screen(args):
        from ...core.runs.folder import runs_folder
        from ..engine_child.request import ReplayRun
        from ..live.run import run_live

        request = ReplayRun(folder=folder.path, speed=speed, debug=args.debug)
        fork = fork_after_replay(
            folder, runs_folder(args.runs_dir), partial(_show, args), tensorboard=args.tensorboard, debug=args.debug
        )
        return run_live(request, screen_options(args), train_sweep=sweep_after_run(args), train_fork=fork)
    from ..headless.run import replay_headless

    return replay_headless(folder, speed, headless_options(args))


def _speed(text: str) -> float | None:
    """Parse the factor of the recorded speed, None for no limit."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        raise BadInput(f"--speed {text!r}: write a number or max") from None
    if not 0 < speed < math.inf:
        raise BadInput(f"--speed {text}: must be above 0 or max")
    return speed


def _verify(args: argparse.Namespace) -> int:
    from .verify_command import print_verification

    return print_verification(found_run(args), machine(args))


def _report(args: argparse.Namespace) -> int:
    from .report_command import print_report

    return print_report(args)


def _sweep(args: argparse.Namespace) -> int:
    from .sweep_command import new_sweep

    return new_sweep(args)


_REPORTED_RUNS = replace(
    RUN,
    names=("runs",),
    help="folder or name of a run or sweep, or last for the newest one; several runs, or one sweep",
    keywords={"metavar": "RUN", "nargs": "+"},
)
_COMMON = (RUNS_DIR, DEBUG, HELP)
_OUTPUT_GROUP = Group("output", OUTPUT)
SUBCOMMANDS = (
    Subcommand(
        "sweep",
        "compare settings over many seeds, with error bars",
        _sweep,
        (*SWEEP_GROUPS, Group("other options", _COMMON)),
        unsupported=UNSUPPORTED,
        epilog=EPILOG,
    ),
    RUNS,
    RENAME,
    DELETE,
    *EXPERIMENT_COMMANDS,
    ATTACH,
    COMPARE,
    Subcommand(
        "replay",
        "replay a recorded run",
        _replay,
        (
            Group("arguments", (RUN,)),
            Group(
                "replay",
                (
                    option(
                        "--speed",
                        metavar="X",
                        default="1",
                        help="playback speed: a factor of the recorded speed, or max (default: 1)",
                    ),
                ),
            ),
            _OUTPUT_GROUP,
            Group("other options", (KEYS_CONFIG, *_COMMON)),
        ),
        defaults={"no_record": True, "tensorboard": None},
    ),
    Subcommand(
        "resume",
        "continue an interrupted run or sweep, bit for bit",
        _resume,
        (
            Group("arguments", (replace(RUN, help="folder or name of a run or sweep, or last for the newest one"),)),
            Group(
                "training",
                (
                    option(
                        "--iterations",
                        metavar="N",
                        type=integer,
                        help="train to N steps in total (default: as planned)",
                    ),
                    *MACHINE,
                ),
            ),
            Group("for a sweep", BACKEND),
            _OUTPUT_GROUP,
            Group("other options", (TENSORBOARD, KEYS_CONFIG, *_COMMON)),
        ),
        defaults={"no_record": False},
    ),
    FORK,
    Subcommand(
        "verify",
        "train a recorded run again and compare it bit for bit",
        _verify,
        (Group("arguments", (RUN,)), Group("options", (*MACHINE, *_COMMON))),
    ),
    REPLICA,
    EXPORT,
    Subcommand(
        "report",
        "write a document about runs or a sweep, with figures",
        _report,
        (
            Group("arguments", (_REPORTED_RUNS,)),
            Group(
                "options",
                (
                    option(
                        "-o",
                        "--output",
                        metavar="FILE",
                        type=output_path,
                        help="file to write (default: report.html or report.md)",
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
                        help="en (English) or zh (Chinese) (default: en)",
                    ),
                    *_COMMON,
                ),
            ),
        ),
    ),
)
