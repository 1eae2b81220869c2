"""The sentences of an audit's findings: one source for the screen, the log, the console and the report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .events import LoopAudited
from .watch_events import Finding


def audit_sentence(finding: Finding, figures: Mapping[str, float], names: Iterable[str] = ()) -> tuple[str, ...]:
    """The sentence of a finding, in forms from long to short. A figure that is missing is left out."""
    raise NotImplementedError


def audit_words(event: LoopAudited) -> tuple[str, ...]:
    """The sentence of an event, in forms from long to short; of one that is `gone`, that it no longer holds."""
    raise NotImplementedError


def most_important(audit: Mapping[str, LoopAudited]) -> LoopAudited | None:
    """The finding to show where there is room for one: mistakes first, then what the loop does."""
    raise NotImplementedError


def is_mistake(event: LoopAudited) -> bool:
    """Whether the loop should be changed. Otherwise the finding only says what the loop does."""
    raise NotImplementedError
