"""The names of lanes on the screen: letters, because the default names would be wrong once a rule is changed."""

from __future__ import annotations

import string
from collections.abc import Iterable

from ...core.stream.config import DEFAULT_LANES

_UNNAMED = frozenset(lane.name for lane in DEFAULT_LANES)


def lane_name(number: int, name: str) -> str:
    """`A` for lane 0, `B` for lane 1, ...; a name that the user gave with `--lane` stays as it is."""
    return string.ascii_uppercase[number] if name in _UNNAMED and number < len(string.ascii_uppercase) else name


def lane_names(names: Iterable[str]) -> dict[str, str]:
    """The name on the screen of each of a run's lanes, by its recorded name; `names` are in the run's order."""
    return {name: lane_name(number, name) for number, name in enumerate(names)}
