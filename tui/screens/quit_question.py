"""Asks before an unrecorded run is discarded."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

# The answers can be clicked, too.
_TEXT = """This run is not recorded. Quitting discards it.

[@click=screen.answer(True)]\\[y] quit[/]    [@click=screen.answer(False)]\\[n] stay[/]"""


class QuitQuestion(ModalScreen[bool]):
    """Returns True to quit, False to stay."""

    DEFAULT_CSS = """
    QuitQuestion { align: center middle; }
    QuitQuestion > Vertical {
        width: 60; max-width: 100%; height: auto; background: $surface; padding: 1 2; border: round $warning;
        border-title-color: $warning;
    }
    QuitQuestion Static { height: auto; link-color: $foreground; link-style: none; link-color-hover: $foreground; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("y,enter,q,ctrl+c", "answer(True)", "quit"),
        Binding("n,escape", "answer(False)", "stay"),
    ]

    def compose(self) -> ComposeResult:
        """The question and the keys that answer it."""
        with Vertical() as panel:
            panel.border_title = "Quit?"
            yield Static(_TEXT, markup=True)

    def action_answer(self, leave: bool) -> None:
        """Close with the answer."""
        self.dismiss(leave)
