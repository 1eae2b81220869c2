"""The work of a sweep in pieces that can be done anywhere, in any order, and more than once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Set

import msgspec

from ..stream.config import LaneConfig, RunConfig
from ..stream.sweep_config import Setting, SweepConfig, is_stackable

# Replicas trained as one batched program: what a core's share of the cache holds; what keeps a GPU busy, in 2 GB of its
# memory, and gives results within seconds.
_ON_CPU, _ON_GPU = 4, 1024


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """Replicas to be trained together: every one of `settings` with every one of `seeds`."""

    number: int
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]

    @property
    def replicas(self) -> tuple[tuple[int, int], ...]:
        """(setting, seed) of each, those of one seed beside each other."""
        return tuple((setting.number, seed) for seed in self.seeds for setting in self.settings)


def units(sweep: SweepConfig, done: Set[tuple[int, int]]) -> Iterator[Unit]:
    """The work that is left when these (setting, seed) are done; seeds in order, so that pairs are complete early.

    The first seeds come in small ones, so that there is something to see soon.
    """
    groups = _groups(sweep)
    sizes = [max(1, _room(sweep.base.device) // len(group)) if stacked else 1 for group, stacked in groups]
    numbers = itertools.count()
    for start in range(0, len(sweep.every_seed), max(sizes)):
        for (group, _), size in zip(groups, sizes, strict=True):
            window = sweep.every_seed[start : start + max(sizes)]
            left = [seed for seed in window if any((setting.number, seed) not in done for setting in group)]
            first = max(1, size // 4) if start == 0 else size
            for begin, end in itertools.pairwise((0, *range(first, len(left), size), len(left))):
                if begin < end:
                    yield Unit(number=next(numbers), settings=group, seeds=tuple(left[begin:end]))


def _room(device: str) -> int:
    return _ON_CPU if device == "cpu" else _ON_GPU


def _groups(sweep: SweepConfig) -> list[tuple[tuple[Setting, ...], bool]]:
    """Settings that can be stacked with each other, and whether they can be stacked at all."""
    stacks: dict[RunConfig, list[Setting]] = {}
    alone: list[tuple[tuple[Setting, ...], bool]] = []
    for setting in sweep.settings:
        if is_stackable(setting.config):
            stacks.setdefault(_kind(setting.config), []).append(setting)
        else:
            alone.append(((setting,), False))
    room = _room(sweep.base.device)
    stacked = [
        (tuple(group[start : start + room]), True) for group in stacks.values() for start in range(0, len(group), room)
    ]
    return stacked + alone


def _kind(config: RunConfig) -> RunConfig:
    """A run without what may differ within a stack."""
    return msgspec.structs.replace(config, head="relu", init_std=1.0, lanes=(LaneConfig("any", "none"),))
