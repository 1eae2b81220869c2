"""Commands from standard input, for a run, a replay and a sweep."""

from __future__ import annotations

import select
import sys
import threading
import time
from collections.abc import Iterator
from typing import IO, Protocol

from ...core.errors import BadInput
from ...core.stream.codec import decode_command
from ...core.stream.commands import AnyCommand, Stop

# Seconds for a line while answers wait to be read.
_BREATH = 0.05
# Bytes of a line: commands have a few hundred at most, and a line without end fills no memory.
_LONGEST = 1 << 20


class Conversation(Protocol):
    """What obeys commands, each of which it answers in its stream of events."""

    @property
    def behind(self) -> bool: ...

    def send(self, command: AnyCommand) -> None: ...

    def tell(self, text: str) -> None: ...

    def close(self) -> None: ...


def obey_standard_input(conversation: Conversation) -> None:
    """Pass commands on, on threads of their own; stop once nobody reads what is said."""
    threading.Thread(target=_listen, args=(conversation,), name="clipwatch-control", daemon=True).start()
    threading.Thread(target=_stop_unheard, args=(conversation,), name="clipwatch-unheard", daemon=True).start()


def _listen(conversation: Conversation) -> None:
    try:
        _obey_lines(conversation)
    except OSError as error:
        conversation.tell(f"no more commands: standard input: {error.strerror}")
    conversation.close()


def _obey_lines(conversation: Conversation) -> None:
    if sys.stdin is None:
        # Closed before the program began: its number belongs to some other file by now.
        return
    # Unbuffered and apart from sys.stdin, whose lock a thread still waiting here would hold when the program ends.
    with open(0, "rb", buffering=0, closefd=False) as stream:
        for line in _lines(stream):
            if not line.strip():
                continue
            if conversation.behind:
                # A flood of lines fills no memory, and a Stop among them still gets through.
                time.sleep(_BREATH)
            try:
                conversation.send(decode_command(line))
            except BadInput as error:
                conversation.tell(f"command not understood: {error}")


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The lines of a stream; one that is too long is cut off, which makes it no command, and its rest dropped."""
    while line := stream.readline(_LONGEST):
        yield line
        while len(line) == _LONGEST and not line.endswith(b"\n"):
            line = stream.readline(_LONGEST)


def _stop_unheard(conversation: Conversation) -> None:
    """Stop once nobody can read standard output any more: one who only waits for commands would not notice."""
    if hasattr(select, "poll"):
        readers = select.poll()
        readers.register(1, 0)
        readers.poll()
        conversation.send(Stop())
