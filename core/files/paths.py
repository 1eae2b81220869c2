"""Paths as users write them, on the command line, in files and in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import BadInput


def user_path(text: str) -> Path:
    """The path that a user wrote, `~` and `~name` expanded; BadInput if there is no such home folder."""
    if "\0" in text:
        raise BadInput(f"path {text!r}: a path cannot hold a NUL character")
    if not text:
        raise BadInput("path '': name a file or a folder")
    # Not Path.expanduser, which takes ./~ for ~, too.
    expanded = os.path.expanduser(text)
    if expanded.startswith("~"):
        raise BadInput(f"path {text!r}: there is no such home folder; write the whole path, or ./{text}")
    return Path(expanded)


class NoHome(BadInput):
    """This user has no home folder; the message says which option to give."""


def platform_folder(path: Path, option: str) -> Path:
    """A folder that platformdirs named; NoHome where this user has none, naming the `option` to give."""
    if not path.is_absolute():
        raise NoHome(f"no home folder is known for this user: give {option}")
    return path


def path_text(path: Path) -> str:
    """A path as text for messages and events: bytes that are no UTF-8 are written as `\\xd4`."""
    return os.fsencode(path).decode(errors="backslashreplace")
