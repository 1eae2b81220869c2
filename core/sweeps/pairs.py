"""The pairs of settings that a sweep compares."""

from __future__ import annotations

from collections.abc import Iterator

from ..stream.sweep_config import Setting, SweepConfig, Value, axis_value


def pairs(config: SweepConfig) -> Iterator[tuple[str, Setting, Setting]]:
    """Yield the axis, the reference and the other setting of each comparison."""
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
    """The two values that are compared, and the values of the other axes."""
    names = [axis_value(axis, setting.choice[axis]) for setting in (other, reference)]
    common = common_name(axis, other)
    return f"{names[0]} vs. {names[1]}" + (f" ({common})" if common else "")


def common_name(axis: str, setting: Setting) -> str:
    """The values of all axes but this one, empty if there is no other."""
    return ", ".join(axis_value(name, value) for name, value in setting.choice.items() if name != axis)


def _reference(axis: str, values: tuple[Value, ...]) -> Value:
    return "none" if axis == "clip" and "none" in values else values[0]
