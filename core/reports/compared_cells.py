"""The cells of the table of compared lanes, in the report and on the screen."""

from __future__ import annotations

from ..runs.compared import ComparedLane
from ..stream.experiment_info import MetricInfo, Value, value_text
from .metric_words import cell
from .phrases import Words

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


def value_cell(lane: ComparedLane, metric: MetricInfo, words: Words, *, dash: str = "\N{EN DASH}") -> str:
    """A final value with its interval, or the newest evaluation with its step; a dash if there is none."""
    if (found := lane.value(metric)) is None:
        return UNKNOWN
    value = cell(metric, found.value)
    if found.interval:
        return f"{value} ({found.interval[0]:.3f}{dash}{found.interval[1]:.3f})"
    return value if found.at is None else words.plain("compared_at", value=value, step=f"{found.at:,}")
