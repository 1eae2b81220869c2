"""Errors in a user's code, as one line with the place in the user's file."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import BadInput, one_line

_OUR_FOLDER = Path(__file__).parent.parent


class UserCodeError(BadInput):
    """An exception that a user's code raised, or a mistake in it. The message names file and line."""


@contextmanager
def user_code(called: Any) -> Iterator[None]:
    """Turn any exception into a `UserCodeError` with the last line of the user's code.

    `called` is the user's class, method or file that is run here. Its definition is the place of an exception that no
    line of the user raised: of a check of what it returned, or of the backward pass.
    """
    try:
        yield
    except UserCodeError:
        raise
    # A file that ends with `sys.exit()` must not end the program. No signal is meant: lanes ignore Ctrl+C.
    except BaseException as error:
        raise UserCodeError(f"{_place(error, called)}: {_message(error)}") from error


def definition_place(called: Any) -> str:
    """File and line where a class or a method is defined; a file is its own place."""
    if isinstance(called, Path):
        return shown_path(called)
    if _is_ours(inspect.getfile(called)):
        # The user's class has inherited the method from `Experiment`.
        called = _class_or_file(called)
    try:
        line = f":{inspect.getsourcelines(called)[1]}"
    except OSError:
        line = ""
    return f"{shown_path(inspect.getfile(called))}{line}"


def shown_path(path: str | Path) -> str:
    """The path relative to the current folder, if it lies in it."""
    absolute = Path(path).absolute()
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute)


def _place(error: BaseException, called: Any) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{shown_path(error.filename)}:{error.lineno}"
    owner = _class_or_file(called)
    home = Path(owner if isinstance(owner, Path) else inspect.getfile(owner)).absolute().parent
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename, home)]
    return f"{shown_path(frames[-1].filename)}:{frames[-1].lineno}" if frames else definition_place(called)


def _class_or_file(called: Any) -> Any:
    """The class whose method was called, or else the class or file itself."""
    return type(called.__self__) if inspect.ismethod(called) else called


def _message(error: BaseException) -> str:
    return f"{type(error).__name__}: {error.msg}" if isinstance(error, SyntaxError) else one_line(error)


def _is_users(file: str, home: Path) -> bool:
    path = Path(file)
    return path.is_relative_to(home) and "site-packages" not in path.parts and not _is_ours(file)


def _is_ours(file: str) -> bool:
    return Path(file).is_relative_to(_OUR_FOLDER)
