"""`clipwatch fork`: continues a recorded run from one of its steps, with new lanes beside the recorded one."""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...core.errors import BadInput, ClipwatchError
from ..text.lane_names import lane_name, recorded_name
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
from .settings import headless_options, machine, screen_options, uses_screen, warn_of_settings
from .sweep_after_run import sweep_after_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ...core.runs.folder import RunFolder
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
    if not args.lanes:
        raise BadInput("fork: give a new lane, like --lane norm:1")
    parent = _recorded_name(args.from_lane, source)
    forks = _new_lanes(args.lanes, source, parent)
    train = _on_screen(args) if uses_screen(args) else _headless(args)
    return train(_new_run(source, home, at=args.at, lane=parent, forks=forks, iterations=args.iterations))


def _on_screen(args: argparse.Namespace) -> Callable[[RunFolder], int]:
    """A function that trains a new run on the screen. Raises BadInput if it cannot be shown."""
    from ..engine_child.request import ResumeRun
    from ..live.run import run_live
    from ..terminal.capabilities import prepare_terminal

    prepare_terminal()
    options = screen_options(args)

    def train(child: RunFolder) -> int:
        request = ResumeRun(
            folder=child.path,
            iterations=args.iterations,
            machine=machine(args),
            tensorboard=args.tensorboard,
            debug=args.debug,
        )
        return _trained(child, lambda: run_live(request, options, train_sweep=sweep_after_run(args)))

    return train


def _headless(args: argparse.Namespace) -> Callable[[RunFolder], int]:
    from ..headless.run import resume_headless

    options = headless_options(args)
    return lambda child: _trained(child, lambda: resume_headless(child, args.iterations, machine(args), options))


def _trained(child: RunFolder, train: Callable[[], int]) -> int:
    """Train a new run; return the exit code. If it fails before it trains, it is removed."""
    begun = _beginnings(child)
    try:
        code = train()
    except Exception:
        _remove_untrained(child, begun)
        raise
    if code in (ClipwatchError.exit_code, BadInput.exit_code):
        _remove_untrained(child, begun)
    return code


def _remove_untrained(child: RunFolder, begun: int) -> None:
    """Remove a new run whose lanes have not begun since: its source still has all of it."""
    if _beginnings(child) == begun:
        shutil.rmtree(child.path, ignore_errors=True)
        tell(f"the new run {child.path.name} is removed, because it could not begin")


def _beginnings(child: RunFolder) -> int:
    """How often lanes began to train, according to the recording."""
    from ...core.runs.reader import read_recording
    from ...core.stream.events import LaneStarted

    return sum(isinstance(event, LaneStarted) for event in read_recording(child.events).table.others)


def fork_after_replay(source: RunFolder, home: Path, show: Callable[..., int], **options: Any) -> Callable[[Fork], int]:
    """A function that forks a recorded run at a step of its replay, below `home`, and shows the new run.

    `show` gets the request, with these `options`, and what to say while the run is prepared.
    """

    def fork(command: Fork) -> int:
        from ...core.stream.lane_config import LaneConfig
        from ..engine_child.request import ResumeRun

        # The prompt always gives a rule.
        new = LaneConfig(command.name, command.rule or "none", learning_rate=command.learning_rate)
        child = _new_run(source, home, at=command.at_step or 0, lane=command.lane, forks=[new])
        what = f"{new.name} ({new.text}) from {lane_name(command.lane or '')} at step {command.at_step or 0:,}"
        texts = (f"Preparing {child.path.name}: forking {what} of {source.path.name}", f"Forking {what}")
        return _trained(child, lambda: show(ResumeRun(folder=child.path, **options), preparing=texts))

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
    """Make the new run, and say what it is called."""
    from ...core.runs.forking import fork_recorded
    from ...core.runs.reader import read_recording
    from ...core.stream.events import Notice

    child = fork_recorded(source, at=at, lane=lane, forks=forks, home=home, iterations=iterations)
    recorded = read_recording(child.events)
    for event in recorded.table.others:
        if isinstance(event, Notice):
            tell(event.text)
    try:
        announce_code(recorded.started.config.experiment, recorded.started.experiment)
    except BadInput:
        # The file is gone.
        shutil.rmtree(child.path, ignore_errors=True)
        raise
    name = child.path.name
    tell(f"new run {name}, forked from {source.path.name} at step {at}; if interrupted: clipwatch resume {name}")
    return child


def _recorded_name(given: str | None, source: RunFolder) -> str | None:
    """The recorded name of the lane to fork, which may be given as on the screen: A or B."""
    from ...core.runs.reader import read_recording

    if given is None:
        return None
    return recorded_name(given, read_recording(source.events, growing=source.is_being_written()).lanes)


def _new_lanes(texts: Sequence[str], source: RunFolder, parent: str | None) -> list[LaneConfig]:
    """The new lanes, of which those without a name are named after their parent. Raises BadInput."""
    from ...core.stream.config import from_options, read_toml
    from ..view.fork_choices import read_fork, split

    if parent is None:
        is_needed = not all(split(text)[0] for text in texts)
        parent = from_options(read_toml(source.config)).lanes[0].name if is_needed else ""
    lanes: list[LaneConfig] = []
    for text in texts:
        lanes.append(read_fork(text, lane_name(parent), {parent, *(lane.name for lane in lanes)}))
    return lanes


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
                option("--from", metavar="LANE", dest="from_lane", help="the lane to fork (default: the first one)"),
                replace(
                    LANE,
                    keywords={**LANE.keywords, "metavar": "[NAME=]RULE[,lr=X]"},
                    help="a new lane: its name (default: that of LANE with +1, +2, ...), its clip rule and, after a"
                    " comma, lr=X if its learning rate differs; repeat it for each new lane",
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
    epilog="""\
examples:
  clipwatch fork last --at 300 --lane norm:1
  clipwatch fork last --at 300 --from clipped --lane none --lane norm:1,lr=1e-4

The new run begins as the recorded one did and trains LANE on beside the new
lanes. A new lane with the rule that LANE has at this step also takes the rules
that are planned for LANE's later steps; one with another rule keeps it.""",
)
