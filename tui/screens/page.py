"""A page of text over the screen, scrollable if it does not fit."""

from __future__ import annotations

from rich.console import Group
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

# On screens with fewer rows, the page has no blank lines at its edges.
SHORT = 24


class Page(ModalScreen[None]):
    """A framed page that closes on escape, ?, F1, q, space, enter or a click beside it.

    Subclasses define `_content`.
    """

    DEFAULT_CSS = """
    Page { align: center middle; }
    Page > VerticalScroll {
        width: 84; max-width: 100%; height: auto; max-height: 100%; background: $surface; padding: 1 2;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $foreground-muted;
    }
    Page > VerticalScroll.-short { padding: 0 1; }
    Page Static { height: auto; }
    """
    BINDINGS = [Binding("escape,question_mark,f1,q,space,enter", "dismiss", "close")]  # noqa: RUF012
    HEADING = "clipwatch"

    def compose(self) -> ComposeResult:
        """The frame and its content."""
        with VerticalScroll() as panel:
            panel.set_class(self.app.size.height < SHORT, "-short")
            panel.border_title, panel.border_subtitle = self.HEADING, "escape: close"
            yield Static(self._content())

    def on_click(self, event: events.Click) -> None:
        """Close if the click is beside the page."""
        if event.widget is self:
            self.dismiss()

    def _content(self) -> Group:
        raise NotImplementedError
