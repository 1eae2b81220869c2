"""Recorded runs for tests of comparisons, written without training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from watched_runs import write

from clipwatch.core.runs.compared import ComparedRun
from clipwatch.core.runs.folder import RunFolder
from clipwatch.core.stream.builtin_experiments import BUILT_IN
from clipwatch.core.stream.config import from_options
from clipwatch.core.stream.events import (
    DatasetInfo,
    Evaluated,
    Event,
    LaneFinished,
    LaneStarted,
    RunFinished,
    RunStarted,
    StepsTrained,
)

EVERY = 10
ONES = b"\0\0\x80\x3f"


def started(**options: Any) -> RunStarted:
    """The beginning of a run with these settings."""
    config = from_options({"iterations": 100, **options})
    info = BUILT_IN[config.experiment].info
    data = DatasetInfo(name=info.name, origin="here", training=None, validation=100, checksum="0" * 64)
    if config.experiment == "lenet":
        data = msgspec.structs.replace(data, name="digits")
    return RunStarted(config=config, dataset=data, device="cpu", versions={"torch": "2"}, time=1.7e9, experiment=info)


def trained(lane: str, first: int, last: int, *, pace: float = 100.0, loss: float = 2.0) -> Iterator[Event]:
    """Steps and evaluations of a lane from step `first` to below `last`, `pace` steps a second."""
    for step in range(first, last, EVERY):
        end = step + EVERY - 1
        ones = ONES * EVERY
        yield StepsTrained(lane=lane, step=end, losses=ones, norms=ones, clipped_norms=ones, clipped=bytes(EVERY))
        share = end / 200
        yield Evaluated(
            lane=lane, step=end, loss=loss - share, accuracy=share, train_loss=1.0, seconds=(end + 1) / pace
        )


def story(
    *more: Event, ends: bool = True, pace: float = 100.0, start: RunStarted | None = None, **options: Any
) -> list[Event]:
    """A run of 100 steps, whose lanes are 60 % right at the end, the later ones less; `more` comes before the end."""
    start = start or started(**options)
    lanes = start.config.lanes
    events: list[Event] = [start]
    for lane in lanes:
        events.append(
            LaneStarted(
                lane=lane.name,
                step=0,
                rule=lane.rule,
                iterations=100,
                parameters=7,
                seconds=0.0,
                learning_rate=start.config.for_lane(lane).learning_rate,
            )
        )
        events += trained(lane.name, 0, 100, pace=pace)
    events += more
    if ends:
        events += [finished(lane.name, correct=60 - number) for number, lane in enumerate(lanes)]
        events.append(RunFinished(reason="completed", seconds=2.0))
    return events


def finished(lane: str, *, correct: int = 60) -> LaneFinished:
    return LaneFinished(
        lane=lane, step=100, reason="completed", loss=0.5, correct=correct, total=100, seconds=1.5, training_seconds=1.0
    )


def compared(*stories: list[Event]) -> list[ComparedRun]:
    """Runs called `run1`, `run2`, ..., folded."""
    runs = [ComparedRun(f"run{number}") for number in range(1, len(stories) + 1)]
    for run, events in zip(runs, stories, strict=True):
        for event in events:
            run.fold(event)
    return runs


def recorded(home: Path, *stories: list[Event]) -> list[RunFolder]:
    """The same on disk, in `home`."""
    folders = []
    for number, events in enumerate(stories, 1):
        folder = write(home, *events).rename(home / f"run{number}")
        folders.append(RunFolder(folder))
    return folders
