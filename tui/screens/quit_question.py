"""Asks before an unrecorded run is discarded."""

from __future__ import annotations

from textual.binding import Binding

from .question import Question

# The answers can be clicked, too.
_TEXT = """This run is not recorded. Quitting discards it.

[@click=screen.answer(True)]\\[y] quit[/]    [@click=screen.answer(False)]\\[n] stay[/]"""


class QuitQuestion(Question):
    """Returns True to quit, False to stay."""

    HEADING = "Quit?"
    BINDINGS = [  # noqa: RUF012
        Binding("y,enter,q,ctrl+c", "answer(True)", "quit"),
        Binding("n,escape", "answer(False)", "stay"),
    ]

    def __init__(self) -> None:
        super().__init__(_TEXT, markup=True)
