"""Shows a comparison on the screen in this terminal."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from ...core.runs.folder import RunFolder
from ..style.theme import DARK
from ..terminal.capabilities import discard_output_of_closed_terminal, prepare_terminal
from ..text.messages import tell
from .app import CompareApp
from .console import print_table


def show_comparison(
    folders: Sequence[RunFolder], *, charts: Sequence[str] = (), theme: str = DARK.name, prints: bool = True
) -> int:
    """Show the runs until the user quits, and print their table; return the exit code: 1 if a run cannot be read."""
    app = CompareApp(folders, charts=charts, theme=theme, ascii=prepare_terminal())
    app.run_until_closed(app.reader.stop)
    if app.failure:
        tell(app.failure)
    code = 0
    if prints and (app.view.lanes or app.view.faults):
        with contextlib.suppress(OSError):
            code = print_table([entry.run for entry in app.view.runs])
    discard_output_of_closed_terminal()
    return app.exit_code or code
