"""The final values of lanes in a metric that has no interval: which lane is ahead, and no more."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...core.stream.events import LaneFinished
from ...core.stream.experiment_info import MetricInfo
from ...core.stream.series import final_values
from ...core.stream.state import RunState
from .explanation import are_identical
from .metric_words import value_words


def values(state: RunState, finished: Sequence[tuple[str, LaneFinished]], failed: list[str]) -> tuple[str, ...]:
    """The values of all lanes, or the best and the worst of more than two, from long to short."""
    main = state.experiment.main
    found = [(name, final_values(end).get(main.name, math.nan)) for name, end in finished]
    if len(found) > 2:
        return _extremes(main, found, failed)
    listed = ", ".join([f"{name} {value_words(main, value)}" for name, value in found] + failed)
    if not found:
        return (listed,)
    texts = f"{main.words} {listed}", listed
    if len(found) == 2 and are_identical(state):
        return f"{texts[0]}: these two networks are identical", *(f"{text}: they are identical" for text in texts)
    return (f"{texts[0]}{_direction(main)}", *texts) if len(found) > 1 else texts


def _extremes(main: MetricInfo, found: list[tuple[str, float]], failed: list[str]) -> tuple[str, ...]:
    """The best and the worst lane, or the lowest and the highest if neither is better; NaN is the worst."""
    sign = -1 if main.lower_is_better is False else 1
    ordered = sorted(found, key=lambda one: (math.isnan(one[1]), sign * one[1]))
    first, last = (f"{name} {value_words(main, value)}" for name, value in (ordered[0], ordered[-1]))
    words = ("lowest", "highest") if main.lower_is_better is None else ("best", "worst")
    also = f"; {len(failed)} failed" if failed else ""
    count = len(found) + len(failed)
    return (
        f"{main.words} of {count} lanes: {first} is {words[0]}, {last} {words[1]}{also}",
        f"{main.words}: {words[0]} {first}, {words[1]} {last}{also}",
        f"{words[0]} {first}, {words[1]} {last}{also}",
    )


def _direction(main: MetricInfo) -> str:
    if main.lower_is_better is None:
        return ""
    return f" ({'lower' if main.lower_is_better else 'higher'} is better)"
