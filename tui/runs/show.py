"""Shows the list of runs in this terminal, and opens what the user selects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.runs.folder import RunFolder
from ...core.sweeps.listing import Filter, recordings
from ...core.sweeps.recorded_folders import RecordedFolder
from ..engine_child.request import AttachRun, ReplayRun, ReplaySweep, ScreenOptions, TrainRun
from ..terminal.capabilities import discard_output_of_closed_terminal, prepare_terminal
from .app import ListState, RunsApp

if TYPE_CHECKING:
    from ..sweep.run import ShowReplica


# Makes what trains a replica of a sweep again as a run, from what shows that run.
ReplicaAfterSweep = Callable[[Callable[[TrainRun], int]], "ShowReplica"]


def show_runs(home: Path, filter: Filter, replica_after_sweep: ReplicaAfterSweep) -> int:
    """Show the list until the user quits; return the exit code. Whatever is opened from it leads back to it."""
    ascii_only, state = prepare_terminal(), ListState()
    while True:
        unreadable: list[str] = []
        found = recordings(home, filter, unreadable.append)
        more = f" (and {len(unreadable) - 1} more)" if len(unreadable) > 1 else ""
        message = unreadable[0] + more if unreadable else ""
        app = RunsApp(found, home, state, message=message, ascii=ascii_only)
        app.run_until_closed(discard_output_of_closed_terminal)
        if app.exit_code or not (app.opened or app.compared):
            return app.exit_code
        state = app.state
        # A run that failed ends with 1, which does not concern the list. A signal does.
        if (code := _open(app.opened, replica_after_sweep) if app.opened else _compare(app.compared, state)) >= 128:
            return code


def _compare(folders: Sequence[RunFolder], state: ListState) -> int:
    """Show the marked runs together; return the exit code."""
    from ..compare.run import show_comparison

    return show_comparison(folders, theme=state.theme, prints=False)


def _open(folder: RecordedFolder, replica_after_sweep: ReplicaAfterSweep) -> int:
    """Attach to a run under way, replay one at its recorded speed, or show a sweep; return the exit code."""
    from ..live.run import run_live

    show = partial(run_live, options=ScreenOptions(summary=False))
    if isinstance(folder, RunFolder):
        is_running = folder.is_being_written()
        request = AttachRun(folder=folder.path) if is_running else ReplayRun(folder=folder.path, speed=1.0)
        return show(request)
    from ..sweep.run import show_sweep

    replica = replica_after_sweep(show)
    return show_sweep(ReplaySweep(folder=folder.path), quit_when_done=False, show_replica=replica)
