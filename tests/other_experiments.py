"""Experiments other than LeNet, as recordings describe them, and events of their lanes."""

from __future__ import annotations

import msgspec
from measured import MEASURE

from clipwatch.core.stream.builtin_experiments import BUILT_IN, TEMPORAL_ORDER
from clipwatch.core.stream.config import LaneConfig, RunConfig
from clipwatch.core.stream.events import (
    DatasetInfo,
    Diagnosed,
    Evaluated,
    Event,
    LaneFinished,
    LaneStarted,
    RunStarted,
)
from clipwatch.core.stream.experiment_info import ExperimentInfo, MetricInfo
from clipwatch.core.stream.measures import Measure
from clipwatch.core.stream.state import RunState, apply

# A user's experiment whose metric is better if lower, one without metrics, and the recurrent network.
BITS = ExperimentInfo(
    name="Text",
    examples="lines",
    metrics=(MetricInfo("bits-per-character", lower_is_better=True),),
    file="/home/me/text.py",
    checksum="0" * 64,
)
PLAIN = ExperimentInfo(name="Plain", file="/home/me/plain.py", checksum="0" * 64)
ORDER = TEMPORAL_ORDER.info
OTHERS = {"temporal-order": ORDER, "bits": BITS, "plain": PLAIN}
LANES = (LaneConfig("unclipped", "none"), LaneConfig("clipped", "norm:1"))
# Words of the assignment that no other experiment shows.
LENETS_WORDS = ("image", "digit", "MNIST", "class", "dead", "output", "ReLU", "logits")


def config_of(info: ExperimentInfo, **changes: object) -> RunConfig:
    """A run of the experiment."""
    name = info.name if info.name in BUILT_IN else f"{info.file}"
    return RunConfig(experiment=name, **{"lanes": LANES, "optimizer": "sgd", **changes})  # type: ignore[arg-type]


def started(info: ExperimentInfo, **changes: object) -> RunStarted:
    """The start of a run of the experiment."""
    data = DatasetInfo(name=info.name, origin="generated", training=None, validation=1000, checksum="0")
    return RunStarted(
        config=config_of(info, **changes), dataset=data, device="cpu", versions={}, time=0.0, experiment=info
    )


def lane_started(lane: LaneConfig) -> LaneStarted:
    """The start of one of its lanes."""
    return LaneStarted(lane=lane.name, step=0, rule=lane.rule, iterations=1000, parameters=9, seconds=0.0)


def evaluated(info: ExperimentInfo, lane: str, step: int, value: float = 0.25, loss: float = 1.5) -> Evaluated:
    """An evaluation in which the first metric has this value."""
    given = {"accuracy": value} if info is ORDER else {"metrics": {one.name: value for one in info.metrics}}
    return Evaluated(lane=lane, step=step, loss=loss, train_loss=loss, seconds=step / 100, **given)  # type: ignore[arg-type]


def finished(info: ExperimentInfo, lane: str, value: float = 0.25, loss: float = 1.5) -> LaneFinished:
    """The end of a lane at which the first metric has this value."""
    given = (
        {"correct": round(1000 * value)} if info is ORDER else {"metrics": {one.name: value for one in info.metrics}}
    )
    return LaneFinished(
        lane=lane,
        step=1000,
        reason="completed",
        loss=loss,
        total=1000,
        seconds=2.0,
        training_seconds=2.0,
        **given,  # type: ignore[arg-type]
    )


def diagnosed(info: ExperimentInfo, lane: str, step: int, saturated: float = 0.0, **changes: object) -> Diagnosed:
    """A measurement of three layers, and of the recurrent network's gauges."""
    gauge = {"saturated": saturated, "spectral-radius": 1.5} if info is ORDER else {}
    total: Measure = msgspec.structs.replace(MEASURE, **changes)
    layers = dict.fromkeys(("input", "recurrent", "output"), total)
    return Diagnosed(lane=lane, step=step, layers=layers, total=total, engaged=0.5, engaged_recently=0.5, gauge=gauge)


def folded(info: ExperimentInfo, *events: Event, **changes: object) -> RunState:
    """The state after the start of the run and its lanes, and these events."""
    run = started(info, **changes)
    state = RunState()
    for event in (run, *map(lane_started, run.config.lanes), *events):
        state = apply(state, event)
    return state
