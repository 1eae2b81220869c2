"""Commands for a loop that trains on several ranks: all obey them at the same step boundary.

Rank 0 records the run and gets its commands. After the all-reduce its gradients equal those of the other ranks, so it
measures for all of them; but a rule that only one rank changed would let their parameters drift apart.
"""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch.distributed as dist

from ..engine.mailbox import Mailbox
from ..errors import BadInput
from ..stream.commands import LaneCommand
from ..stream.limits import MOST

# Ranks exchange commands about this often: a broadcast between processes takes 0.1 ms or more.
_SECONDS_BETWEEN = 0.05
_MOST_STEPS_BETWEEN = 1000
# In a pause, rank 0 sends something this often, so that the others' wait does not time out.
_SECONDS_PAUSED = 5.0
# How long all ranks may take to call `watch`, and to call `close`.
_START = datetime.timedelta(minutes=2)
_END_SECONDS = 5.0

# Each rank calls it with a value and gets the value of rank 0.
Broadcast = Callable[[Any], Any]


def rank() -> int:
    """The number of this process among those that train together; 0 if it trains alone."""
    return dist.get_rank() if _initialized() else 0


def processes() -> int:
    """How many processes train together."""
    return dist.get_world_size() if _initialized() else 1


def _initialized() -> bool:
    return dist.is_available() and dist.is_initialized()


def make_broadcast() -> Broadcast:
    """A broadcast of Python values from rank 0. Every rank must call this function.

    It has a group of its own on the CPU: it waits for no GPU and does not mix with the loop's collectives.
    """
    try:
        # Making a group waits for all ranks, as long as its collectives may take: first one that waits less.
        first: Any = dist.new_group(backend="gloo", timeout=_START)
        dist.monitored_barrier(first, timeout=_START)
        # All ranks are members; torch's annotation allows for one that is not.
        group: Any = dist.new_group(backend="gloo")
        dist.destroy_process_group(first)
    except (RuntimeError, ValueError) as error:
        raise BadInput(
            "not every rank called clipwatch.watch: call it on each rank, at the same place (rank 0 records)"
        ) from error

    def broadcast(value: Any) -> Any:
        values = [value]
        dist.broadcast_object_list(values, src=0, group=group)
        return values[0]

    return broadcast


class SharedCommands:
    """Has the `take` of a `Mailbox`, and gives the commands in rank 0's mailbox to all ranks at the same boundary.

    Each rank must call `take` at the same boundaries. Rank 0 says in each exchange when the next one is due.
    """

    def __init__(self, mailbox: Mailbox[LaneCommand], broadcast: Broadcast, rank: int) -> None:
        self._mailbox, self._broadcast, self._leads = mailbox, broadcast, rank == 0
        self._next = 0
        self._last_exchange: tuple[int, float] | None = None
        self._first_due: float = 0
        mailbox.mirror(self._set_first_due)

    def _set_first_due(self, step: float) -> None:
        self._first_due = step

    def take(self, step: int, timeout: float | None) -> Sequence[LaneCommand]:
        """The commands for this boundary, see `Mailbox.take`.

        None, for a pause: waits for commands, but returns after a few seconds without any.
        """
        if timeout is not None and step < self._next:
            if timeout:
                time.sleep(timeout)
            return ()
        commands: tuple[LaneCommand, ...] = ()
        if self._leads:
            commands = tuple(self._mailbox.take(step, _SECONDS_PAUSED if timeout is None else 0))
        self._next, commands = self._broadcast((self._boundary_after(step), commands))
        return commands

    def _boundary_after(self, step: int) -> int:
        """The boundary of the next exchange: about 50 ms later, or where a scheduled command is due."""
        now, last = time.perf_counter(), self._last_exchange
        self._last_exchange = (step, now)
        steps = 1
        if last is not None and step > last[0]:
            speed = (step - last[0]) / max(now - last[1], 1e-6)
            steps = min(max(1, round(speed * _SECONDS_BETWEEN)), _MOST_STEPS_BETWEEN)
        return max(step + 1, int(min(step + steps, self._first_due)))

    def close(self) -> None:
        """End the exchange on this rank, without making a rank wait that goes on.

        Rank 0 says that there will be no more. Another rank answers until rank 0 says so, because rank 0 may go on.
        """
        ending = threading.Thread(target=self._end, name="clipwatch-ranks", daemon=True)
        ending.start()
        ending.join(_END_SECONDS)

    def _end(self) -> None:
        try:
            while self._next < MOST:
                self._next, _ = self._broadcast((MOST, ()))
        except (RuntimeError, ValueError):
            # The loop has left the process group, or the other ranks are gone.
            self._next = MOST
