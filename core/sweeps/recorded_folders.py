"""Lists the runs and sweeps in a folder, and finds them by the names that users give."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import BadInput
from ..files.paths import user_path
from ..files.recorded_names import EVENTS, MANIFEST, SWEEP_RESULTS
from ..runs.folder import RunFolder
from .store import SweepFolder

RecordedFolder = RunFolder | SweepFolder
# The beginning of the name of a folder that is being deleted. Such folders are not listed.
DELETED = ".clipwatch-deleted-"


def recorded_folders(home: Path, tell: Callable[[str], None]) -> Iterator[RecordedFolder]:
    """Every run and sweep in `home`, ordered by name. `tell` gets a message for each folder that cannot be read."""
    try:
        paths = sorted(path for path in home.iterdir() if not path.name.startswith(DELETED))
    except FileNotFoundError:
        return
    except OSError as error:
        raise BadInput(f"runs in {home}: {error.strerror}") from error
    for path in paths:
        try:
            found = _recorded_at(path)
        except OSError as error:
            tell(f"{path}: {error.strerror}; it is skipped")
            continue
        if found:
            yield found


def find(name: str, home: Path, tell: Callable[[str], None]) -> RecordedFolder:
    """Find a run or sweep by its folder, by its name in `home`, or by `last`: the one that was started last.

    Raises BadInput if there is none. To name a folder called `last` in the current folder, write `./last`.
    """
    if name == "last":
        return _last(home, tell)
    for path in _candidates(name, home):
        try:
            # Absolute, because the name may look like an option, and must not mean another folder elsewhere.
            if found := _recorded_at(path.absolute()):
                return found
        except OSError as error:
            raise BadInput(f"run {path}: {error.strerror}") from error
    raise BadInput(
        f"run {name!r}: no such folder with {EVENTS} or {SWEEP_RESULTS}, here or in {home}; clipwatch runs lists them"
    )


def _candidates(name: str, home: Path) -> Iterator[Path]:
    if name.startswith("~"):
        # `~name` may be the name of a folder in `home` instead of a user.
        yield home / name
    yield user_path(name)
    yield home / name


def find_run(name: str, home: Path, tell: Callable[[str], None]) -> RunFolder:
    """Find a run, as `find` does; `last` is the run that was started last. Raises BadInput for a sweep."""
    found = _last(home, tell, RunFolder) if name == "last" else find(name, home, tell)
    if isinstance(found, SweepFolder):
        raise BadInput(
            f"{name!r} is a sweep: clipwatch report writes a report, clipwatch resume continues it, "
            "clipwatch replica trains one of its replicas as a run"
        )
    return found


def find_sweep(name: str, home: Path, tell: Callable[[str], None]) -> SweepFolder:
    """Find a sweep, as `find` does; `last` is the sweep that was started last. Raises BadInput for a run."""
    found = _last(home, tell, SweepFolder) if name == "last" else find(name, home, tell)
    if isinstance(found, RunFolder):
        raise BadInput(f"{name!r} is a run, not a sweep: clipwatch replay shows it")
    return found


def _last(
    home: Path, tell: Callable[[str], None], kind: type[RunFolder] | type[SweepFolder] | None = None
) -> RecordedFolder:
    newest: tuple[float, RecordedFolder] | None = None
    for folder in recorded_folders(home, tell):
        if kind and not isinstance(folder, kind):
            continue
        try:
            started = folder.started()
        except BadInput as error:
            tell(f"{error}; it is skipped")
            continue
        if newest is None or started >= newest[0]:
            newest = started, folder
    if newest is None:
        raise BadInput(f"there is no {'sweep' if kind is SweepFolder else 'run'} in {home}")
    return newest[1]


def _recorded_at(path: Path) -> RecordedFolder | None:
    """The run or sweep in a folder, if any. Raises OSError if the folder cannot be read."""
    if _holds(path, EVENTS) or _holds(path, MANIFEST):
        return RunFolder(path)
    return SweepFolder(path) if _holds(path, SWEEP_RESULTS) else None


def _holds(folder: Path, name: str) -> bool:
    try:
        os.lstat(folder / name)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True
