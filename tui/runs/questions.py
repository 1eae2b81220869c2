"""Asks before a recording is deleted, and what the list shows."""

from __future__ import annotations

from rich.filesize import decimal
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from ...core.safe_text import printable
from ...core.sweeps.housekeeping import Contents
from ...core.sweeps.listing import Recording
from ..text.number_format import number_of
from .cells import started

ABOUT = (
    "The recorded runs and sweeps, newest first. A * behind the state marks a run that was changed mid-run: it is not "
    "a clean comparison of its lanes. For a sweep, accuracy is the mean difference of its first two settings."
)


class DeleteQuestion(ModalScreen[bool]):
    """Returns True to delete, False to keep."""

    DEFAULT_CSS = """
    DeleteQuestion { align: center middle; }
    DeleteQuestion > Vertical {
        width: 64; max-width: 100%; height: auto; background: $surface; padding: 1 2; border: round $warning;
        border-title-color: $warning;
    }
    DeleteQuestion Static { height: auto; }
    """
    # Enter means no: what is deleted cannot be brought back.
    BINDINGS = [  # noqa: RUF012
        Binding("y", "answer(True)", "delete"),
        Binding("n,escape,enter,q,ctrl+c", "answer(False)", "keep"),
    ]

    def __init__(self, recording: Recording, contents: Contents) -> None:
        super().__init__()
        files = number_of(contents.files, "file")
        self._text = (
            f"{printable(recording.name)}\n{recording.kind} of {started(recording)}, {files}, {decimal(contents.bytes)}"
            "\n\nIt cannot be brought back.\n\n[y] delete    [n] keep"
        )

    def compose(self) -> ComposeResult:
        """What would be deleted, and the keys that answer."""
        with Vertical() as panel:
            panel.border_title = "Delete?"
            yield Static(self._text, markup=False)

    def action_answer(self, delete: bool) -> None:
        """Close with the answer."""
        self.dismiss(delete)
