"""The subcommands: `clipwatch sweep`, and what is done with recorded runs."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import BadInput
from ..core.paths import user_path
from .messages import say, tell
from .options import (
    Parser,
    add_common_options,
    add_here_options,
    add_output_options,
    add_tensorboard_option,
    add_workplace_options,
    here,
    integer,
)

if TYPE_CHECKING:
    from .headless import Manner


def parse_subcommand(arguments: list[str]) -> argparse.Namespace:
    """Parse `NAME ...`; `perform` of the result does it."""
    name = arguments[0]
    perform, describe, add_options = SUBCOMMANDS[name]
    parser = Parser(prog=f"clipwatch {name}", description=describe, allow_abbrev=False)
    add_options(parser)
    add_common_options(parser)
    given = parser.parse_args(arguments[1:])
    given.perform, given.arguments = perform, arguments
    return given


def wants_screen(given: argparse.Namespace) -> bool:
    """Whether nothing was said that asks for a headless run."""
    return not (given.no_ui or given.json or given.control)


def manner(given: argparse.Namespace) -> Manner:
    """How a headless run is to print, listen and record."""
    from ..core.runs import runs_folder
    from .headless import Manner

    record_in = None if given.no_record else runs_folder(given.runs_dir)
    return Manner(
        json=given.json,
        control=given.control,
        quiet=given.quiet,
        diagnostics=given.show_diagnostics,
        record_in=record_in,
        tensorboard=given.tensorboard,
    )


def tensorboard_arguments(given: argparse.Namespace) -> list[str]:
    """What an engine of its own is to be told of TensorBoard."""
    return ["--tensorboard", str(given.tensorboard)] if given.tensorboard else []


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's folder, its name, or last")


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a JSON object a run")


def _runs(given: argparse.Namespace) -> int:
    from ..core.runs import runs_folder
    from .runs_table import print_runs

    return print_runs(runs_folder(given.runs_dir), json=given.json)


def _add_resume(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument("--iterations", metavar="N", type=integer, help="go on to so many steps in all")
    add_here_options(parser)
    add_tensorboard_option(parser)
    add_workplace_options(parser.add_argument_group("of a sweep"))
    add_output_options(parser.add_argument_group("output"))
    parser.set_defaults(no_record=False)


def _resume(given: argparse.Namespace) -> int:
    from ..core.runs import find_run, runs_folder
    from ..core.sweeps.folder import is_sweep

    if is_sweep(given.run, runs_folder(given.runs_dir)):
        from .sweeping.command import resume_sweep

        return resume_sweep(given)
    folder = find_run(given.run, runs_folder(given.runs_dir))
    if given.workers or given.backend or given.ray_address:
        raise BadInput("--workers, --backend and --ray-address are for sweeps: a run is trained here")
    if given.iterations is not None and given.iterations < 1:
        raise BadInput(f"iterations {given.iterations}: must be 1 or more")
    if wants_screen(given):
        from .engine_process import resumed_engine
        from .live import run_live

        engine = [*resumed_engine(folder.path, given.iterations, here(given)), *tensorboard_arguments(given)]
        return run_live(engine, {}, quit_when_done=given.quit_when_done)
    from .headless import resume_headless

    return resume_headless(folder, given.iterations, here(given), manner(given))


def _add_replay(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument("--speed", metavar="X", default="1", help="times the recorded speed, or max (default: 1)")
    add_output_options(parser.add_argument_group("output"))
    parser.set_defaults(no_record=True, tensorboard=None)


def _replay(given: argparse.Namespace) -> int:
    from ..core.runs import find_run, runs_folder

    folder = find_run(given.run, runs_folder(given.runs_dir))
    speed = _speed(given.speed)
    if wants_screen(given):
        from .engine_process import replaying_engine
        from .live import run_live

        return run_live(replaying_engine(folder.path, given.speed), {}, quit_when_done=given.quit_when_done)
    from .headless import replay_headless

    return replay_headless(folder, speed, manner(given))


def _speed(text: str) -> float | None:
    """How many times as fast as recorded, None for at once."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        raise BadInput(f"--speed {text!r}: write a number, or max") from None
    if not 0 < speed < math.inf:
        raise BadInput(f"--speed {text}: must be above 0, or max")
    return speed


def _add_verify(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    add_here_options(parser)


def _verify(given: argparse.Namespace) -> int:
    from ..core.runs import find_run, runs_folder
    from .verification import print_verification

    return print_verification(find_run(given.run, runs_folder(given.runs_dir)), here(given))


def _add_export(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument("--csv", metavar="FILE", type=user_path, help="a row per evaluation")
    parser.add_argument("--json", metavar="FILE", type=user_path, help="the events as one JSON array")
    add_tensorboard_option(parser)


def _export(given: argparse.Namespace) -> int:
    from ..core.export import write_csv, write_json
    from ..core.recorded import read_recording
    from ..core.runs import find_run, runs_folder

    if not (given.csv or given.json or given.tensorboard):
        raise BadInput("export: say what to write: --csv FILE, --json FILE or --tensorboard DIR")
    folder = find_run(given.run, runs_folder(given.runs_dir))
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


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="a run's folder, its name, or last; or several")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=user_path, help="default: report.html or report.md, here"
    )
    parser.add_argument("--format", choices=("html", "md"), help="default: by the ending of FILE, else html")
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help="language (default: en)")


_ENDINGS = ("", ".html", ".htm", ".md", ".markdown")


def _report(given: argparse.Namespace) -> int:
    from ..core.recorded import read_recording
    from ..core.reports.document import write_report
    from ..core.reports.story import story
    from ..core.runs import RunFolder, find_run, runs_folder
    from ..core.sweeps.folder import is_sweep
    from .picture import picture

    home = runs_folder(given.runs_dir)
    if given.output and not given.format and given.output.suffix.lower() not in _ENDINGS:
        raise BadInput(f"report: {given.output}: end it in .html or .md, or give --format")
    if is_sweep(given.runs[0], home):
        from ..core.reports.sweep_document import report_sweep

        say(str(report_sweep(given.runs, home, given.output, given.format, given.lang)))
        return 0
    folders = dict.fromkeys(find_run(name, home).path.resolve() for name in given.runs)
    recordings = {path: read_recording(RunFolder(path).events) for path in folders}
    stories = [story(path.name, read, picture(read.table)) for path, read in recordings.items()]
    by_ending = "md" if given.output and given.output.suffix.lower() in (".md", ".markdown") else "html"
    format = given.format or by_ending
    output = given.output or Path(f"report.{format}")
    write_report(stories, output, format, given.lang)
    say(str(output))
    return 0


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    from .sweeping.options import add_sweep_options

    add_sweep_options(parser)


def _sweep(given: argparse.Namespace) -> int:
    from .sweeping.command import new_sweep

    return new_sweep(given)


SUBCOMMANDS: dict[str, tuple[Callable[[argparse.Namespace], int], str, Callable[[argparse.ArgumentParser], None]]] = {
    "runs": (_runs, "List the recorded runs.", _add_runs),
    "resume": (_resume, "Go on with an interrupted run, bit for bit.", _add_resume),
    "replay": (_replay, "Watch a recorded run again.", _add_replay),
    "verify": (_verify, "Train a recorded run again and compare it bit for bit.", _add_verify),
    "export": (_export, "Write a recorded run for other programs.", _add_export),
    "report": (_report, "Write recorded runs up as a document with figures and a conclusion.", _add_report),
    "sweep": (_sweep, "Train many seeds of many settings, and say with error bars what differs.", _add_sweep),
}
