"""A sweep on disk: one file of sealed lines, appended to as results come, and read while it grows."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from ..codec import UnknownEvent, decode_sweep_event, encode, is_sealed, seal
from ..errors import BadInput, ClipwatchError
from ..events import Event
from ..paths import user_path
from ..runs import SWEEP_RESULTS, is_held
from .results import ReplicaFinished, Results, SweepStarted


@dataclass(frozen=True)
class SweepFolder:
    """One sweep's folder."""

    path: Path

    @property
    def results(self) -> Path:
        """The file of results."""
        return self.path / SWEEP_RESULTS

    def lock(self) -> FileLock:
        """Held by the one process that writes the sweep."""
        return FileLock(self.path / ".lock")

    def is_being_written(self) -> bool:
        """Whether a process holds the sweep."""
        return is_held(self.lock())


@dataclass(frozen=True)
class Read:
    """What a folder holds; `damage` tells of lines left out, `whole_bytes` is where an unended line begins."""

    results: Results
    damage: tuple[str, ...]
    whole_bytes: int


def create_sweep(home: Path, dataset: str, started: float) -> SweepFolder:
    """A new, empty folder; ClipwatchError if there can be none."""
    stem = f"{datetime.fromtimestamp(started):%Y%m%d-%H%M%S}-sweep-{dataset}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = home / (stem if number == 1 else f"{stem}-{number}")
            with contextlib.suppress(FileExistsError):
                path.mkdir()
                return SweepFolder(path)
    except OSError as error:
        raise ClipwatchError(f"sweeps cannot be kept in {home}: {error.strerror}; give --runs-dir") from error
    raise ClipwatchError(f"sweeps cannot be kept in {home}: {stem} is taken a thousand times")


def is_sweep(name: str, home: Path) -> bool:
    """Whether a user's name means a sweep rather than a run."""
    return any((path / SWEEP_RESULTS).is_file() for path in (user_path(name), home / name))


def find_sweep(name: str, home: Path) -> SweepFolder:
    """The sweep that a user names: a folder, or a name among the kept runs; BadInput if there is none."""
    for path in (user_path(name), home / name):
        if (path / SWEEP_RESULTS).is_file():
            return SweepFolder(path)
    raise BadInput(f"sweep {name!r}: no such folder with {SWEEP_RESULTS}, here or in {home}")


def read_sweep(folder: SweepFolder, *, curves: bool = True) -> Read:
    """Read what there is; BadInput if it cannot be read, is of another version, or does not begin with a sweep.

    Without `curves`, which are most of it, it is read in less than half the time.
    """
    try:
        content = folder.results.read_bytes()
    except OSError as error:
        raise BadInput(f"sweep {folder.path}: {error.strerror}") from error
    whole = content.rfind(b"\n") + 1
    damage = [] if whole == len(content) else [f"{SWEEP_RESULTS}: the last line is incomplete and is left out"]
    started: SweepStarted | None = None
    replicas: dict[tuple[int, int], ReplicaFinished] = {}
    for number, line in enumerate(content[:whole].splitlines(), 1):
        event = _decoded(line, folder, number, curves=curves)
        if isinstance(event, str):
            damage.append(event)
        elif isinstance(event, SweepStarted):
            started = started or event
        elif isinstance(event, ReplicaFinished):
            # A unit that was done twice counts once.
            replicas.setdefault(event.key, event)
    if started is None:
        raise BadInput(f"sweep {folder.path}: {SWEEP_RESULTS} does not begin with a sweep")
    return Read(Results(started=started, replicas=replicas), tuple(dict.fromkeys(damage)), whole)


def _decoded(line: bytes, folder: SweepFolder, number: int, *, curves: bool) -> Event | str:
    if not is_sealed(line):
        return f"{SWEEP_RESULTS}: line {number} is not as it was written and is left out"
    if not curves:
        # A curve is its line's last member but the checksum.
        before, curve, _ = line.partition(b',"curve":')
        line = before + b"}" if curve else line
    try:
        return decode_sweep_event(line)
    except UnknownEvent as error:
        return f"{SWEEP_RESULTS}: {error}"
    except BadInput as error:
        raise BadInput(f"sweep {folder.path}, line {number}: {error}") from error


class SweepWriter:
    """Appends to one sweep; BadInput if another process does."""

    def __init__(self, folder: SweepFolder, so_far: Read | None = None) -> None:
        self._folder = folder
        self._lock = folder.lock()
        try:
            self._lock.acquire(timeout=0)
            if so_far:
                os.truncate(folder.results, so_far.whole_bytes)
            # Unbuffered: what is written outlives this process.
            self._file = folder.results.open("ab", buffering=0)
        except Timeout as error:
            raise BadInput(f"sweep {folder.path}: another process is writing it") from error
        except OSError as error:
            raise ClipwatchError(f"sweep {folder.path}: {error.strerror}") from error

    def __enter__(self) -> SweepWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._lock.release()

    def write(self, event: Event) -> None:
        """One line; ClipwatchError when the disk gives out, with all lines before it whole."""
        line = seal(encode(event)) + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if os.fstat(self._file.fileno()).st_nlink == 0:
                raise OSError(errno.ENOENT, "the folder has vanished")
        except OSError as error:
            raise ClipwatchError(
                f"sweep {self._folder.path}: {error.strerror}; what was written is kept: clipwatch resume goes on"
            ) from error


def list_sweeps(home: Path) -> Iterator[SweepFolder]:
    """Every folder in `home` that holds a sweep, oldest first by name."""
    if home.is_dir():
        yield from (SweepFolder(path) for path in sorted(home.iterdir()) if (path / SWEEP_RESULTS).is_file())
