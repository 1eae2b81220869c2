"""The file that defines a user's experiment: found, and compared with a recording, without being imported."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from ..errors import BadInput
from ..files.paths import path_text, user_path
from ..stream.builtin_experiments import BUILT_IN
from ..stream.experiment_info import ExperimentInfo
from ..stream.experiment_names import is_file, require_experiment, split_name


def absolute_name(name: str) -> str:
    """The name of an experiment with the whole path of its file. Raises BadInput if there is no such experiment."""
    require_experiment(name)
    if name in BUILT_IN:
        return name
    file, (where, kind) = code_file(name), split_name(name)
    return ":".join([str(file), *([kind] if kind else [])]) if is_file(where) else name


def whole_path(text: str) -> Path:
    """A user's path as recordings name it: from the root on, without links in its folder and without `..`."""
    path = user_path(text)
    return path.parent.resolve() / path.name


def code_file(name: str) -> Path:
    """The file of a user's experiment. Raises BadInput if there is none."""
    where, _ = split_name(name)
    file = whole_path(where) if is_file(where) else _module_file(where)
    if file is None or not file.is_file():
        raise BadInput(f"experiment {where}: no such {'file' if is_file(where) else 'module or file'}")
    return file


def code_notices(name: str, recorded: ExperimentInfo) -> Iterator[str]:
    """Which file of the user is run for a recorded experiment, and whether it has changed. Raises BadInput.

    The messages end with checksums (SHA-256). There are none for a built-in experiment.
    """
    if name in BUILT_IN:
        return
    file = code_file(name)
    path, checksum = path_text(file), file_checksum(file)
    yield f"runs the code in {path} (SHA-256 {checksum})"
    if recorded.file is not None and recorded.file != path:
        yield f"it was recorded with {recorded.file}"
    if recorded.checksum is not None and recorded.checksum != checksum:
        yield f"{path} has changed since it was recorded (SHA-256 {recorded.checksum})"


def file_checksum(file: Path) -> str:
    """The SHA-256 of a user's file. Raises BadInput if it cannot be read."""
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise BadInput(f"experiment {path_text(file)}: {error.strerror}") from error


def _module_file(name: str) -> Path | None:
    """The file of a module. `importlib.util.find_spec` would import the packages that it lies in."""
    folders: list[str] | None = [*sys.path, os.getcwd()]
    spec: ModuleSpec | None = None
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:count]), folders)
        if spec is None:
            return None
        folders = list(spec.submodule_search_locations or ())
    return Path(spec.origin) if spec and spec.origin else None
