"""What can go wrong that a user can act on: one line saying what, where and what to do."""

from __future__ import annotations


class ClipwatchError(Exception):
    """A fault outside the user's input; the program ends with exit code 1."""

    exit_code = 1


def one_line(error: BaseException) -> str:
    """Any error in one line: what was raised knowingly as it is, the rest with its type."""
    text = " ".join(str(error).split())
    if isinstance(error, ClipwatchError | OSError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class BadInput(ClipwatchError):
    """An option, file or setting that cannot be used as given; exit code 2."""

    exit_code = 2


class Cancelled(ClipwatchError):
    """The run was stopped while it was still being prepared."""
