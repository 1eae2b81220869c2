"""An experiment's name and its settings as text."""

from __future__ import annotations

from collections.abc import Mapping

from ...core.safe_text import printable
from ...core.stream.builtin_experiments import BUILT_IN, LENET
from ...core.stream.experiment_info import ExperimentInfo, Value
from ...core.stream.state import RunState


def run_name(state: RunState) -> str:
    """What a run trains, in short: LeNet's data set, otherwise the experiment."""
    if state.dataset is None:
        return ""
    return data_name(state.experiment.name, state.dataset.name)


def data_name(experiment: str, dataset: str) -> str:
    """The name of LeNet's data set, otherwise that of the experiment."""
    return dataset if experiment == LENET.info.name else experiment


def setting_words(experiment: ExperimentInfo, settings: Mapping[str, Value]) -> str:
    """LeNet's last layer in words; of another experiment the settings that are not its defaults: `length 30`."""
    if experiment.name == LENET.info.name:
        return head_words(str(settings["head"])) if "head" in settings else ""
    built_in = BUILT_IN.get(experiment.name)
    known = {f"{setting.name}={setting.default}" for setting in built_in.settings} if built_in else experiment.defaults
    changed = ((name, value) for name, value in settings.items() if f"{name}={value}" not in known)
    return ", ".join(f"{_name(name)} {_value(value)}" for name, value in changed)


def next_words(experiment: str, name: str, value: Value) -> str:
    """A setting that the next run will have."""
    is_head = experiment == LENET.info.name and name == "head"
    return head_words(str(value)) if is_head else f"{_name(name)} {_value(value)}"


def head_words(head: str) -> str:
    """What LeNet's last layer does to the logits."""
    return "ReLU on the logits" if head == "relu" else "plain logits"


def _name(name: str) -> str:
    return printable(name.replace("_", " "))


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else printable(str(value))
