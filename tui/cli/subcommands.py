"""The subcommands: `clipwatch sweep`, and what is done with recorded runs."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from ...core.files.outputs import is_stream, output_path
from ..text.messages import say, tell
from .options import (
    Parser,
    add_common_options,
    add_config_option,
    add_here_options,
    add_output_options,
    add_tensorboard_option,
    add_workplace_options,
    integer,
    key_settings,
    machine,
)

if TYPE_CHECKING:
    from ...core.runs.folder import RunFolder
    from ..engine_child.request import AnyRequest
    from ..headless.run import Manner


def parse_subcommand(arguments: list[str]) -> argparse.Namespace:
    """Parse `NAME ...`; `perform` of the result does it."""
    name = arguments[0]
    perform, describe, add_options = SUBCOMMANDS[name]
    parser = Parser(prog=f"clipwatch {name}", description=describe, allow_abbrev=False)
    add_options(parser)
    add_common_options(parser)
    given = parser.parse_args(arguments[1:])
    given.perform = perform
    return given


def wants_screen(given: argparse.Namespace) -> bool:
    """Whether nothing was said that asks for a headless run."""
    return not (given.no_ui or given.json or given.control)


def manner(given: argparse.Namespace) -> Manner:
    """How a headless run is to print, listen and record."""
    from ..headless.run import Manner

    return Manner(
        json=given.json,
        control=given.control,
        quiet=given.quiet,
        diagnostics=given.show_diagnostics,
        record_in=record_in(given),
        tensorboard=given.tensorboard,
    )


def record_in(given: argparse.Namespace) -> Path | None:
    """The folder of runs to record in, None for nowhere."""
    from ...core.runs.folder import runs_folder

    return None if given.no_record else runs_folder(given.runs_dir)


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="a run's folder, its name, or last")


def _found_run(given: argparse.Namespace) -> RunFolder:
    from ...core.runs.folder import runs_folder
    from ...core.sweeps.archive import find_run

    return find_run(given.run, runs_folder(given.runs_dir), tell)


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print a JSON object a run")


def _runs(given: argparse.Namespace) -> int:
    from ...core.runs.folder import runs_folder
    from .runs_table import print_runs

    return print_runs(runs_folder(given.runs_dir), json=given.json)


def _add_resume(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument("--iterations", metavar="N", type=integer, help="go on to so many steps in all")
    add_here_options(parser)
    add_tensorboard_option(parser)
    add_workplace_options(parser.add_argument_group("of a sweep"))
    add_output_options(parser.add_argument_group("output"))
    _add_keys(parser)
    parser.set_defaults(no_record=False)


def _resume(given: argparse.Namespace) -> int:
    from ...core.runs.folder import RunFolder, runs_folder
    from ...core.sweeps.archive import find

    _pass_over_settings(given)
    folder = find(given.run, runs_folder(given.runs_dir), tell)
    if not isinstance(folder, RunFolder):
        from .sweep import resume_sweep

        return resume_sweep(folder, given)
    if given.workers or given.backend or given.ray_address:
        raise BadInput("--workers, --backend and --ray-address are for sweeps: a run is trained here")
    if given.iterations is not None and given.iterations < 1:
        raise BadInput(f"iterations {given.iterations}: must be 1 or more")
    if wants_screen(given):
        from ..engine_child.request import ResumeRun

        steps, board = given.iterations, given.tensorboard
        return _show(
            given,
            ResumeRun(
                folder=folder.path, iterations=steps, machine=machine(given), tensorboard=board, debug=given.debug
            ),
        )
    from ..headless.run import resume_headless

    return resume_headless(folder, given.iterations, machine(given), manner(given))


def _show(given: argparse.Namespace, request: AnyRequest) -> int:
    """Show an engine of our own, with the config file's keys."""
    from ..live.run import run_live
    from ..view.keys import keymap

    return run_live(request, keymap(key_settings(given)), quit_when_done=given.quit_when_done)


def _pass_over_settings(given: argparse.Namespace) -> None:
    """Of a config file only the keys count where a run is not described anew."""
    if given.config and (others := sorted(given.config.values.keys() - {"keys"})):
        tell(f"{given.config.name}: only [keys] counts for what is recorded; passed over: {', '.join(others)}")


def _add_keys(parser: argparse.ArgumentParser) -> None:
    add_config_option(parser.add_argument_group("screen"), "TOML with [keys]; its settings are for new runs")


def _add_replay(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument("--speed", metavar="X", default="1", help="times the recorded speed, or max (default: 1)")
    add_output_options(parser.add_argument_group("output"))
    _add_keys(parser)
    parser.set_defaults(no_record=True, tensorboard=None)


def _replay(given: argparse.Namespace) -> int:
    _pass_over_settings(given)
    folder = _found_run(given)
    speed = _speed(given.speed)
    if wants_screen(given):
        from ..engine_child.request import ReplayRun

        return _show(given, ReplayRun(folder=folder.path, speed=speed, debug=given.debug))
    from ..headless.run import replay_headless

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
    from .verify import print_verification

    return print_verification(_found_run(given), machine(given))


def _add_export(parser: argparse.ArgumentParser) -> None:
    _add_run(parser)
    parser.add_argument("--csv", metavar="FILE", type=output_path, help="a row per evaluation")
    parser.add_argument("--json", metavar="FILE", type=output_path, help="the events as one JSON array")
    add_tensorboard_option(parser)


def _export(given: argparse.Namespace) -> int:
    from ...core.runs.export import write_csv, write_json
    from ...core.runs.reader import read_recording

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
        from ...core.tensorboard.sink import export
        from ..text.wording import lane_message

        export(recorded, folder, given.tensorboard, lane_message, tell)
    return 0


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", metavar="RUN", nargs="+", help="a run's folder, its name, or last; or several")
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=output_path, help="default: report.html or report.md, here"
    )
    parser.add_argument("--format", choices=("html", "md"), help="default: by the ending of FILE, else html")
    parser.add_argument("--lang", choices=("en", "zh"), default="en", help="language (default: en)")


_ENDINGS = ("", ".html", ".htm", ".md", ".markdown")


def _report(given: argparse.Namespace) -> int:
    from ...core.reports.document import write_report
    from ...core.reports.story import story
    from ...core.runs.folder import RunFolder, runs_folder
    from ...core.runs.reader import read_recording
    from ...core.sweeps.archive import find
    from ...core.sweeps.store import SweepFolder
    from ..live.picture import picture

    if given.output and not given.format and given.output.suffix.lower() not in _ENDINGS:
        raise BadInput(f"report: {given.output}: end it in .html or .md, or give --format")
    found = [find(name, runs_folder(given.runs_dir), tell) for name in given.runs]
    for sweep in found:
        if isinstance(sweep, SweepFolder):
            from ...core.reports.sweep_document import report_sweep

            if len(found) > 1:
                raise BadInput("report: one sweep at a time, without runs")
            return _say_where(report_sweep(sweep, given.output, given.format, given.lang))
    folders = dict.fromkeys(folder.path.resolve() for folder in found)
    recordings = {path: read_recording(RunFolder(path).events) for path in folders}
    stories = [story(path.name, read, picture(read.table)) for path, read in recordings.items()]
    by_ending = "md" if given.output and given.output.suffix.lower() in (".md", ".markdown") else "html"
    format = given.format or by_ending
    output = given.output or Path(f"report.{format}")
    write_report(stories, output, format, given.lang)
    return _say_where(output)


def _say_where(output: Path) -> int:
    """Name the document that was written, unless it went to standard output or the like."""
    if not is_stream(output):
        say(str(output))
    return 0


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    from .sweep_options import add_sweep_options

    add_sweep_options(parser)


def _sweep(given: argparse.Namespace) -> int:
    from .sweep import new_sweep

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
