"""Paths that users write: on the command line, in config files and in the environment."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import BadInput


def user_path(text: str) -> Path:
    """The path with `~` and `~name` expanded. Raises BadInput if there is no such home folder."""
    if "\0" in text:
        raise BadInput(f"path {text!r}: a path cannot hold a NUL character")
    if not text:
        raise BadInput("path '': name a file or a folder")
    # `Path.expanduser` expands `./~` as well.
    expanded = os.path.expanduser(text)
    if expanded.startswith("~"):
        raise BadInput(f"path {text!r}: there is no such home folder; write the whole path, or ./{text}")
    return Path(expanded)


class NoHome(BadInput):
    """The user has no home folder. The message names the option to give."""


def platform_folder(path: Path, option: str) -> Path:
    """A folder from platformdirs. Raises NoHome, which names the `option` to give, if the user has no home folder."""
    if not path.is_absolute():
        raise NoHome(f"no home folder is known for this user: give {option}")
    return path


def path_text(path: Path) -> str:
    """A path as text for messages and events. Bytes that are not UTF-8 become escapes such as `\\xd4`."""
    return os.fsencode(path).decode(errors="backslashreplace")
