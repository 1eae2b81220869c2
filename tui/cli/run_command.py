"""`clipwatch` without a command: trains a new run, on the screen, in a browser or headless."""

from __future__ import annotations

import argparse
import shlex

from ...core.errors import BadInput
from ...core.stream.config import RunConfig, to_toml
from ..engine_child.request import ScreenRequest, TrainRun
from ..view.speed_limits import DEFAULT_PACE
from .chart_names import require_charts
from .experiment_settings import warn_without_effect
from .settings import headless_options, record_in, run_config, screen_options, uses_screen
from .sweep_after_run import sweep_after_run


def new_run(args: argparse.Namespace) -> int:
    """Train a new run as the command line describes it; return the exit code."""
    config = run_config(args, pace=DEFAULT_PACE if uses_screen(args) else None)
    if args.print_config:
        print(to_toml(config), end="", flush=True)
        return 0
    require_charts(args.charts, config.experiment)
    warn_without_effect(config)
    if args.web is not None:
        from ..web.serve import serve

        return serve(args.web, args.web_origins or [], _screen(args, config))
    if args.web_origins:
        raise BadInput("--web-origin works only with --web")
    if uses_screen(args):
        from ..live.run import show

        return show(_screen(args, config), train_sweep=sweep_after_run(args))
    if args.engine_command is not None:
        raise BadInput("--engine-command works only with the screen; leave out --no-ui, --json and --control")
    from ..headless.run import run_headless

    return run_headless(config, headless_options(args))


def _screen(args: argparse.Namespace, config: RunConfig) -> ScreenRequest:
    """The screen request that the command line describes."""
    if args.engine_command is None:
        engine = TrainRun(config=config, record_in=record_in(args), tensorboard=args.tensorboard, debug=args.debug)
    elif args.tensorboard:
        raise BadInput("--tensorboard is an option of the engine; put it into the --engine-command")
    else:
        engine = _engine_command(args.engine_command)
    return ScreenRequest(engine=engine, options=screen_options(args), debug=args.debug)


def _engine_command(text: str) -> list[str]:
    try:
        command = shlex.split(text)
    except ValueError as error:
        raise BadInput(f"--engine-command {text!r}: {str(error).lower()}") from None
    if not command:
        raise BadInput(f"--engine-command {text!r}: no program named")
    return command
