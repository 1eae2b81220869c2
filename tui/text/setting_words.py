"""An experiment's name and its settings as text, and what a run's lanes differ by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...core.safe_text import printable
from ...core.stream.builtin_experiments import BUILT_IN, LENET
from ...core.stream.experiment_info import ExperimentInfo, Value, value_text
from ...core.stream.fork_words import fork_words
from ...core.stream.lane_differences import difference, reference_lane, settings_of
from ...core.stream.lane_state import LaneState
from ...core.stream.state import RunState
from ...core.stream.sweep_config import axis_value
from .lane_names import lane_names


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
    return ", ".join(f"{_name(name)} {value_text(value)}" for name, value in changed)


def next_words(experiment: str, name: str, value: Value) -> str:
    """A setting that the next run will have."""
    is_head = experiment == LENET.info.name and name == "head"
    return head_words(str(value)) if is_head else f"{_name(name)} {value_text(value)}"


def head_words(head: str) -> str:
    """What LeNet's last layer does to the logits."""
    return axis_value("head", head)


def _name(name: str) -> str:
    return printable(name.replace("_", " "))


# What the lanes of a run differ by


def beside_rule_words(state: RunState, names: Mapping[str, str]) -> tuple[str, ...]:
    """A clause for each lane that differs from the lane it is compared with by more than its rule.

    `names`: how the lanes are called.
    """
    clauses: list[str] = []
    for name in () if state.watched else state.lanes:
        other = reference_lane(state, name)
        if other in state.lanes and (settings := difference(state, other, name).beside_rule):
            by = and_words(setting.replace("_", " ") for setting in settings)
            clauses.append(f"{names[other]} and {names[name]} differ by {by}")
    return tuple(clauses)


def own_settings(state: RunState, lane: LaneState) -> tuple[str, ...]:
    """What a lane has of its own beside its rule: `lr 0.01`, `sgd`, `beta1 0.9`, `fork of A at 300`."""
    found = []
    if lane.learning_rate is not None and len({one.learning_rate for one in state.lanes.values()}) > 1:
        found.append(f"lr {lane.learning_rate:g}")
    configs = [settings_of(state, one) for one in state.lanes.values()]
    config = settings_of(state, lane)
    if config and not state.experiment.own_optimizer:
        if any(one and one.optimizer != config.optimizer for one in configs):
            found.append(config.optimizer)
        if config.optimizer == "adam" and any(one and one.beta1 != config.beta1 for one in configs):
            found.append(f"beta1 {config.beta1:g}")
    if lane.parent is not None:
        found.append(fork_words(lane_names(state.lanes).get(lane.parent, lane.parent), lane.forked_at))
    return tuple(found)


def and_words(words: Iterable[str]) -> str:
    """`a, b and c`."""
    listed = list(words)
    return " and ".join(filter(None, (", ".join(listed[:-1]), *listed[-1:])))
