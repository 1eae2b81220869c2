"""`clipwatch replica`: trains one replica of a sweep again as a run, whose curves and diagnostics can be seen."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import msgspec

from ..text.messages import say, tell
from ..text.replica_lines import replica_lines, trained_again
from .experiment_settings import announce_code
from .options import DEBUG, HELP, KEYS_CONFIG, MACHINE, OUTPUT, RUNS_DIR, TENSORBOARD, Group, integer, option
from .parser import Subcommand
from .settings import headless_options, machine, record_in, screen_options, uses_screen, warn_of_settings
from .sweep_after_run import sweep_after_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...core.runs.machine import Machine
    from ...core.stream.config import RunConfig
    from ...core.stream.sweep_config import Setting
    from ...core.stream.sweep_events import Results
    from ..engine_child.request import TrainRun
    from ..sweep.run import ShowReplica


def _replica(args: argparse.Namespace) -> int:
    from ...core.runs.folder import runs_folder
    from ...core.sweeps.recorded_folders import find_sweep
    from ...core.sweeps.replica_run import numbered_setting
    from ...core.sweeps.store import read_sweep

    warn_of_settings(args)
    results = read_sweep(find_sweep(args.sweep, runs_folder(args.runs_dir), tell), curves=False).results
    if args.setting is None:
        for line in replica_lines(results):
            say(line)
        return 0
    config = _announced_run(results, numbered_setting(results, args.setting), args.seed, machine(args))
    if uses_screen(args):
        from ..live.run import run_live

        request = _request(config, record_in=record_in(args), tensorboard=args.tensorboard, debug=args.debug)
        return run_live(request, screen_options(args), train_sweep=sweep_after_run(args))
    from ..headless.run import run_headless

    return run_headless(config, headless_options(args))


def replica_after_sweep(show: Callable[[TrainRun], int], machine: Machine, **options: Any) -> ShowReplica:
    """A function that trains the typical replica of a setting again, recorded beside its sweep, and shows that run.

    `options` are those of the request that `show` gets.
    """

    def train(results: Results, number: int, home: Path) -> int:
        config = _announced_run(results, results.started.config.settings[number], None, machine)
        return show(_request(config, record_in=home, **options))

    return train


def _announced_run(results: Results, setting: Setting, seed: int | None, machine: Machine) -> RunConfig:
    """The settings of a replica as a run (without `seed`: the typical one), after saying what is about to be run."""
    from ...core.sweeps.replica_run import replica_run, typical_seed

    seed = typical_seed(results, setting) if seed is None else seed
    config = machine.settings(replica_run(results, setting, seed), tell)
    announce_code(config.experiment, results.started.experiment)
    tell(trained_again(setting, seed))
    return config


def _request(config: RunConfig, **options: Any) -> TrainRun:
    """The request for a run on the screen."""
    from ..engine_child.request import TrainRun
    from ..view.speed_limits import DEFAULT_PACE

    return TrainRun(config=msgspec.structs.replace(config, pace=DEFAULT_PACE), **options)


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
                option(
                    "--seed",
                    metavar="N",
                    type=integer,
                    help="its seed (default: the one with the median result, a diverged one being the worst)",
                ),
                *MACHINE,
            ),
        ),
        Group("output", OUTPUT),
        Group("other options", (TENSORBOARD, KEYS_CONFIG, RUNS_DIR, DEBUG, HELP)),
    ),
    defaults={"no_record": False},
    epilog="""\
examples:
  clipwatch replica last              list the settings of the newest sweep
  clipwatch replica last 4            train the typical replica of setting 4, on the screen
  clipwatch replica last 4 --seed 2   train the replica of seed 2""",
)
