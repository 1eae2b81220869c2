"""How a recorded run continues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..stream.commands import Fork, LaneCommand
from ..stream.config import LaneConfig, RunConfig
from ..stream.events import LaneFailed, LaneForked
from ..training.forked_lane import forked_config
from ..training.lane_messages import LaneStart


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """How a recorded run continues.

    Lanes start from their `snapshots`, or from the start, at `seconds` on the run's clock, and train to `iterations`
    steps. `commands` are those of the recording. Other commands take effect no earlier than where the recording ends
    (`recorded`, a step for each lane), because the steps before are trained again as they were. Lanes that `diverged`
    are not trained. `forks` are the lanes that were forked; some of the commands may fork them again.
    """

    snapshots: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seconds: float = 0.0
    iterations: Mapping[str, int] = field(default_factory=dict)
    commands: Sequence[LaneCommand] = ()
    recorded: Mapping[str, int] = field(default_factory=dict)
    diverged: Mapping[str, LaneFailed] = field(default_factory=dict)
    forks: Sequence[LaneForked] = ()

    @property
    def continued_forks(self) -> list[LaneForked]:
        """The forks that need not be made again."""
        again = {command.name for command in self.commands if isinstance(command, Fork)}
        return [event for event in self.forks if event.lane not in again]

    def with_forks(self, config: RunConfig) -> RunConfig:
        """The settings of a run with the lanes that were forked, and need not be forked again, among its lanes."""
        lanes = all_lanes(config, self.forks)
        continued = [lanes[event.lane] for event in self.continued_forks]
        return msgspec.structs.replace(config, lanes=(*config.lanes, *continued))

    def lane_starts(self, config: RunConfig) -> list[LaneStart]:
        """What the processes of the lanes that are trained start from. One prepares the run even if none is."""
        names = [lane.name for lane in config.lanes if lane.name not in self.diverged] or [config.lanes[0].name]
        return [
            LaneStart(
                lane=name,
                iterations=self.iterations.get(name, config.iterations),
                snapshot=_encoded(self.snapshots[name]) if name in self.snapshots else None,
            )
            for name in names
        ]


FRESH = Resumption()


def all_lanes(config: RunConfig, forks: Iterable[LaneForked]) -> dict[str, LaneConfig]:
    """The settings of the lanes of a run and of their forks, by name."""
    lanes = {lane.name: lane for lane in config.lanes}
    for event in forks:
        lanes[event.lane] = forked_config(lanes[event.parent], event)
    return lanes


def _encoded(snapshot: Mapping[str, Any]) -> bytes:
    from ..training.checkpoint import encode

    return encode(snapshot)
