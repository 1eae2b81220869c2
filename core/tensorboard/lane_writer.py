"""Writes a lane as a TensorBoard run, by torch's `SummaryWriter`."""

from __future__ import annotations

import math
import operator
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter, summary

from ..experiments.batches import seeded_generator
from ..experiments.layout import tensor_views
from ..experiments.lenet.network import initial_parameters, views
from ..experiments.lenet.torch_module import LeNetModule
from ..experiments.temporal_order import network as temporal_order
from ..experiments.torchscript import trace_module
from ..safe_text import in_markdown
from ..stream.builtin_experiments import LENET, TEMPORAL_ORDER
from ..stream.config import RunConfig, to_toml
from ..stream.events import (
    Diagnosed,
    Evaluated,
    Event,
    LaneEvent,
    LaneFailed,
    LaneFinished,
    LaneForked,
    LanesCompared,
    LaneStarted,
    LearningRateChanged,
    LoopAudited,
    LoopEnded,
    ResourcesMeasured,
    RunStarted,
    StepsTrained,
)
from ..stream.measures import BIN_EDGES, Measure
from ..stream.series import StepValues, are_given, compared_values, evaluated_values, final_values, step_values
from ..training.preparation import lane_thread

_BUCKETS = 64
# The upper limits and middles of the buckets of a gradient's histogram: below the bins (with 0), each bin, above them.
_LIMITS = [*BIN_EDGES, sys.float_info.max]
_MIDDLES = [0.0, *(math.sqrt(low * high) for low, high in pairwise(BIN_EDGES)), BIN_EDGES[-1]]


class LaneWriter:
    """Writes a lane's events and weights, with their steps and times, to its folder. Raises OSError.

    `SummaryWriter` writes in another thread, so an error may be raised by a later call, at the latest by `flush`.
    """

    def __init__(
        self,
        folder: Path,
        suffix: str,
        run: RunStarted,
        started: LaneStarted,
        describe: Callable[[Event], str | None],
    ) -> None:
        """Replaces event files of the same run, whose names end in `suffix`, if they were written before."""
        self._run, self._started, self._describe = run, started, describe
        self._time, self._rate = run.time + started.seconds, started.learning_rate
        self.has_weights = False
        self._last_step = -1
        self._writer = _open_writer(folder, suffix)
        self._is_lenet = run.config.experiment == LENET.info.name
        if self._is_lenet:
            _add_graph(self._writer, run.config)
        settings = "".join(f"    {line}\n" for line in _settings(run, started).splitlines())
        self._writer.add_text("settings", settings, started.step, self._time)

    def receive(self, event: LaneEvent | LanesCompared) -> None:
        """Write an event of this lane, or a comparison of the first lane with it."""
        if isinstance(event, LaneStarted | Evaluated | LaneFinished | LaneFailed | LaneForked):
            self._time = self._run.time + event.seconds
        if isinstance(event, LearningRateChanged):
            self._rate = event.rate
            self._add(_scalars({"learning_rate": event.rate}), event.step, self._time)
        match event:
            case Evaluated(train_loss=train_loss):
                values = {f"{name}/validation": value for name, value in evaluated_values(event).items()}
                if not (self._run.watched and math.isnan(train_loss)):
                    values["loss/train"] = train_loss
                if self._rate is not None:
                    values["learning_rate"] = self._rate
                self._add(_scalars(values), event.step, self._time)
            case StepsTrained():
                self._add_steps(step_values(event).after(self._last_step))
                self._last_step = event.step
            case LanesCompared(step=step):
                values = {f"lanes/{name}": value for name, value in compared_values(event).items()}
                self._add(_scalars(values), step, self._time)
            case Diagnosed():
                measures = {**event.layers, "total": event.total}
                gradients = [_gradient_histogram(f"gradient/{layer}", measure) for layer, measure in measures.items()]
                self._add([*_scalars(self._measurements(event)), *gradients], event.step, self._time)
            case LaneFinished():
                values = {f"{name}/validation_all": value for name, value in final_values(event).items()}
                self._add(_scalars(values), event.step, self._time)
            case LoopEnded():
                pass
            case _:
                if text := self._describe(event):
                    tags = {LaneFailed: "failure", LoopAudited: "audit"}
                    tag = tags.get(type(event), "interventions")
                    self._writer.add_text(tag, in_markdown(text), event.step, self._time)

    def measure(self, event: ResourcesMeasured, *, writes: bool) -> None:
        """Note the time of this event; `writes`: and write what the run uses."""
        self._time = max(self._time, self._run.time + event.seconds)
        if writes:
            fields = msgspec.structs.asdict(event)
            values = {f"resources/{name}": value for name, value in fields.items() if value is not None}
            values.pop("resources/seconds")
            self._add(_scalars(values), max(self._last_step, self._started.step), self._time)

    def keep(self, step: int, parameters: Tensor) -> None:
        """Write the weights of a checkpoint, before the first one also the initial weights."""
        if not self.has_weights and step > 0 and (initial := self._initial_parameters()) is not None:
            self._add_weights(initial, 0, self._run.time + self._started.seconds)
        self.has_weights = True
        self._add_weights(parameters.cpu(), step, self._time)

    def flush(self) -> None:
        """Wait until everything is written."""
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _add_steps(self, values: StepValues) -> None:
        norms = values.series["grad-norm"]
        columns = {f"steps/{name.replace('-', '_')}": series for name, series in values.series.items()}
        given = [are_given(series, norms).tolist() for series in columns.values()]
        numbers = [series.tolist() for series in columns.values()]
        for place, clipped in enumerate(values.clipped.tolist()):
            row = {
                name: column[place]
                for name, column, is_given in zip(columns, numbers, given, strict=True)
                if is_given[place]
            }
            self._add(_scalars({**row, "steps/clipped": float(clipped)}), values.first + place, self._time)

    def _add(self, summaries: Iterable[Any], step: int, time: float) -> None:
        """Write summaries as one record. A record for each (`add_scalar`) would take three times as long."""
        first, *others = summaries
        for other in others:
            first.MergeFrom(other)
        self._writer.file_writer.add_summary(first, step, time)  # pyright: ignore[reportOptionalMemberAccess]

    def _measurements(self, event: Diagnosed) -> dict[str, float]:
        """The defined measurements of an event, by tag."""
        gauges = {f"gauge/{name}": value for name, value in event.gauge.items()}
        dead = _dead_outputs(event) if self._is_lenet else {}
        return {**_clip_measurements(event), **dead, **gauges}

    def _add_weights(self, parameters: Tensor, step: int, time: float) -> None:
        weights = _named_weights(self._run.config, parameters)
        self._add([_histogram(tag, values.double().numpy().ravel()) for tag, values in weights.items()], step, time)
        if self._is_lenet:
            # Transposed from (84 outputs, 120 inputs): rows are inputs and columns outputs, as in the assignment.
            # TensorBoard shows nothing for a tag with two kinds of data, so the image has its own tag.
            pixels = _gray(weights["fc2/weight"].T)
            self._writer.add_image("fc2/weight/image", pixels, step, time, dataformats="HW")

    def _initial_parameters(self) -> Tensor | None:
        """LeNet's weights before the first step, computed from the seed. None if they might differ from the run's."""
        is_same = self._started.step == 0 and self._run.versions.get("torch") == metadata.version("torch")
        if not (is_same and self._is_lenet):
            return None
        config = self._run.config
        with lane_thread():
            return initial_parameters(float(config.settings["init_std"]), seeded_generator(config.seed, "weights"))


def _settings(run: RunStarted, started: LaneStarted) -> str:
    """The settings of a run; of a watched one, those that are known."""
    if not run.watched:
        return to_toml(run.config)
    info = run.experiment
    return f"model = {info.name}\nscript = {info.file or 'unknown'}\nclip rule at the start = {started.rule}\n"


def _named_weights(config: RunConfig, parameters: Tensor) -> dict[str, Tensor]:
    """The weights by tag: by tensor for the built-in experiments, together for others, whose layout is not recorded."""
    match config.experiment:
        case LENET.info.name:
            named = views(parameters)
        case TEMPORAL_ORDER.info.name:
            named = tensor_views(parameters, temporal_order.shapes(int(config.settings["units"])))
        case _:
            named = {"parameters": parameters}
    return {name.replace(".", "/"): view for name, view in named.items()}


def _scalars(values: Mapping[str, float]) -> list[Any]:
    return [summary.scalar(tag, value) for tag, value in values.items()]


def _gradient_histogram(tag: str, measure: Measure) -> Any:
    """The histogram of |g| with the bins of the recording. Its sum is estimated from the bins' middles."""
    histogram = measure.histogram
    counts = [histogram.zero + histogram.under, *histogram.counts, histogram.over]
    filled = [place for place, count in enumerate(counts) if count]
    return summary.histogram_raw(
        tag,
        min=[0.0, *BIN_EDGES][filled[0]] if filled else 0.0,
        max=_LIMITS[filled[-1]] if filled else 0.0,
        num=histogram.finite,
        sum=sum(map(operator.mul, counts, _MIDDLES)),
        sum_squares=measure.norm**2,
        bucket_limits=_LIMITS,
        bucket_counts=counts,
    )


def _histogram(tag: str, values: NDArray[np.float64]) -> Any:
    """A histogram with buckets of equal width from the smallest to the largest number; one bucket if all are equal.

    Not `summary.histogram`, which multiplies vectors: numpy's threads for that would take cores from the lanes.
    """
    low, high = values.min(), values.max()
    counts, edges = np.histogram(values, _BUCKETS) if low < high else ([values.size], [low, high])
    return summary.histogram_raw(
        tag,
        min=low,
        max=high,
        num=values.size,
        sum=values.sum(),
        sum_squares=np.square(values).sum(),
        bucket_limits=edges[1:],
        bucket_counts=counts,
    )


def _open_writer(folder: Path, suffix: str) -> SummaryWriter:
    """Open an event file whose name sorts after the earlier ones, so that a running TensorBoard continues with it."""
    _silence_writer_threads()
    before = sorted(folder.glob(f"*{suffix}*"))
    # A purge makes it forget what it has read.
    writer = SummaryWriter(str(folder), purge_step=0 if before else None, filename_suffix=suffix)
    # A running TensorBoard reads the last file to its end before it opens the next, so that file is only emptied.
    for path in before[-1:]:
        os.truncate(path, 0)
    for path in before[:-1]:
        path.unlink(missing_ok=True)
    return writer


def _add_graph(writer: SummaryWriter, config: RunConfig) -> None:
    images = torch.zeros(1, 1, 28, 28)
    with lane_thread(), warnings.catch_warnings():
        # `SummaryWriter` gets the graph from TorchScript, which warns that it is deprecated.
        warnings.simplefilter("ignore")
        writer.add_graph(
            trace_module(LeNetModule(cast(Literal["relu", "linear"], config.settings["head"])), images), images
        )


def _gray(values: Tensor) -> Tensor:
    """Scale numbers to bytes, from 0 for the smallest to 255 for the largest; all 0 if they are equal."""
    exact = values.double()
    low, high = exact.min(), exact.max()
    return ((exact - low) / (high - low if high > low else 1.0) * 255).round().to(torch.uint8)


_default_hook = threading.excepthook


def _silence_writer_threads() -> None:
    """Suppress the tracebacks of `SummaryWriter` threads that fail. The caller gets the error and reports it."""

    def report(failure: threading.ExceptHookArgs) -> None:
        if not type(failure.thread).__module__.startswith("tensorboard."):
            _default_hook(failure)

    threading.excepthook = report


def _clip_measurements(event: Diagnosed) -> dict[str, float]:
    """What was measured of the clip and of the gradient, by tag, without what is not defined."""
    total = event.total
    values = {
        "clip/saturation": total.clipped_share,
        "clip/engaged": event.engaged_recently,
        "clip/cosine": total.cosine,
        "clip/shadow_cosine": total.shadow_cosine,
        "clip/shadow_distance": total.shadow_distance,
        "clip/step_size": total.step_size,
    }
    for layer, measure in {**event.layers, "total": total}.items():
        values[f"gradient_norm/{layer}"] = measure.norm
        values[f"clipped_norm/{layer}"] = measure.clipped_norm
        values[f"update_ratio/{layer}"] = measure.update_ratio
    return {tag: value for tag, value in values.items() if value is not None}


def _dead_outputs(event: Diagnosed) -> dict[str, float]:
    """The gauge of LeNet, by tag."""
    units = {f"dead/{layer}": float(count) for layer, count in event.dead.items() if layer != "outputs"}
    return {"dead/outputs": float(len(event.dead_outputs)), "dead/share_of_images": event.dead_share, **units}
