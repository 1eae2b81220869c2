"""A prompt below the charts for a text that contains a clip rule: a list to pick from, and one line to type in."""

from __future__ import annotations

from collections.abc import Callable

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingsMap
from textual.containers import Horizontal, Vertical
from textual.suggester import Suggester
from textual.widgets import Input, OptionList, Static
from textual.widgets.input import Selection

from ...core.safe_text import printable
from ..view.rule_choices import PromptField, RuleField, choices, completed, number_to_replace, with_rule

# The rows of the list: a quarter of the screen's height without the lines that it always leaves, within these bounds.
MIN_ROWS, MAX_ROWS = 2, 9
_OTHER_LINES = 8


class _RuleInput(Input):
    """An input that applies keys in order; in Textual's, letters can overtake an editing key pressed before them."""

    KEYS = BindingsMap(
        [
            *Input.BINDINGS,
            Binding("escape", "close"),
            Binding("tab", "complete"),
            Binding("up", "pick(-1)"),
            Binding("down", "pick(1)"),
        ]
    ).key_to_bindings

    def __init__(self, prompt: RulePrompt) -> None:
        super().__init__(suggester=_RuleSuggester(prompt), compact=True, select_on_focus=False)
        self.cursor_blink = False
        self._prompt = prompt

    async def on_key(self, event: events.Key) -> None:
        """Run a key's action here instead of through the app, which would be later than typed letters."""
        for binding in self.KEYS.get(event.key, []):
            event.stop()
            event.prevent_default()
            await self.run_action(binding.action)

    def action_close(self) -> None:
        """Close the prompt."""
        self._prompt.close()

    def action_complete(self) -> None:
        """Accept the completion."""
        if whole := self._prompt.completion(self.value):
            self._prompt.take(whole)

    def action_pick(self, direction: int) -> None:
        """Take the previous or next rule of the list."""
        self._prompt.pick(direction)


class _RuleSuggester(Suggester):
    """Completes the text: a rule from those used before and from the examples."""

    def __init__(self, prompt: RulePrompt) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._prompt = prompt

    async def get_suggestion(self, value: str) -> str | None:
        return self._prompt.completion(value)


class RulePrompt(Vertical):
    """Hidden until `open`. Passes what is typed to `use` on enter; escape closes it. The run goes on meanwhile."""

    DEFAULT_CSS = """
    RulePrompt {
        display: none; height: auto; background: $panel;
        &.-open { display: block; }
        & > OptionList {
            height: auto; background: $surface; border: none; padding: 0; scrollbar-size-vertical: 1;
            color: $foreground;
            text-wrap: nowrap; text-overflow: ellipsis;
            & > .option-list--option { padding: 0 1; }
        }
        & > Horizontal { height: 1; }
        & Static { height: 1; width: auto; text-wrap: nowrap; text-overflow: ellipsis; }
        & #rule-lane { text-style: bold; }
        & Input { width: 40%; min-width: 21; max-width: 36; height: 1; border: none; padding: 0; background: $surface; }
        & #rule-remark { width: 1fr; padding: 0 1; color: $foreground-muted; }
        & #rule-remark.-error { color: $text-error; text-style: bold; }
    }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.history: list[str] = []
        self._question: PromptField = RuleField("")
        self._use: Callable[[str], None] = lambda text: None
        self._rules: list[str] = []
        self._list = OptionList(markup=False, compact=True)
        self._list.can_focus = False
        self._lane = Static(id="rule-lane", markup=False)
        self._field = _RuleInput(self)
        self._remark = Static(id="rule-remark", markup=False)

    def compose(self) -> ComposeResult:
        """The list, and below it the lane, the input and the remark about it."""
        yield self._list
        with Horizontal():
            yield self._lane
            yield self._field
            yield self._remark

    def open(self, question: PromptField, height: int, use: Callable[[str], None]) -> None:
        """Show the prompt on a screen of this height. It begins with the question's text, whose rule is selected."""
        self._question, self._use = question, use
        rows = choices(self.history)
        self._rules = [choice.rule for choice in rows]
        self._list.clear_options().add_options([f" {choice.line}" for choice in rows])
        self._list.highlighted = None
        self._list.styles.max_height = min(MAX_ROWS, max(MIN_ROWS, (height - _OTHER_LINES) // 4))
        self._field.value = text = printable(question.start)
        before, rule, _ = question.split(text)
        self._field.selection = Selection(len(before), len(before + rule))
        self.add_class("-open")
        # Not `focus()`, which waits: a letter typed meanwhile would act as a key of the screen.
        self.screen.set_focus(self._field)
        if self.history:
            self._list.call_after_refresh(self._list.scroll_end, animate=False)

    def close(self) -> None:
        """Hide the prompt."""
        self.remove_class("-open")
        self.screen.set_focus(None)

    @property
    def is_open(self) -> bool:
        """Whether the prompt is shown."""
        return self.has_class("-open")

    def show_lane(self, lane: str) -> None:
        """Say which lane it is about."""
        self._lane.update(printable(f" {lane}  {self._question.label}: "))

    def completion(self, text: str) -> str | None:
        """The text completed, None if it cannot be."""
        return completed(text, self._question, self.history)

    def pick(self, direction: int) -> None:
        """Take the previous or next rule of the list."""
        if direction < 0:
            self._list.action_cursor_up()
        else:
            self._list.action_cursor_down()
        if (index := self._list.highlighted) is not None:
            self._take_rule(index)

    def take(self, text: str) -> None:
        """Put a text into the input, with its number selected, so that another one replaces it."""
        self._field.value = text
        self._field.selection = Selection(*number_to_replace(text, self._question))

    def _take_rule(self, index: int) -> None:
        """Put a rule of the list into the input."""
        self.take(with_rule(self._field.value, self._rules[index], self._question))

    @on(OptionList.OptionSelected)
    def _take_clicked(self, event: OptionList.OptionSelected) -> None:
        self._take_rule(event.option_index)
        self._field.focus()

    @on(Input.Changed)
    def _comment(self, event: Input.Changed) -> None:
        _, rule, _ = self._question.split(event.value)
        if (index := self._list.highlighted) is not None and not rule.startswith(self._rules[index][:2]):
            self._list.highlighted = None
        said = self._question.remark(event.value, self.history)
        self._say(said.text, is_error=said.is_error)

    @on(Input.Submitted)
    def _accept(self, event: Input.Submitted) -> None:
        event.stop()
        said = self._question.remark(event.value, self.history)
        if said.rule is None:
            self._say(said.text, is_error=True)
            return
        self.history = [*(rule for rule in self.history if rule != said.rule), said.rule]
        self.close()
        self._use(event.value)

    def _say(self, text: str, *, is_error: bool = False) -> None:
        self._remark.set_class(is_error, "-error")
        self._remark.update(text, layout=False)
