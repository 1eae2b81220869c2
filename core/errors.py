"""The errors that a user sees. Each message is one line that names what failed, where, and what to do."""

from __future__ import annotations


class ClipwatchError(Exception):
    """A fault that is not in the user's input. The program ends with exit code 1."""

    exit_code = 1


def one_line(error: BaseException) -> str:
    """An error as one line: the message of an expected error, otherwise its type and message."""
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    if isinstance(error, ClipwatchError | OSError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class BadInput(ClipwatchError):
    """An option, file or setting that cannot be used. The program ends with exit code 2."""

    exit_code = 2


class Cancelled(ClipwatchError):
    """The user stopped the run while it was being prepared."""
