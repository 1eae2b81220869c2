"""The subcommands: `clipwatch sweep`, and everything that is done with recorded runs."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ..core.errors import BadInput
from ..core.output import output_path
from .messages import tell
from .options import (
    DEBUG,
    HELP,
    KEYS_CONFIG,
    MACHINE,
    OUTPUT,
    RUNS_DIR,
    TENSORBOARD,
    WORKPLACE,
    Group,
    flag,
    integer,
    one_of,
    option,
)
from .parser import Command
from .settings import headless_manner, key_settings, machine, wants_screen
from .sweeping.options import EPILOG, REFUSED, SWEEP_GROUPS

if TYPE_CHECKING:
    from ..core.runs import RunFolder
    from .engine_request import AnyRequest


def _found_run(given: argparse.Namespace) -> RunFolder:
    from ..core.archive import find_run
    from ..core.runs import runs_folder

    return find_run(given.run, runs_folder(given.runs_dir), tell)


def _runs(given: argparse.Namespace) -> int:
    from ..core.runs import runs_folder
    from .runs_table import print_runs

    return print_runs(runs_folder(given.runs_dir), json=given.json)


def _resume(given: argparse.Namespace) -> int:
    from ..core.archive import find
    from ..core.runs import RunFolder, runs_folder

    _warn_of_settings(given)
    folder = find(given.run, runs_folder(given.runs_dir), tell)
    if isinstance(folder, RunFolder):
        return _resume_run(folder, given)
    from .sweeping.command import resume_sweep

    return resume_sweep(folder, given)


def _resume_run(folder: RunFolder, given: argparse.Namespace) -> int:
    from .engine_request import ResumeRun
    from .headless import resume_headless

    if given.workers or given.backend or given.ray_address:
        raise BadInput("--workers, --backend and --ray-address are for sweeps: a run is trained on this machine")
    if given.iterations is not None and given.iterations < 1:
        raise BadInput(f"iterations {given.iterations}: must be 1 or more")
    steps, place = given.iterations, machine(given)
    if not wants_screen(given):
        return resume_headless(folder, steps, place, headless_manner(given))
    board = given.tensorboard
    request = ResumeRun(folder=folder.path, iterations=steps, machine=place, tensorboard=board, debug=given.debug)
    return _show(given, request)


def _show(given: argparse.Namespace, request: AnyRequest) -> int:
    """Show an engine of our own, with the config file's keys."""
    from .keys import keymap
    from .live import run_live

    return run_live(request, keymap(key_settings(given)), quit_when_done=given.quit_when_done)


def _warn_of_settings(given: argparse.Namespace) -> None:
    """Say which settings of the config file do not apply, because the run is recorded."""
    if given.config and (others := sorted(given.config.values.keys() - {"keys"})):
        tell(f"{given.config.name}: only [keys] applies to a recorded run; ignored: {', '.join(others)}")


def _replay(given: argparse.Namespace) -> int:
    from .engine_request import ReplayRun
    from .headless import replay_headless

    _warn_of_settings(given)
    folder = _found_run(given)
    speed = _speed(given.speed)
    if wants_screen(given):
        return _show(given, ReplayRun(folder=folder.path, speed=speed, debug=given.debug))
    return replay_headless(folder, speed, headless_manner(given))


def _speed(text: str) -> float | None:
    """How many times the recorded speed, None for no limit."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        raise BadInput(f"--speed {text!r}: write a number, or max") from None
    if not 0 < speed < math.inf:
        raise BadInput(f"--speed {text}: must be above 0, or max")
    return speed


def _verify(given: argparse.Namespace) -> int:
    from .verification import print_verification

    return print_verification(_found_run(given), machine(given))


def _export(given: argparse.Namespace) -> int:
    from ..core.export import write_csv, write_json
    from ..core.recorded import read_recording

    if not (given.csv or given.json or given.tensorboard):
        raise BadInput("export: say what to write: --csv FILE, --json FILE or --tensorboard DIR")
    folder = _found_run(given)
    recorded = read_recording(folder.events)
    for text in recorded.damage:
        tell(text)
    if given.csv:
        write_csv(recorded, given.csv)
    if given.json:
        write_json(recorded, given.json)
    if given.tensorboard:
        from ..core.tensorboard import export
        from .wording import lane_message

        export(recorded, folder, given.tensorboard, lane_message, tell)
    return 0


def _report(given: argparse.Namespace) -> int:
    from .reporting import print_report

    return print_report(given)


def _sweep(given: argparse.Namespace) -> int:
    from .sweeping.command import new_sweep

    return new_sweep(given)


_RUN = option("run", metavar="RUN", help="a run's folder, its name, or last")
_COMMON = (RUNS_DIR, DEBUG, HELP)
_OUTPUT_GROUP = Group("output", OUTPUT)
SUBCOMMANDS = (
    Command(
        "sweep",
        "compare settings over many seeds, with error bars",
        _sweep,
        (*SWEEP_GROUPS, Group("other options", _COMMON)),
        refused=REFUSED,
        epilog=EPILOG,
    ),
    Command(
        "runs",
        "list the recorded runs and sweeps",
        _runs,
        (Group("options", (flag("--json", help="print one JSON object per run"), *_COMMON)),),
    ),
    Command(
        "replay",
        "watch a recorded run again",
        _replay,
        (
            Group("arguments", (_RUN,)),
            Group(
                "replay",
                (option("--speed", metavar="X", default="1", help="times the recorded speed, or max (default: 1)"),),
            ),
            _OUTPUT_GROUP,
            Group("other options", (KEYS_CONFIG, *_COMMON)),
        ),
        defaults={"no_record": True, "tensorboard": None},
    ),
    Command(
        "resume",
        "go on with an interrupted run or sweep, bit for bit",
        _resume,
        (
            Group("arguments", (replace(_RUN, help="the folder of a run or sweep, its name, or last"),)),
            Group(
                "training",
                (option("--iterations", metavar="N", type=integer, help="train to N steps in all"), *MACHINE),
            ),
            Group("for a sweep", WORKPLACE),
            _OUTPUT_GROUP,
            Group("other options", (TENSORBOARD, KEYS_CONFIG, *_COMMON)),
        ),
        defaults={"no_record": False},
    ),
    Command(
        "verify",
        "train a recorded run again, and compare every bit",
        _verify,
        (Group("arguments", (_RUN,)), Group("options", (*MACHINE, *_COMMON))),
    ),
    Command(
        "export",
        "write a recorded run for other programs",
        _export,
        (
            Group("arguments", (_RUN,)),
            Group(
                "options",
                (
                    option("--csv", metavar="FILE", type=output_path, help="write one row per evaluation"),
                    option("--json", metavar="FILE", type=output_path, help="write the events as one JSON array"),
                    TENSORBOARD,
                    *_COMMON,
                ),
            ),
        ),
    ),
    Command(
        "report",
        "write runs or a sweep as a document with figures",
        _report,
        (
            Group("arguments", (replace(_RUN, names=("runs",), keywords={"metavar": "RUN", "nargs": "+"}),)),
            Group(
                "options",
                (
                    option(
                        "-o", "--output", metavar="FILE", type=output_path, help="default: report.html or report.md"
                    ),
                    option(
                        "--format",
                        metavar="FORMAT",
                        type=one_of("html", "md"),
                        choices=("html", "md"),
                        help="html or md (default: by the end of FILE's name, else html)",
                    ),
                    option(
                        "--lang",
                        metavar="LANGUAGE",
                        type=one_of("en", "zh"),
                        choices=("en", "zh"),
                        default="en",
                        help="en or zh (default: en)",
                    ),
                    *_COMMON,
                ),
            ),
        ),
    ),
)
