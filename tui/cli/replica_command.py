"""`clipwatch replica`: trains one replica of a sweep again as a run, whose curves and diagnostics can be seen."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import msgspec

from ..text.messages import say, tell
from ..text.replica_lines import replica_lines, trained_again
from .experiment_settings import announce_code
from .options import DEBUG, HELP, KEYS_CONFIG, MACHINE, OUTPUT, RUNS_DIR, TENSORBOARD, Group, integer, option
from .parser import Subcommand
from .settings import headless_options, machine, record_in, screen_options, uses_screen, warn_of_settings
from .sweep_after_run import sweep_after_run

if TYPE_CHECKING:
    from ...core.stream.config import RunConfig


def _replica(args: argparse.Namespace) -> int:
    from ...core.runs.folder import runs_folder
    from ...core.sweeps.recorded_folders import find_sweep
    from ...core.sweeps.replica_run import numbered_setting, replica_run, typical_seed
    from ...core.sweeps.store import read_sweep

    warn_of_settings(args)
    results = read_sweep(find_sweep(args.sweep, runs_folder(args.runs_dir), tell), curves=False).results
    if args.setting is None:
        for line in replica_lines(results):
            say(line)
        return 0
    setting = numbered_setting(results, args.setting)
    seed = typical_seed(results, setting) if args.seed is None else args.seed
    config = machine(args).settings(replica_run(results, setting, seed), tell)
    announce_code(config.experiment, results.started.experiment)
    tell(trained_again(setting, seed))
    return _train(config, args)


def _train(config: RunConfig, args: argparse.Namespace) -> int:
    """Train, record and show a run; return the exit code."""
    if uses_screen(args):
        from ..engine_child.request import TrainRun
        from ..live.run import run_live
        from ..view.speed_limits import DEFAULT_PACE

        config = msgspec.structs.replace(config, pace=DEFAULT_PACE)
        request = TrainRun(config=config, record_in=record_in(args), tensorboard=args.tensorboard, debug=args.debug)
        return run_live(request, screen_options(args), train_sweep=sweep_after_run(args))
    from ..headless.run import run_headless

    return run_headless(config, headless_options(args))


REPLICA = Subcommand(
    "replica",
    "train one replica of a sweep again, as a run",
    _replica,
    (
        Group(
            "arguments",
            (
                option("sweep", metavar="SWEEP", help="folder or name of a sweep, or last for the newest one"),
                option(
                    "setting",
                    metavar="SETTING",
                    type=integer,
                    nargs="?",
                    help="number of a setting (default: list the settings with their numbers)",
                ),
            ),
        ),
        Group(
            "training",
            (
                option("--seed", metavar="N", type=integer, help="its seed (default: the one with the median result)"),
                *MACHINE,
            ),
        ),
        Group("output", OUTPUT),
        Group("other options", (TENSORBOARD, KEYS_CONFIG, RUNS_DIR, DEBUG, HELP)),
    ),
    defaults={"no_record": False},
)
