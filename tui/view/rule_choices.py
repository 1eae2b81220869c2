"""What the prompt for a clip rule offers and says: choices, completion, and the meaning of what is typed.

`RuleField` is the prompt for a rule alone; `fork_choices` has one whose text contains a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from ...core.errors import BadInput
from ...core.safe_text import printable
from ...core.stream.rules import MEANINGS, meaning, parse_rule

# The cells for a rule in the list.
_RULE_CELLS = 19


class Choice(NamedTuple):
    """A row of the list: the rule, and a line about it."""

    rule: str
    line: str


class Remark(NamedTuple):
    """A remark about what is typed, and the rule that it is (None: it is none); `is_error` if it does not begin one."""

    text: str
    rule: str | None = None
    is_error: bool = False


def choices(history: Sequence[str]) -> list[Choice]:
    """All rules, then those that were used since the program started, the newest last."""
    used = [Choice(rule, f"used before: {meaning(parse_rule(rule))}") for rule in history]
    return [Choice(rule, f"{rule:<{_RULE_CELLS}} {line}") for rule, line in [*MEANINGS.items(), *used]]


def completion(text: str, history: Sequence[str]) -> str | None:
    """The rule that begins with the text: the newest one used, otherwise the first example."""
    return next((rule for rule in (*reversed(history), *MEANINGS) if text and rule.startswith(text)), None)


def number_span(rule: str) -> tuple[int, int]:
    """Where the numbers of a rule stand; at its end if it has none."""
    kind, colon, _ = rule.partition(":")
    return len(kind + colon), len(rule)


def remark(text: str, history: Sequence[str]) -> Remark:
    """What the typed rule means, how to complete it, or what is wrong with it."""
    try:
        rule = parse_rule(text)
    except BadInput as error:
        if whole := completion(text, history):
            return Remark(f"tab: {whole}")
        return Remark(printable(str(error).removeprefix(f"clip rule {text!r}: ")), is_error=bool(text))
    return Remark(meaning(rule), str(rule))


class PromptField(Protocol):
    """What the docked prompt asks for: a text that contains a rule. `start` is the text that it begins with."""

    label: str
    start: str

    def split(self, text: str) -> tuple[str, str, str]:
        """The text in three parts: what is before the rule, the rule, and what follows it."""
        ...

    def completed_settings(self, settings: str) -> str | None:
        """What follows the rule, completed; None if it cannot be."""
        ...

    def remark(self, text: str, history: Sequence[str]) -> Remark:
        """The remark about the text; its rule is None if the text cannot be accepted."""
        ...


class RuleField:
    """The prompt for the clip rule of a lane."""

    label = "clip"

    def __init__(self, rule: str) -> None:
        self.start = rule

    def split(self, text: str) -> tuple[str, str, str]:
        """The whole text is the rule."""
        return "", text, ""

    def completed_settings(self, settings: str) -> str | None:
        """Nothing follows a rule."""
        return None

    def remark(self, text: str, history: Sequence[str]) -> Remark:
        """What the rule means, how to complete it, or what is wrong with it."""
        return remark(text, history)


def completed(text: str, field: PromptField, history: Sequence[str]) -> str | None:
    """The text with its last part completed; None if it cannot be."""
    before, rule, settings = field.split(text)
    if settings:
        whole = field.completed_settings(settings)
        return whole and before + rule + whole
    whole = completion(rule, history)
    return whole and before + whole


def with_rule(text: str, rule: str, field: PromptField) -> str:
    """The text with another rule."""
    before, _, settings = field.split(text)
    return before + rule + settings


def number_to_replace(text: str, field: PromptField) -> tuple[int, int]:
    """Where the number of the text's last part stands."""
    before, rule, settings = field.split(text)
    if settings:
        return text.rindex("=") + 1 if "=" in settings else len(text), len(text)
    start, end = number_span(rule)
    return len(before) + start, len(before) + end
