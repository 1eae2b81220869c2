"""The conclusions that the results of one run support."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from ..stream.command_line import sweep_command_line
from ..stream.events import LearningRateChanged
from ..stream.experiment_info import LOSS, MetricInfo
from .lane_settings import beside_rule
from .metric_words import cell, dataset_words, examples_words, metric_name
from .phrases import Phrase, Words
from .run_summary import FinalResult, LaneSummary, RunSummary


def conclusion(run: RunSummary, words: Words, *, alone: bool) -> tuple[Phrase, ...]:
    """Sentences about one run; `alone`: whether the report has no other run."""
    return tuple(_sentences(run, words, alone))


def _sentences(run: RunSummary, words: Words, alone: bool) -> Iterator[Phrase]:
    for lane in run.lanes:
        yield _ending(lane, run, words)
    for a, b in run.pairs:
        yield from _comparison(a, b, run, words)
    if run.changes:
        rates = any(isinstance(event, LearningRateChanged) for event in run.changes)
        yield words("changed_mid_run_rates" if rates else "changed_mid_run")
    yield from _data(run, words)
    if alone:
        yield words("one_seed", sweep=_sweep(run), examples=examples_words(run.experiment, words))


def _sweep(run: RunSummary) -> str:
    """The command that trains the same network with many seeds, and with what the lanes differ by."""
    # Without the folder of a user's file, which does not belong in a report.
    config = msgspec.structs.replace(run.config, experiment=re.split(r"[\\/]", run.config.experiment)[-1])
    own_optimizer = run.experiment.own_optimizer
    return sweep_command_line(config, run.recorded.started.dataset.name, own_optimizer=own_optimizer)


def _ending(lane: LaneSummary, run: RunSummary, words: Words) -> Phrase:
    final = lane.final
    if final is None:
        key = "no_final_failed" if lane.failed else "no_final_unfinished"
        return words(key, lane=lane.name, step=lane.failed.step if lane.failed else lane.step)
    values = words.join([_value(final, metric, words) for metric in run.experiment.metrics])
    return words(
        "final_of" if values else "final_of_loss",
        lane=lane.name,
        values=values,
        total=f"{final.total:,}",
        validation=examples_words(run.experiment, words, "validation"),
        loss=cell(LOSS, final.loss),
        step=final.step,
    )


def _value(final: FinalResult, metric: MetricInfo, words: Words) -> str:
    found = {"metric": metric_name(metric, words), "value": cell(metric, final.of_metric(metric))}
    if interval := final.interval_of(metric):
        low, high = (f"{bound:.3f}" for bound in interval)
        return words.plain("final_interval", **found, low=low, high=high)
    return words.plain("final_value", **found)


def _comparison(a: LaneSummary, b: LaneSummary, run: RunSummary, words: Words) -> Iterator[Phrase]:
    if a.final is None or b.final is None:
        return
    names = {"a": a.name, "b": b.name}
    settings = beside_rule(run, a, b, words)
    if settings:
        yield words("differ_beside", **names, settings=settings)
    if a.final.step != b.final.step:
        yield words("uneven", **names)
    if a.matches(b):
        yield words("same_settings" if settings else "same", **names)
        return
    match a.final.overlaps(b.final):
        case None:
            yield words("no_interval", **names)
        case True:
            yield words("overlap", **names)
        case False:
            better = max(a, b, key=lambda lane: lane.final.values["accuracy"] if lane.final else 0)
            examples = examples_words(run.experiment, words)
            key = "disjoint_settings" if settings else "disjoint"
            yield words(key, **names, examples=examples, better=better.name)


def _data(run: RunSummary, words: Words) -> Iterator[Phrase]:
    name = run.recorded.started.dataset.name
    if not run.is_assignment:
        return
    if name == "digits":
        yield words("digits")
    elif name != "mnist":
        yield words("not_mnist", dataset=dataset_words(name, words))
