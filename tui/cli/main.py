"""The program `clipwatch`: reads the command line, and imports only what it asks for."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import shlex
import sys
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from ...core.stream.config import RunConfig
from ..exit_codes import exit_code
from ..view.speed_limits import GENTLE
from .options import key_settings, parse, run_config
from .subcommands import SUBCOMMANDS, manner, parse_subcommand, record_in, wants_screen

if TYPE_CHECKING:
    from ..engine_child.request import ScreenRequest


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code, see `edge`."""
    given = sys.argv[1:] if arguments is None else arguments
    return exit_code(lambda: _run(given), debug="--debug" in given)


def _run(arguments: list[str]) -> int:
    given = _parsed(arguments)
    return given.perform(given)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    if sys.stdout is None:
        raise BadInput("standard output is closed; give it a file, or /dev/null")
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            return _command(arguments)
    finally:
        # What --help prints: argparse would pass over an output that does not take it.
        print(said.getvalue(), end="", flush=True)


def _command(arguments: list[str]) -> argparse.Namespace:
    if arguments and arguments[0] in SUBCOMMANDS:
        return parse_subcommand(arguments)
    if arguments and not arguments[0].startswith("-"):
        near = difflib.get_close_matches(arguments[0], SUBCOMMANDS, 1)
        meant = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(SUBCOMMANDS)}"
        raise BadInput(f"unknown command {arguments[0]!r}{meant}")
    given = parse(arguments, SUBCOMMANDS)
    given.perform = _train
    return given


def _train(given: argparse.Namespace) -> int:
    config = run_config(given, pace=GENTLE if wants_screen(given) else None)
    if given.print_config:
        from ...core.stream.config import to_toml

        print(to_toml(config), end="", flush=True)
        return 0
    if given.web is None and given.web_origins:
        raise BadInput("--web-origin is for --web")
    if given.web is None and not wants_screen(given):
        from ..headless.run import run_headless

        return run_headless(config, manner(given))
    screen = _screen(given, config)
    if given.web is not None:
        from ..web.web import serve

        return serve(given.web, given.web_origins or [], screen)
    from ..live.run import show

    return show(screen)


def _screen(given: argparse.Namespace, config: RunConfig) -> ScreenRequest:
    """The screen that the command line describes."""
    from ..engine_child.request import ScreenRequest, TrainRun
    from ..view.keys import keymap

    if given.engine_command is None:
        engine = TrainRun(config=config, record_in=record_in(given), tensorboard=given.tensorboard, debug=given.debug)
    elif given.tensorboard:
        raise BadInput("--tensorboard is written where the engine is: give it to the --engine-command")
    else:
        engine = _engine_command(given.engine_command)
    keys = keymap(key_settings(given))
    return ScreenRequest(engine=engine, keymap=keys, quit_when_done=given.quit_when_done, debug=given.debug)


def _engine_command(text: str) -> list[str]:
    try:
        command = shlex.split(text)
    except ValueError as error:
        raise BadInput(f"--engine-command {text!r}: {str(error).lower()}") from None
    if not command:
        raise BadInput(f"--engine-command {text!r}: name a program")
    return command


if __name__ == "__main__":
    raise SystemExit(main())
