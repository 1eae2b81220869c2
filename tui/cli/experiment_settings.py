"""The experiment that options and config file select, and its settings from `--set`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.errors import BadInput
from ...core.runs.own_code import absolute_name, code_notices
from ...core.stream.builtin_experiments import BUILT_IN
from ...core.stream.config import KEYS, RunConfig
from ...core.stream.experiment_info import ExperimentInfo
from ..text.messages import tell


def set_values(pairs: Iterable[str]) -> dict[str, list[str]]:
    """The values of each setting in `NAME=VALUE` pairs. Raises BadInput."""
    values: dict[str, list[str]] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise BadInput(f"--set {pair!r}: write NAME=VALUE, such as init_std=0.2")
        # Options are written with dashes, and both spellings are tried.
        values.setdefault(name.replace("-", "_"), []).append(value)
    return values


def single_values(settings: Mapping[str, list[str]]) -> dict[str, str]:
    """The value of each setting. Raises BadInput for one that has several."""
    for name, values in settings.items():
        if len(values) > 1:
            raise BadInput(f"--set {name}: given twice; a run has one value, and clipwatch sweep compares several")
    return {name: values[0] for name, values in settings.items()}


def with_found_experiment(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the whole path of a user's experiment, so that a recording names it from any folder.

    Raises BadInput for an experiment that does not exist.
    """
    name = options.get("experiment")
    if not isinstance(name, str):
        return dict(options)
    return {**options, "experiment": absolute_name(name)}


def require_own_settings(options: Mapping[str, Any]) -> None:
    """Raise BadInput for a `--set` that names a setting of every run, which has an option of its own."""
    experiment = BUILT_IN.get(str(options.get("experiment", "lenet")))
    for name in options.get("settings", ()):
        if experiment and name in KEYS and name not in experiment.setting_names:
            raise BadInput(f"--set {name}: it is a setting of every run; write --{name.replace('_', '-')}")


def warn_without_effect(config: RunConfig) -> None:
    """Say which settings have no effect on the run's experiment."""
    reads_files = "dataset" in config.settings and config.experiment in BUILT_IN
    without = {
        "--data-dir": config.data_dir is not None and not reads_files,
        "--layers": config.layers != RunConfig().layers and config.experiment in BUILT_IN,
    }
    for option, is_given in without.items():
        if is_given:
            tell(f"{option} has no effect with the experiment {config.experiment}")
    if config.offline and config.experiment not in BUILT_IN:
        tell("--offline keeps clipwatch from the network, but not your own code")


def announce_code(name: str, recorded: ExperimentInfo) -> None:
    """Say which file of the user a recorded experiment is about to run, and whether it has changed."""
    for text in code_notices(name, recorded):
        tell(text)
