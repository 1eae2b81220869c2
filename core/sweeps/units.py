"""Splits a sweep into units of work, which can be trained anywhere, in any order, and more than once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Set

import msgspec

from ..stream.config import LaneConfig, RunConfig
from ..stream.sweep_config import Setting, SweepConfig, is_stackable

# Replicas in a stack. On a CPU, as many as fit a core's share of the cache. On a GPU, enough to keep it busy; they take
# 2 GB of memory and give results within seconds.
_CPU_STACK, _GPU_STACK = 4, 1024


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """Replicas that are trained together: each of the `settings` with each of the `seeds`."""

    number: int
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]

    @property
    def replicas(self) -> tuple[tuple[int, int], ...]:
        """(setting, seed) of each replica; those of one seed are neighbours."""
        return tuple((setting.number, seed) for seed in self.seeds for setting in self.settings)


def units(sweep: SweepConfig, done: Set[tuple[int, int]]) -> Iterator[Unit]:
    """Yield the units that are left when these (setting, seed) are done, by seed, so that pairs are complete early.

    The first units are small, so that results appear soon.
    """
    groups = _groups(sweep)
    sizes = [max(1, _stack_size(sweep.base.device) // len(group)) if stacked else 1 for group, stacked in groups]
    numbers = itertools.count()
    for start in range(0, len(sweep.every_seed), max(sizes)):
        for (group, _), size in zip(groups, sizes, strict=True):
            window = sweep.every_seed[start : start + max(sizes)]
            left = [seed for seed in window if any((setting.number, seed) not in done for setting in group)]
            first = max(1, size // 4) if start == 0 else size
            for begin, end in itertools.pairwise((0, *range(first, len(left), size), len(left))):
                if begin < end:
                    yield Unit(number=next(numbers), settings=group, seeds=tuple(left[begin:end]))


def _stack_size(device: str) -> int:
    return _CPU_STACK if device == "cpu" else _GPU_STACK


def _groups(sweep: SweepConfig) -> list[tuple[tuple[Setting, ...], bool]]:
    """Groups of settings that share a unit, each with whether it is trained as a stack."""
    stacks: dict[bytes, list[Setting]] = {}
    alone: list[tuple[tuple[Setting, ...], bool]] = []
    for setting in sweep.settings:
        if is_stackable(setting.config):
            stacks.setdefault(_stack_key(setting.config), []).append(setting)
        else:
            alone.append(((setting,), False))
    limit = _stack_size(sweep.base.device)
    stacked = [
        (tuple(group[start : start + limit]), True)
        for group in stacks.values()
        for start in range(0, len(group), limit)
    ]
    return stacked + alone


def _stack_key(config: RunConfig) -> bytes:
    """The configuration, without what may differ within a stack: the rule, and the settings of LeNet."""
    return msgspec.json.encode(msgspec.structs.replace(config, settings={}, lanes=(LaneConfig("any", "none"),)))
