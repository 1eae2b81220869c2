"""The cells of the table of compared lanes, in the report and on the screen."""

from __future__ import annotations

from collections.abc import Sequence

from ..runs.compared import ComparedLane
from ..stream.experiment_info import MetricInfo, Value, value_text
from .metric_words import capital, cell, metric_name
from .phrases import Phrase, Words

UNKNOWN = "-"


def setting_cell(value: Value | None, words: Words) -> str:
    """A value as it is written in a command, which is short; a dash where a lane has none."""
    if value is None or value == "":
        return UNKNOWN
    return words.plain("compared_observed") if value == "observed" else value_text(value)


def step_cell(lane: ComparedLane, words: Words, unit: str = "") -> str:
    """How many steps a lane has done, of how many, and how it ended unless it has done all. `unit` follows a number."""
    state, step = lane.state, f"{lane.state.step:,}{unit}"
    if state.failed:
        return words.plain("compared_ended", step=step, how=words.plain(f"compared_{state.failed.reason}"))
    if state.status == "stopped":
        return words.plain("compared_ended", step=step, how=words.plain("compared_stopped"))
    if state.ended or not state.planned:
        return step
    return words.plain("compared_of", step=f"{state.step:,}", planned=f"{state.planned:,}{unit}")


def best_text(
    lanes: Sequence[ComparedLane], metrics: Sequence[MetricInfo], words: Words, *, dash: str = "\N{EN DASH}"
) -> Phrase | None:
    """Which lane is best by the first of these metrics with a better side, and which others cannot be told from it.

    None unless two lanes or more have a final value of it.
    """
    metric = next((metric for metric in metrics if metric.lower_is_better is not None), None)
    found = {lane.mark: lane for lane in lanes if metric and (value := lane.value(metric)) and value.at is None}
    if metric is None or len(found) < 2:
        return None
    values = {
        mark: value for mark, lane in found.items() if (value := lane.value(metric)) and value.value == value.value
    }
    if len(values) < 2:
        return None
    choose = min if metric.lower_is_better else max
    best = choose(values, key=lambda mark: values[mark].value)
    others = [mark for mark in values if mark != best]
    same = [mark for mark in others if _results(found[mark]) == _results(found[best])]
    rest = words.plain("compared_equal", lanes=words.join([best, *same])) if same else ""
    if interval := values[best].interval:
        near = [mark for mark in others if mark not in same and _overlap(values[mark].interval, interval)]
        apart = "" if same else words.plain("compared_apart")
        rest += words.plain("compared_overlap", lanes=words.join(near)) if near else apart
    name, value = metric_name(metric, words), value_cell(found[best], metric, words, dash=dash)
    return words("compared_best", metric=capital(name), lane=best, value=value, rest=rest)


def _overlap(one: tuple[float, float] | None, other: tuple[float, float]) -> bool:
    return one is not None and one[0] <= other[1] and other[0] <= one[1]


def _results(lane: ComparedLane) -> tuple[object, ...]:
    """All final values of a lane, and its newest evaluation."""
    end, newest = lane.state.finished, lane.state.latest
    known = (end.step, end.loss, end.correct, end.metrics) if end else ()
    return (*known, newest and (newest.step, newest.loss, newest.accuracy, newest.train_loss))


def value_cell(lane: ComparedLane, metric: MetricInfo, words: Words, *, dash: str = "\N{EN DASH}") -> str:
    """A final value with its interval, or the newest evaluation with its step; a dash if there is none."""
    if (found := lane.value(metric)) is None:
        return UNKNOWN
    value = cell(metric, found.value)
    if found.interval:
        return f"{value} ({found.interval[0]:.3f}{dash}{found.interval[1]:.3f})"
    return value if found.at is None else words.plain("compared_at", value=value, step=f"{found.at:,}")
