"""Fills in and checks the settings of a built-in experiment."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ..errors import BadInput
from .builtin_experiments import BuiltIn, SettingInfo
from .experiment_info import Value


def complete_settings(given: Mapping[str, Any], experiment: BuiltIn) -> dict[str, Value]:
    """All settings of an experiment, with its defaults for those not given. Raises BadInput, which names the setting.

    Settings that this version does not know are kept, because another version may have recorded them.
    """
    known = {each.name: _checked(each, given.get(each.name, each.default)) for each in experiment.settings}
    return known | {name: value for name, value in given.items() if name not in known}


def require_known_settings(given: Iterable[str], experiment: BuiltIn) -> None:
    """Raise BadInput for a setting that the experiment does not have."""
    for name in given:
        if name not in experiment.setting_names:
            raise no_such_setting(name, experiment)


def no_such_setting(name: str, experiment: BuiltIn) -> BadInput:
    """The error for a setting that the experiment does not have, with the nearest one, or else all it has."""
    near = nearest(name, experiment.setting_names) or f"; it has {', '.join(experiment.setting_names)}"
    return BadInput(f"{experiment.info.name} has no setting {name!r}{near}")


def setting_value(name: str, value: Any, experiment: BuiltIn) -> Value:
    """The value of one setting in its type. Raises BadInput."""
    require_known_settings([name], experiment)
    return _checked(next(each for each in experiment.settings if each.name == name), value)


def require_kinds(given: Mapping[str, Value], present: Mapping[str, Value]) -> None:
    """Raise BadInput for a setting that is not among the present ones, or of another kind, without the user's code."""
    for name, value in given.items():
        if name not in present:
            raise BadInput(f"no setting {name!r}{nearest(name, present)}")
        # A default may be written as 1 where any number fits.
        kind: Any = int | float if type(present[name]) is int else type(present[name])
        try:
            msgspec.convert(value, kind, strict=not isinstance(value, str))
        except msgspec.ValidationError as error:
            raise BadInput(f"setting {name} {value!r}: {str(error).replace('`', '')}") from None


def _checked(setting: SettingInfo, value: Any) -> Value:
    """The value as the setting's type; a text that `--set` gives is read as a number where one is needed."""
    name = setting.name.replace("_", "-")
    try:
        found = msgspec.convert(value, setting.kind, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise BadInput(f"{name} {value!r}: {str(error).replace('`', '')}") from None
    if setting.choices and found not in setting.choices:
        near = nearest(str(found), setting.choices)
        raise BadInput(f"unknown {name} {found!r}{near}; select one of {', '.join(setting.choices)}")
    if isinstance(found, int | float):
        _require_bounds(setting, name, found)
    return found


def _require_bounds(setting: SettingInfo, name: str, value: float) -> None:
    if setting.above is not None and not (math.isfinite(value) and value > setting.above):
        raise BadInput(f"{name} {value}: must be above {setting.above:g}")
    if setting.least is not None and not setting.least <= value:
        raise BadInput(f"{name} {value}: must be {setting.least:g} or more")
    if setting.most is not None and not value <= setting.most:
        raise BadInput(f"{name} {value}: must be at most {setting.most:g}")


def nearest(word: str, choices: Iterable[str]) -> str:
    """` (did you mean 'relu'?)`, or nothing if no choice is near."""
    near = difflib.get_close_matches(word, tuple(choices), 1)
    return f" (did you mean {near[0]!r}?)" if near else ""
