"""Asks before a recording is deleted."""

from __future__ import annotations

from rich.filesize import decimal
from textual.binding import Binding

from ...core.safe_text import printable
from ...core.sweeps.housekeeping import Contents
from ...core.sweeps.listing import Recording
from ..screens.question import Question
from ..text.number_format import number_of
from .cells import started


class DeleteQuestion(Question):
    """Returns True to delete, False to keep."""

    HEADING = "Delete?"
    # Enter means no: what is deleted cannot be brought back.
    BINDINGS = [  # noqa: RUF012
        Binding("y", "answer(True)", "delete"),
        Binding("n,escape,enter,q,ctrl+c", "answer(False)", "keep"),
    ]

    def __init__(self, recording: Recording, contents: Contents) -> None:
        files = number_of(contents.files, "file")
        kind = "watched run" if recording.kind == "watched" else recording.kind
        super().__init__(
            f"{printable(recording.name)}\n{kind} of {started(recording)}, {files}, {decimal(contents.bytes)}"
            "\n\nIt cannot be brought back.\n\n[y] delete    [n] keep"
        )
