"""The results of the pairs of lanes that are a comparison of clipping, in a run whose other lanes differ by more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ...core.statistics.intervals import difference_interval, wilson_interval
from ...core.stream.builtin_experiments import ACCURACY
from ...core.stream.lane_differences import comparisons_of_clipping
from ...core.stream.lane_state import LaneState
from ...core.stream.state import RunState
from .explanation import failure_words
from .setting_words import own_settings

# The numbers of correct predictions and of all examples.
Counted = tuple[int, int]


class PairResult(NamedTuple):
    """A pair's result with what the two have in common and their intervals, and without."""

    long: str
    short: str


def pair_results(state: RunState, names: Mapping[str, str]) -> list[PairResult]:
    """The result of each pair; empty without accuracies. `names`: how the lanes are called."""
    if state.watched or state.experiment.main.name != ACCURACY.name:
        return []
    pairs = [[state.lanes[name] for name in pair] for pair in comparisons_of_clipping(state)]
    return [_result(state, a, b, names) for a, b in pairs if _ended(a) and _ended(b)]


def _ended(lane: LaneState) -> bool:
    return lane.failed is not None or counted(lane) is not None


def counted(lane: LaneState) -> Counted | None:
    """The correct predictions of a lane that has finished."""
    end = lane.finished
    return None if lane.failed or end is None or end.correct is None else (end.correct, end.total)


def _result(state: RunState, a: LaneState, b: LaneState, names: Mapping[str, str]) -> PairResult:
    ends = [end for lane in (a, b) if (end := counted(lane))]
    digits = decimals(ends)
    long = ", ".join(_lane_result(lane, names, digits, interval=True) for lane in (a, b))
    short = ", ".join(_lane_result(lane, names, digits, interval=False) for lane in (a, b))
    if shared := _shared_settings(state, a, b):
        long = f"{shared}: {long}"
    if len(ends) < 2:
        return PairResult(long, short)
    found = state.compared.get((a.name, b.name)) or state.compared.get((b.name, a.name))
    same = found is not None and found.distance == 0 and ends[0] == ends[1]
    words = "are identical" if same else differ_words(*ends)
    return PairResult(f"{long}: these two networks {words}", f"{short}: they {words}")


def _lane_result(lane: LaneState, names: Mapping[str, str], digits: int, *, interval: bool) -> str:
    name, end = names[lane.name], counted(lane)
    if end is None:
        return f"{name} {failure_words(lane.failed)}" if lane.failed else name
    return accuracy(name, end, digits) if interval else f"{name} {percent(end, digits)} %"


def _shared_settings(state: RunState, a: LaneState, b: LaneState) -> str:
    """What the two have in common, where lanes of the run differ: `at learning rate 0.01`, `with sgd`."""
    own = own_settings(state, b)
    shared = [words for words in own_settings(state, a) if words in own and not words.startswith("fork ")]
    rates = [f"at learning rate {words.removeprefix('lr ')}" for words in shared if words.startswith("lr ")]
    others = [words for words in shared if not words.startswith("lr ")]
    return " ".join([*rates, *([f"with {', '.join(others)}"] if others else [])])


# Accuracies in words


def differ_words(one: Counted, other: Counted) -> str:
    """Whether two accuracies differ, by the 95 % interval of their difference."""
    low, high = difference_interval(one, other)
    return "differ" if low > 0 or high < 0 else "do not differ measurably"


def accuracy(name: str, end: Counted, digits: int, label: str = "") -> str:
    """`A 77 % (76-78)`; the label stands before the interval."""
    low, high = (f"{100 * side:.{digits}f}" for side in wilson_interval(*end))
    return f"{name} {percent(end, digits)} % ({label}{low}-{high})"


def percent(end: Counted, digits: int) -> str:
    """The accuracy in percent, without the sign."""
    return f"{100 * end[0] / end[1]:.{digits}f}"


def decimals(ends: list[Counted]) -> int:
    """Decimals of the percentages: 1 where whole percentages would hide a difference."""
    whole = {percent(end, 0) for end in ends}
    return int(len(whole) < len({end[0] / end[1] for end in ends}))
