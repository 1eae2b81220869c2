"""Commands that the engine has not answered yet. At a low speed limit, keys arrive faster than answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from ...core.stream.commands import (
    AnyCommand,
    Fork,
    Pause,
    Restart,
    Resume,
    Seek,
    SetClip,
    SetLearningRate,
    SetPace,
    StepOnce,
)
from ...core.stream.events import (
    Attached,
    ClipChanged,
    Event,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LanePaused,
    LaneResumed,
    LaneStepped,
    LearningRateChanged,
    LoopEnded,
    Notice,
    PaceChanged,
    ResourcesMeasured,
    RunStarted,
    SeekFinished,
)
from ...core.stream.experiment_info import Value
from ...core.stream.lane_state import LaneState


class Requests:
    """Tracks pending commands and predicts the state once they are applied. `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting_since: float | None = None
        self._rules: dict[str, str] = {}
        self._rates: dict[str, float] = {}
        # The lanes that will begin as forks, each with its parent.
        self._forks: dict[str, str | None] = {}
        self._pace: SetPace | None = None
        self._paused: bool | None = None
        self._seed: int | None = None
        self._seek: Seek | None = None
        self._next_seek: Seek | None = None
        # The settings of the experiment that the next restart changes.
        self.next_settings: Mapping[str, Value] = {}

    def note(self, command: AnyCommand) -> None:
        """Record a command that was sent."""
        if self._waiting_since is None:
            self._waiting_since = self._clock()
        match command:
            case SetClip(lane=str(lane), rule=rule):
                self._rules[lane] = rule
            case SetLearningRate(lane=str(lane), rate=rate):
                self._rates[lane] = rate
            case Fork(lane=parent, name=name):
                self._forks[name] = parent
            case SetPace():
                self._pace = command
            case Pause() | Resume() | StepOnce():
                self._paused = isinstance(command, Pause)
            case Restart(seed=seed):
                self._seed = seed
            case Seek():
                self._seek = command
            case _:
                pass

    def settle(self, event: Event) -> None:
        """Drop the pending commands that the event answers or makes obsolete."""
        if not isinstance(event, Attached | ResourcesMeasured):
            # These are sent by threads that do not train: they say nothing of a loop that hangs.
            self._waiting_since = None
        match event:
            case RunStarted():
                self._forget_changes()
                self._seed, self.next_settings = None, {}
            case LaneFinished(lane=lane) | LaneFailed(lane=lane) | LoopEnded(lane=lane):
                # The forks of other lanes still begin.
                forks = {name: parent for name, parent in self._forks.items() if parent != lane}
                self._forget_changes()
                self._forks.update(forks)
            case Notice():
                self._forget_changes()
            case ClipChanged(lane=lane, rule=rule) if self._rules.get(lane) == rule:
                del self._rules[lane]
            case LearningRateChanged(lane=lane, rate=rate) if self._rates.get(lane) == rate:
                del self._rates[lane]
            case LaneForked(lane=lane):
                self._forks.pop(lane, None)
            case PaceChanged(pace=pace) if self._pace and self._pace.pace == pace:
                self._pace = None
            case LanePaused() | LaneResumed() | LaneStepped():
                self._paused = None
            case SeekFinished():
                self._seek = None
            case _:
                pass

    def _forget_changes(self) -> None:
        for pending in (self._rules, self._rates, self._forks):
            pending.clear()
        self._pace, self._paused = None, None

    def forget(self) -> None:
        """Drop all pending commands, because the engine has stopped."""
        self._forget_changes()
        self._seed = self._seek = self._next_seek = self._waiting_since = None

    @property
    def unanswered_for(self) -> float:
        """Seconds since the first command that no event has followed; 0 if there is none."""
        return 0.0 if self._waiting_since is None else self._clock() - self._waiting_since

    def rule(self, lane: LaneState) -> str:
        """The lane's rule after the pending commands."""
        return self._rules.get(lane.name, lane.rule)

    def rate(self, lane: LaneState) -> float | None:
        """The lane's learning rate after the pending commands; None if it is unknown."""
        return self._rates.get(lane.name, lane.learning_rate)

    @property
    def forks(self) -> frozenset[str]:
        """The names of the lanes that pending commands start."""
        return frozenset(self._forks)

    def pace(self, lanes: Iterable[LaneState]) -> float | None:
        """The speed limit after the pending commands."""
        return self._pace.pace if self._pace else next((lane.pace for lane in lanes), None)

    def paused(self, lanes: Iterable[LaneState]) -> bool:
        """Whether, after the pending commands, all lanes that have not ended are paused."""
        return all(lane.status == "paused" for lane in lanes) if self._paused is None else self._paused

    def seed(self, current: int) -> int:
        """The seed after the pending commands."""
        return current if self._seed is None else self._seed

    @property
    def seeking(self) -> bool:
        """Whether a seek is in progress, so that only some of its events have arrived."""
        return self._seek is not None

    def step(self, current: int) -> int:
        """The replay's step after the pending seeks."""
        last = self._next_seek or self._seek
        return last.step if last else current

    def postpone_seek(self, command: Seek) -> None:
        """Send this seek after the current one; it replaces an earlier postponed seek."""
        self._next_seek = command

    def take_next_seek(self) -> Seek | None:
        """Return and clear the postponed seek."""
        command, self._next_seek = self._next_seek, None
        return command
