"""A recorded run as settings and commands that repeat it: `clipwatch --config FILE --control < COMMANDS`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from ..runs.reader import Recorded
from ..stream.codec import encode
from ..stream.commands import Extend, LaneCommand, SetClip
from ..stream.config import LaneConfig, RunConfig, to_toml
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
    least = min(again.iterations.values())
    extensions = [
        Extend(lane=lane, iterations=steps - least, at_step=0)
        for lane, steps in again.iterations.items()
        if steps > least
    ]
    # By lane, the recorded order is that of the steps; lanes record in any order.
    order = {lane: place for place, lane in enumerate(recorded.lanes)}
    changed = sorted(again.commands, key=lambda one: (one.at_step or 0, order.get(one.lane or "", 0)))
    commands = (*extensions, *changed)
    changes = [command for command in commands if isinstance(command, SetClip)]
    in_settings = len(changes) == len(commands) and _can_stand_in_settings(changes)
    lanes = tuple(_changed(lane, changes if in_settings else ()) for lane in config.lanes)
    config = msgspec.structs.replace(config, lanes=lanes, iterations=least)
    return RunScript(config, () if in_settings else commands)


def _can_stand_in_settings(changes: Sequence[SetClip]) -> bool:
    """Whether each lane has at most one new rule at a step, and none before the first step."""
    places = Counter((change.lane, change.at_step) for change in changes)
    return all(step and count == 1 for (_, step), count in places.items())


def _changed(lane: LaneConfig, changes: Sequence[SetClip]) -> LaneConfig:
    """The lane with its changes, and without those that were planned."""
    later = {change.at_step: change.rule for change in changes if change.lane == lane.name and change.at_step}
    return msgspec.structs.replace(lane, clip_at=later)
