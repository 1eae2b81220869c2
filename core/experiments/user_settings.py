"""The settings of a user's experiment: the fields of its dataclass."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import msgspec

from ..errors import BadInput
from ..stream.builtin_experiments import SettingInfo
from ..stream.experiment_info import Value
from ..stream.experiment_settings import nearest
from .experiment import Experiment
from .user_code import definition_place, user_code

_KINDS = (bool, int, float, str)


def setting_infos(experiment: type[Experiment]) -> tuple[SettingInfo, ...]:
    """Describe the settings of an experiment, as those of a built-in one are. Raises BadInput."""
    kinds = _kinds(experiment)
    return tuple(_setting_info(experiment, field, kinds[field.name]) for field in _fields(experiment))


def convert_settings(experiment: type[Experiment], given: Mapping[str, Any]) -> dict[str, Value]:
    """The values of these settings, which may be text, in the types of their fields. Raises BadInput."""
    infos = {info.name: info for info in setting_infos(experiment)}
    values = dict[str, Value]()
    for name, value in given.items():
        if name not in infos:
            raise _no_such_setting(name, experiment, infos)
        values[name] = _converted(infos[name], value)
    return values


def _no_such_setting(name: str, experiment: type[Experiment], infos: Iterable[str]) -> BadInput:
    """The error for a setting that there is not: `hidden = 64` without a type is no field of a dataclass."""
    value = vars(experiment).get(name)
    if type(value) in _KINDS and not hasattr(Experiment, name):
        kind = type(value).__name__
        return BadInput(
            f"{experiment.__name__}.{name} has no type, so it is no setting: write {name}: {kind} = {value!r}"
        )
    return BadInput(f"{experiment.__name__} has no setting {name!r}{nearest(name, infos)}")


def _converted(info: SettingInfo, value: Any) -> Value:
    try:
        found = msgspec.convert(value, info.kind, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        raise BadInput(f"setting {info.name} {value!r}: {str(error).replace('`', '')}") from None
    if info.choices and str(found) not in info.choices:
        near = nearest(str(found), info.choices)
        raise BadInput(f"setting {info.name} {value!r}: unknown{near}; select one of {', '.join(info.choices)}")
    return found


def _fields(experiment: type[Experiment]) -> list[dataclasses.Field[Any]]:
    """The user's own fields first, then those of `Experiment`."""
    inherited = {field.name for field in dataclasses.fields(Experiment)}
    return sorted(filter(lambda field: field.init, dataclasses.fields(experiment)), key=lambda f: f.name in inherited)


def _kinds(experiment: type[Experiment]) -> dict[str, Any]:
    """The type of each field by name."""
    with user_code(experiment):
        return typing.get_type_hints(experiment, include_extras=True)


def _setting_info(experiment: type[Experiment], field: dataclasses.Field[Any], kind: Any) -> SettingInfo:
    text = field.metadata.get("help", "")
    if typing.get_origin(kind) is Annotated:
        kind, *notes = typing.get_args(kind)
        text = text or next((note for note in notes if isinstance(note, str)), "")
    choices = typing.get_args(kind) if typing.get_origin(kind) is Literal else ()
    place = definition_place(experiment)
    if not (kind in _KINDS or (choices and all(type(choice) in _KINDS for choice in choices))):
        raise BadInput(f"{place}: setting {field.name}: its type must be bool, int, float, str, or a Literal of them")
    if field.default is dataclasses.MISSING:
        raise BadInput(f"{place}: setting {field.name} needs a default")
    try:
        # A float may be written without a point.
        default = msgspec.convert(field.default, kind)
    except msgspec.ValidationError as error:
        raise BadInput(f"{place}: setting {field.name}: {str(error).replace('`', '')}") from None
    return SettingInfo(name=field.name, default=default, help=text, choices=tuple(map(str, choices)))
