"""The verdict on a run whose lanes have ended: the results, whether they differ, and what one seed is worth."""

from __future__ import annotations

from itertools import product

from ...core.statistics.intervals import wilson_interval
from ...core.stream.builtin_experiments import ACCURACY
from ...core.stream.experiment_info import LOSS
from ...core.stream.lane_differences import difference, lane_pairs
from ...core.stream.lane_state import LaneState
from ...core.stream.series import evaluated_values
from ...core.stream.state import RunState
from ...core.stream.sweep_config import SEEDS
from .explanation import are_identical, failure_words
from .lane_names import lane_names
from .metric_words import figure
from .pair_results import Counted, accuracy, decimals, differ_words, pair_results, percent
from .result_values import values
from .setting_words import beside_rule_words


def verdict(state: RunState, *, sweep_key: str = "") -> tuple[str, ...]:
    """Texts of which the first that fits is the best: intervals are left out before what the verdict is worth.

    `sweep_key` starts a sweep of the configuration; empty if it cannot be started.
    """
    if state.watched:
        return _watched(state)
    results = _results(state)
    if len(state.lanes) < 2:
        return results
    return tuple(
        f"{result}. {words}".removesuffix(". ") for words, result in product(_worth(state, sweep_key), results)
    )


# What a watched loop reached


def _watched(state: RunState) -> tuple[str, ...]:
    """How the loops ended, and the results of their last evaluations, which are all that is known of them."""
    names, lanes = lane_names(state.lanes), state.lanes.values()
    several = len(lanes) > 1
    ends = [f"{names[lane.name]} {_end(lane)}" if several else _end(lane) for lane in lanes]
    results = [
        f"{names[lane.name]} {words}" if several else words for lane in lanes if (words := last_results(state, lane))
    ]
    ended = ", ".join(ends)
    if not results:
        return (f"The loop {ended}" if not several else ended,)
    return (
        f"The loop {ended}; last evaluation: {', '.join(results)}" if not several else f"{ended}; {', '.join(results)}",
        ended,
    )


def _end(lane: LaneState) -> str:
    if lane.failed:
        return failure_words(lane.failed)
    return f"{'ended' if lane.status == 'completed' else lane.status} after {lane.step:,} steps"


def last_results(state: RunState, lane: LaneState) -> str:
    """The metrics of a lane's last evaluation in words, the most important first; empty without one."""
    if lane.latest is None:
        return ""
    known = evaluated_values(lane.latest)
    return ", ".join(figure(info, known[info.name]) for info in (*state.experiment.metrics, LOSS) if info.name in known)


# What the lanes reached


def _results(state: RunState) -> tuple[str, ...]:
    """The results, what failed, and whether two lanes differ."""
    names, lanes = lane_names(state.lanes), list(state.lanes.values())
    failed = [f"{names[lane.name]} {failure_words(lane.failed)}" for lane in lanes if lane.failed]
    finished = [(names[lane.name], lane.finished) for lane in lanes if lane.finished]
    counted = [(name, (end.correct, end.total)) for name, end in finished if end.correct is not None]
    if len(counted) == len(finished) and state.experiment.main.name == ACCURACY.name:
        return *_pairs(state), *_accuracies(state, counted, failed)
    return values(state, finished, failed)


def _accuracies(state: RunState, finished: list[tuple[str, Counted]], failed: list[str]) -> tuple[str, ...]:
    """The accuracies with their intervals, and whether those of two lanes differ."""
    if len(finished) > 2:
        finished.sort(key=lambda one: one[1][0] / one[1][1], reverse=True)
        return _many(state, finished, failed)
    digits = decimals([end for _, end in finished])
    long = ", ".join(
        [accuracy(name, end, digits, "95 %: " if not n else "") for n, (name, end) in enumerate(finished)] + failed
    )
    medium = ", ".join([accuracy(name, end, digits) for name, end in finished] + failed)
    short = ", ".join([f"{name} {percent(end, digits)} %" for name, end in finished] + failed)
    if len(finished) < 2:
        return long, medium, short
    differ = _comparison(state, finished[0][1], finished[1][1])
    return f"{long}: these two networks {differ}", f"{medium}: they {differ}", f"{short}: they {differ}"


def _pairs(state: RunState) -> tuple[str, ...]:
    """The results of the lanes that compare rules, where others differ by more; empty if all lanes compare rules."""
    if len(state.lanes) < 3 or all(difference(state, *pair).compares_rules for pair in lane_pairs(state)):
        return ()
    results = pair_results(state, lane_names(state.lanes))
    return tuple(dict.fromkeys("; ".join(forms) for forms in zip(*results, strict=True)))


def _many(state: RunState, finished: list[tuple[str, Counted]], failed: list[str]) -> tuple[str, ...]:
    """More than two lanes: only the highest and the lowest, since many comparisons would need many intervals."""
    (best, most), (worst, least) = finished[0], finished[-1]
    count = f"of {len(finished) + len(failed)} lanes"
    also = f"; {len(failed)} failed" if failed else ""
    digits = decimals([most, least])
    low = accuracy(worst, least, digits)
    if are_identical(state):
        also = f": identical{also}"
    elif wilson_interval(*most)[0] <= wilson_interval(*least)[1]:
        also = f": not shown to differ{also}"
    return (
        f"{count}, {accuracy(best, most, digits, '95 %: ')} is highest, {low} lowest{also}",
        f"highest {accuracy(best, most, digits)}, lowest {low}{also}",
        f"highest {best} {percent(most, digits)} %, lowest {worst} {percent(least, digits)} %{also}",
    )


def _comparison(state: RunState, one: Counted, other: Counted) -> str:
    if are_identical(state):
        return "are identical"
    return differ_words(one, other)


# What that is worth


def _worth(state: RunState, sweep_key: str) -> tuple[str, ...]:
    """What one seed says about clipping, and the key that runs more."""
    names, pairs = lane_names(state.lanes), [difference(state, *pair) for pair in lane_pairs(state)]
    more = f"{sweep_key}: {SEEDS} seeds" if sweep_key else ""
    if changed := [name for lane, name in names.items() if any(lane in pair.changed for pair in pairs)]:
        who = f"{' and '.join(changed) if len(changed) < 3 else 'lanes'} changed mid-run"
        seeds = f" {sweep_key} trains the rules at the start with {SEEDS} seeds." if sweep_key else ""
        # Other lanes may still be a comparison.
        alone = any(pair.compares_rules for pair in pairs)
        what = "only the other lanes compare rules" if alone else "this is not a comparison of clipping"
        return f"{who}: {what}.{seeds}", f"{who}.", f"Changed mid-run. {more}".rstrip(), ""
    if clauses := beside_rule_words(state, names):
        return _not_rules_alone(clauses, any(pair.compares_rules for pair in pairs), more)
    of = (
        "trains the rules at the start with {} seeds"
        if any(lane.parent for lane in state.lanes.values())
        else "runs {}"
    )
    runs = f": {sweep_key} {of.format(SEEDS)}." if sweep_key else "."
    return f"One seed says nothing about clipping{runs}", f"One seed proves nothing{runs}", more, ""


def _not_rules_alone(clauses: tuple[str, ...], compares: bool, more: str) -> tuple[str, ...]:
    """Which lanes differ by more than their rules; `compares`: whether others are a comparison of clipping."""
    what = "so they are not a comparison of clipping" if len(clauses) == 1 else "which are not comparisons of clipping"
    brief = "Not all lanes differ by their rules alone." if compares else "Not a comparison of clipping."
    medium = f"{clauses[0]}, {what}." if len(clauses) == 1 else brief
    return f"{' and '.join(clauses)}, {what}. {more}".rstrip(), medium, brief, ""
