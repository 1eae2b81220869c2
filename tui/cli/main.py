"""The program `clipwatch`: reads the command line, and imports only what the command needs."""

from __future__ import annotations

import argparse
import contextlib
import io
import sys

from ...core.errors import BadInput
from ..exit_codes import exit_code
from .options import (
    CLIP,
    CONFIG,
    DATA,
    DEBUG,
    ELSEWHERE,
    HELP,
    LANE,
    LEARNING,
    OUTPUT,
    PRINT_CONFIG,
    RECORDING,
    VERSION,
    WATCHING,
    Group,
    one_of,
    option,
)
from .parser import RULES_HELP, Command, build_parser
from .subcommands import SUBCOMMANDS
from .suggestions import check_options, unknown_command

_SHELLS = ("bash", "zsh", "tcsh")


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code, see `edge`."""
    words = sys.argv[1:] if arguments is None else arguments
    return exit_code(lambda: _run(words), debug="--debug" in words)


def _run(arguments: list[str]) -> int:
    args = _parse_and_print(arguments)
    return args.perform(args)


def _parse_and_print(arguments: list[str]) -> argparse.Namespace:
    """Parse, and print what --help and --version print: argparse itself ignores an output that fails."""
    if sys.stdout is None:
        raise BadInput("standard output is closed; give it a file, or /dev/null")
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            return parse(arguments)
    finally:
        print(output.getvalue(), end="", flush=True)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options and arguments of a command line; `perform` of the result does what it asks for."""
    named = arguments[0] if arguments and not arguments[0].startswith("-") else ""
    if (command := COMMANDS.get(named)) is None:
        raise unknown_command(named, COMMANDS)
    check_options(arguments, command, COMMANDS.values())
    args, unknown = build_parser(COMMANDS.values()).parse_known_args(arguments)
    if (args.command or "") != command.name:
        raise BadInput(f"the command goes first: clipwatch {args.command} [OPTIONS]")
    if unknown:
        raise BadInput(f"unexpected argument {unknown[0]!r}; see {command.program} --help")
    return args


def _train(args: argparse.Namespace) -> int:
    from .run_command import new_run

    return new_run(args)


def _complete(args: argparse.Namespace) -> int:
    from .completion import annotate, print_completion

    return print_completion(build_parser(COMMANDS.values(), annotate), args.shell)


NEW_RUN = Command(
    "",
    "train LeNet twice, without and with gradient clipping, and watch it live",
    _train,
    (
        Group("data", DATA),
        Group("training", (CLIP, LANE, *LEARNING, *WATCHING)),
        Group("output", OUTPUT),
        Group("recording", RECORDING),
        Group("engines and screens elsewhere", ELSEWHERE),
        Group("other options", (CONFIG, PRINT_CONFIG, DEBUG, VERSION, HELP)),
    ),
    epilog=f"""\
examples:
  clipwatch                                  watch two lanes, one clipped
  clipwatch --lane a=none --lane b=norm:1    watch lanes of your own
  clipwatch sweep --seeds 64 --head linear   is it more than chance?

{RULES_HELP}""",
)
COMPLETION = Command(
    "completion",
    "print the completion script for a shell",
    _complete,
    (
        Group(
            "arguments",
            (option("shell", metavar="SHELL", type=one_of(*_SHELLS), choices=_SHELLS, help=", ".join(_SHELLS)),),
        ),
        Group("options", (DEBUG, HELP)),
    ),
    epilog="""\
save the script where the shell looks for it:
  bash        ~/.local/share/bash-completion/completions/clipwatch
  zsh         _clipwatch in a folder of $fpath
  tcsh        anywhere; source it in ~/.tcshrc""",
)
COMMANDS = {command.name: command for command in (NEW_RUN, *SUBCOMMANDS, COMPLETION)}


if __name__ == "__main__":
    raise SystemExit(main())
