"""What the clipping did, as far as the recording measures it."""

from __future__ import annotations

from collections.abc import Iterator

from ..events import ClipChanged, LaneExtended
from .blocks import Block, Bullets, Paragraph, Table
from .phrases import Phrase, Words
from .settings import rule_words
from .story import LaneStory, RunStory


def effect(run: RunStory, words: Words) -> Iterator[Block]:
    """Where the lanes part, what was changed under way, and what is not known."""
    if parting := tuple(phrase for a, b in run.pairs for phrase in _parting(a, b, words)):
        yield Bullets(parting)
    if run.interventions:
        yield Paragraph(words("effect_touched"))
        yield _changes(run, words)
    else:
        yield Paragraph(words("effect_untouched"))
    yield Paragraph(words("effect_unmeasured"))


def _parting(a: LaneStory, b: LaneStory, words: Words) -> Iterator[Phrase]:
    others = {step: figures for step, *figures in b.figures}
    common = [(step, figures == others[step]) for step, *figures in a.figures if step in others]
    if not common:
        return
    first = next((step for step, same in common if not same), None)
    if first is None:
        yield words("effect_same", a=a.name, b=b.name, count=len(common))
    else:
        yield words("effect_differ", a=a.name, b=b.name, step=first)


def _changes(run: RunStory, words: Words) -> Table:
    rows: list[tuple[str, ...]] = []
    for event in run.interventions:
        if isinstance(event, ClipChanged):
            rules = {"previous": rule_words(event.previous, words), "rule": rule_words(event.rule, words)}
            change = words.plain("clip_changed_reset" if event.moments_reset else "clip_changed", **rules)
        elif isinstance(event, LaneExtended):
            change = words.plain("extended", iterations=event.iterations)
        else:
            change = words.plain("moments_reset")
        rows.append((str(event.step), event.lane, change))
    return Table(tuple(words.plain(key) for key in ("step", "lane", "change")), tuple(rows))
