"""The names and values of an experiment and of its metrics in a report."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from ..stream.builtin_experiments import LENET
from ..stream.events import DatasetInfo
from ..stream.experiment_info import ExperimentInfo, MetricInfo, Value
from .phrases import Phrase, Words

_DATASETS = {
    "mnist": "MNIST",
    "fashion-mnist": "Fashion-MNIST",
    "kmnist": "Kuzushiji-MNIST",
    "qmnist": "QMNIST",
}


def experiment_name(experiment: ExperimentInfo, words: Words) -> str:
    """The name of an experiment."""
    return experiment.name if experiment.file else words.known(f"name_{experiment.name}", experiment.name)


def experiment_words(experiment: ExperimentInfo, dataset: DatasetInfo, words: Words) -> str:
    """The name of an experiment, and for LeNet its data set."""
    name = experiment_name(experiment, words)
    if experiment.file or experiment.name != LENET.info.name:
        return name
    return words.plain("on_dataset", experiment=name, dataset=dataset_words(dataset.name, words))


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def dataset_words(name: str, words: Words) -> str:
    """The name of a dataset in a report."""
    return words.plain("digits_name") if name == "digits" else _DATASETS.get(name, name)


def file_words(experiment: ExperimentInfo) -> dict[str, str]:
    """The name of the user's file, without its folder, which does not belong in a report, and its checksum."""
    return {"file": re.split(r"[\\/]", experiment.file or "")[-1], "checksum": experiment.checksum or "-"}


def task_words(experiment: ExperimentInfo, settings: Mapping[str, Value], words: Words) -> Phrase | None:
    """What an experiment other than LeNet trains; None if this version does not know it."""
    if experiment.file:
        return words("task_own", name=experiment.name, **file_words(experiment))
    key = f"task_{experiment.name}"
    return words(key, **settings) if words.known(key, "", **settings) else None


def examples_words(experiment: ExperimentInfo, words: Words, kind: str = "examples") -> str:
    """What the data consists of; with `kind` "validation", the validation examples."""
    default = words.plain(f"{kind}_any", examples=experiment.examples)
    return words.known(f"{kind}_{experiment.examples}", default)


def metric_name(metric: MetricInfo, words: Words) -> str:
    """The name of a metric or gauge."""
    return words.known(f"metric_{metric.name}", metric.words)


def cell(metric: MetricInfo, value: float) -> str:
    """A value in a table."""
    if math.isnan(value):
        return "-"
    if metric.counts:
        return f"{value:,.0f}"
    if metric.name == "loss":
        return f"{value:.4f}"
    return f"{value:.3f}" if metric.share else f"{value:#.4g}".rstrip(".")


def spoken(metric: MetricInfo, value: float) -> str:
    """A value in a sentence: shares are in percent."""
    return f"{100 * value:.1f} %" if metric.share and not math.isnan(value) else cell(metric, value)


def change(metric: MetricInfo, value: float) -> str:
    """A difference with its sign: of a share in percentage points, of anything else in its own unit."""
    return f"{value:+.{digits(metric)}f}"


def digits(metric: MetricInfo) -> int:
    """The decimal places of a difference."""
    return 2 if metric.share else 3


def unit(metric: MetricInfo, words: Words) -> str:
    """The unit of a difference, with a blank before it."""
    return words.plain("sweep_points") if metric.share else ""


def quantity(metric: MetricInfo, words: Words, *, nats: bool = False) -> str:
    """A metric with the unit of its differences; `nats`: whether the loss is a cross-entropy."""
    if metric.share:
        return words.plain("sweep_in_points", metric=metric_name(metric, words))
    return words.plain("sweep_loss_nats") if nats and metric.name == "loss" else metric_name(metric, words)
