"""Shows a run on the screen in this terminal, and prints the summary afterwards."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from ...core.stream.codec import decode_event
from ...core.stream.commands import Fork
from ...core.stream.sweep_config import SweepConfig
from ..engine_child.process import EngineProcess
from ..engine_child.request import AttachRun, EngineSource, ReplayRun, ResumeRun, ScreenOptions, ScreenRequest
from ..terminal.capabilities import discard_output_of_closed_terminal, prepare_terminal
from ..text.messages import tell

if TYPE_CHECKING:
    from .app import ClipwatchApp

# Trains a sweep and returns the exit code.
TrainSweepOf = Callable[[SweepConfig], int]
# Forks a recorded run, trains the new one and returns the exit code.
TrainForkOf = Callable[[Fork], int]


def show(screen: ScreenRequest, *, train_sweep: TrainSweepOf | None = None) -> int:
    """Show the screen of a request; return the exit code."""
    return run_live(screen.engine, screen.options, train_sweep=train_sweep)


def run_live(
    source: EngineSource,
    options: ScreenOptions,
    *,
    train_sweep: TrainSweepOf | None = None,
    train_fork: TrainForkOf | None = None,
    preparing: Sequence[str] = (),
) -> int:
    """Start an engine and show its run; return the exit code.

    `train_sweep` trains a sweep of the run's configuration once its screen has ended, and `train_fork` a fork of the
    run that was replayed, if the user asks for it. `preparing` is what the screen says before the run starts, in forms
    from long to short.
    """
    ascii_only = prepare_terminal()
    engine = EngineProcess(source)
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(engine.stop)
        # Imported only now: the engine reads its recording meanwhile, which takes about as long.
        from .app import ClipwatchApp

        app = ClipwatchApp(
            engine,
            keymap=options.keymap,
            charts=options.charts,
            ascii=ascii_only,
            quit_when_done=options.quit_when_done,
            new_run=not isinstance(source, ResumeRun | ReplayRun | AttachRun),
            can_sweep=train_sweep is not None and not isinstance(source, Sequence),
            can_fork=train_fork is not None,
            preparing=preparing,
        )
        on_failure.pop_all()
    _fold_last_lines(app, app.show())
    if app.failure:
        tell(app.failure)
    train_fork = train_fork if app.fork and app.exit_code <= 1 else None
    if app.view.state.lanes and options.summary and not train_fork:
        _print_summary(app)
    if (attached := app.view.state.attached) and attached.process in ("running", "silent"):
        tell(f"the run goes on; clipwatch attach {shlex.quote(attached.run)} shows it again")
    if app.sweep and train_sweep and app.exit_code <= 1:
        return train_sweep(app.sweep)
    if app.fork and train_fork:
        return train_fork(app.fork)
    discard_output_of_closed_terminal()
    return app.exit_code


def _fold_last_lines(app: ClipwatchApp, lines: list[bytes]) -> None:
    """Fold the events that the engine wrote while it stopped, for the summary. A line that was cut off is skipped."""
    for line in lines:
        try:
            app.view.fold(decode_event(line))
        except BadInput:
            continue


def _print_summary(app: ClipwatchApp) -> None:
    from ..text.rich_output import Output
    from ..text.summary import print_summary

    with contextlib.suppress(OSError):
        print_summary(Output(), app.view.state)
