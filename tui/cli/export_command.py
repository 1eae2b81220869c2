"""`clipwatch export`: what others can read or run, made from a recorded run."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from ...core.files.outputs import STANDARD_OUTPUT, is_stream, output_path, write_output
from ..text.lane_names import recorded_name
from ..text.messages import tell
from .experiment_settings import announce_code
from .found_run import RUN, found_run
from .options import DEBUG, HELP, RUNS_DIR, TENSORBOARD, Group, integer, option
from .parser import Subcommand

if TYPE_CHECKING:
    from ...core.runs.folder import RunFolder
    from ...core.runs.reader import Recorded

_FILES = ("csv", "steps", "json", "weights", "script")


def _export(args: argparse.Namespace) -> int:
    from ...core.runs.reader import read_recording

    _require_outputs(args)
    folder = found_run(args)
    recorded = read_recording(folder.events)
    for text in recorded.damage:
        tell(text)
    # First, because these fail where weights or steps are not recorded.
    if args.weights:
        _write_weights(folder, recorded, args)
    if args.script:
        _write_script(folder, recorded, args.script)
    _write_tables(recorded, args)
    if args.tensorboard:
        from ...core.tensorboard.sink import export
        from ..text.wording import lane_message

        export(recorded, folder, args.tensorboard, lane_message, tell)
    return 0


def _require_outputs(args: argparse.Namespace) -> None:
    files = [path for name in _FILES if (path := getattr(args, name))]
    if not files and not args.tensorboard:
        options = ", ".join(f"--{name} FILE" for name in _FILES)
        raise BadInput(f"export: nothing to write; add {options} or --tensorboard DIR")
    if len(set(files)) < len(files):
        raise BadInput("export: two outputs in one file; give each option a file of its own")
    if not args.weights and (args.lane is not None or args.at is not None):
        raise BadInput("export: --lane and --at select weights; add --weights FILE, or leave them out")


def _write_tables(recorded: Recorded, args: argparse.Namespace) -> None:
    from ...core.runs.export import write_csv, write_json
    from ...core.runs.step_export import write_steps

    if args.steps:
        write_steps(recorded, args.steps)
    if args.csv:
        write_csv(recorded, args.csv)
    if args.json:
        write_json(recorded, args.json)


def _write_weights(folder: RunFolder, recorded: Recorded, args: argparse.Namespace) -> None:
    """Write the weights of one lane, and say after how many steps they are."""
    from ...core.runs.watched import require_own_training

    started = recorded.started
    require_own_training(folder.path, started, "weights")
    lane = _lane(recorded.lanes, None if args.lane is None else recorded_name(args.lane, recorded.lanes))
    announce_code(started.config.experiment, started.experiment)
    # Imports torch.
    from ...core.training.weights import encoded_weights, select_snapshot

    snapshot = select_snapshot(folder.checkpoints, lane, args.at, tell)
    write_output(args.weights, encoded_weights(started.config, snapshot))
    where = "on standard output" if args.weights == STANDARD_OUTPUT else f"in {args.weights}"
    tell(f"the weights of {lane} after {snapshot['step']:,} steps are {where}")


def _lane(names: list[str], given: str | None) -> str:
    """The lane whose weights are written. Raises BadInput if it is not clear which."""
    if given is None and len(names) == 1:
        return names[0]
    if given in names:
        return given
    what = "which lane?" if given is None else f"no lane is called {given!r};"
    raise BadInput(f"export --weights: {what} add {' or '.join(f'--lane {name}' for name in names)}")


def _write_script(folder: RunFolder, recorded: Recorded, path: Path) -> None:
    """Write the settings of the run, and beside them the commands if there are any; say what repeats the run."""
    from ...core.engine.run_script import run_script
    from ...core.runs.watched import require_own_training

    require_own_training(folder.path, recorded.started, "repeat")
    if is_stream(path):
        raise BadInput("export --script: name a file, beside which the commands are written")
    script = run_script(recorded)
    write_output(path, script.settings_file)
    command = f"clipwatch --no-ui --config {shlex.quote(str(path))}"
    commands = path.with_suffix(".commands.jsonl")
    if not script.commands and commands.is_file():
        tell(f"{commands} belongs to another script: this run needs no commands")
    if script.commands:
        write_output(commands, script.commands_file)
        command += f" --control < {shlex.quote(str(commands))}"
    tell(f"this repeats the run: {command}")


EXPORT = Subcommand(
    "export",
    "export figures, weights or a script of a run",
    _export,
    (
        Group("arguments", (RUN,)),
        Group(
            "options",
            (
                option(
                    "--csv",
                    metavar="FILE",
                    type=output_path,
                    help="write a CSV file: a row per evaluation, and each lane's result on all validation images",
                ),
                option(
                    "--steps",
                    metavar="FILE",
                    type=output_path,
                    help="write a CSV file: a row per training step and lane, with loss and gradient norms",
                ),
                option("--json", metavar="FILE", type=output_path, help="write the events as a JSON array"),
                option(
                    "--weights",
                    metavar="FILE",
                    type=output_path,
                    help="write the weights of a lane: a state_dict that torch.load reads with weights_only",
                ),
                option("--lane", metavar="NAME", help="whose weights (needed if there are several lanes)"),
                option(
                    "--at",
                    metavar="STEP",
                    type=integer,
                    help="weights after this step (default: the newest that are kept)",
                ),
                option(
                    "--script",
                    metavar="FILE",
                    type=output_path,
                    help="write the settings as TOML, and beside them the commands that repeat changes mid-run",
                ),
                TENSORBOARD,
                RUNS_DIR,
                DEBUG,
                HELP,
            ),
        ),
    ),
    epilog="""\
examples:
  clipwatch export last --csv run.csv
  clipwatch export last --weights weights.pt --lane clipped --at 2000
  clipwatch export last --script run.toml""",
)
