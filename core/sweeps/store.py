"""Stores a sweep on disk: one file of sealed lines that grows with the results and can be read meanwhile."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType

from ..errors import BadInput, ClipwatchError
from ..files.atomic import read_file
from ..files.lock import claim, is_held
from ..files.recorded_names import SWEEP_RESULTS
from ..runs.damage import Damage, DamagedLine, decode_sealed
from ..runs.folder import new_folder
from ..stream.codec import UnknownEvent, decode_sweep_event, encode, seal
from ..stream.events import Event
from ..stream.sweep_events import ReplicaFinished, Results, SweepStarted


@dataclass(frozen=True)
class SweepFolder:
    """The folder of one sweep."""

    path: Path

    @property
    def results(self) -> Path:
        """The file of results."""
        return self.path / SWEEP_RESULTS

    def is_being_written(self) -> bool:
        """Whether a process holds the sweep's lock."""
        return is_held(self.path)

    def started(self) -> float:
        """The start of the sweep in seconds since 1970 (UTC). Raises BadInput if it cannot be read."""
        return read_sweep(self, curves=False).results.started.time


@dataclass(frozen=True)
class StoredSweep:
    """The content of a sweep's file. `damage` describes lines that were left out.

    The file has `size` bytes, of which the first `whole_bytes` are whole lines.
    """

    results: Results
    damage: tuple[str, ...]
    whole_bytes: int
    size: int


def create_sweep(home: Path, dataset: str, started: float) -> SweepFolder:
    """Create an empty folder for a sweep. Raises ClipwatchError if that fails."""
    stem = f"{datetime.fromtimestamp(started):%Y%m%d-%H%M%S}-sweep-{dataset}"
    return SweepFolder(new_folder(home, stem, "sweeps", "give --runs-dir"))


def read_sweep(folder: SweepFolder, *, curves: bool = True) -> StoredSweep:
    """Read a sweep. Raises BadInput if the file is unreadable, has another schema or does not begin with a sweep.

    Without the `curves`, which are most of the file, it takes less than half the time.
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
            # A replica that was trained twice counts once.
            replicas.setdefault(event.key, event)
    if started is None:
        raise BadInput(f"sweep {folder.path}: {SWEEP_RESULTS} does not begin with a sweep")
    settings, seeds = len(started.config.settings), frozenset(started.config.every_seed)
    own = {key: replica for key, replica in replicas.items() if key[0] < settings and key[1] in seeds}
    messages = [*damage.messages()]
    if len(own) < len(replicas):
        messages.append(f"{SWEEP_RESULTS}: {len(replicas) - len(own)} results are of another sweep and are left out")
    if whole < len(content):
        messages.append(f"{SWEEP_RESULTS}: the last line is incomplete and is left out")
    return StoredSweep(Results(started=started, replicas=own), tuple(messages), whole, len(content))


def _without_curve(line: bytes) -> Event:
    """Decode a line without its curve. After it, only the metrics may follow; earlier versions end with the curve."""
    before, curve, rest = line.partition(b',"curve":')
    _, mark, metrics = rest.partition(b',"metrics":')
    return decode_sweep_event(before + (mark + metrics or b"}") if curve else line)


class SweepWriter:
    """Appends to a sweep. Raises BadInput if another process is writing it."""

    def __init__(self, folder: SweepFolder, stored: StoredSweep | None = None) -> None:
        self._folder = folder
        self._lock = claim(folder.path, "sweep")
        try:
            if stored:
                if folder.results.stat().st_size != stored.size:
                    raise BadInput(f"sweep {folder.path}: another process has written to it meanwhile; try again")
                os.truncate(folder.results, stored.whole_bytes)
            # Unbuffered, so that written lines survive a kill of this process.
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
        """Write an event as one line. Raises ClipwatchError if that fails; earlier lines stay whole."""
        line = seal(encode(event)) + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if os.fstat(self._file.fileno()).st_nlink == 0:
                raise OSError(errno.ENOENT, "the folder has vanished")
        except OSError as error:
            raise ClipwatchError(
                f"sweep {self._folder.path}: {error.strerror}; what was written is kept; clipwatch resume continues it"
            ) from error
