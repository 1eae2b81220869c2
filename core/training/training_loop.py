"""The training loop of one lane, as a generator of events: `Trainer.run` is the loop from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

from ..clipping.nonfinite import without_nonfinite
from ..diagnostics.lane_diagnostics import MeasuredStep
from ..experiments.workload import Evaluation
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
    Steering,
    StepOnce,
    Stop,
)
from ..stream.events import (
    ClipChanged,
    Evaluated,
    Event,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LanePaused,
    LaneResumed,
    LaneStarted,
    LaneStepped,
    LearningRateChanged,
    MomentsReset,
    NonfiniteFound,
    Notice,
    PaceChanged,
)
from ..stream.limits import MOST
from .checkpoint import Checkpoint
from .forked_lane import ForkedLane
from .lane import Lane
from .pacer import Pacer
from .schedule import Schedule


class CommandSource(Protocol):
    """Where a trainer gets its commands, see `Mailbox`."""

    @property
    def lasting(self) -> bool: ...

    def take(self, step: int, timeout: float | None) -> Sequence[LaneCommand]: ...


class Trainer:
    """Trains a lane to the end of its schedule, or as far as commands let it.

    A lane that was `forked` begins with the pause of its parent.
    """

    def __init__(self, lane: Lane, schedule: Schedule, forked: ForkedLane | None = None) -> None:
        self.name = lane.name
        self._lane, self._schedule = lane, schedule
        self._iterations = schedule.iterations
        self._pacer = Pacer(schedule.pace)
        self._forked, self._finished = forked, False
        self._paused = forked is not None and forked.paused
        self._steps_granted = forked.steps_granted if forked else 0
        self._last_checkpoint = -1

    @property
    def step(self) -> int:
        """The number of steps done."""
        return self._lane.step

    @property
    def pace(self) -> float | None:
        """The speed limit in steps per second, None for full speed."""
        return self._pacer.pace

    def idle(self) -> AbstractContextManager[None]:
        """Time spent in this context does not count as training time."""
        return self._lane.stopwatch.idle()

    def run(self, commands: CommandSource, started: float) -> Iterator[Event | Checkpoint | ForkedLane]:
        """Train, and yield events, checkpoints and forks. `started`: the `time.perf_counter` at second 0 of the run."""
        lane, schedule = self._lane, self._schedule
        workload, optimizer, diagnostics = lane.workload, lane.optimizer, lane.diagnostics
        lane.stopwatch.start(started)
        yield self._start_event()
        if self._forked:
            yield from self._begin_fork()
        while True:
            # Between two steps: obey commands, end after the last step, wait while paused or ahead of the speed limit.
            for command in self._due_commands(commands):
                yield from self.logged_steps()
                if isinstance(command, Stop):
                    if not self._finished:
                        yield from self._checkpoint()
                        yield self._finish("stopped")
                    return
                if isinstance(command, Fork):
                    yield from self._fork(command)
                else:
                    yield self._obey(command)
            if lane.step >= self._iterations and not self._finished:
                yield from self.logged_steps()
                yield from self._checkpoint()
                yield (end := self._finish("completed"))
                if isinstance(end, LaneFailed) or not commands.lasting:
                    return
            if self._is_idle() or self._pacer.seconds_left() > 0:
                continue

            # Forward and backward.
            train_loss = workload.loss_and_gradient(lane.step)

            # Clip. `used` is what the optimizer gets, None if it takes no step.
            gradient = workload.gradient
            used, clipped = lane.clipper.clip(gradient, workload.parameters)
            if not lane.clipper.finite and lane.nonfinite.add(gradient):
                if lane.nonfinite.steps == 1:
                    yield self._nonfinite_event()
                match schedule.nonfinite:
                    case "propagate":
                        pass
                    case "zero":
                        gradient = without_nonfinite(gradient)
                        used, clipped = lane.clipper.clip(gradient, workload.parameters)
                    case "skip" | "stop":
                        used = None
            if diagnostics:
                diagnostics.log_step(lane.step, train_loss, workload.gradient, used, clipped)
            if schedule.nonfinite == "stop" and lane.nonfinite.steps:
                yield from self._diverge("the gradient is no longer finite, and the lane is set to stop in this case")
                return
            if schedule.nonfinite == "propagate" and not math.isfinite(train_loss):
                yield from self._diverge(f"the training loss is {train_loss}")
                return

            # Update the parameters.
            is_measured = diagnostics and lane.step % (schedule.eval_every * schedule.diagnose_every) == 0
            before = workload.parameters.clone() if is_measured else None
            if used is not None:
                if diagnostics:
                    diagnostics.add_step(gradient, clipped)
                # The diagnostics read the gradient later, and an optimizer may change it.
                optimizer.step(used.clone() if is_measured else used)
            # A sum is finite if all its terms are, and takes a thirtieth of the time of `isfinite` for each.
            if not math.isfinite(workload.parameters.sum().item()):
                yield from self._diverge("a weight is no longer finite")
                return

            # Evaluate on a validation batch, and measure what the clip rule did at this step.
            if lane.step % schedule.eval_every == 0:
                evaluation = workload.evaluate(lane.step)
                yield from self.logged_steps()
                yield self._evaluation_event(train_loss, evaluation)
                if diagnostics:
                    yield from diagnostics.add_evaluation(lane.step, evaluation)
                if diagnostics and before is not None:
                    # Only what the rule changed counts as clipped, not zeros in the place of NaN and infinity.
                    applied = workload.gradient if used is not None and not clipped else used
                    rate = optimizer.learning_rate
                    step = MeasuredStep(workload.gradient, applied, before, workload.parameters, rate)
                    yield from diagnostics.measure(lane.step, step, evaluation, lane.nonfinite)

            # The step is done.
            lane.step += 1
            if diagnostics and diagnostics.step_log_is_full:
                yield from self.logged_steps()
            self._pacer.add_step()
            self._steps_granted = max(0, self._steps_granted - 1)
            if schedule.checkpoint_every and lane.step % schedule.checkpoint_every == 0:
                # A checkpoint does not hold logged steps.
                yield from self.logged_steps()
                yield from self._checkpoint()
            if self._paused and not self._steps_granted and lane.step != self._iterations:
                yield from self.logged_steps()
                yield LanePaused(lane=lane.name, step=lane.step)

    def _due_commands(self, commands: CommandSource) -> Iterable[LaneCommand]:
        """The commands due; waits for one while idle, otherwise at most until the speed limit allows the next step."""
        if not self._is_idle():
            taken = commands.take(self.step, self._pacer.seconds_left())
        else:
            with self.idle():
                taken = commands.take(self.step, None)
        return self._with_later_ones(taken, commands) if taken and isinstance(taken[-1], Fork) else taken

    def _with_later_ones(self, taken: Sequence[LaneCommand], commands: CommandSource) -> Iterator[LaneCommand]:
        """The commands taken, and those that are due after a fork."""
        while taken:
            yield from taken
            taken = commands.take(self.step, 0) if isinstance(taken[-1], Fork) else ()

    def _is_idle(self) -> bool:
        return self._finished or (self._paused and not self._steps_granted)

    def _obey(self, command: Steering) -> Event:
        """Carry out a command; return the event that reports it."""
        at = {"lane": self.name, "step": self.step}
        match command:
            case SetClip(rule=rule):
                previous, reset = self._lane.rule, self._schedule.reset_moments
                self._lane.set_rule(rule)
                if reset:
                    self._lane.reset_optimizer()
                return ClipChanged(**at, rule=rule, previous=previous, moments_reset=reset)
            case SetLearningRate(rate=rate):
                if (before := self._lane.optimizer.base_rate) is None:
                    return Notice(
                        text=f"{self.name}: SetLearningRate has no effect, its optimizer has no learning rate"
                    )
                self._lane.set_learning_rate(rate)
                return LearningRateChanged(**at, rate=rate, previous=before)
            case ResetMoments():
                self._lane.reset_optimizer()
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
                # A recording with more steps than a configuration allows could not be read again.
                self._iterations = min(self._iterations + more, MOST)
                if self._finished:
                    # A pause or steps that were asked for as the lane ended do not outlive its end.
                    self._finished, self._paused, self._steps_granted = False, False, 0
                return LaneExtended(**at, iterations=self._iterations)
            case Pause():
                self._paused, self._steps_granted = True, 0
                return LanePaused(**at)

    def _fork(self, fork: Fork) -> Iterator[Event | ForkedLane]:
        """A new lane that begins with the state of this one."""
        lane, rate = self._lane, self._lane.optimizer.base_rate
        if rate is None and fork.learning_rate is not None:
            yield Notice(text=f"{fork.name}: the optimizer has no learning rate, so that of the fork is left out")
        elif fork.learning_rate is not None:
            rate = fork.learning_rate
        event = LaneForked(
            lane=fork.name,
            step=self.step,
            parent=self.name,
            rule=fork.rule or lane.rule,
            learning_rate=rate,
            seconds=lane.stopwatch.seconds,
        )
        yield ForkedLane(
            event=event,
            rule=lane.rule,
            snapshot=lane.snapshot(),
            iterations=self._iterations,
            pace=self.pace,
            paused=self._paused,
            steps_granted=self._steps_granted,
        )

    def _begin_fork(self) -> Iterator[Event | Checkpoint]:
        """Keep the state that this lane was forked with, and report its pause."""
        yield from self._checkpoint()
        at = {"lane": self.name, "step": self.step}
        if self._steps_granted:
            yield LaneStepped(**at, count=self._steps_granted)
        elif self._paused:
            yield LanePaused(**at)

    def logged_steps(self) -> Iterator[Event]:
        """The event of the steps since the last one, if diagnostics are on and there are any."""
        if self._lane.diagnostics:
            yield from self._lane.diagnostics.logged_steps()

    def _checkpoint(self) -> Iterator[Checkpoint]:
        """A checkpoint of the lane, unless it already has one of this step or checkpoints are off."""
        if self._schedule.checkpoint_every and self._last_checkpoint != self.step:
            self._last_checkpoint = self.step
            yield Checkpoint(self.name, self.step, self._lane.snapshot())

    def _start_event(self) -> LaneStarted:
        return LaneStarted(
            lane=self.name,
            step=self.step,
            rule=self._lane.rule,
            iterations=self._iterations,
            parameters=self._lane.workload.parameters.numel(),
            seconds=self._lane.stopwatch.seconds,
            learning_rate=self._lane.optimizer.base_rate,
        )

    def _nonfinite_event(self) -> NonfiniteFound:
        counts, action = self._lane.nonfinite, self._schedule.nonfinite
        return NonfiniteFound(lane=self.name, step=self.step, nan=counts.nan, infinite=counts.infinite, action=action)

    def _evaluation_event(self, train_loss: float, evaluation: Evaluation) -> Evaluated:
        return Evaluated(
            lane=self.name,
            step=self.step,
            loss=evaluation.loss,
            accuracy=evaluation.accuracy,
            metrics=dict(evaluation.metrics),
            train_loss=train_loss,
            seconds=self._lane.stopwatch.seconds,
        )

    def _finish(self, reason: Literal["completed", "stopped"]) -> LaneFinished | LaneFailed:
        """Evaluate the network on all validation data; a lane whose loss is not finite has diverged."""
        self._finished = True
        stopwatch, gauge = self._lane.stopwatch, self._lane.workload.gauge
        training_seconds = stopwatch.training_seconds
        evaluation = self._lane.workload.evaluate_all()
        if not math.isfinite(evaluation.loss):
            return self.failure_event(f"the loss on all validation data is {evaluation.loss}", "diverged")
        return LaneFinished(
            lane=self.name,
            step=self.step,
            reason=reason,
            loss=evaluation.loss,
            correct=evaluation.correct,
            total=evaluation.total,
            metrics=dict(evaluation.metrics),
            seconds=stopwatch.seconds,
            training_seconds=training_seconds,
            **(gauge.final(evaluation) if gauge else {}),
        )

    def _diverge(self, cause: str) -> Iterator[Event]:
        """The logged steps and the lane's end, because it diverged in the current step."""
        yield from self.logged_steps()
        yield self.failure_event(cause, "diverged")

    def failure_event(self, cause: str, reason: Literal["diverged", "error"] = "error") -> LaneFailed:
        """The event for a failure in the current step."""
        seconds = self._lane.stopwatch.seconds
        return LaneFailed(lane=self.name, step=self.step, reason=reason, cause=cause, seconds=seconds)
