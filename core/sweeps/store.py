"""A sweep on disk: one file of sealed lines, appended to as results come, and read while it grows."""

from __future__ import annotations

import contextlib
import errno
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from ..errors import BadInput, ClipwatchError
from ..files.atomic import read_file
from ..files.lock import claim, is_held
from ..runs.damage import Damage, DamagedLine, decode_sealed
from ..runs.folder import SWEEP_RESULTS
from ..stream.codec import UnknownEvent, decode_sweep_event, encode, seal
from ..stream.events import Event
from ..stream.sweep_events import ReplicaFinished, Results, SweepStarted


@dataclass(frozen=True)
class SweepFolder:
    """One sweep's folder."""

    path: Path

    @property
    def results(self) -> Path:
        """The file of results."""
        return self.path / SWEEP_RESULTS

    def is_being_written(self) -> bool:
        """Whether a process holds the sweep."""
        return is_held(self.path)

    def started(self) -> float:
        """When it was started, in seconds since 1970 (UTC); BadInput if that is not known."""
        return read_sweep(self, curves=False).results.started.time


@dataclass(frozen=True)
class Read:
    """What a folder holds; `damage` tells of lines left out, the bytes from `whole_bytes` to `size` an unended one."""

    results: Results
    damage: tuple[str, ...]
    whole_bytes: int
    size: int


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


def read_sweep(folder: SweepFolder, *, curves: bool = True) -> Read:
    """Read what there is; BadInput if it cannot be read, is of another version, or does not begin with a sweep.

    Without `curves`, which are most of it, it is read in less than half the time.
    """
    try:
        content = read_file(folder.results)
    except OSError as error:
        raise BadInput(f"sweep {folder.path}: {error.strerror}") from error
    whole = content.rfind(b"\n") + 1
    damage, decode = Damage(SWEEP_RESULTS), decode_sweep_event if curves else _without_curve
    started: SweepStarted | None = None
    replicas: dict[tuple[int, int], ReplicaFinished] = {}
    for number, line in enumerate(content[:whole].splitlines(), 1):
        try:
            event = decode_sealed(line, decode)
        except DamagedLine as error:
            damage.add(number, str(error))
            continue
        except UnknownEvent as error:
            damage.pass_over(str(error))
            continue
        except BadInput as error:
            raise BadInput(f"sweep {folder.path}, line {number}: {error}") from error
        if isinstance(event, SweepStarted):
            started = started or event
        elif isinstance(event, ReplicaFinished):
            # A unit that was done twice counts once.
            replicas.setdefault(event.key, event)
    if started is None:
        raise BadInput(f"sweep {folder.path}: {SWEEP_RESULTS} does not begin with a sweep")
    settings, seeds = len(started.config.settings), frozenset(started.config.every_seed)
    own = {key: replica for key, replica in replicas.items() if key[0] < settings and key[1] in seeds}
    told = [*damage.messages()]
    if len(own) < len(replicas):
        told.append(f"{SWEEP_RESULTS}: {len(replicas) - len(own)} results are of another sweep and are left out")
    if whole < len(content):
        told.append(f"{SWEEP_RESULTS}: the last line is incomplete and is left out")
    return Read(Results(started=started, replicas=own), tuple(told), whole, len(content))


def _without_curve(line: bytes) -> Event:
    """A curve is its line's last member but the checksum."""
    before, curve, _ = line.partition(b',"curve":')
    return decode_sweep_event(before + b"}" if curve else line)


class SweepWriter:
    """Appends to one sweep; BadInput if another process does."""

    def __init__(self, folder: SweepFolder, so_far: Read | None = None) -> None:
        self._folder = folder
        self._lock = claim(folder.path, "sweep")
        try:
            if so_far:
                if folder.results.stat().st_size != so_far.size:
                    raise BadInput(f"sweep {folder.path}: another process has written it meanwhile; try again")
                os.truncate(folder.results, so_far.whole_bytes)
            # Unbuffered: what is written outlives this process.
            self._file = folder.results.open("ab", buffering=0)
        except OSError as error:
            self._lock.release()
            raise ClipwatchError(f"sweep {folder.path}: {error.strerror}") from error
        except BadInput:
            self._lock.release()
            raise

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
