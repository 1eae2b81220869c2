"""The command that trains a run with given settings."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping

import msgspec

from .builtin_experiments import BUILT_IN, LENET
from .config import KEYS, RunConfig, from_options
from .experiment_info import Value
from .sweep_config import WITHOUT_EFFECT, axes_of_lanes

# The speed limit does not change a run's numbers. The others have options of their own.
_LEFT_OUT = ("pace", "lanes", "experiment", "settings")


def command_line(config: RunConfig) -> str:
    """`clipwatch` with experiment, data set and seed, and with the settings that differ from their defaults.

    Changes made mid-run are not part of it.
    """
    default = _default(config)
    own = _own(config.settings, default, always=("dataset",))
    return shlex.join(("clipwatch", *own, *_settings(config, default, _LEFT_OUT, ("seed",)), *_lanes(config, default)))


def sweep_command_line(config: RunConfig, dataset: str, *, own_optimizer: bool = False) -> str:
    """`clipwatch sweep` on this data set with what a run's lanes differ by, and its settings that are not the default.

    Head and optimizer are always named, since they decide what clipping does. A recorded `dataset` may be any text.
    `own_optimizer`: see `axes_of_lanes`.
    """
    config, axes = axes_of_lanes(config, own_optimizer=own_optimizer)
    compared = (
        part
        for name, values in axes.items()
        for value in values
        for part in _with_value("--" + name.replace("_", "-"), str(value))
    )
    left_out = {*_LEFT_OUT, *WITHOUT_EFFECT, *axes, "seed", "data_dir", "offline", "device"}
    default = _default(config)
    used = {"dataset": dataset} if config.experiment == LENET.info.name else {}
    own = _own({**config.settings, **used}, default, always=("dataset", "head"))
    return shlex.join(("clipwatch", "sweep", *own, *_settings(config, default, left_out, ("optimizer",)), *compared))


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
    lanes = tuple(msgspec.structs.replace(lane, clip_at={}) for lane in config.lanes)
    if lanes[:-1] == (plain,) and msgspec.structs.replace(lanes[-1], rule=clipped.rule) == clipped:
        if lanes[-1] != clipped:
            yield from _with_value("--clip", lanes[-1].rule)
    else:
        for lane in lanes:
            yield from _with_value("--lane", f"{lane.name}={lane.text}")
    for lane in config.lanes:
        name = "" if lane.name == clipped.name else f"{lane.name}="
        for step, rule in lane.clip_at.items():
            # It has two values, so a name with a dash cannot be joined to it. A space makes it no option.
            text = f"{name}{rule}"
            yield from ("--clip-at", str(step), f" {text}" if text.startswith("-") else text)


def _with_value(option: str, value: str) -> Iterator[str]:
    """The option and its value, in one word if the value looks like an option."""
    if value.startswith("-"):
        yield f"{option}={value}"
    else:
        yield from (option, value)
