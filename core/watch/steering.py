"""What commands make of a watched loop: its pauses, its speed limit, and whether it was asked to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from ..stream.commands import (
    Extend,
    Fork,
    LaneCommand,
    Pause,
    ResetMoments,
    Resume,
    SetClip,
    SetLearningRate,
    SetPace,
    StepOnce,
    Stop,
)
from ..stream.events import Event, LanePaused, LaneResumed, LaneStepped, MomentsReset, Notice, PaceChanged
from ..training.pacer import Pacer
from .ranks import SharedCommands


class Commands(Protocol):
    """Where a lane gets its commands, see `Mailbox` and `SharedCommands`."""

    def take(self, step: int, timeout: float | None) -> Sequence[LaneCommand]: ...


class LoopSteering:
    """Obeys the commands of one lane between two steps, on the thread that trains."""

    def __init__(
        self,
        lane: str,
        commands: Commands,
        set_rule: Callable[[str], Event],
        set_rate: Callable[[float], Event],
        reset_optimizer: Callable[[], None],
    ) -> None:
        self._lane, self._commands = lane, commands
        self._set_rule, self._set_rate, self._reset_optimizer = set_rule, set_rate, reset_optimizer
        self._pacer = Pacer(None)
        self._paused = False
        self._steps_granted = 0
        self.stopped = False

    def between_steps(self, step: int) -> Iterator[Event]:
        """Obey the commands that are due before this step. Waits while paused, or ahead of the speed limit."""
        while True:
            idle = self._paused and not self._steps_granted
            for command in self._commands.take(step, None if idle else self._pacer.seconds_left()):
                yield self._obey(command, step)
            if self.stopped and self._paused:
                # A paused loop could not end.
                self._paused, self._steps_granted = False, 0
                yield LaneResumed(lane=self._lane, step=step)
            idle = self._paused and not self._steps_granted
            if not idle and self._pacer.seconds_left() <= 0:
                return

    def step_done(self, step: int) -> Iterator[Event]:
        """Count a step; `step` is the number of steps done."""
        self._pacer.add_step()
        if self._steps_granted:
            self._steps_granted -= 1
            if not self._steps_granted:
                yield LanePaused(lane=self._lane, step=step)

    def close(self) -> None:
        """No more commands will be taken."""
        if isinstance(self._commands, SharedCommands):
            self._commands.close()

    def _obey(self, command: LaneCommand, step: int) -> Event:
        lane = self._lane
        match command:
            case SetClip(rule=rule):
                return self._set_rule(rule)
            case SetLearningRate(rate=rate):
                return self._set_rate(rate)
            case ResetMoments():
                self._reset_optimizer()
                return MomentsReset(lane=lane, step=step)
            case Resume():
                self._paused, self._steps_granted = False, 0
                return LaneResumed(lane=lane, step=step)
            case StepOnce(count=count):
                self._paused, self._steps_granted = True, self._steps_granted + count
                return LaneStepped(lane=lane, step=step, count=self._steps_granted)
            case SetPace(pace=pace):
                self._pacer = Pacer(pace)
                return PaceChanged(lane=lane, step=step, pace=pace)
            case Extend():
                return Notice(text=f"{lane}: the loop decides itself how long it trains, so it cannot be extended")
            case Fork():
                return Notice(
                    text=f"{lane} cannot be forked: the loop trains in a process of the user's, and clipwatch can copy"
                    " neither its data loader nor its state"
                )
            case Stop():
                self.stopped = True
                return Notice(text=f"{lane} was asked to stop at step {step:,}; its loop decides when", level="info")
            case Pause():
                self._paused, self._steps_granted = True, 0
                return LanePaused(lane=lane, step=step)
