"""The commands to a watched loop: a file in the run's folder, to which any screen of the loop's user appends lines."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadInput, ClipwatchError, one_line
from ..files.paths import path_text
from ..files.recorded_names import CONTROL
from ..stream.codec import decode_command, encode
from ..stream.commands import AnyCommand, Command

# Commands have a few hundred bytes; the limit bounds what one look at the file costs.
_MOST_BYTES = 1 << 20
_NOT_YOURS = "another user trains this run, and only that user may steer it"
# A link, a pipe or a device in the file's place must neither be followed nor waited for.
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def create(folder: Path) -> None:
    """Create the file, for the loop's user only. Raises OSError. A loop without it takes no commands."""
    os.close(os.open(folder / CONTROL, os.O_WRONLY | os.O_CREAT | _SAFELY, 0o600))


def append(folder: Path, command: Command) -> None:
    """Append a command in one write, so that lines of several writers do not mix. Raises BadInput if that fails."""
    line, path = encode(command) + b"\n", path_text(folder / CONTROL)
    try:
        handle = _opened(folder)
        try:
            if os.write(handle, line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(handle)
    except (OSError, CannotSteer) as error:
        raise BadInput(f"{path}: {one_line(error)}; the command was not sent") from error


def why_not_writable(folder: Path) -> str | None:
    """Why no command can be appended, None if one can."""
    try:
        os.close(_opened(folder))
    except (OSError, CannotSteer) as error:
        return one_line(error)
    return None


class CannotSteer(ClipwatchError):
    """The loop takes no commands from this user."""


def _opened(folder: Path) -> int:
    """The file, open for appending. Its owner must be the user who runs this process. Raises OSError or CannotSteer."""
    try:
        handle = os.open(folder / CONTROL, os.O_WRONLY | os.O_APPEND | _SAFELY)
    except FileNotFoundError:
        raise CannotSteer("this loop takes no commands") from None
    except PermissionError:
        raise CannotSteer(_NOT_YOURS) from None
    except OSError as error:
        raise CannotSteer(_cause(error)) from error
    if problem := _wrong_file(handle):
        os.close(handle)
        raise CannotSteer(problem)
    return handle


@dataclass
class ControlReader:
    """Reads the commands that were appended since it last looked. `tell` gets a message about what cannot be read.

    Without the file there are no commands. A file that has become shorter is read from its start.
    """

    folder: Path
    tell: Callable[[str], None]
    _offset: int = 0
    _problem: str | None = None

    def commands(self) -> list[AnyCommand]:
        """The new commands. Costs a `stat` if there are none."""
        try:
            size = (self.folder / CONTROL).lstat().st_size
            if size == self._offset:
                return []
            part = self._part(size)
        except FileNotFoundError:
            self._offset = 0
            return []
        except OSError as error:
            self._tell_once(_cause(error))
            return []
        return self._decoded(part.split(b"\n")[:-1])

    def _part(self, size: int) -> bytes:
        """The next complete lines. A line that is too long is taken without its end, and does not decode."""
        handle = os.open(self.folder / CONTROL, os.O_RDONLY | _SAFELY)
        try:
            if problem := _wrong_file(handle):
                self._tell_once(problem)
                return b""
            self._offset = 0 if size < self._offset else self._offset
            part = os.pread(handle, _MOST_BYTES, self._offset)
        finally:
            os.close(handle)
        whole = part[: part.rfind(b"\n") + 1] or (part + b"\n" if len(part) == _MOST_BYTES else b"")
        self._offset += min(len(whole), len(part))
        return whole

    def _decoded(self, lines: list[bytes]) -> list[AnyCommand]:
        found, wrong = [], []
        for line in filter(bytes.strip, lines):
            try:
                found.append(decode_command(line))
            except BadInput as error:
                wrong.append(str(error))
        if wrong:
            others = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
            self.tell(f"command not understood: {wrong[0]}{others}")
        return found

    def _tell_once(self, problem: str) -> None:
        if problem != self._problem:
            self._problem = problem
            self.tell(f"{path_text(self.folder / CONTROL)}: {problem}; no commands are read from it")


def _wrong_file(handle: int) -> str | None:
    """Why an open file must not be used: it is not a file, or another user's."""
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        return "not a file"
    return None if found.st_uid == os.geteuid() else _NOT_YOURS


def _cause(error: OSError) -> str:
    # Opening a link with O_NOFOLLOW fails with ELOOP, and a pipe without a reader with ENXIO.
    return "not a file" if error.errno in (errno.ELOOP, errno.ENXIO) else error.strerror or str(error)
