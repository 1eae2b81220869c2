"""Shows a comparison on the screen in this terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.runs.folder import RunFolder
from ..style.theme import DARK
from ..terminal.capabilities import discard_output_of_closed_terminal, prepare_terminal
from ..text.messages import tell
from .app import CompareApp


def show_comparison(folders: Sequence[RunFolder], *, theme: str = DARK.name) -> int:
    """Show the runs until the user quits; return the exit code."""
    app = CompareApp(folders, theme=theme, ascii=prepare_terminal())

    def end() -> None:
        app.reader.stop()
        discard_output_of_closed_terminal()

    app.run_until_closed(end)
    if app.failure:
        tell(app.failure)
    return app.exit_code
