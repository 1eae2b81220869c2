"""The names of lanes on the screen: letters, because the default names would be wrong once a rule is changed."""

from __future__ import annotations

import string
from collections.abc import Iterable

from ...core.stream.config import DEFAULT_LANES

_LETTERS = dict(zip((lane.name for lane in DEFAULT_LANES), string.ascii_uppercase, strict=False))


def lane_name(name: str) -> str:
    """`A` and `B` for the default lanes, in any run; a name that the user gave with `--lane` stays as it is."""
    return _LETTERS.get(name, name)


def recorded_name(name: str, recorded: Iterable[str]) -> str:
    """The recorded name of the lane that the screen calls so. A lane that has this name itself comes first."""
    names = tuple(recorded)
    return name if name in names else next((one for one in names if _LETTERS.get(one) == name), name)


def lane_names(names: Iterable[str]) -> dict[str, str]:
    """The name on the screen of each lane, by its recorded name."""
    return {name: lane_name(name) for name in names}
