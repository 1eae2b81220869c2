"""The program `clipwatch`: parses the command line and runs the command."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys

from ...core.errors import BadInput
from ..exit_codes import exit_code
from .options import (
    CLIP,
    CLIP_AT,
    CONFIG,
    DATA,
    DEBUG,
    EXPERIMENT,
    HELP,
    LANE,
    OUTPUT,
    PRINT_CONFIG,
    RECORDING,
    REMOTE,
    RUN_ONLY,
    SET,
    TRAINING,
    VERSION,
    Group,
    one_of,
    option,
)
from .parser import RULES_HELP, Subcommand, build_parser
from .subcommands import SUBCOMMANDS
from .suggestions import check_options, unknown_command

_SHELLS = ("bash", "zsh", "tcsh")


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return its exit code, see `exit_code`."""
    arguments = sys.argv[1:] if arguments is None else arguments
    return exit_code(lambda: _run(arguments), debug="--debug" in arguments)


def _run(arguments: list[str]) -> int:
    args = _parse_and_print(arguments)
    return args.perform(args)


def _parse_and_print(arguments: list[str]) -> argparse.Namespace:
    """Parse, and print the output of --help and --version here: argparse ignores errors when it prints."""
    if sys.stdout is None:
        raise BadInput("standard output is closed; redirect it to a file or to /dev/null")
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            return parse(arguments)
    finally:
        print(output.getvalue(), end="", flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse a command line; the attribute `perform` of the result is the function that runs the command."""
    command = _command(arguments)
    check_options(arguments, command, COMMANDS.values())
    args, unknown = build_parser(COMMANDS.values()).parse_known_args(arguments)
    words = (args.command, getattr(args, f"command{args.command}", None))
    if (name := " ".join(word for word in words if word)) != command.name:
        raise BadInput(f"the command goes first: clipwatch {name} [OPTIONS]")
    if unknown:
        raise BadInput(f"unexpected argument {unknown[0]!r}; see {command.program} --help")
    return args


def _command(arguments: list[str]) -> Subcommand:
    """The command that the first one or two arguments name: `runs`, or `runs rename`."""
    first, second = (*(word if not word.startswith("-") else "" for word in arguments[:2]), "", "")[:2]
    inner = [name for name in COMMANDS if first and name.startswith(f"{first} ")]
    name = f"{first} {second}" if inner and second else first
    if name not in COMMANDS:
        raise unknown_command(name, inner if inner else [name for name in COMMANDS if " " not in name])
    return COMMANDS[name]


def _train(args: argparse.Namespace) -> int:
    from .run_command import new_run

    return new_run(args)


def _print_completion(args: argparse.Namespace) -> int:
    from .completion import annotate, print_completion

    return print_completion(build_parser(COMMANDS.values(), annotate), args.shell)


NEW_RUN = Subcommand(
    "",
    "train a network twice side by side, unclipped and clipped, and watch it live",
    _train,
    (
        Group("experiment", (EXPERIMENT, SET)),
        Group("data", DATA),
        Group("training", (CLIP, LANE, CLIP_AT, *TRAINING, *RUN_ONLY)),
        Group("output", OUTPUT),
        Group("recording", RECORDING),
        Group("remote engine and browser", REMOTE),
        Group("other options", (CONFIG, PRINT_CONFIG, DEBUG, VERSION, HELP)),
    ),
    epilog=f"""\
examples:
  clipwatch                                  train and watch both lanes of LeNet
  clipwatch --experiment temporal-order      a network that clipping saves
  clipwatch --experiment mine.py             your own model, see experiment
  clipwatch --lane a=none --lane b=norm:1    compare other clip rules
  clipwatch sweep --seeds 64 --head linear   compare over 64 seeds

{RULES_HELP}""",
)
COMPLETION = Subcommand(
    "completion",
    "print the completion script for a shell",
    _print_completion,
    (
        Group(
            "arguments",
            (option("shell", metavar="SHELL", type=one_of(*_SHELLS), choices=_SHELLS, help="bash, zsh or tcsh"),),
        ),
        Group("options", (DEBUG, HELP)),
    ),
    epilog="""\
save the output where the shell looks for it:
  bash        ~/.local/share/bash-completion/completions/clipwatch
  zsh         _clipwatch in a folder of $fpath
  tcsh        anywhere; source it in ~/.tcshrc""",
)
COMMANDS = {command.name: command for command in (NEW_RUN, *SUBCOMMANDS, COMPLETION)}


if __name__ == "__main__":
    raise SystemExit(main())
