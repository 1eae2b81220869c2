"""`clipwatch fork`: continues a recorded run from one of its steps, with new lanes beside the recorded one."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from ..text.messages import tell
from .experiment_settings import announce_code
from .options import (
    DEBUG,
    HELP,
    KEYS_CONFIG,
    LANE,
    MACHINE,
    OUTPUT,
    RUNS_DIR,
    TENSORBOARD,
    Group,
    integer,
    option,
)
from .parser import Subcommand
from .settings import headless_options, lane_texts, machine, screen_options, uses_screen, warn_of_settings
from .sweep_after_run import sweep_after_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ...core.runs.folder import RunFolder
    from ...core.runs.machine import Machine
    from ...core.stream.commands import Fork
    from ...core.stream.lane_config import LaneConfig


def _fork(args: argparse.Namespace) -> int:
    from ...core.runs.folder import runs_folder
    from ...core.sweeps.recorded_folders import find_run

    warn_of_settings(args)
    home = runs_folder(args.runs_dir)
    source = find_run(args.run, home, tell)
    if args.at is None:
        raise BadInput("fork: give the step, like --at 300")
    forks = _new_lanes(args.lanes or [])
    child = _new_run(source, home, at=args.at, lane=args.from_lane, forks=forks, iterations=args.iterations)
    if uses_screen(args):
        return _show(child, args, iterations=args.iterations, machine=machine(args))
    from ..headless.run import resume_headless

    return resume_headless(child, args.iterations, machine(args), headless_options(args))


def fork_after_replay(source: RunFolder, args: argparse.Namespace) -> Callable[[Fork], int]:
    """A function that forks a recorded run at a step of its replay and shows the new run; `args` are the replay's."""

    def fork(command: Fork) -> int:
        from ...core.runs.folder import runs_folder
        from ...core.runs.machine import Machine
        from ...core.stream.lane_config import LaneConfig

        new = LaneConfig(command.name, command.rule or "none", learning_rate=command.learning_rate)
        child = _new_run(source, runs_folder(args.runs_dir), at=command.at_step or 0, lane=command.lane, forks=[new])
        return _show(child, args, machine=Machine())

    return fork


def _new_run(
    source: RunFolder,
    home: Path,
    *,
    at: int,
    lane: str | None,
    forks: Sequence[LaneConfig],
    iterations: int | None = None,
) -> RunFolder:
    """Make the new run, and say where it is."""
    from ...core.files.paths import path_text
    from ...core.runs.forking import fork_recorded
    from ...core.runs.reader import read_recording
    from ...core.stream.events import Notice

    child = fork_recorded(source, at=at, lane=lane, forks=forks, home=home, iterations=iterations)
    recorded = read_recording(child.events)
    for event in recorded.table.others:
        if isinstance(event, Notice):
            tell(event.text)
    announce_code(recorded.started.config.experiment, recorded.started.experiment)
    tell(f"{path_text(child.path)} continues {source.path.name}; clipwatch resume continues it again")
    return child


def _show(child: RunFolder, args: argparse.Namespace, *, iterations: int | None = None, machine: Machine) -> int:
    """Train the new run on the screen."""
    from ..engine_child.request import ResumeRun
    from ..live.run import run_live

    request = ResumeRun(
        folder=child.path, iterations=iterations, machine=machine, tensorboard=args.tensorboard, debug=args.debug
    )
    return run_live(request, screen_options(args), train_sweep=sweep_after_run(args))


def _new_lanes(texts: list[str]) -> list[LaneConfig]:
    from ...core.stream.lane_config import read_lane

    return [read_lane(name, text) for name, text in lane_texts(texts).items()]


FORK = Subcommand(
    "fork",
    "fork a recorded run at any of its steps",
    _fork,
    (
        Group("arguments", (option("run", metavar="RUN", help="folder or name of a run, or last for the newest one"),)),
        Group(
            "fork",
            (
                option("--at", metavar="STEP", type=integer, help="the step from which on the new lanes differ"),
                option(
                    "--from", metavar="LANE", dest="from_lane", help="the lane to continue (default: the first one)"
                ),
                replace(
                    LANE,
                    help="a new lane: its name, its clip rule and, after a comma, lr=X if its learning rate differs;"
                    " repeat it for each new lane",
                ),
            ),
        ),
        Group(
            "training",
            (
                option(
                    "--iterations", metavar="N", type=integer, help="train to N steps in total (default: as planned)"
                ),
                *MACHINE,
            ),
        ),
        Group("output", OUTPUT),
        Group("other options", (TENSORBOARD, KEYS_CONFIG, RUNS_DIR, DEBUG, HELP)),
    ),
    defaults={"no_record": False},
)
