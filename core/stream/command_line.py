"""The command that trains a run with given settings."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping

from .builtin_experiments import BUILT_IN, LENET
from .config import KEYS, RunConfig, from_options
from .experiment_info import Value
from .sweep_config import WITHOUT_EFFECT

# The speed limit does not change a run's numbers. The others have options of their own.
_LEFT_OUT = ("pace", "lanes", "experiment", "settings")


def command_line(config: RunConfig) -> str:
    """`clipwatch` with experiment, data set and seed, and with the settings that differ from their defaults.

    Changes made mid-run are not part of it.
    """
    default = _default(config)
    own = _own(config.settings, default, always=("dataset",))
    return shlex.join(("clipwatch", *own, *_settings(config, default, _LEFT_OUT, ("seed",)), *_lanes(config, default)))


def sweep_command_line(config: RunConfig, dataset: str) -> str:
    """`clipwatch sweep` on this data set with the rules of a run's lanes, and its settings that are not the default.

    Head and optimizer are always named, since they decide what clipping does. A recorded `dataset` may be any text.
    """
    clips = (part for rule in dict.fromkeys(lane.rule for lane in config.lanes) for part in _with_value("--clip", rule))
    left_out = {*_LEFT_OUT, *WITHOUT_EFFECT, "seed", "data_dir", "offline", "device"}
    default = _default(config)
    used = {"dataset": dataset} if config.experiment == LENET.info.name else {}
    own = _own({**config.settings, **used}, default, always=("dataset", "head"))
    return shlex.join(("clipwatch", "sweep", *own, *_settings(config, default, left_out, ("optimizer",)), *clips))


def _default(config: RunConfig) -> RunConfig:
    return from_options({"experiment": config.experiment})


def _own(settings: Mapping[str, Value], default: RunConfig, always: Collection[str]) -> Iterator[str]:
    """The experiment, unless it is LeNet, and its settings. Those that LeNet has too have options of their own."""
    if default.experiment != LENET.info.name:
        yield from _with_value("--experiment", default.experiment)
    for name, value in settings.items():
        if value == default.settings.get(name) and name not in always:
            continue
        if default.experiment in BUILT_IN and name in LENET.setting_names:
            yield from _with_value("--" + name.replace("_", "-"), str(value))
        else:
            yield from ("--set", f"{name}={_text(value)}")


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _settings(
    config: RunConfig, default: RunConfig, left_out: Collection[str], always: Collection[str]
) -> Iterator[str]:
    for name in KEYS:
        value = getattr(config, name)
        if name in left_out or (value == getattr(default, name) and name not in always):
            continue
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            yield option if value else option.replace("--", "--no-")
        else:
            yield from _with_value(option, str(value))


def _lanes(config: RunConfig, default: RunConfig) -> Iterator[str]:
    plain, clipped = default.lanes
    if config.lanes == (plain, clipped):
        return
    if config.lanes[:-1] == (plain,) and config.lanes[-1].name == clipped.name:
        yield from _with_value("--clip", config.lanes[-1].rule)
        return
    for lane in config.lanes:
        yield from _with_value("--lane", f"{lane.name}={lane.rule}")


def _with_value(option: str, value: str) -> Iterator[str]:
    """The option and its value, in one word if the value looks like an option."""
    if value.startswith("-"):
        yield f"{option}={value}"
    else:
        yield from (option, value)
