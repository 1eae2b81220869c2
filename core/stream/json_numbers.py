"""Writes NaN and infinity, which JSON lacks, as strings, and reads them back where a type has a float."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from msgspec import inspect

_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_Read = Callable[[Any], Any]


def spelled(value: Any) -> Any:
    """A JSON-like value with a string in place of every NaN and infinity, at any depth."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [spelled(item) for item in value]
    return value


def reader(kind: Any) -> _Read:
    """A function that undoes `spelled` in a value of this type. Strings where the type has a string stay."""
    return _reader(inspect.type_info(kind)) or (lambda value: value)


def _reader(kind: inspect.Type) -> _Read | None:
    """The reader of a type, None for a type without floats."""
    match kind:
        case inspect.FloatType():
            return lambda value: _NUMBERS.get(value, value) if isinstance(value, str) else value
        case inspect.StructType(fields=fields):
            readers = {field.encode_name: _reader(field.type) for field in fields}
            return _of_members({name: read for name, read in readers.items() if read})
        case inspect.DictType(value_type=item):
            return _of_items(_reader(item))
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return _of_places(_reader(item))
        case inspect.TupleType(item_types=items):
            return _of_places(*map(_reader, items))
        case inspect.UnionType(types=types):
            return _of_one(types)
        case _:
            return None


def _of_members(readers: dict[str, _Read]) -> _Read | None:
    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return value | {name: read(value[name]) for name, read in readers.items() if name in value}

    return read if readers else None


def _of_items(item: _Read | None) -> _Read | None:
    def read(value: Any) -> Any:
        return {key: item(one) for key, one in value.items()} if item and isinstance(value, dict) else value

    return read if item else None


def _of_places(*items: _Read | None) -> _Read | None:
    """One reader serves all places of a list; several serve one place each."""

    def read(value: Any) -> Any:
        if not isinstance(value, list):
            return value
        readers = items * len(value) if len(items) == 1 else items
        return [read(one) if read else one for read, one in zip(readers, value, strict=False)]

    return read if any(items) else None


def _of_one(kinds: tuple[inspect.Type, ...]) -> _Read | None:
    """A union: the struct that the tag names; otherwise a number, unless the union has a string."""
    structs = {kind.tag: _reader(kind) for kind in kinds if isinstance(kind, inspect.StructType) and kind.tag}
    if structs:
        (field,) = {kind.tag_field for kind in kinds if isinstance(kind, inspect.StructType) and kind.tag}

        def read_tagged(value: Any) -> Any:
            tag = value.get(field) if isinstance(value, dict) else None
            one = structs.get(tag) if isinstance(tag, str) else None
            return one(value) if one else value

        return read_tagged
    if any(isinstance(kind, inspect.StrType) for kind in kinds):
        return None
    return next((read for kind in kinds if (read := _reader(kind))), None)
