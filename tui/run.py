"""`clipwatch` without a command: a new run, on the screen, in a browser or headless."""

from __future__ import annotations

import argparse
import shlex

from ..core.config import RunConfig, to_toml
from ..core.errors import BadInput
from .engine_request import ScreenRequest, TrainRun
from .paces import GENTLE
from .settings import headless_manner, key_settings, record_in, run_config, wants_screen


def new_run(given: argparse.Namespace) -> int:
    """Train what the command line describes; the exit code."""
    config = run_config(given, pace=GENTLE if wants_screen(given) else None)
    if given.print_config:
        print(to_toml(config), end="", flush=True)
        return 0
    if given.web is not None:
        from .web import serve

        return serve(given.web, given.web_origins or [], _screen(given, config))
    if given.web_origins:
        raise BadInput("--web-origin is for --web")
    if wants_screen(given):
        from .live import show

        return show(_screen(given, config))
    from .headless import run_headless

    return run_headless(config, headless_manner(given))


def _screen(given: argparse.Namespace, config: RunConfig) -> ScreenRequest:
    """The screen that the command line describes."""
    from .keys import keymap

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
