"""Which settings of a sweep are compared with which."""

from __future__ import annotations

from collections.abc import Iterator

from .description import Setting, SweepConfig, Value, axis_value


def pairs(config: SweepConfig) -> Iterator[tuple[str, Setting, Setting]]:
    """The axis, the reference and the other of each comparison."""
    settings = config.settings
    for axis, values in config.axes.items():
        reference = _reference(axis, values)
        for first in settings:
            if first.choice[axis] != reference:
                continue
            for second in settings:
                if second.choice[axis] != reference and {**second.choice, axis: reference} == first.choice:
                    yield axis, first, second


def pair_name(axis: str, reference: Setting, other: Setting) -> str:
    """What is compared, and what both have in common."""
    names = [axis_value(axis, setting.choice[axis]) for setting in (other, reference)]
    common = [axis_value(name, value) for name, value in other.choice.items() if name != axis]
    return f"{names[0]} against {names[1]}" + (f" ({', '.join(common)})" if common else "")


def _reference(axis: str, values: tuple[Value, ...]) -> Value:
    return "none" if axis == "clip" and "none" in values else values[0]
