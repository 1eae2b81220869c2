"""How long a download may take at each point before it is given up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """All in seconds, but for `rounds` and `chunk`.

    connect: to set up a connection, for each address of a mirror.
    stall: without `chunk` bytes (which must therefore come at least that fast), after which a mirror is left.
    rounds: times that every mirror is asked for a file.
    pause: before the second round; twice that before the third, and so on.
    answer: in which some mirror must begin to send, where there is other data to fall back on.
    poll: between two looks at whether the user has cancelled, and between two reports of progress.
    """

    connect: float = 5.0
    stall: float = 10.0
    rounds: int = 3
    pause: float = 1.0
    answer: float = 3.0
    poll: float = 0.1
    chunk: int = 16_384
