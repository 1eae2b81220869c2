"""An engine without training: speaks the event stream as told, and writes down every command that it gets.

    python scripted_engine.py BEHAVIOUR [--heard FILE] [--pid FILE] [--dataset NAME] [--optimizer NAME]
        [--evaluations N] [--experiment NAME] [--lanes N] [--goes-on] [--measured] [--logged] [--unknown-rate]

BEHAVIOUR: `normal` answers commands; `silent` obeys only Stop; `mute` says nothing at all; `garbage` writes lines that
are no events between those that are; `half` ends in the middle of a line; `slow` writes half a line and the rest after
the next command; `dies` ends before it starts; `stubborn` does not end when asked; `diverges` and `finishes` end lanes;
`replays` is a recording at its end, `replaying` one in its middle. With --measured there are diagnostics, with --logged
the values of every step.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator

import msgspec
import numpy as np
import other_experiments as other
from measured import UNTOUCHED, diagnosed

from clipwatch.core.stream.builtin_experiments import LENET
from clipwatch.core.stream.codec import decode_command, encode
from clipwatch.core.stream.commands import (
    Command,
    Extend,
    Fork,
    Pause,
    ResetMoments,
    Restart,
    Resume,
    SetClip,
    SetLearningRate,
    SetPace,
    StepOnce,
    Stop,
)
from clipwatch.core.stream.config import LaneConfig, RunConfig, with_settings
from clipwatch.core.stream.events import (
    ClipChanged,
    DatasetInfo,
    Evaluated,
    Event,
    LaneExtended,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LanePaused,
    LaneResumed,
    LanesCompared,
    LaneStarted,
    LaneStepped,
    LearningRateChanged,
    MomentsReset,
    Notice,
    OutputDied,
    PaceChanged,
    ReplayStarted,
    RunFinished,
    RunStarted,
    StageStarted,
    StepsTrained,
)

DIGITS = DatasetInfo(name="digits", origin="embedded", training=1347, validation=450, checksum="0")


def say(*events: Event) -> None:
    write(b"".join(encode(event) + b"\n" for event in events))


def write(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


class Script:
    """One run after another; a lane's `step` is where its evaluations have come to."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        lanes = tuple(LaneConfig(f"lane{number}", f"value:{number}") for number in range(1, given.lanes + 1))
        if given.odd:
            lanes = (LaneConfig("clipped", "value:0.3", learning_rate=0.3), LaneConfig("unclipped", "none"))
        given_lanes = {"lanes": lanes} if lanes else {}
        self._config = RunConfig(
            settings={"dataset": given.dataset}, pace=100.0, optimizer=given.optimizer, **given_lanes
        )
        self._info = other.OTHERS.get(given.experiment, LENET.info)
        if given.unknown_rate:
            self._info = msgspec.structs.replace(LENET.info, own_optimizer=True)
        elif self._info is not LENET.info:
            self._config = other.config_of(self._info, pace=100.0, **({"lanes": lanes} if lanes else {}))

    def begin(self) -> None:
        self.rules = {lane.name: lane.rule for lane in self._config.lanes}
        self.iterations = self._config.iterations
        say(
            StageStarted(stage="reading data"),
            RunStarted(config=self._config, dataset=DIGITS, device="cpu", versions={}, time=0.0, experiment=self._info),
        )
        self.rates = {lane.name: self._config.for_lane(lane).learning_rate for lane in self._config.lanes}
        self.step = 0
        for name in self.rules:
            say(self._started(name))
        for _ in range(self._given.evaluations):
            say(*(self._evaluated(name) for name in self.rules))
            if self._given.logged and self.step:
                say(*(self._trained(name) for name in self.rules))
            if self._given.measured and self.step % 50 == 0:
                self._measure()
            self.step += self._config.eval_every

    def _started(self, lane: str) -> LaneStarted:
        return LaneStarted(
            lane=lane,
            step=self.step,
            rule=self.rules[lane],
            iterations=self.iterations,
            parameters=61706,
            seconds=self.step / 100,
            learning_rate=None if self._given.unknown_rate else self.rates[lane],
        )

    def _fork(self, parent: str, name: str, rule: str | None, rate: float | None) -> None:
        """Start a lane from another, and evaluate all lanes once more."""
        self.rules[name], self.rates[name] = rule or self.rules[parent], rate or self.rates[parent]
        say(
            LaneForked(
                lane=name,
                step=self.step,
                parent=parent,
                rule=self.rules[name],
                learning_rate=self.rates[name],
                seconds=self.step / 100,
            ),
            self._started(name),
            *(self._evaluated(lane) for lane in self.rules),
        )
        self.step += self._config.eval_every

    def _measure(self) -> None:
        if self._info is not LENET.info:
            shares = dict.fromkeys(self.rules, 0.0) | {"unclipped": 0.5 if self.step else 0.0}
            say(*(other.diagnosed(self._info, name, self.step, share) for name, share in shares.items()))
            return
        if self.step == 50:
            say(OutputDied(lane="clipped", step=self.step, output=2))
        say(diagnosed("unclipped", self.step, UNTOUCHED, dead=(), engaged=0.0), diagnosed("clipped", self.step))
        pair = ("unclipped", "clipped")
        say(LanesCompared(step=self.step, lanes=pair, distance=10.7, disagreement=0.33))

    def _trained(self, lane: str) -> StepsTrained:
        """The steps since the evaluation before: a norm of 2, halved where the lane clips."""
        steps, clips = np.ones(self._config.eval_every, np.float32), self.rules[lane] != "none"
        return StepsTrained(
            lane=lane,
            step=self.step,
            losses=(2.3 * steps).tobytes(),
            norms=(2 * steps).tobytes(),
            clipped_norms=((1 if clips else 2) * steps).tobytes(),
            clipped=bytes([clips]) * len(steps),
        )

    def _evaluated(self, lane: str) -> Evaluated:
        fall = 0.25 if lane == "clipped" else 0.5
        share = min(1.0, self.step / self.iterations)
        if self._info is not LENET.info:
            return other.evaluated(self._info, lane, self.step, round(0.1 + fall * share, 2), 2.3 - fall * share)
        return Evaluated(
            lane=lane,
            step=self.step,
            loss=2.3 - fall * share,
            accuracy=round(0.1 + fall * share, 2),
            train_loss=2.3,
            seconds=self.step / 100,
        )

    def answer(self, command: Command) -> None:
        """What the real engine says, at once."""
        lanes, step = [name for name in self.rules if command.lane in (None, name)], self.step
        match command:
            case SetClip(rule=rule):
                for lane in lanes:
                    say(ClipChanged(lane=lane, step=step, rule=rule, previous=self.rules[lane]))
                    self.rules[lane] = rule
                if self._given.goes_on:
                    say(*(self._evaluated(name) for name in self.rules))
                    self.step += self._config.eval_every
            case SetLearningRate(rate=rate):
                for lane in lanes:
                    say(LearningRateChanged(lane=lane, step=step, rate=rate, previous=self.rates[lane]))
                    self.rates[lane] = rate
            case Fork(lane=str(parent), name=name, rule=rule, learning_rate=rate):
                self._fork(parent, name, rule, rate)
            case ResetMoments():
                say(*(MomentsReset(lane=lane, step=step) for lane in lanes))
            case Pause():
                say(*(LanePaused(lane=lane, step=step) for lane in lanes))
            case Resume():
                say(*(LaneResumed(lane=lane, step=step) for lane in lanes))
            case StepOnce(count=count):
                say(*(LaneStepped(lane=lane, step=step, count=count) for lane in lanes))
                say(*(LanePaused(lane=lane, step=step) for lane in lanes))
            case SetPace(pace=pace):
                say(*(PaceChanged(lane=lane, step=step, pace=pace) for lane in lanes))
            case Extend(iterations=more):
                self.iterations += more
                say(*(LaneExtended(lane=lane, step=step, iterations=self.iterations) for lane in lanes))
            case Restart(seed=seed, settings=settings):
                given = self._config if seed is None else msgspec.structs.replace(self._config, seed=seed)
                self._config = with_settings(given, **settings)
                self.begin()

    def finish(self, reason: str = "completed") -> None:
        for lane in self.rules:
            if self._info is not LENET.info:
                say(other.finished(self._info, lane, 0.9))
                continue
            say(
                LaneFinished(
                    lane=lane,
                    step=self.iterations if reason == "completed" else self.step,
                    reason=reason,
                    loss=0.5,
                    correct=400,
                    total=450,
                    seconds=2.0,
                    training_seconds=2.0,
                )
            )

    def diverge(self) -> None:
        cause = "loss is nan\nafter \x1b[31mred\x1b[0m words"
        for lane in [lane for lane in self.rules if lane != "clipped"]:
            say(LaneFailed(lane=lane, step=self.step, reason="diverged", cause=cause, seconds=1.0))


def commands(heard: str | None) -> Iterator[Command]:
    """Every command until Stop or the end of input, written down as it comes."""
    while line := sys.stdin.buffer.readline():
        if heard:
            with open(heard, "ab") as file:
                file.write(line)
        command = decode_command(line)
        yield command
        if isinstance(command, Stop):
            return


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("behaviour")
    parser.add_argument("--heard")
    parser.add_argument("--pid")
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--experiment", default="lenet")
    parser.add_argument("--optimizer", default="adam")
    parser.add_argument("--unknown-rate", action="store_true")
    parser.add_argument("--odd", action="store_true")
    parser.add_argument("--goes-on", action="store_true")
    parser.add_argument("--measured", action="store_true")
    parser.add_argument("--logged", action="store_true")
    parser.add_argument("--lanes", type=int, default=0)
    parser.add_argument("--evaluations", type=int, default=21)
    given = parser.parse_args()
    if given.pid:
        with open(given.pid, "w", encoding="ascii") as file:
            file.write(str(os.getpid()))
    if given.behaviour == "dies":
        print("warming up\nclipwatch: no such luck", file=sys.stderr)
        return 3
    if given.behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    script = Script(given)
    if given.behaviour != "mute":
        script.begin()
    play(script, given)
    return 0


def play(script: Script, given: argparse.Namespace) -> None:
    half = b'{"v":1,"event":"Notice","text":"the other'
    match given.behaviour:
        case "garbage":
            write(b"Segmentation what?\n\xff\xfe\x00\n[1, 2]\n" + b'{"v":1,"event":"LaneAteItsTail"}\n')
            say(Notice(text="still here", level="info"))
        case "half":
            write(half)
            return
        case "slow":
            write(half)
        case "diverges":
            script.diverge()
        case "finishes":
            script.finish()
        case "replays" | "replaying":
            say(ReplayStarted(run="a-run", last_step=1000))
            if given.behaviour == "replays":
                script.finish()
    for command in commands(given.heard):
        if given.behaviour == "slow":
            write(b' half","level":"info"}\n')
        elif given.behaviour not in ("silent", "mute") and not isinstance(command, Stop):
            script.answer(command)
    if given.behaviour == "stubborn":
        time.sleep(60)
    if given.behaviour not in ("finishes", "mute"):
        script.finish("stopped")
        say(RunFinished(reason="stopped", seconds=2.0))


if __name__ == "__main__":
    raise SystemExit(main())
