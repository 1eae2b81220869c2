"""The section on what the clipping did, from the measurements in the recording."""

from __future__ import annotations

from collections.abc import Iterator

from ..stream.events import ClipChanged, Diagnosed, LaneExtended
from .blocks import Block, Bullets, Cell, Paragraph, Picture, Table
from .effect_figure import effect_figure
from .lane_marks import LaneLabel
from .phrases import Phrase, Words
from .run_summary import LaneSummary, RunSummary
from .settings import rule_words


def effect(run: RunSummary, words: Words, name: str) -> Iterator[Block]:
    """Where the lanes first differ, what was changed mid-run, and what was measured.

    `name` is the prefix of the names of pictures.
    """
    if differences := tuple(phrase for a, b in run.pairs for phrase in _first_difference(a, b, words)):
        yield Bullets(differences)
    if run.interventions:
        yield Paragraph(words("effect_changed"))
        yield _changes(run, words)
    else:
        yield Paragraph(words("effect_unchanged"))
    if not any(lane.measured for lane in run.lanes):
        yield Paragraph(words("effect_unmeasured"))
        return
    yield Paragraph(words("effect_measured"))
    yield _table_of_measures(run, words)
    yield Picture(f"{name}effect", effect_figure(run, words, f"{name}effect"), words("caption_effect"))
    for lane in run.lanes:
        if lane.silent_outputs:
            classes = ", ".join(map(str, lane.silent_outputs))
            yield Paragraph(words("effect_dead", lane=lane.name, count=len(lane.silent_outputs), classes=classes))


def _table_of_measures(run: RunSummary, words: Words) -> Table:
    """The last measurement of each lane, one row per lane."""
    keys = (
        "lane",
        "step",
        "elements_clipped",
        "steps_clipped",
        "cosine",
        "norms",
        "update_ratio",
        "counterfactual_cosine",
        "dead_outputs",
    )
    rows = [_row_of_measures(lane.label, lane.measured[-1]) for lane in run.lanes if lane.measured]
    return Table(tuple(words.plain(key) for key in keys), tuple(rows))


def _row_of_measures(label: LaneLabel, event: Diagnosed) -> tuple[Cell, ...]:
    total = event.total
    return (
        label,
        str(event.step),
        f"{total.clipped_share:.1%}",
        f"{event.engaged:.1%}",
        _or_dash(total.cosine, ".3f"),
        f"{total.norm:.3g} / {total.clipped_norm:.3g}",
        _or_dash(total.update_ratio, ".2e"),
        _or_dash(total.shadow_cosine, ".3f"),
        f"{len(event.dead_outputs)}",
    )


def _or_dash(value: float | None, spec: str) -> str:
    return "-" if value is None else format(value, spec)


def _first_difference(a: LaneSummary, b: LaneSummary, words: Words) -> Iterator[Phrase]:
    others = {step: figures for step, *figures in b.figures}
    common = [(step, figures == others[step]) for step, *figures in a.figures if step in others]
    if not common:
        return
    first = next((step for step, same in common if not same), None)
    if first is None:
        yield words("effect_same", a=a.name, b=b.name, count=len(common))
    else:
        yield words("effect_differ", a=a.name, b=b.name, step=first)


def _changes(run: RunSummary, words: Words) -> Table:
    labels = {lane.name: lane.label for lane in run.lanes}
    rows: list[tuple[Cell, ...]] = []
    for event in run.interventions:
        if isinstance(event, ClipChanged):
            rules = {"previous": rule_words(event.previous, words), "rule": rule_words(event.rule, words)}
            change = words.plain("clip_changed_reset" if event.moments_reset else "clip_changed", **rules)
        elif isinstance(event, LaneExtended):
            change = words.plain("steps_extended", iterations=event.iterations)
        else:
            change = words.plain("optimizer_reset")
        rows.append((str(event.step), labels.get(event.lane, event.lane), change))
    return Table(tuple(words.plain(key) for key in ("step", "lane", "change")), tuple(rows))
