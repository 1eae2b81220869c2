"""A recorded run as settings and commands that repeat it: `clipwatch --config FILE --control < COMMANDS`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from ..runs.reader import Recorded
from ..stream.codec import encode
from ..stream.commands import Extend, LaneCommand, SetClip, Stop
from ..stream.config import LaneConfig, RunConfig, to_toml
from ..stream.events import LaneForked
from .verify import repetition


@dataclass(frozen=True)
class RunScript:
    """The settings, and the commands that take effect at their steps."""

    config: RunConfig
    commands: tuple[LaneCommand, ...]

    @property
    def settings_file(self) -> bytes:
        """The settings as TOML."""
        return to_toml(self.config).encode()

    @property
    def commands_file(self) -> bytes:
        """A command a line; empty if there is none."""
        return b"".join(encode(command) + b"\n" for command in self.commands)


def run_script(recorded: Recorded) -> RunScript:
    """The script of a run. Changes of rules alone need no commands: they stand in the settings, as `--clip-at` does."""
    config, again = repetition(recorded)
    forks = [event for event in recorded.table.others if isinstance(event, LaneForked)]
    # A lane that was stopped before its first step is stopped again.
    least = max(1, min(again.iterations.values()))
    commands = _in_order([*_plans(again.iterations, forks, least), *again.commands], config, forks)
    changes = [command for command in commands if isinstance(command, SetClip)]
    in_settings = len(changes) == len(commands) and _can_stand_in_settings(changes)
    lanes = tuple(_changed(lane, changes if in_settings else ()) for lane in config.lanes)
    config = msgspec.structs.replace(config, lanes=lanes, iterations=least)
    return RunScript(config, () if in_settings else commands)


def _plans(totals: Mapping[str, int], forks: Sequence[LaneForked], least: int) -> Iterator[Extend | Stop]:
    """The commands that give each lane its number of steps, where all are to do the `least` of them.

    A lane gets more when it has done these, and a fork has then as many as its parent has at that step.
    """
    forked, plans = {fork.lane: fork for fork in forks}, dict[str, int]()
    for lane, total in totals.items():
        fork = forked.get(lane)
        planned = plans[fork.parent] if fork and fork.step >= least else least
        plans[lane] = max(total, planned)
        step = max(least, fork.step) if fork else least
        if total > planned:
            yield Extend(lane=lane, iterations=total - planned, at_step=step)
        elif total < planned:
            yield Stop(lane=lane, at_step=total)


def _in_order(
    commands: Sequence[LaneCommand], config: RunConfig, forks: Sequence[LaneForked]
) -> tuple[LaneCommand, ...]:
    """The commands by step, and of one step by lane, parents before their forks, with the stops at the end."""
    names = [*(lane.name for lane in config.lanes), *(fork.lane for fork in forks)]
    places = {name: place for place, name in enumerate(names)}
    return tuple(
        sorted(commands, key=lambda one: (one.at_step or 0, isinstance(one, Stop), places[one.lane or names[0]]))
    )


def _can_stand_in_settings(changes: Sequence[SetClip]) -> bool:
    """Whether each lane has at most one new rule at a step, and none before the first step."""
    places = Counter((change.lane, change.at_step) for change in changes)
    return all(step and count == 1 for (_, step), count in places.items())


def _changed(lane: LaneConfig, changes: Sequence[SetClip]) -> LaneConfig:
    """The lane with its changes, and without those that were planned."""
    later = {change.at_step: change.rule for change in changes if change.lane == lane.name and change.at_step}
    return msgspec.structs.replace(lane, clip_at=later)
