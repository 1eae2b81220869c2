"""What the prompt for a clip rule offers and says: choices, completion, and the meaning of what is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
