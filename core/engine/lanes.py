"""The lanes of a run and their mailboxes. Forks join while the others train."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..stream.commands import Fork, LaneCommand, Pause, SetPace, StepOnce, Stop
from ..training.forked_lane import ForkedLane
from .mailbox import Mailbox

# A rough figure for the steps per second at full speed, and the seconds within which a pause must take effect.
_FULL_SPEED, _PAUSE_SECONDS = 1000.0, 0.3


class SteeredLane(Protocol):
    """What must be known of a lane to steer it. `step`: the number of steps done. `pace`: its speed limit."""

    @property
    def name(self) -> str: ...

    @property
    def step(self) -> int: ...

    @property
    def pace(self) -> float | None: ...


@dataclass(frozen=True)
class _InPreparation:
    """A fork that has not taken its first step."""

    name: str
    step: int
    pace: float | None


class Lanes:
    """Delivers commands to lanes, also to those that a command will fork. Thread-safe.

    `mailboxes` is replaced when it changes, so it may be read at any time.
    """

    def __init__(self, names: Iterable[str], *, lasting: bool) -> None:
        self._lasting, self._closed = lasting, False
        self.mailboxes: Mapping[str, Mailbox[LaneCommand]] = {name: self._mailbox() for name in names}
        # Lanes that a command will fork. Their mailboxes collect the commands that name them.
        self._awaited: frozenset[str] = frozenset()
        self._steered: dict[str, SteeredLane] = {}
        # Signal handlers send commands, too.
        self._changing = threading.RLock()

    def _mailbox(self) -> Mailbox[LaneCommand]:
        mailbox = Mailbox[LaneCommand](lasting=self._lasting)
        if self._closed:
            mailbox.close()
        return mailbox

    def start(self, lanes: Iterable[SteeredLane]) -> None:
        """These lanes can be steered from now on."""
        with self._changing:
            self._steered.update({lane.name: lane for lane in lanes})

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Keep all lanes from passing their next boundary, and forks from joining, in this context."""
        with self._changing, contextlib.ExitStack() as stack:
            for mailbox in self.mailboxes.values():
                stack.enter_context(mailbox.hold())
            yield

    def deliver(self, command: LaneCommand, earliest: int = 0) -> list[str]:
        """Put a command into the mailboxes of its lanes; return the names of those that have ended."""
        with self._changing:
            names = [name for name in self.mailboxes if name not in self._awaited]
            names = names if command.lane is None else [command.lane]
            ended = [name for name in names if not self.mailboxes[name].put(command, earliest=earliest)]
            if isinstance(command, Fork) and not ended:
                self.mailboxes = {**self.mailboxes, command.name: self._mailbox()}
                self._awaited |= {command.name}
            return ended

    def join(self, forked: ForkedLane) -> None:
        """A fork begins. Commands for all lanes that its parent has yet to obey are for it, too."""
        name, step = forked.name, forked.event.step
        with self._changing:
            self._awaited -= {name}
            self._steered[name] = _InPreparation(name, step, forked.pace)
            self.mailboxes[name].inherit(self.mailboxes[forked.event.parent])

    def end(self, name: str) -> list[tuple[str, LaneCommand]]:
        """End a lane's mailbox. Return the commands that were not obeyed, each with the name of its lane.

        Lanes that one of these commands was to fork do not begin.
        """
        with self._changing:
            missed = [(name, command) for command in self.mailboxes[name].end()] if name in self.mailboxes else []
            for _, command in tuple(missed):
                if isinstance(command, Fork):
                    missed += self.end(command.name)
                    self._awaited -= {command.name}
                    self.mailboxes = {other: box for other, box in self.mailboxes.items() if other != command.name}
            return missed

    def close(self) -> None:
        """Announce that no more commands will come: lanes that wait for one end."""
        with self._changing:
            self._closed = True
            for mailbox in self.mailboxes.values():
                mailbox.close()

    @property
    def is_full(self) -> bool:
        """Whether a mailbox is full."""
        return any(mailbox.is_full for mailbox in self.mailboxes.values())

    # To be called while all lanes are held

    def is_ahead(self, command: LaneCommand) -> bool:
        """Whether the step of a command lies ahead of a lane."""
        step = command.at_step
        if step is None:
            return False
        if not self._steered:
            return any(mailbox.not_before < step for mailbox in self.mailboxes.values())
        reached = (max(lane.step, self.mailboxes[lane.name].not_before) for lane in self._running())
        return command.lane in self._awaited or any(one < step for one in reached)

    def earliest_step(self, command: LaneCommand) -> int:
        """The first step at which a command may take effect.

        A pause of all lanes takes effect at the step of the foremost lane, if the others reach it soon, so that all
        wait at the same step.
        """
        if not isinstance(command, Pause | StepOnce) or command.lane is not None:
            return 0
        running = self._running()
        paces = {self._pace(lane) for lane in running}
        if len(paces) != 1:
            return 0
        (pace,) = paces
        next_steps = [self._next_step(lane) for lane in running]
        is_soon = max(next_steps) - min(next_steps) <= (pace or _FULL_SPEED) * _PAUSE_SECONDS
        return max(next_steps) if is_soon else 0

    def _running(self) -> Sequence[SteeredLane]:
        return [lane for name, lane in self._steered.items() if not self.mailboxes[name].ended]

    def _pace(self, lane: SteeredLane) -> float | None:
        """The lane's speed limit after the commands in its mailbox."""
        commands = self.mailboxes[lane.name].waiting
        paces = [command.pace for command in commands if isinstance(command, SetPace) and command.at_step is None]
        return paces[-1] if paces else lane.pace

    def _next_step(self, lane: SteeredLane) -> int:
        """The latest step at which a lane that is held takes its next commands."""
        mailbox = self.mailboxes[lane.name]
        return max(mailbox.not_before, lane.step + 1 if mailbox.waits_at is None else mailbox.waits_at)


def is_missed(command: LaneCommand) -> bool:
    """Whether this command has no effect on a lane that has ended."""
    return not isinstance(command, Stop) or command.at_step is not None


def too_late(lane: str, command: LaneCommand) -> str:
    """Tell the user that a lane ended before it obeyed this command."""
    name = type(command).__name__
    if command.at_step is None:
        return f"lane {lane} has ended: {name} came too late for it"
    return f"lane {lane} ended before step {command.at_step}: {name} did not take effect; a resumed run obeys it"
