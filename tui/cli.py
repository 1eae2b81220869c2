"""The program `clipwatch`: reads the command line, and imports only what it asks for."""

from __future__ import annotations

import argparse
import difflib
import logging
import shlex
import sys
import traceback

from ..core.config import RunConfig
from ..core.errors import BadInput, ClipwatchError
from .messages import escape_unencodable, lose_output, tell
from .options import key_settings, parse, run_config
from .paces import GENTLE
from .subcommands import SUBCOMMANDS, manner, parse_subcommand, tensorboard_arguments, wants_screen


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code is 0 done, 1 failed, 2 bad input, 130 or 143 interrupted, 141 nobody reads."""
    given = None
    escape_unencodable()
    try:
        given = _parsed(sys.argv[1:] if arguments is None else arguments)
        if given.debug:
            logging.basicConfig(level=logging.DEBUG)
        return given.perform(given)
    except ClipwatchError as error:
        if given and given.debug:
            traceback.print_exc()
        tell(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        lose_output(sys.stdout.fileno())
        return 141
    except OSError as error:
        # What can be foreseen is a ClipwatchError by now; this is a full disk under standard output, or the like.
        if given and given.debug:
            traceback.print_exc()
        tell(str(error))
        lose_output(sys.stdout.fileno())
        return 1


def _parsed(arguments: list[str]) -> argparse.Namespace:
    if sys.stdout is None:
        raise BadInput("standard output is closed; give it a file, or /dev/null")
    try:
        if arguments and arguments[0] in SUBCOMMANDS:
            return parse_subcommand(arguments)
        if arguments and not arguments[0].startswith("-"):
            near = difflib.get_close_matches(arguments[0], SUBCOMMANDS, 1)
            meant = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(SUBCOMMANDS)}"
            raise BadInput(f"unknown command {arguments[0]!r}{meant}")
        given = parse(arguments, SUBCOMMANDS)
        given.perform, given.arguments = _train, arguments
        return given
    finally:
        # Sends off what --help printed, while it can still be told that nobody reads it.
        sys.stdout.flush()


def _train(given: argparse.Namespace) -> int:
    config = run_config(given, pace=GENTLE if wants_screen(given) else None)
    if given.print_config:
        from ..core.config import to_toml

        print(to_toml(config), end="", flush=True)
        return 0
    if given.web is not None:
        from .web import serve

        return serve(given.web, given.arguments)
    if wants_screen(given):
        return _show(given, config)
    from .headless import run_headless

    return run_headless(config, manner(given))


def _show(given: argparse.Namespace, config: RunConfig) -> int:
    keys = key_settings(given)
    from .engine_process import local_engine
    from .keys import keymap
    from .live import run_live

    recording = ["--no-record"] if given.no_record else ["--runs-dir", given.runs_dir] if given.runs_dir else []
    wanted = given.engine_command
    if wanted is not None and given.tensorboard:
        raise BadInput("--tensorboard is written where the engine is: give it to the --engine-command")
    options = [*recording, *tensorboard_arguments(given)]
    command = local_engine(config, options) if wanted is None else _engine_command(wanted)
    return run_live(command, keymap(keys), quit_when_done=given.quit_when_done)


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
