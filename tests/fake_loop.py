"""A watched loop without training: writes the events of one into a run's folder, and reads the commands to it.

    python fake_loop.py HOME [--steps N] [--total N]

As a program it takes a step every few milliseconds and obeys its commands, until it is stopped.
"""

from __future__ import annotations

import argparse
import threading
import time
from pathlib import Path
from typing import Literal

import numpy as np

from clipwatch.core.files.lock import claim
from clipwatch.core.runs.control_file import ControlReader, create
from clipwatch.core.runs.folder import LaneOutcome, Manifest, RunFolder
from clipwatch.core.stream.codec import encode, seal
from clipwatch.core.stream.commands import (
    AnyCommand,
    Pause,
    ResetMoments,
    Resume,
    SetClip,
    SetLearningRate,
    SetPace,
    StepOnce,
    Stop,
)
from clipwatch.core.stream.config import LaneConfig, RunConfig, to_toml
from clipwatch.core.stream.events import (
    ClipChanged,
    DatasetInfo,
    Evaluated,
    Event,
    LanePaused,
    LaneResumed,
    LaneStarted,
    LaneStepped,
    LearningRateChanged,
    LoopEnded,
    MetricAdded,
    MomentsReset,
    Notice,
    PaceChanged,
    RecordingStarted,
    ResourcesMeasured,
    RunFinished,
    RunStarted,
    StepsTrained,
)
from clipwatch.core.stream.experiment_info import ExperimentInfo, MetricInfo
from clipwatch.core.stream.limits import MOST

PERPLEXITY = MetricInfo("perplexity", lower_is_better=True)


class FakeLoop:
    """One run. `step` is the number of steps done; what was not said by name is left out."""

    def __init__(
        self,
        home: Path,
        *,
        name: str = "loop-run",
        total: int | None = None,
        watched: bool = True,
        control: bool = True,
        rule: str = "none",
        started: float = 1.7e9,
    ) -> None:
        self.folder = RunFolder(home / name)
        self.folder.path.mkdir(parents=True)
        self.lock = claim(self.folder.path, "run")
        self.step, self.rule = 0, rule
        lanes = (LaneConfig("loop", rule),)
        config = RunConfig(experiment="CharModel", settings={}, iterations=total or MOST, eval_every=10, lanes=lanes)
        self.started = RunStarted(
            config=config,
            dataset=DatasetInfo(name="CharModel", origin="train.py", training=None, validation=0, checksum=""),
            device="cpu",
            versions={},
            time=started,
            experiment=ExperimentInfo(name="CharModel", own_optimizer=True, file="train.py"),
            watched=watched,
        )
        self.folder.config.write_text(to_toml(config))
        self.folder.write_manifest(self.manifest())
        if control:
            create(self.folder.path)
        self._problems: list[str] = []
        self._reader = ControlReader(self.folder.path, self._problems.append)
        self._file = self.folder.events.open("ab", buffering=0)
        self.write(
            self.started,
            RecordingStarted(folder=str(self.folder.path)),
            LaneStarted(
                lane="loop",
                step=0,
                rule=rule,
                iterations=config.iterations,
                parameters=1000,
                seconds=0.0,
                learning_rate=0.1,
            ),
        )

    def manifest(self) -> Manifest:
        started = self.started
        return Manifest(
            state="running",
            started=started.time,
            seed=0,
            dataset=started.dataset,
            device="cpu",
            versions={},
            lanes=(LaneOutcome(name="loop", rule=self.rule, step=0),),
            experiment=started.experiment,
            settings={},
            optimizer="own",
            changed=False,
            watched=started.watched,
        )

    def write(self, *events: Event) -> None:
        """Append events, as the recorder does."""
        for event in events:
            self.append(seal(encode(event)) + b"\n")

    def append(self, text: bytes) -> None:
        """Append any bytes."""
        self._file.write(text)

    def train(self, count: int, *, norm: float = 2.0) -> None:
        """Take steps, in one event."""
        self.step += count
        ones = np.ones(count, np.float32)
        clips = self.rule != "none"
        self.write(
            StepsTrained(
                lane="loop",
                step=self.step - 1,
                losses=(4 * ones).tobytes(),
                norms=(norm * ones).tobytes(),
                clipped_norms=((1 if clips else norm) * ones).tobytes(),
                clipped=bytes([clips]) * count,
            )
        )

    def measure(self, seconds: float) -> None:
        """A sign of life."""
        self.write(ResourcesMeasured(seconds=seconds, processor=1.5, memory=10**9))

    def evaluate(self, loss: float, *, seconds: float, **metrics: float) -> None:
        self.write(
            Evaluated(lane="loop", step=self.step - 1, loss=loss, train_loss=loss, seconds=seconds, metrics=metrics)
        )

    def heard(self) -> list[AnyCommand]:
        """The commands that came since the last call."""
        commands = self._reader.commands()
        for problem in self._problems:
            self.write(Notice(text=problem))
        self._problems.clear()
        return commands

    def obey(self, command: AnyCommand) -> None:
        """Answer a command with its event."""
        step = self.step
        match command:
            case SetClip(rule=rule):
                self.write(ClipChanged(lane="loop", step=step, rule=rule, previous=self.rule))
                self.rule = rule
            case SetLearningRate(rate=rate):
                self.write(LearningRateChanged(lane="loop", step=self.step, rate=rate, previous=0.1))
            case ResetMoments():
                self.write(MomentsReset(lane="loop", step=step))
            case Pause():
                self.write(LanePaused(lane="loop", step=step))
            case Resume():
                self.write(LaneResumed(lane="loop", step=step))
            case StepOnce(count=count):
                self.write(LaneStepped(lane="loop", step=step, count=count), LanePaused(lane="loop", step=step + count))
            case SetPace(pace=pace):
                self.write(PaceChanged(lane="loop", step=step, pace=pace))
            case Stop():
                self.end("stopped")

    def end(self, reason: Literal["completed", "stopped"] = "completed") -> None:
        """End in good order."""
        self.write(LoopEnded(lane="loop", step=self.step, reason=reason, seconds=9.0))
        self.write(RunFinished(reason=reason, seconds=9.0))
        self.die()

    def die(self) -> None:
        """Go without an end: what the system does for a process that is killed."""
        self._file.close()
        self.lock.release()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("home", type=Path)
    parser.add_argument("--total", type=int)
    parser.add_argument("--rule", default="none")
    parser.add_argument("--step-seconds", type=float, default=0.005)
    given = parser.parse_args()
    loop, begun, stopped, tick = FakeLoop(given.home, total=given.total, rule=given.rule), time.time(), False, 0
    loop.write(MetricAdded(metric=PERPLEXITY))
    print(loop.folder.path, flush=True)
    while not stopped and (given.total is None or loop.step < given.total):
        threading.Event().wait(given.step_seconds * 10)
        loop.train(10, norm=float(2 + np.sin(loop.step / 50)))
        tick, seconds = tick + 1, time.time() - begun
        if tick % 10 == 0:
            loss = 3 * 0.99 ** (loop.step / 10) + 1
            loop.evaluate(loss, seconds=seconds, perplexity=float(np.exp(loss)))
        if tick % 40 == 0:
            loop.measure(seconds)
        for command in loop.heard():
            loop.obey(command)
            stopped |= isinstance(command, Stop)
    if not stopped:
        loop.end()


if __name__ == "__main__":
    main()
