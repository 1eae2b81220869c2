"""What keys have requested and the engine has not answered yet: at a slow pace keys come faster than answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Literal

from ...core.stream.commands import AnyCommand, Pause, Restart, Resume, Seek, SetClip, SetPace, StepOnce
from ...core.stream.events import (
    ClipChanged,
    Event,
    LaneFailed,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStepped,
    Notice,
    PaceChanged,
    RunStarted,
    SeekFinished,
)
from ...core.stream.state import LaneState


class Requests:
    """Notes commands, forgets them when they are answered, and says how things will be. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting_since: float | None = None
        self._rules: dict[str, str] = {}
        self._pace: SetPace | None = None
        self._paused: bool | None = None
        self._seed: int | None = None
        self._seek: Seek | None = None
        self._next_seek: Seek | None = None
        # The head that the next restart gives the network.
        self.next_head: Literal["relu", "linear"] | None = None

    def note(self, command: AnyCommand) -> None:
        """A command was sent."""
        if self._waiting_since is None:
            self._waiting_since = self._clock()
        match command:
            case SetClip(lane=str(lane), rule=rule):
                self._rules[lane] = rule
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
        """Forget what was requested once it is so, or can no longer be."""
        self._waiting_since = None
        match event:
            case RunStarted():
                self._forget_changes()
                self._seed = self.next_head = None
            case LaneFinished() | LaneFailed() | Notice():
                self._forget_changes()
            case ClipChanged(lane=lane, rule=rule) if self._rules.get(lane) == rule:
                del self._rules[lane]
            case PaceChanged(pace=pace) if self._pace and self._pace.pace == pace:
                self._pace = None
            case LanePaused() | LaneResumed() | LaneStepped():
                self._paused = None
            case SeekFinished():
                self._seek = None
            case _:
                pass

    def _forget_changes(self) -> None:
        self._rules.clear()
        self._pace, self._paused = None, None

    def forget(self) -> None:
        """Forget all commands: the engine is gone."""
        self._forget_changes()
        self._seed = self._seek = self._next_seek = self._waiting_since = None

    @property
    def unanswered_for(self) -> float:
        """Seconds since a command was sent without any event since, 0 if none was."""
        return 0.0 if self._waiting_since is None else self._clock() - self._waiting_since

    def rule(self, lane: LaneState) -> str:
        """The rule that the lane will have."""
        return self._rules.get(lane.name, lane.rule)

    def pace(self, lanes: Iterable[LaneState]) -> float | None:
        """The pace that the lanes will have."""
        return self._pace.pace if self._pace else next((lane.pace for lane in lanes), None)

    def paused(self, lanes: Iterable[LaneState]) -> bool:
        """Whether the lanes that have not ended will all be paused."""
        return all(lane.status == "paused" for lane in lanes) if self._paused is None else self._paused

    def seed(self, current: int) -> int:
        """The seed that the run will have."""
        return current if self._seed is None else self._seed

    @property
    def seeking(self) -> bool:
        """Whether a seek is under way, so that only a part of its events has been received."""
        return self._seek is not None

    def step(self, current: int) -> int:
        """The step that the replay will be at."""
        last = self._next_seek or self._seek
        return last.step if last else current

    def postpone_seek(self, command: Seek) -> None:
        """Once the seek under way has arrived this one is to follow, in the place of any other."""
        self._next_seek = command

    def take_next_seek(self) -> Seek | None:
        """What is to follow a seek that has arrived."""
        command, self._next_seek = self._next_seek, None
        return command
