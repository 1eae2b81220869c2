"""Reads the settings that versions without experiments wrote, which trained LeNet."""

from __future__ import annotations

import re
from typing import Any

from .builtin_experiments import LENET

# These settings stood among those of the run.
_STARTED = re.compile(rb'"event"\s*:\s*"(Run|Sweep)Started"')
_EXPERIMENT = re.compile(rb'"experiment"\s*:')


def is_of_earlier_version(lines: bytes) -> bool:
    """Whether these lines start a run or sweep whose settings name no experiment."""
    # The first condition is fast, and excludes almost every line.
    return b'Started"' in lines and _STARTED.search(lines) is not None and _EXPERIMENT.search(lines) is None


def upgraded(event: dict[str, Any]) -> dict[str, Any]:
    """An event as plain values, in which the settings of LeNet have a table of their own."""
    config = event.get("config")
    if not isinstance(config, dict):
        return event
    if isinstance(base := config.get("base"), dict):
        return event | {"config": config | {"base": _with_table(base)}}
    return event | {"config": _with_table(config)}


def _with_table(config: dict[str, Any]) -> dict[str, Any]:
    if "experiment" in config:
        return config
    return config | {"settings": {name: config[name] for name in LENET.setting_names if name in config}}
