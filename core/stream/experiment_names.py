"""The names of experiments: built-in ones, `FILE.py[:CLASS]` and `PACKAGE.MODULE:CLASS`."""

from __future__ import annotations

from ..errors import BadInput
from .builtin_experiments import BUILT_IN
from .experiment_settings import nearest


def split_name(name: str) -> tuple[str, str]:
    """The file or the module of a user's experiment, and the name of its class, empty if it is not given."""
    where, colon, last = name.rpartition(":")
    return (where, last) if colon and last.isidentifier() else (name, "")


def is_file(where: str) -> bool:
    """Whether the first part of a name is a file, and not a module."""
    return where.endswith(".py")


def require_experiment(name: str) -> None:
    """Raise BadInput if this is neither a built-in experiment nor how a user's one is named."""
    where, kind = split_name(name)
    if name not in BUILT_IN and not is_file(where) and not (where and kind):
        raise BadInput(
            f"unknown experiment {name!r}{nearest(name, BUILT_IN)}; write {', '.join(BUILT_IN)}, FILE.py[:CLASS] or"
            " PACKAGE.MODULE:CLASS"
        )
