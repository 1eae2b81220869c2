"""The runs and sweeps that are kept in a folder: listed, and found by the names that users give."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import BadInput
from ..files.paths import user_path
from ..runs.folder import EVENTS, MANIFEST, SWEEP_RESULTS, RunFolder
from .store import SweepFolder

RecordedFolder = RunFolder | SweepFolder


def recorded_folders(home: Path, tell: Callable[[str], None]) -> Iterator[RecordedFolder]:
    """Every run and sweep in `home`, in the order of their names; `tell` hears of folders that cannot be read."""
    try:
        paths = sorted(home.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"runs in {home}: {error.strerror}") from error
    for path in paths:
        try:
            found = _recorded_at(path)
        except OSError as error:
            tell(f"{path}: {error.strerror}; it is passed over")
            continue
        if found:
            yield found


def find(name: str, home: Path, tell: Callable[[str], None]) -> RecordedFolder:
    """What a user names: a folder, the name of one in `home`, or `last`, which is what was started last.

    BadInput if there is none. A folder in the current one that is called `last` is `./last`.
    """
    if name == "last":
        return _last(home, tell)
    for path in _places(name, home):
        try:
            # A folder of the same name elsewhere is none of it, and the name may look like an option.
            if found := _recorded_at(path.absolute()):
                return found
        except OSError as error:
            raise BadInput(f"run {path}: {error.strerror}") from error
    raise BadInput(
        f"run {name!r}: no such folder with {EVENTS} or {SWEEP_RESULTS}, here or in {home}; clipwatch runs lists them"
    )


def _places(name: str, home: Path) -> Iterator[Path]:
    if name.startswith("~"):
        # A name that begins so need not be a user's.
        yield home / name
    yield user_path(name)
    yield home / name


def find_run(name: str, home: Path, tell: Callable[[str], None]) -> RunFolder:
    """The same where only a run will do."""
    found = find(name, home, tell)
    if isinstance(found, SweepFolder):
        meant = f"last is {found.path.name}, a sweep" if name == "last" else f"{name!r} is a sweep"
        raise BadInput(f"{meant}: clipwatch report writes it up, clipwatch resume goes on with it")
    return found


def _last(home: Path, tell: Callable[[str], None]) -> RecordedFolder:
    newest: tuple[float, RecordedFolder] | None = None
    for folder in recorded_folders(home, tell):
        try:
            started = folder.started()
        except BadInput as error:
            tell(f"{error}; it is passed over")
            continue
        if newest is None or started >= newest[0]:
            newest = started, folder
    if newest is None:
        raise BadInput(f"no run is kept in {home}")
    return newest[1]


def _recorded_at(path: Path) -> RecordedFolder | None:
    """What a folder holds; OSError if that cannot be known."""
    if _holds(path, EVENTS) or _holds(path, MANIFEST):
        return RunFolder(path)
    return SweepFolder(path) if _holds(path, SWEEP_RESULTS) else None


def _holds(folder: Path, name: str) -> bool:
    try:
        os.lstat(folder / name)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
