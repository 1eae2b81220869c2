"""A question over the screen that is answered with yes or no."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static


class Question(ModalScreen[bool]):
    """A framed question; returns True for yes. Subclasses bind the keys to `answer(True)` and `answer(False)`."""

    DEFAULT_CSS = """
    Question { align: center middle; }
    Question > Vertical {
        width: 64; max-width: 100%; height: auto; background: $surface; padding: 1 2; border: round $warning;
        border-title-color: $warning; border-subtitle-color: $foreground-muted;
    }
    Question Static { height: auto; link-color: $foreground; link-style: none; link-color-hover: $foreground; }
    """
    HEADING = ""
    # What the frame says at the bottom.
    ANSWERS = ""

    def __init__(self, text: str, *, markup: bool = False) -> None:
        super().__init__()
        self._text, self._markup = text, markup

    def compose(self) -> ComposeResult:
        """The question in its frame."""
        with Vertical() as panel:
            panel.border_title, panel.border_subtitle = self.HEADING, self.ANSWERS
            yield Static(self._text, markup=self._markup)

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)
