"""Runs one after another under one stream of commands and events: `Restart` ends one and begins the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from ..stream.commands import AnyCommand, LaneCommand, Restart, Seek, SetPace, Stop
from ..stream.config import RunConfig
from ..stream.events import Event
from .engine import FRESH, Engine, Resumption

if TYPE_CHECKING:
    from ..training.checkpoint import Kept


# Commands for a run that is to begin, as many as nobody gives by hand.
_MANY = 1000


class Session:
    """An `Engine` that can start afresh; every run begins with its own `RunStarted`."""

    def __init__(
        self,
        config: RunConfig,
        *,
        lasting: bool = False,
        keep: Callable[[Kept], None] | None = None,
        resumption: Resumption = FRESH,
    ) -> None:
        self._config, self._lasting, self._keep = config, lasting, keep
        self._engine = Engine(config, lasting=lasting, keep=keep, resumption=resumption)
        # The run that a restart begins, and the commands that were sent after it.
        self._next: RunConfig | None = None
        self._later: list[LaneCommand] = []
        self._closed = self._stopped = False
        self._switching = threading.RLock()

    def run(self) -> Iterator[Event]:
        """The events of every run, as `Engine.run` gives them."""
        yield from self._engine.run()
        while self._begin_next():
            yield from self._engine.run()

    def send(self, command: AnyCommand) -> None:
        """Ask for something, from any thread."""
        with self._switching:
            match command:
                case Restart():
                    self._restart(command)
                case Seek():
                    self.tell("Seek is for replays: a run under way has no other moments to show")
                case Stop(lane=None, at_step=None):
                    self._next, self._stopped = None, True
                    self._drop_later()
                    self._engine.send(command)
                case SetPace(lane=None, at_step=None) if self._next:
                    self._next = msgspec.structs.replace(self._next, pace=command.pace)
                case _ if self._next:
                    # It was sent after the restart, so it is for the run that follows.
                    self._later.append(command)
                case _:
                    self._pass_on(command)

    @property
    def behind(self) -> bool:
        """Whether more is to be told, or obeyed, than anybody takes at present."""
        return self._engine.behind or len(self._later) >= _MANY

    def tell(self, text: str) -> None:
        """Put a `Notice` into the stream."""
        self._engine.tell(text)

    def close(self) -> None:
        """Say that no more commands will come."""
        with self._switching:
            self._closed = True
            self._engine.close()

    def _pass_on(self, command: LaneCommand) -> None:
        if isinstance(command, SetPace) and command.lane is None and command.at_step is None:
            # What follows a restart goes on at the pace that was set last.
            self._config = msgspec.structs.replace(self._config, pace=command.pace)
        self._engine.send(command)

    def _restart(self, restart: Restart) -> None:
        given = {"seed": restart.seed, "head": restart.head}
        changes = {name: value for name, value in given.items() if value is not None}
        self._next, self._stopped = msgspec.structs.replace(self._next or self._config, **changes), False
        self._drop_later()
        self._engine.send(Stop())

    def _drop_later(self) -> None:
        for command in self._later:
            self.tell(f"{type(command).__name__} did not take effect: its run never began")
        self._later = []

    def _begin_next(self) -> bool:
        with self._switching:
            if self._next is None:
                return False
            # A signal on this thread may bring a Stop in between: it finds the new engine, or is passed on to it.
            engine = Engine(self._next, lasting=self._lasting, keep=self._keep)
            self._config, self._engine, self._next = self._next, engine, None
            if self._stopped:
                engine.send(Stop())
            later, self._later = self._later, []
            for command in later:
                self._pass_on(command)
            if self._closed:
                self._engine.close()
            return True
