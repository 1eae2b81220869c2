"""Describes a user's experiment as a built-in one is described. Its code is imported, but nothing is trained."""

from __future__ import annotations

import inspect
from typing import Any

from ..stream.builtin_experiments import OWN_DEFAULTS, BuiltIn


def describe_own(name: str) -> BuiltIn:
    """Import a user's experiment and describe it. Raises BadInput. Metrics that it does not declare are left out."""
    # Imports torch.
    from ..experiments.user_file import experiment_info, load_class
    from ..experiments.user_settings import setting_infos

    found = load_class(name)
    return BuiltIn(
        info=experiment_info(found), summary=_first_line(found), settings=setting_infos(found), defaults=OWN_DEFAULTS
    )


def _first_line(found: type[Any]) -> str:
    """The first line of a class's own docstring. A dataclass without one gets its signature from Python."""
    text = inspect.cleandoc(vars(found).get("__doc__") or "")
    return "" if text.startswith(f"{found.__name__}(") else text.partition("\n")[0]
