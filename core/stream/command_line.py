"""The command that trains a run with given settings."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator

from .config import KEYS, RunConfig
from .sweep_config import WITHOUT_EFFECT

_DEFAULT = RunConfig()
# The speed limit does not change a run's numbers.
_LEFT_OUT = ("pace", "lanes")


def command_line(config: RunConfig) -> str:
    """`clipwatch` with data set and seed, and with the settings that differ from their defaults.

    Changes made mid-run are not part of it.
    """
    return shlex.join(("clipwatch", *_options(config)))


def sweep_command_line(config: RunConfig, dataset: str) -> str:
    """`clipwatch sweep` on this data set with the rules of a run's lanes, and its settings that are not the default.

    Head and optimizer are always named, since they decide what clipping does. A recorded `dataset` may be any text.
    """
    clips = (part for rule in dict.fromkeys(lane.rule for lane in config.lanes) for part in _with_value("--clip", rule))
    left_out = {*_LEFT_OUT, *WITHOUT_EFFECT, "seed", "dataset", "data_dir", "offline", "device"}
    options = _settings(config, left_out, always=("head", "optimizer"))
    return shlex.join(("clipwatch", "sweep", *_with_value("--dataset", dataset), *options, *clips))


def _options(config: RunConfig) -> Iterator[str]:
    yield from _settings(config, _LEFT_OUT, always=("dataset", "seed"))
    yield from _lanes(config)


def _settings(config: RunConfig, left_out: Collection[str], always: Collection[str]) -> Iterator[str]:
    for name in KEYS:
        value = getattr(config, name)
        if name in left_out or (value == getattr(_DEFAULT, name) and name not in always):
            continue
        option = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            yield option if value else option.replace("--", "--no-")
        else:
            yield from _with_value(option, str(value))


def _lanes(config: RunConfig) -> Iterator[str]:
    plain, clipped = _DEFAULT.lanes
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
