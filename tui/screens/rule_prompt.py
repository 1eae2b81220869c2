"""A prompt for a clip rule, checked while it is typed."""

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

_HELP = f"Rules: {EXAMPLES}. In value:LOW:HIGH an empty side has no bound."


class _RuleField(Input):
    """An input that applies keys in order; in Textual's, letters can overtake an editing key pressed before them."""

    EDITING = BindingsMap(Input.BINDINGS).key_to_bindings

    async def on_key(self, event: events.Key) -> None:
        """Run an editing key's action here instead of through the app, which would be later than typed letters."""
        for binding in self.EDITING.get(event.key, []):
            event.stop()
            event.prevent_default()
            await self.run_action(binding.action)


class RulePrompt(ModalScreen[str | None]):
    """Returns the rule, or None if the user cancels."""

    DEFAULT_CSS = """
    RulePrompt { align: center middle; }
    RulePrompt > Vertical {
        width: 72; max-width: 100%; height: auto; background: $surface; padding: 0 1;
        border: round $primary; border-title-color: $primary; border-subtitle-color: $foreground-muted;
    }
    RulePrompt Static { height: auto; margin: 0 1; color: $foreground-muted; }
    RulePrompt Static.error { color: $text-error; }
    """
    BINDINGS = [Binding("escape", "dismiss", "cancel")]  # noqa: RUF012

    def __init__(self, lane: str, rule: str) -> None:
        super().__init__()
        self._lane, self._rule = lane, rule

    def compose(self) -> ComposeResult:
        """The input, and a line of help or the error in its text."""
        with Vertical() as panel:
            panel.border_title = Content(printable(f"Clip rule of {self._lane}"))
            panel.border_subtitle = "enter: apply, escape: cancel"
            yield _RuleField(printable(self._rule), placeholder=EXAMPLES)
            yield Static(_HELP, markup=False)

    @on(Input.Changed)
    def _check(self, event: Input.Changed) -> None:
        self._show_error(_error_in(event.value))

    @on(Input.Submitted)
    def _accept(self, event: Input.Submitted) -> None:
        error = _error_in(event.value)
        if error is None:
            self.dismiss(str(parse_rule(event.value)))
        self._show_error(error)

    def _show_error(self, error: str | None) -> None:
        line = self.query_one(Static)
        line.set_class(error is not None, "error")
        line.update(printable(error) if error else _HELP, layout=False)


def _error_in(text: str) -> str | None:
    try:
        parse_rule(text)
    except BadInput as error:
        return str(error)
    return None
