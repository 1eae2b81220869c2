"""The joint conclusion of several runs that differ only in their seed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from ..stream.config import with_dataset
from ..stream.experiment_info import MetricInfo
from .lane_settings import beside_rule
from .metric_words import cell, metric_name
from .phrases import Phrase, Words
from .run_summary import RunSummary

# Settings that do not affect a training's result, and the seed, which is compared separately as the data set is.
_IGNORED = {"seed": 0, "pace": None, "data_dir": None, "offline": False, "checkpoint_every": 1}
# The smallest number of seeds whose agreement is significant at 5 % in an exact two-sided sign test: 2 / 2^6 < 0.05.
_FEWEST_SEEDS = 6

NumberedRun = tuple[int, RunSummary]


def sign_test(wins: int, losses: int) -> float:
    """The exact two-sided p of a sign test with these counts. Ties are left out."""
    n = wins + losses
    tail = sum(math.comb(n, k) for k in range(max(wins, losses), n + 1))
    return min(1.0, 2 * tail / 2**n)


def joint_conclusion(runs: Sequence[RunSummary], words: Words) -> tuple[Phrase, ...]:
    """Sentences about several runs, which are numbered from 1."""
    groups = [group for group in _groups(runs) if len(group) > 1]
    compared = {number for group in groups for number, _ in group}
    sentences = [sentence for group in groups for sentence in _of_group(group, words)]
    if not groups:
        return (words("group_none"),)
    if others := [str(number) for number in range(1, len(runs) + 1) if number not in compared]:
        sentences.append(words("runs_left_out", runs=words.join(others)))
    return tuple(sentences)


def _groups(runs: Sequence[RunSummary]) -> list[list[NumberedRun]]:
    groups: dict[object, dict[int, NumberedRun]] = {}
    for number, run in enumerate(runs, 1):
        if run.is_clean and not run.recorded.damage:
            settings = with_dataset(msgspec.structs.replace(run.config, **_IGNORED), "auto")
            key = (msgspec.json.encode(settings), run.experiment, run.recorded.started.dataset.checksum)
            groups.setdefault(key, {}).setdefault(run.config.seed, (number, run))
    return [list(group.values()) for group in groups.values()]


def _of_group(group: list[NumberedRun], words: Words) -> Iterator[Phrase]:
    yield words("group", runs=words.join([str(number) for number, _ in group]))
    for other in range(1, len(group[0][1].lanes)):
        yield from _of_pair([run for _, run in group], other, words)


def _of_pair(runs: list[RunSummary], other: int, words: Words) -> Iterator[Phrase]:
    metric, names = runs[0].experiment.main, {"a": runs[0].lanes[0].name, "b": runs[0].lanes[other].name}
    a, b = _values(runs, 0, metric), _values(runs, other, metric)
    shared = {"metric": metric_name(metric, words), "count": len(runs), **names}
    spread = {**_spread("a", a, metric), **_spread("b", b, metric)}
    if metric.lower_is_better is None:
        yield words("group_pair", **shared, **spread, counts="")
        return
    above, below = (sum(x > y for x, y in pairs) for pairs in (zip(a, b, strict=True), zip(b, a, strict=True)))
    wins, losses = (below, above) if metric.lower_is_better else (above, below)
    counts = words.plain("group_counts", **names, wins=wins, losses=losses, ties=len(runs) - wins - losses)
    yield words("group_pair", **shared, **spread, counts=counts)
    yield _verdict(wins, losses, names["a"] if wins > losses else names["b"], words)
    if settings := beside_rule(runs[0], runs[0].lanes[0], runs[0].lanes[other], words):
        yield words("differ_beside", **names, settings=settings)


def _values(runs: list[RunSummary], lane: int, metric: MetricInfo) -> list[float]:
    return [final.of_metric(metric) for run in runs if (final := run.lanes[lane].final)]


def _spread(name: str, values: list[float], metric: MetricInfo) -> dict[str, str]:
    figures = {"mean": math.fsum(values) / len(values), "low": min(values), "high": max(values)}
    return {f"{key}_{name}": cell(metric, value) for key, value in figures.items()}


def _verdict(wins: int, losses: int, better: str, words: Words) -> Phrase:
    if wins + losses < _FEWEST_SEEDS:
        return words("group_few", count=wins + losses, least=f"{sign_test(wins + losses, 0):.3g}")
    p = sign_test(wins, losses)
    return words("group_decided" if p < 0.05 else "group_undecided", p=f"{p:.3g}", better=better)
