"""Asks before a loop that another process trains is asked to stop."""

from __future__ import annotations

from textual.binding import Binding

from .question import Question

# The answers can be clicked, too.
_TEXT = """The loop is told at its next step, by `run.stopped`.
Its own code decides what it does then.

[@click=screen.answer(True)]\\[y] stop it[/]    [@click=screen.answer(False)]\\[n] let it train[/]"""


class StopQuestion(Question):
    """Returns True to stop the loop, False to let it train."""

    HEADING = "Stop the loop?"
    # Enter means no: a loop that has stopped cannot be started from here.
    BINDINGS = [  # noqa: RUF012
        Binding("y", "answer(True)", "stop"),
        Binding("n,escape,enter,q,ctrl+c", "answer(False)", "let it train"),
    ]

    def __init__(self) -> None:
        super().__init__(_TEXT, markup=True)
