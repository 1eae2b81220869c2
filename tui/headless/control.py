"""Reads commands from standard input, for a run, a replay or a sweep (`--control`)."""

from __future__ import annotations

import os
import select
import stat
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO, Protocol

from ...core.errors import BadInput
from ...core.stream.codec import decode_command
from ...core.stream.commands import AnyCommand, Stop

# Seconds to wait before each command while the receiver is behind.
_BACKLOG_PAUSE = 0.05
# The most bytes of a line. Commands have a few hundred; the limit bounds the memory for a line without an end.
_MAX_LINE = 1 << 20


class CommandReceiver(Protocol):
    """A run, replay or sweep that takes commands and answers them in its event stream."""

    @property
    def behind(self) -> bool: ...

    def send(self, command: AnyCommand) -> None: ...

    def tell(self, text: str) -> None: ...

    def close(self) -> None: ...


def forward_stdin_commands(receiver: CommandReceiver) -> None:
    """Start daemon threads that forward commands from standard input, and send Stop when standard output is closed.

    The commands of a file are forwarded before this returns, so that none of them comes after its step.
    """
    control = threading.Thread(target=_forward_commands, args=(receiver,), name="clipwatch-control", daemon=True)
    control.start()
    threading.Thread(target=_stop_without_reader, args=(receiver,), name="clipwatch-output", daemon=True).start()
    while _is_file(0) and control.is_alive() and not receiver.behind:
        control.join(_BACKLOG_PAUSE)


def _is_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _forward_commands(receiver: CommandReceiver) -> None:
    try:
        _forward_lines(receiver)
    except OSError as error:
        receiver.tell(f"cannot read commands from standard input: {error.strerror}; no more commands are accepted")
    receiver.close()


def _forward_lines(receiver: CommandReceiver) -> None:
    if sys.stdin is None:
        # Standard input was closed before the program started; descriptor 0 may be another file by now.
        return
    # Unbuffered and separate from sys.stdin: this thread may still be reading when the program ends, and must not hold
    # the lock of sys.stdin then.
    with open(0, "rb", buffering=0, closefd=False) as stream:
        for line in _lines(stream):
            if not line.strip():
                continue
            if receiver.behind:
                # Slow a flood of commands down, so that it does not fill the memory. A Stop still gets through.
                time.sleep(_BACKLOG_PAUSE)
            try:
                receiver.send(decode_command(line))
            except BadInput as error:
                receiver.tell(f"command not understood: {error}")


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of a stream. A line that is too long is cut off, so it does not decode, and its rest is dropped."""
    while line := stream.readline(_MAX_LINE):
        yield line
        while len(line) == _MAX_LINE and not line.endswith(b"\n"):
            line = stream.readline(_MAX_LINE)


def _stop_without_reader(receiver: CommandReceiver) -> None:
    """Send Stop once standard output has no reader: a paused run writes nothing, so it would not notice."""
    if hasattr(select, "poll"):
        output = select.poll()
        output.register(1, 0)
        output.poll()
        receiver.send(Stop())
