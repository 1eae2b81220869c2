"""The names of lanes on the screen: letters, because the default names would be wrong once a rule is changed."""

from __future__ import annotations

import string
from collections.abc import Iterable

from ...core.stream.config import DEFAULT_LANES

_LETTERS = dict(zip((lane.name for lane in DEFAULT_LANES), string.ascii_uppercase, strict=False))


def lane_name(name: str) -> str:
    """`A` and `B` for the default lanes, in any run; a name that the user gave with `--lane` stays as it is."""
    return _LETTERS.get(name, name)


def lane_names(names: Iterable[str]) -> dict[str, str]:
    """The name on the screen of each lane, by its recorded name."""
    return {name: lane_name(name) for name in names}
