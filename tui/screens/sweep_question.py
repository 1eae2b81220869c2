"""Asks before the run's screen ends and a sweep of its configuration starts."""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding

from ...core.safe_text import printable
from .question import Question


class SweepQuestion(Question):
    """Returns True to start the sweep, False to go back."""

    DEFAULT_CSS = """
    SweepQuestion > Vertical { border: round $primary; border-title-color: $primary; }
    """
    HEADING, ANSWERS = "One run is one seed", "enter: start, escape: back"
    BINDINGS = [  # noqa: RUF012
        Binding("enter", "answer(True)", "start"),
        Binding("escape,q,ctrl+c", "answer(False)", "back"),
    ]

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(map(printable, lines)))
