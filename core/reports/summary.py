"""The summary that a report of a run opens with: what was compared, what came out, and why and what that is worth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from ..stream.events import LearningRateChanged
from ..stream.experiment_info import MetricInfo
from .lane_settings import beside_rule, lane_words
from .metric_words import capital, dataset_words, examples_words, experiment_name, metric_name, spoken
from .phrases import Phrase, Words
from .run_summary import LaneSummary, RunSummary


def summary(run: RunSummary, words: Words, *, seed: str) -> tuple[Phrase, ...]:
    """Two or three sentences about one run; `seed`: what is said of the worth of one seed."""
    return _compared(run, words), _result(run, words), *_cause(run, words, seed)


def _compared(run: RunSummary, words: Words) -> Phrase:
    lanes = [words.plain("summary_lane", lane=lane.label, rule=lane_words(run, lane, words)) for lane in run.lanes]
    started = run.recorded.started
    shared = {
        "lanes": words.join(lanes),
        "seed": run.config.seed,
        "changed": _changed(run, words),
    }
    name = experiment_name(run.experiment, words)
    optimizer = words.join([words.plain(f"optimizer_{known}") for known in optimizers_of(run)])
    if run.experiment.own_optimizer:
        return words("summary_compared_other", experiment=name, **shared)
    if not run.is_assignment:
        return words("summary_compared_other", experiment=f"{capital(name)}{words.plain('comma')}{optimizer}", **shared)
    return words(
        "summary_compared",
        head=words.plain(f"head_{run.config.settings['head']}"),
        optimizer=optimizer,
        dataset=dataset_words(started.dataset.name, words),
        **shared,
    )


def _changed(run: RunSummary, words: Words) -> str:
    """That this is no clean comparison, and why."""
    if not run.changes:
        return ""
    rates = any(isinstance(event, LearningRateChanged) for event in run.changes)
    return words.plain("summary_changed_rates" if rates else "summary_changed")


def optimizers_of(run: RunSummary) -> tuple[str, ...]:
    """The optimizers of the run's lanes; empty if it is the experiment's own."""
    if run.experiment.own_optimizer:
        return ()
    return tuple(dict.fromkeys(run.config.for_lane(lane).optimizer for lane in run.config.lanes))


def _result(run: RunSummary, words: Words) -> Phrase:
    results = words.join([_lane_result(lane, run.experiment.main, words) for lane in run.lanes])
    totals = [lane.final.total for lane in run.lanes if lane.final]
    if not totals:
        return words("summary_no_result", results=results)
    return words(
        "summary_result",
        metric=metric_name(run.experiment.main, words),
        total=f"{totals[0]:,}",
        validation=examples_words(run.experiment, words, "validation"),
        results=results,
        verdict=_verdict(run, words),
    )


def _lane_result(lane: LaneSummary, metric: MetricInfo, words: Words) -> str:
    if lane.final:
        value = spoken(metric, lane.final.of_metric(metric))
        if interval := lane.final.interval_of(metric):
            low, high = (f"{100 * bound:.1f}" for bound in interval)
            return words.plain("summary_accuracy", lane=lane.label, value=value, low=low, high=high)
        return words.plain("summary_value", lane=lane.label, value=value)
    if lane.failed:
        key = f"summary_{lane.failed.reason}"
        return words.plain(key, lane=lane.label, step=lane.failed.step)
    return words.plain("summary_unfinished", lane=lane.label, step=lane.step)


def _verdict(run: RunSummary, words: Words) -> str:
    """Which networks differ from that of the first lane."""
    pairs = [(a, b, _outcome(a, b)) for a, b in run.pairs if a.final and b.final]
    if len(pairs) == 1 and len(run.lanes) == 2 and pairs[0][2] != "unknown":
        return words.plain(f"summary_{pairs[0][2]}") + _beside_rules(run, words)
    groups = {"apart": "summary_all_apart", "overlap": "summary_all_overlap", "same": "summary_all_same"}
    sentences = []
    references = dict.fromkeys(a.label for a, _, _ in pairs)
    for first, (outcome, key) in product(references, groups.items()):
        if names := [str(b.label) for a, b, found in pairs if found == outcome and a.label == first]:
            sentences.append(words.plain(key, first=first, names=words.join(names)))
    return "".join(sentences) + _beside_rules(run, words)


def _beside_rules(run: RunSummary, words: Words) -> str:
    """The pairs of lanes that differ by more than their rules, which are no comparison of clipping."""
    pairs: dict[str, list[str]] = {}
    for a, b in run.pairs:
        if settings := beside_rule(run, a, b, words):
            pairs.setdefault(settings, []).append(words.plain("summary_pair", a=a.label, b=b.label))
    return "".join(
        words.plain("summary_beside", settings=settings, pairs=words.plain("semicolon").join(found))
        for settings, found in pairs.items()
    )


def _outcome(a: LaneSummary, b: LaneSummary) -> str:
    """Whether two lanes are the same, apart or overlap; `unknown` without intervals."""
    assert a.final
    assert b.final
    if a.matches(b):
        return "same"
    overlap = a.final.overlaps(b.final)
    return "unknown" if overlap is None else "overlap" if overlap else "apart"


def _cause(run: RunSummary, words: Words, seed: str) -> Iterator[Phrase]:
    """What was measured of the network: of LeNet the dead outputs; and what one seed is worth."""
    if run.is_assignment:
        yield _dead_outputs(run, words, seed)
    elif run.gauges:
        yield _gauge(run, run.gauges[0], words, seed)
    elif seed:
        yield Phrase(seed.strip(), {})


def _gauge(run: RunSummary, gauge: MetricInfo, words: Words, seed: str) -> Phrase:
    values = [
        words.plain("summary_gauge_of", lane=lane.label, value=spoken(gauge, last))
        for lane in run.lanes
        if (last := lane.last_of(gauge)) is not None
    ]
    return words("summary_gauge", gauge=metric_name(gauge, words), values=words.join(values), seed=seed)


def _dead_outputs(run: RunSummary, words: Words, seed: str) -> Phrase:
    """The dead outputs, called the cause where more of them go with less accuracy."""
    known = [(lane, len(lane.silent_outputs)) for lane in run.lanes if lane.silent_outputs is not None]
    if not known:
        return words("summary_dead_unknown", seed=seed)
    if run.config.settings["head"] == "linear":
        return words("summary_plain_logits", seed=seed)
    if not any(count for _, count in known):
        return words("summary_none_dead", seed=seed)
    counts = words.join([words.plain("summary_dead_of", lane=lane.label, count=count) for lane, count in known])
    differ = any(a.final and b.final and _outcome(a, b) == "apart" for a, b in run.pairs)
    explained = differ and _explains(known, run.experiment.main)
    return words("summary_cause" if explained else "summary_dead", counts=counts, seed=seed)


def _explains(known: Sequence[tuple[LaneSummary, int]], metric: MetricInfo) -> bool:
    """Whether the numbers of dead outputs differ, and more of them always go with less accuracy."""
    points = sorted((count, -lane.final.of_metric(metric)) for lane, count in known if lane.final)
    losses = [loss for _, loss in points]
    return len({count for count, _ in points}) > 1 and losses == sorted(losses)
