"""The conclusions that the results of one run support."""

from __future__ import annotations

from collections.abc import Iterator

from ..stream.command_line import sweep_command_line
from .phrases import Phrase, Words
from .run_summary import LaneSummary, RunSummary
from .settings import dataset_words


def conclusion(run: RunSummary, words: Words, *, alone: bool) -> tuple[Phrase, ...]:
    """Sentences about one run; `alone`: whether the report has no other run."""
    return tuple(_sentences(run, words, alone))


def _sentences(run: RunSummary, words: Words, alone: bool) -> Iterator[Phrase]:
    for lane in run.lanes:
        yield _ending(lane, words)
    for a, b in run.pairs:
        yield from _comparison(a, b, words)
    if run.interventions:
        yield words("changed_mid_run")
    yield from _data(run, words)
    if alone:
        yield words("one_seed", sweep=_sweep(run))


def _sweep(run: RunSummary) -> str:
    """The command that trains the same network and the lanes' rules with many seeds."""
    return sweep_command_line(run.config, run.recorded.started.dataset.name)


def _ending(lane: LaneSummary, words: Words) -> Phrase:
    final = lane.final
    if final is None:
        key = "no_final_failed" if lane.failed else "no_final_unfinished"
        return words(key, lane=lane.name, step=lane.failed.step if lane.failed else lane.step)
    return words(
        "final_of",
        lane=lane.name,
        accuracy=f"{final.accuracy:.3f}",
        total=f"{final.total:,}",
        low=f"{final.low:.3f}",
        high=f"{final.high:.3f}",
        loss=f"{final.loss:.4f}",
        step=final.step,
    )


def _comparison(a: LaneSummary, b: LaneSummary, words: Words) -> Iterator[Phrase]:
    if a.final is None or b.final is None:
        return
    if a.final.step != b.final.step:
        yield words("uneven", a=a.name, b=b.name)
    if a.matches(b):
        yield words("same", a=a.name, b=b.name)
    elif a.final.overlaps(b.final):
        yield words("overlap", a=a.name, b=b.name)
    else:
        better = a if a.final.accuracy > b.final.accuracy else b
        yield words("disjoint", a=a.name, b=b.name, better=better.name)


def _data(run: RunSummary, words: Words) -> Iterator[Phrase]:
    name = run.recorded.started.dataset.name
    if name == "digits":
        yield words("digits")
    elif name != "mnist":
        yield words("not_mnist", dataset=dataset_words(name, words))
