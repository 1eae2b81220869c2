"""Asks before the run's screen ends and a sweep of its configuration starts."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from ...core.safe_text import printable


class SweepQuestion(ModalScreen[bool]):
    """Returns True to start the sweep, False to go back."""

    DEFAULT_CSS = """
    SweepQuestion { align: center middle; }
    SweepQuestion > Vertical {
        width: 64; max-width: 100%; height: auto; background: $surface; padding: 1 2; border: round $primary;
        border-title-color: $primary; border-subtitle-color: $foreground-muted;
    }
    SweepQuestion Static { height: auto; }
    """
    BINDINGS = [  # noqa: RUF012
        Binding("enter", "answer(True)", "start"),
        Binding("escape,q,ctrl+c", "answer(False)", "back"),
    ]

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self._text = "\n".join(map(printable, lines))

    def compose(self) -> ComposeResult:
        """The question; the keys that answer it are on its frame."""
        with Vertical() as panel:
            panel.border_title, panel.border_subtitle = "One run is one seed", "enter: start, escape: back"
            yield Static(self._text, markup=False)

    def action_answer(self, start: bool) -> None:
        """Close with the answer."""
        self.dismiss(start)
