"""The value of `--charts`: the names of the charts that the screen shows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from ...core.errors import BadInput
from ...core.stream.builtin_experiments import BUILT_IN
from ..view.metrics import NAMES

# More would have no room for their curves on most terminals.
MOST = 6
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def chart_names(text: str) -> tuple[str, ...]:
    """Parse names that are separated by commas. Raises BadInput for text that names no chart of any experiment."""
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if not _NAME.fullmatch(name):
            raise BadInput(f"--charts {text!r}: there is no chart {name!r}; {_advice(name)}")
        if names.count(name) > 1:
            raise BadInput(f"--charts {text!r}: {name} appears twice; name each chart once")
    if len(names) > MOST:
        raise BadInput(f"--charts {text!r}: {len(names)} charts; name at most {MOST}")
    return names


def require_charts(names: Sequence[str], experiment: str) -> None:
    """Raise BadInput for a chart that no built-in experiment has. Only a user's own code knows its metrics."""
    unknown = [name for name in names if name not in NAMES] if experiment in BUILT_IN else []
    if unknown:
        raise BadInput(f"--charts {','.join(names)!r}: there is no chart {unknown[0]!r}; {_advice(unknown[0])}")


def _advice(name: str) -> str:
    lower = name.lower()
    near = [other for other in NAMES if lower and lower in other] or difflib.get_close_matches(lower, NAMES, 1)
    return f"did you mean {near[0]}?" if near else f"the charts are {', '.join(NAMES)}"
