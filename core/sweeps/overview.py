"""A sweep in one line of a list: how far it is, and by how much its first comparison differs, without statistics."""

from __future__ import annotations

from typing import Literal

import msgspec

from ..stream.events import DatasetInfo
from ..stream.sweep_events import Results
from .pairs import pair_name, pairs
from .store import SweepFolder, read_sweep

State = Literal["running", "done", "interrupted", "failed"]


class FirstComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The first comparison's means over the `seeds` that both settings have: other minus reference."""

    name: str
    seeds: int
    points: float
    nats: float


class SweepOverview(msgspec.Struct, frozen=True, kw_only=True):
    """What is to know of a sweep among others; `started` in seconds since 1970 (UTC), trainings `done` and in `total`.

    Of those that are done so many `diverged`; if all did, the sweep `failed`. `comparison` is None before both of its
    settings have a seed in common.
    """

    state: State
    started: float
    dataset: DatasetInfo
    settings: int
    seeds: int
    done: int
    total: int
    comparison: FirstComparison | None
    diverged: int = 0


def overview(folder: SweepFolder) -> SweepOverview:
    """Read one sweep; BadInput if it cannot be read."""
    results = read_sweep(folder, curves=False).results
    config = results.started.config
    return SweepOverview(
        state=_state(results, folder),
        started=results.started.time,
        dataset=results.started.dataset,
        settings=len(config.settings),
        seeds=len(config.every_seed),
        done=len(results.replicas),
        total=config.replicas,
        comparison=_first(results),
        diverged=results.diverged,
    )


def _state(results: Results, folder: SweepFolder) -> State:
    if results.unfinished:
        return "running" if folder.is_being_written() else "interrupted"
    return "failed" if results.all_diverged else "done"


def _first(results: Results) -> FirstComparison | None:
    """Accuracy in points and loss in nats of the first pair that has been trained."""
    axis, reference, other = next(pairs(results.started.config), (None, None, None))
    if axis is None or reference is None or other is None:
        return None
    first, second = results.figures(reference.number), results.figures(other.number)
    seeds = first.keys() & second.keys()
    if not seeds:
        return None
    points = [100 * (second[seed].accuracy - first[seed].accuracy) for seed in seeds]
    nats = [second[seed].loss - first[seed].loss for seed in seeds]
    name = pair_name(axis, reference, other)
    return FirstComparison(name=name, seeds=len(seeds), points=sum(points) / len(seeds), nats=sum(nats) / len(seeds))
