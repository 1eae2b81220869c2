"""Watched runs made up for tests: the events of a loop that clipwatch only watches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np
from measured import HISTOGRAM

from clipwatch.core.runs.event_table import EventTable
from clipwatch.core.runs.reader import Recorded
from clipwatch.core.runs.recorder import Recorder
from clipwatch.core.stream.builtin_experiments import ACCURACY
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    DatasetInfo,
    Diagnosed,
    Evaluated,
    Event,
    LaneStarted,
    LoopAudited,
    LoopEnded,
    MetricAdded,
    ResourcesMeasured,
    RunFinished,
    RunStarted,
    StepsSkipped,
    StepsTrained,
)
from clipwatch.core.stream.experiment_info import ExperimentInfo, MetricInfo
from clipwatch.core.stream.limits import MOST
from clipwatch.core.stream.measures import Measure

LOOP = LaneConfig("loop", "none")
PERPLEXITY = MetricInfo("perplexity")
# Steps between two measurements.
EVERY = 50


def started(*, rule: str = "none", total: int = MOST, at: float = 1_764_000_000.0) -> RunStarted:
    """A loop that trains a transformer with a script of the user's."""
    return RunStarted(
        config=RunConfig(
            experiment="CharTransformer",
            settings={},
            iterations=total,
            eval_every=EVERY,
            diagnose_every=1,
            lanes=(LaneConfig("loop", rule),),
        ),
        dataset=DatasetInfo(name="CharTransformer", origin="train.py", training=None, validation=0, checksum=""),
        device="cpu",
        versions={"torch": "2.14.1"},
        time=at,
        experiment=ExperimentInfo(name="CharTransformer", own_optimizer=True, file="/home/me/train.py"),
        watched=True,
    )


def begun(lane: str = "loop", *, step: int = 0, rule: str = "none", total: int = MOST) -> LaneStarted:
    return LaneStarted(lane=lane, step=step, rule=rule, iterations=total, parameters=818_000, seconds=0.0)


def trained(
    first: int,
    count: int = EVERY,
    *,
    lane: str = "loop",
    loss: bool = True,
    bound: float | None = None,
    metrics: Mapping[str, np.ndarray] | None = None,
) -> StepsTrained:
    """Norms that swing between 0.5 and 3.5, with one clip at `bound` if there is one."""
    steps = np.arange(first, first + count)
    norms = (2 + 1.5 * np.sin(steps / 7)).astype("<f4")
    used = norms if bound is None else np.minimum(norms, bound).astype("<f4")
    losses = 3 * np.exp(-steps / 500) + 0.5 if loss else np.full(count, math.nan)
    return StepsTrained(
        lane=lane,
        step=first + count - 1,
        losses=losses.astype("<f4").tobytes(),
        norms=norms.tobytes(),
        clipped_norms=used.tobytes(),
        clipped=(used < norms).tobytes(),
        metrics={name: values.astype("<f4").tobytes() for name, values in (metrics or {}).items()},
    )


def diagnosed(step: int, *, lane: str = "loop", bound: float | None = None) -> Diagnosed:
    norm = 2.5
    total = Measure(
        histogram=HISTOGRAM,
        changed=0 if bound is None else HISTOGRAM.finite,
        norm=norm,
        clipped_norm=norm if bound is None else bound,
        update_ratio=0.002,
        step_size=0.8,
        cosine=1.0,
        sign_cosine=0.8,
        percentiles=(0.001, 0.01, 0.05),
    )
    share = 0.0 if bound is None else 0.6
    layers = dict.fromkeys(("embedding", "blocks", "head"), total)
    return Diagnosed(lane=lane, step=step, layers=layers, total=total, engaged=share, engaged_recently=share)


def story(
    steps: int = 200,
    *,
    evaluated: bool = True,
    loss: bool = True,
    bound: float | None = None,
    total: int = MOST,
    ends: bool = True,
    metrics: bool = False,
) -> Iterator[Event]:
    """A loop that clips to `bound` itself, from its start to its end."""
    rng = np.random.default_rng(1)
    yield started(total=total)
    yield begun(total=total)
    if evaluated:
        yield MetricAdded(metric=ACCURACY)
        yield MetricAdded(metric=PERPLEXITY)
    if metrics:
        yield MetricAdded(metric=MetricInfo("train-tokens"), of_steps=True)
    for first in range(0, steps, EVERY):
        last = first + EVERY - 1
        tokens = {"train-tokens": 1000 + rng.random(EVERY)} if metrics else None
        yield trained(first, loss=loss, bound=bound, metrics=tokens)
        yield diagnosed(last, bound=bound)
        if first == EVERY:
            figures = {"bound": bound, "share": 0.61} if bound else {"norm": 14.2}
            yield LoopAudited(lane="loop", step=last, finding="clips-norm" if bound else "not-clipped", figures=figures)
            yield StepsSkipped(lane="loop", step=last, count=3)
        if evaluated and first % (2 * EVERY):
            yield Evaluated(
                lane="loop",
                step=last,
                loss=1.5 - first / 1000,
                accuracy=0.5 + first / 1000,
                train_loss=1.4 if loss else math.nan,
                seconds=5.0 + last / 100,
                metrics={"perplexity": 4.5},
            )
        yield ResourcesMeasured(seconds=5.0 + last / 10, processor=1.9, memory=612 * 2**20)
    if ends:
        yield LoopEnded(lane="loop", step=steps, reason="completed", seconds=40.0)
        yield RunFinished(reason="completed", seconds=40.0)


def recorded(*events: Event) -> Recorded:
    return Recorded(EventTable.of(events or tuple(story())), (), 0)


def write(home: Path, *events: Event) -> Path:
    """Record events, and return the run's folder."""
    recorder = Recorder(home)
    folder = None
    for _ in recorder.through(events or story()):
        folder = recorder.folder or folder
    assert folder
    return folder.path


def without_time(event: Event) -> Event:
    return msgspec.structs.replace(event, seconds=0.0) if hasattr(event, "seconds") else event
