"""Shows a sweep on the screen in this terminal, and prints the tables afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from ...core.errors import BadInput
from ...core.stream.codec import decode_sweep_event
from ...core.stream.sweep_events import Results
from ..engine_child.request import ReplaySweep, ResumeSweep, TrainSweep
from ..terminal.capabilities import discard_output_of_closed_terminal, prepare_terminal
from ..text.messages import tell
from .app import SweepApp
from .console import print_tables

# Trains a replica of the setting with this index as a run, recorded in a folder; returns the exit code.
ShowReplica = Callable[[Results, int, Path], int]


def show_sweep(
    request: TrainSweep | ResumeSweep | ReplaySweep, *, quit_when_done: bool, show_replica: ShowReplica
) -> int:
    """Train or replay a sweep in a child process and show it; return the exit code.

    `show_replica` trains a replica again as a run once this screen has ended, if the user asks for it.
    """
    ascii_only = prepare_terminal()
    app = SweepApp(request, ascii=ascii_only, quit_when_done=quit_when_done)
    for line in app.show():
        with contextlib.suppress(BadInput):
            app.view.fold(decode_sweep_event(line))
    if app.failure:
        tell(app.failure)
    if app.view.results and app.view.results.replicas:
        with contextlib.suppress(OSError):
            # When a recorded sweep ended is not known.
            finished = None if isinstance(request, ReplaySweep) else app.view.finished
            print_tables(app.view.results, app.view.progress, finished, app.view.folder)
    discard_output_of_closed_terminal()
    if app.replica is not None and app.view.results and not app.exit_code:
        return show_replica(app.view.results, app.replica, Path(app.view.folder).parent)
    return app.exit_code
