"""Whether the network is forbidden: by the option, by the configuration file, or by the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

VARIABLE = "CLIPWATCH_OFFLINE"
_NO = ("", "0", "false", "no", "off")


def is_offline(setting: bool = False, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a run's setting or CLIPWATCH_OFFLINE forbids the network. The values 0, false, no and off allow it."""
    return setting or environment.get(VARIABLE, "").strip().lower() not in _NO
