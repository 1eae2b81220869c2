"""`clipwatch`: the screen in this terminal, and the summary when it is left."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..core.codec import decode_event
from ..core.errors import BadInput
from .engine_process import EngineProcess
from .messages import lose_output, tell
from .terminal import prepare_terminal

if TYPE_CHECKING:
    from .app import ClipwatchApp


def run_live(command: list[str], keymap: Mapping[str, str], *, quit_when_done: bool) -> int:
    """Show the engine that `command` starts; the exit code."""
    ascii_only = prepare_terminal()
    engine = EngineProcess(command)
    with contextlib.ExitStack() as undo:
        undo.callback(engine.stop)
        # Textual takes as long to load as a recording; both do so at once.
        from .app import ClipwatchApp

        app = ClipwatchApp(command, engine=engine, keymap=keymap, ascii=ascii_only, quit_when_done=quit_when_done)
        undo.pop_all()
    try:
        app.run()
    finally:
        with _saying("ending the run ..."):
            rest = app.engine.stop()
    _fold(app, rest)
    if app.failure:
        tell(app.failure)
    if app.view.state.lanes:
        _print_summary(app)
    _let_go_of_a_dead_terminal()
    return app.return_code or 0


@contextlib.contextmanager
def _saying(words: str) -> Iterator[None]:
    """Words on the terminal while something lasts, wiped away after it."""
    _write(f"\rclipwatch: {words}")
    try:
        yield
    finally:
        _write("\r\x1b[K")


def _write(text: str) -> None:
    # After SIGHUP there is no terminal any more.
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()


def _fold(app: ClipwatchApp, lines: list[bytes]) -> None:
    """What the engine said while it ended belongs to the summary; a line cut off by its end is left out."""
    for line in lines:
        try:
            app.view.fold([decode_event(line)])
        except BadInput:
            continue


def _print_summary(app: ClipwatchApp) -> None:
    from .output import Output
    from .summary import print_summary

    with contextlib.suppress(OSError):
        print_summary(Output(), app.view.state)


def _let_go_of_a_dead_terminal() -> None:
    """After SIGHUP nobody is there to read; what is still buffered must not spoil the exit code."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            lose_output(number)
