"""Whether the network is forbidden. Flag, file and environment can each say so, and none of them can take it back."""

from __future__ import annotations

import os
from collections.abc import Mapping

VARIABLE = "CLIPWATCH_OFFLINE"
_NO = ("", "0", "false", "no", "off")


def is_offline(setting: bool = False, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a run's setting or the environment forbids the network; `0`, `false`, `no` and `off` mean no."""
    return setting or environment.get(VARIABLE, "").strip().lower() not in _NO
