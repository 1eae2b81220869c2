"""The value of `--charts`: the names of the charts that the screen shows."""

from __future__ import annotations

import difflib

from ...core.errors import BadInput
from ..view.metrics import NAMES

# More would have no room for their curves on most terminals.
MOST = 6


def chart_names(text: str) -> tuple[str, ...]:
    """Parse names that are separated by commas. Raises BadInput, which names the nearest one."""
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in NAMES:
            raise BadInput(f"--charts {text!r}: there is no chart {name!r}; {_advice(name)}")
        if names.count(name) > 1:
            raise BadInput(f"--charts {text!r}: {name} appears twice; name each chart once")
    if len(names) > MOST:
        raise BadInput(f"--charts {text!r}: {len(names)} charts; name at most {MOST}")
    return names


def _advice(name: str) -> str:
    lower = name.lower()
    near = [other for other in NAMES if lower and lower in other] or difflib.get_close_matches(lower, NAMES, 1)
    return f"did you mean {near[0]}?" if near else f"the charts are {', '.join(NAMES)}"
