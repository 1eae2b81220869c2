"""The summary that a report of a run opens with: what was compared, what came out, and why and what that is worth."""

from __future__ import annotations

from collections.abc import Sequence

from .phrases import Phrase, Words
from .run_summary import FinalResult, LaneSummary, RunSummary
from .settings import dataset_words, lane_rule_words


def summary(run: RunSummary, words: Words, *, alone: bool) -> tuple[Phrase, ...]:
    """Three sentences about one run; `alone`: whether the report has no other run."""
    return _compared(run, words), _result(run, words), _cause(run, words, alone)


def _compared(run: RunSummary, words: Words) -> Phrase:
    lanes = [words.plain("summary_lane", lane=lane.label, rule=lane_rule_words(lane, words)) for lane in run.lanes]
    return words(
        "summary_compared",
        lanes=words.join(lanes),
        head=words.plain(f"head_{run.config.settings['head']}"),
        optimizer=words.plain(f"optimizer_{run.config.optimizer}"),
        dataset=dataset_words(run.recorded.started.dataset.name, words),
        seed=run.config.seed,
        changed=words.plain("summary_changed") if run.interventions else "",
    )


def _result(run: RunSummary, words: Words) -> Phrase:
    results = words.join([_lane_result(lane, words) for lane in run.lanes])
    totals = [lane.final.total for lane in run.lanes if lane.final]
    if not totals:
        return words("summary_no_result", results=results)
    return words("summary_result", total=f"{totals[0]:,}", results=results, verdict=_verdict(run, words))


def _lane_result(lane: LaneSummary, words: Words) -> str:
    if lane.final:
        return words.plain("summary_accuracy", lane=lane.label, **_percentages(lane.final))
    if lane.failed:
        key = f"summary_{lane.failed.reason}"
        return words.plain(key, lane=lane.label, step=lane.failed.step)
    return words.plain("summary_unfinished", lane=lane.label, step=lane.step)


def _percentages(final: FinalResult) -> dict[str, str]:
    values = {"accuracy": final.accuracy, "low": final.low, "high": final.high}
    return {name: f"{100 * value:.1f}" for name, value in values.items()}


def _verdict(run: RunSummary, words: Words) -> str:
    """Which networks differ from that of the first lane."""
    pairs = [(a, b, _outcome(a, b)) for a, b in run.pairs if a.final and b.final]
    if len(pairs) == 1 and len(run.lanes) == 2:
        return words.plain(f"summary_{pairs[0][2]}")
    groups = {"apart": "summary_all_apart", "overlap": "summary_all_overlap", "same": "summary_all_same"}
    sentences = []
    for outcome, key in groups.items():
        if names := [str(b.label) for _, b, found in pairs if found == outcome]:
            sentences.append(words.plain(key, first=pairs[0][0].label, names=words.join(names)))
    return "".join(sentences)


def _outcome(a: LaneSummary, b: LaneSummary) -> str:
    assert a.final
    assert b.final
    if a.matches(b):
        return "same"
    return "overlap" if a.final.overlaps(b.final) else "apart"


def _cause(run: RunSummary, words: Words, alone: bool) -> Phrase:
    """The dead outputs, called the cause where more of them go with less accuracy; and what one seed is worth."""
    known = [(lane, len(lane.silent_outputs)) for lane in run.lanes if lane.silent_outputs is not None]
    seed = words.plain("summary_one_seed") if alone else ""
    if not known:
        return words("summary_dead_unknown", seed=seed)
    if run.config.settings["head"] == "linear":
        return words("summary_plain_logits", seed=seed)
    if not any(count for _, count in known):
        return words("summary_none_dead", seed=seed)
    counts = words.join([words.plain("summary_dead_of", lane=lane.label, count=count) for lane, count in known])
    differ = any(a.final and b.final and _outcome(a, b) == "apart" for a, b in run.pairs)
    return words("summary_cause" if differ and _explains(known) else "summary_dead", counts=counts, seed=seed)


def _explains(known: Sequence[tuple[LaneSummary, int]]) -> bool:
    """Whether the numbers of dead outputs differ, and more of them always go with less accuracy."""
    points = sorted((count, -lane.final.accuracy) for lane, count in known if lane.final)
    losses = [loss for _, loss in points]
    return len({count for count, _ in points}) > 1 and losses == sorted(losses)
