"""The names and values of an experiment and of its metrics in a report."""

from __future__ import annotations

import math
import re

from ..stream.builtin_experiments import LENET
from ..stream.events import DatasetInfo
from ..stream.experiment_info import ExperimentInfo, MetricInfo
from .phrases import Words

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


def dataset_words(name: str, words: Words) -> str:
    """The name of a dataset in a report."""
    return words.plain("digits_name") if name == "digits" else _DATASETS.get(name, name)


def file_words(experiment: ExperimentInfo) -> dict[str, str]:
    """The name of the user's file, without its folder, which does not belong in a report, and its checksum."""
    return {"file": re.split(r"[\\/]", experiment.file or "")[-1], "checksum": experiment.checksum or "-"}


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
    return f"{value:.3f}" if metric.share else f"{value:.4g}"


def spoken(metric: MetricInfo, value: float) -> str:
    """A value in a sentence: shares are in percent."""
    return f"{100 * value:.1f} %" if metric.share and not math.isnan(value) else cell(metric, value)
