"""`clipwatch`: the screen in this terminal, and the summary when it is left."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...core.errors import BadInput
from ...core.stream.codec import decode_event
from ..engine_child.process import EngineProcess
from ..engine_child.request import ScreenRequest, Wanted
from ..terminal.terminal import let_go_of_dead_terminal, prepare_terminal
from ..text.messages import tell

if TYPE_CHECKING:
    from .app import ClipwatchApp


def show(screen: ScreenRequest) -> int:
    """Show what was asked for; the exit code."""
    return run_live(screen.engine, screen.keymap, quit_when_done=screen.quit_when_done)


def run_live(wanted: Wanted, keymap: Mapping[str, str], *, quit_when_done: bool) -> int:
    """Show the engine that is wanted; the exit code."""
    ascii_only = prepare_terminal()
    engine = EngineProcess(wanted)
    with contextlib.ExitStack() as undo:
        undo.callback(engine.stop)
        # Textual takes as long to load as a recording; both do so at once.
        from .app import ClipwatchApp

        app = ClipwatchApp(engine, keymap=keymap, ascii=ascii_only, quit_when_done=quit_when_done)
        undo.pop_all()
    _fold_last_lines(app, app.show())
    if app.failure:
        tell(app.failure)
    if app.view.state.lanes:
        _print_summary(app)
    let_go_of_dead_terminal()
    return app.exit_code


def _fold_last_lines(app: ClipwatchApp, lines: list[bytes]) -> None:
    """What the engine said while it ended belongs to the summary; a line cut off by its end is left out."""
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
