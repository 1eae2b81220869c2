"""Errors in a user's code, as one line with the place in the user's file."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import BadInput, one_line

_OUR_FOLDER = str(Path(__file__).parent.parent)


class UserCodeError(BadInput):
    """An exception that a user's code raised. The message names file and line."""


@contextmanager
def user_code(folder: Path) -> Iterator[None]:
    """Turn any exception into a `UserCodeError` with the last line of the user's code, which lies in this folder."""
    try:
        yield
    except UserCodeError:
        raise
    except Exception as error:
        raise UserCodeError(f"{_place(error, folder)}: {_message(error)}") from error


def function_place(function: Any) -> str:
    """File and line of a function's or class's definition."""
    lines = inspect.getsourcelines(function)
    return f"{shown_path(inspect.getsourcefile(function) or '')}:{lines[1]}"


def shown_path(path: str | Path) -> str:
    """The path relative to the current folder, if it lies in it."""
    absolute = Path(path).absolute()
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute)


def _place(error: Exception, folder: Path) -> str:
    if isinstance(error, SyntaxError) and error.filename:
        return f"{shown_path(error.filename)}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    frame = ([frame for frame in frames if _is_users(frame.filename, folder)] or frames)[-1]
    return f"{shown_path(frame.filename)}:{frame.lineno}"


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {error.msg}" if isinstance(error, SyntaxError) else one_line(error)


def _is_users(file: str, folder: Path) -> bool:
    path = Path(file)
    return path.is_relative_to(folder) and "site-packages" not in path.parts and not file.startswith(_OUR_FOLDER)
