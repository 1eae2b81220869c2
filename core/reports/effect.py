"""The section on what the clipping did, from the measurements in the recording."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..runs.reader import Intervention
from ..stream.events import ClipChanged, Diagnosed, LaneExtended, LaneForked, LearningRateChanged, MomentsReset
from ..stream.experiment_info import MetricInfo
from .blocks import Block, Bullets, Cell, Paragraph, Picture, Table
from .effect_figure import effect_figure
from .metric_words import metric_name, spoken
from .phrases import Phrase, Words
from .run_summary import DEAD_OUTPUTS, LaneSummary, RunSummary
from .settings import rule_words


def effect(run: RunSummary, words: Words, name: str) -> Iterator[Block]:
    """Where the lanes first differ, what was changed mid-run, and what was measured.

    `name` is the prefix of the names of pictures.
    """
    if differences := tuple(phrase for a, b in run.pairs for phrase in _first_difference(a, b, words)):
        yield Bullets(differences)
    if run.interventions:
        forks = any(lane.parent for lane in run.lanes)
        yield Paragraph(words("effect_changed_forks" if forks else "effect_changed"))
        yield _changes(run, words)
    else:
        yield Paragraph(words("effect_unchanged"))
    if not any(lane.measured for lane in run.lanes):
        yield Paragraph(words("effect_unmeasured"))
        return
    dead = words.plain("effect_measured_dead") if _has_dead_outputs(run) else ""
    forks = words.plain("effect_measured_forks") if any(lane.parent for lane in run.lanes) else ""
    yield Paragraph(words("effect_measured", dead=dead + forks))
    yield _table_of_measures(run, words)
    if gauges := [gauge for gauge in run.gauges if gauge.name != DEAD_OUTPUTS]:
        yield Paragraph(words("effect_gauges"))
        yield _table_of_gauges(run, gauges, words)
    yield Picture(f"{name}effect", effect_figure(run, words, f"{name}effect"), _caption(run, words))
    for lane in run.lanes:
        if lane.silent_outputs:
            classes = ", ".join(map(str, lane.silent_outputs))
            yield Paragraph(words("effect_dead", lane=lane.name, count=len(lane.silent_outputs), classes=classes))


def _has_dead_outputs(run: RunSummary) -> bool:
    return any(gauge.name == DEAD_OUTPUTS for gauge in run.gauges)


def _caption(run: RunSummary, words: Words) -> Phrase:
    if not run.gauges:
        return words("effect_only")
    left = "effect_left_dead" if _has_dead_outputs(run) else "effect_left_gauge"
    name = metric_name(run.gauges[0], words)
    return words("caption_effect", left=words.plain(left, gauge=name), right=words.plain("effect_right"))


def _table_of_measures(run: RunSummary, words: Words) -> Table:
    """The last measurement of each lane, one row per lane."""
    keys = ("lane", "step", "elements_clipped", "steps_clipped", "cosine", "norms", "update_ratio")
    header = [words.plain(key) for key in (*keys, "counterfactual_cosine")]
    dead = [gauge for gauge in run.gauges if gauge.name == DEAD_OUTPUTS]
    rows = [
        (*_row_of_measures(lane, lane.measured[-1]), *(_gauge_cell(lane, gauge) for gauge in dead))
        for lane in run.lanes
        if lane.measured
    ]
    return Table((*header, *(metric_name(gauge, words) for gauge in dead)), tuple(rows))


def _gauge_cell(lane: LaneSummary, gauge: MetricInfo) -> str:
    last = lane.last_of(gauge)
    return "-" if last is None else spoken(gauge, last)


def _table_of_gauges(run: RunSummary, gauges: Sequence[MetricInfo], words: Words) -> Table:
    """The last value of each gauge, and its largest in brackets, one row per lane."""
    header = (words.plain("lane"), *(metric_name(gauge, words) for gauge in gauges))
    rows = [(lane.label, *(_last_and_largest(lane, gauge) for gauge in gauges)) for lane in run.lanes if lane.measured]
    return Table(header, tuple(rows))


def _last_and_largest(lane: LaneSummary, gauge: MetricInfo) -> str:
    values = [value for _, value in lane.of_gauge(gauge)]
    return f"{spoken(gauge, values[-1])} ({spoken(gauge, max(values))})" if values else "-"


def _row_of_measures(lane: LaneSummary, event: Diagnosed) -> tuple[Cell, ...]:
    total = event.total
    return (
        lane.label,
        str(event.step),
        f"{total.clipped_share:.1%}",
        _steps_clipped(lane, event),
        _or_dash(total.cosine, ".3f"),
        f"{total.norm:.3g} / {total.clipped_norm:.3g}",
        _or_dash(total.update_ratio, ".2e"),
        _or_dash(total.shadow_cosine, ".3f"),
    )


def _steps_clipped(lane: LaneSummary, event: Diagnosed) -> str:
    """The share of steps clipped so far; of a fork, which counts on from its parent, that of its own steps."""
    if lane.parent is None:
        return f"{event.engaged:.1%}"
    own = lane.steps.clipped[lane.steps.steps <= event.step] if lane.steps else ()
    return f"{np.mean(own):.1%}" if len(own) else "-"


def _or_dash(value: float | None, spec: str) -> str:
    return "-" if value is None else format(value, spec)


def _first_difference(a: LaneSummary, b: LaneSummary, words: Words) -> Iterator[Phrase]:
    others = dict(b.figures)
    common = [(step, figures == others[step]) for step, figures in a.figures if step in others]
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
        rows.append((str(event.step), labels.get(event.lane, event.lane), _change(event, run, words)))
    return Table(tuple(words.plain(key) for key in ("step", "lane", "change")), tuple(rows))


def _change(event: Intervention, run: RunSummary, words: Words) -> str:
    """What was changed, or what a fork started with."""
    match event:
        case ClipChanged():
            rules = {"previous": rule_words(event.previous, words), "rule": rule_words(event.rule, words)}
            change = words.plain("clip_changed_reset" if event.moments_reset else "clip_changed", **rules)
            return change if event in run.changes else words.plain("as_planned", change=change)
        case LearningRateChanged(rate=rate, previous=previous):
            before = "?" if previous is None else f"{previous:g}"
            return words.plain("rate_changed", previous=before, rate=f"{rate:g}")
        case LaneForked(parent=parent, rule=rule, learning_rate=rate):
            known = {"parent": parent, "rule": rule_words(rule, words)}
            return words.plain("lane_forked" if rate is None else "lane_forked_rate", **known, rate=f"{rate or 0:g}")
        case LaneExtended(iterations=iterations):
            return words.plain("steps_extended", iterations=iterations)
        case MomentsReset():
            return words.plain("optimizer_reset")
