"""Asks which replica of a sweep is to be trained again as a run."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList


class ReplicaChoice(ModalScreen[int | None]):
    """A list of settings; returns the index of the selected one, None for none."""

    DEFAULT_CSS = """
    ReplicaChoice { align: center middle; }
    ReplicaChoice > Vertical {
        width: 84; max-width: 100%; height: auto; max-height: 100%; background: $surface; border: round $primary;
        border-title-color: $primary; border-subtitle-color: $foreground-muted;
    }
    ReplicaChoice OptionList, ReplicaChoice OptionList:focus { border: none; background: $surface; }
    ReplicaChoice OptionList { height: auto; max-height: 100%; }
    """
    BINDINGS = [Binding("escape,q,ctrl+c", "dismiss", "back")]  # noqa: RUF012

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        """The list in its frame."""
        with Vertical() as panel:
            panel.border_title = "Train one of these replicas again, as a run"
            panel.border_subtitle = "enter: train, escape: back"
            yield OptionList(*map(Content, self._lines))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with the selected setting."""
        self.dismiss(event.option_index)
