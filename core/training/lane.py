"""One training run as a generator of events: no threads, no printing, and nothing about which network or data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from ..stream.commands import (
    Extend,
    LaneCommand,
    Pause,
    ResetMoments,
    Resume,
    SetClip,
    SetPace,
    Steering,
    StepOnce,
    Stop,
)
from ..stream.config import MOST
from ..stream.events import (
    ClipChanged,
    Event,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LanePaused,
    LaneResumed,
    LaneStarted,
    LaneStepped,
    MomentsReset,
    PaceChanged,
)
from .checkpoint import Kept
from .pacer import Pacer
from .schedule import Schedule
from .trainer import Trainer


class Control(Protocol):
    """Where a lane hears of commands, see `Mailbox`."""

    @property
    def lasting(self) -> bool: ...

    def take(self, step: int, timeout: float | None) -> Sequence[LaneCommand]: ...


class Lane:
    """Has a `trainer` train to the end of its schedule, or as far as commands let it."""

    def __init__(self, trainer: Trainer, schedule: Schedule) -> None:
        self.name = trainer.name
        self._trainer, self._schedule = trainer, schedule
        self._iterations = schedule.iterations
        self._pacer = Pacer(schedule.pace)
        self._paused = False
        self._steps_granted = 0
        self._finished = False
        self._kept_at = -1

    @property
    def step(self) -> int:
        """The number of steps done."""
        return self._trainer.step

    @property
    def pace(self) -> float | None:
        """The most steps a second, None for full speed."""
        return self._pacer.pace

    def idle(self) -> AbstractContextManager[None]:
        """Time spent in this context does not count as training time."""
        return self._trainer.watch.idle()

    def run(self, control: Control, started: float) -> Iterator[Event | Kept]:
        """Train to the end, obeying `control` at step boundaries; `started` is the clock's reading at second 0."""
        trainer = self._trainer
        trainer.watch.start(started)
        yield LaneStarted(
            lane=self.name,
            step=self.step,
            rule=trainer.rule,
            iterations=self._iterations,
            parameters=trainer.parameters,
            seconds=trainer.watch.seconds,
        )
        while True:
            for command in self._commands(control):
                if isinstance(command, Stop):
                    if not self._finished:
                        yield from self._kept()
                        yield self._end("stopped")
                    return
                yield self._obey(command)
            if self.step >= self._iterations and not self._finished:
                yield from self._kept()
                end = self._end("completed")
                yield end
                if isinstance(end, LaneFailed) or not control.lasting:
                    return
            if self._is_idle() or self._pacer.patience() > 0:
                continue
            for event in trainer.train():
                yield event
                if isinstance(event, LaneFailed):
                    return
            self._steps_granted = max(0, self._steps_granted - 1)
            self._pacer.stepped()
            if self._schedule.checkpoint_every and self.step % self._schedule.checkpoint_every == 0:
                yield from self._kept()
            if self.step == self._iterations:
                continue
            if self._paused and not self._steps_granted:
                yield self._paused_here()

    def _kept(self) -> Iterator[Kept]:
        if self._schedule.checkpoint_every and self._kept_at != self.step:
            self._kept_at = self.step
            yield Kept(self.name, self.step, self._trainer.snapshot())

    def failed(self, cause: str) -> LaneFailed:
        """The event for an error that was raised in the step under way."""
        return self._trainer.failed("error", cause)

    def _commands(self, control: Control) -> Sequence[LaneCommand]:
        """The commands due; waits for them while idle, and at most until the pace allows the next step otherwise."""
        if not self._is_idle():
            return control.take(self.step, self._pacer.patience())
        with self._trainer.watch.idle():
            return control.take(self.step, None)

    def _is_idle(self) -> bool:
        return self._finished or (self._paused and not self._steps_granted)

    def _obey(self, command: Steering) -> Event:
        """Do what is asked and say so."""
        at = {"lane": self.name, "step": self.step}
        match command:
            case SetClip(rule=rule):
                previous, reset = self._trainer.rule, self._schedule.reset_moments
                self._trainer.clip_by(rule)
                if reset:
                    self._trainer.reset_moments()
                return ClipChanged(**at, rule=rule, previous=previous, moments_reset=reset)
            case ResetMoments():
                self._trainer.reset_moments()
                return MomentsReset(**at)
            case Resume():
                self._paused, self._steps_granted = False, 0
                return LaneResumed(**at)
            case StepOnce(count=count):
                self._paused, self._steps_granted = True, self._steps_granted + count
                return LaneStepped(**at, count=self._steps_granted)
            case SetPace(pace=pace):
                self._pacer = Pacer(pace)
                return PaceChanged(**at, pace=pace)
            case Extend(iterations=more):
                # More than the settings may ask for could not be read again.
                self._iterations, self._finished = min(self._iterations + more, MOST), False
                return LaneExtended(**at, iterations=self._iterations)
            case Pause():
                self._paused, self._steps_granted = True, 0
                return LanePaused(**at)

    def _end(self, reason: Literal["completed", "stopped"]) -> LaneFinished | LaneFailed:
        self._finished = True
        return self._trainer.finished(reason)

    def _paused_here(self) -> LanePaused:
        return LanePaused(lane=self.name, step=self.step)
