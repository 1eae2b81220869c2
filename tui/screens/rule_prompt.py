"""Typing a clip rule, checked while it is typed."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from ...core.errors import BadInput
from ...core.stream.rules import EXAMPLES, parse_rule
from ...core.text import printable


class _RuleField(Input):
    """Edits in the order of the keys; Textual lets letters overtake an editing key that was pressed just before."""

    EDITING = BindingsMap(Input.BINDINGS).key_to_bindings

    async def on_key(self, event: events.Key) -> None:
        """Obey an editing key at once, not by way of the app."""
        for binding in self.EDITING.get(event.key, []):
            event.stop()
            event.prevent_default()
            await self.run_action(binding.action)


class RulePrompt(ModalScreen[str | None]):
    """Gives the rule, or None when the user changed their mind."""

    DEFAULT_CSS = """
    RulePrompt { align: center middle; }
    RulePrompt > Vertical {
        width: 72; max-width: 100%; height: auto; background: $surface; padding: 0 1;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $foreground-muted;
    }
    RulePrompt Static { height: auto; margin: 0 1; color: $foreground-muted; }
    RulePrompt Static.wrong { color: $text-error; }
    """
    BINDINGS = [Binding("escape", "dismiss", "cancel")]  # noqa: RUF012

    def __init__(self, lane: str, rule: str) -> None:
        super().__init__()
        self._lane, self._rule = lane, rule

    def compose(self) -> ComposeResult:
        """The field, and what is wrong with what stands in it."""
        with Vertical() as panel:
            panel.border_title = Content(printable(f"clip rule of {self._lane}"))
            panel.border_subtitle = "enter sets it, escape leaves it"
            yield _RuleField(printable(self._rule), placeholder=EXAMPLES)
            yield Static(f"one of {EXAMPLES}; an empty side is free", markup=False)

    @on(Input.Changed)
    def _check(self, event: Input.Changed) -> None:
        self._say(_wrong(event.value))

    @on(Input.Submitted)
    def _accept(self, event: Input.Submitted) -> None:
        wrong = _wrong(event.value)
        if wrong is None:
            self.dismiss(str(parse_rule(event.value)))
        self._say(wrong)

    def _say(self, wrong: str | None) -> None:
        line = self.query_one(Static)
        line.set_class(wrong is not None, "wrong")
        line.update(printable(wrong) if wrong else f"one of {EXAMPLES}; an empty side is free", layout=False)


def _wrong(text: str) -> str | None:
    try:
        parse_rule(text)
    except BadInput as error:
        return str(error)
    return None
