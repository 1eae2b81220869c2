"""Several runs in one stream of commands and events: `Restart` ends a run and starts the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from ..errors import BadInput
from ..stream.builtin_experiments import BUILT_IN
from ..stream.commands import AnyCommand, LaneCommand, Restart, Seek, SetPace, Stop
from ..stream.config import RunConfig, with_settings
from ..stream.events import Event, Notice, RunStarted
from ..stream.experiment_info import Value
from ..stream.experiment_settings import require_kinds, require_known_settings
from .engine import Engine
from .resumption import FRESH, Resumption

if TYPE_CHECKING:
    from ..training.checkpoint import AnyCheckpoint


# The number of commands that may wait for the next run to start, more than a user types.
_MAX_COMMANDS = 1000


class Session:
    """An engine that can restart; each run starts with its own `RunStarted`."""

    def __init__(
        self,
        config: RunConfig,
        *,
        lasting: bool = False,
        keep: Callable[[AnyCheckpoint], None] | None = None,
        resumption: Resumption = FRESH,
    ) -> None:
        self._config, self._lasting, self._keep = config, lasting, keep
        self._engine = Engine(config, lasting=lasting, keep=keep, resumption=resumption)
        # The run that a restart starts, and the commands that were sent after the restart.
        self._next: RunConfig | None = None
        # The last run that could be prepared, and all of its settings.
        self._prepared: RunConfig | None = None
        self._settings: Mapping[str, Value] = {}
        self._for_next_run: list[LaneCommand] = []
        self._closed = self._stopped = False
        self._switching = threading.RLock()

    def run(self) -> Iterator[Event]:
        """The events of all runs, see `Engine.run`. A run that cannot be prepared is followed by the one before it."""
        yield from self._events()
        while self._start_next():
            try:
                yield from self._events()
            except BadInput as error:
                if self._config is self._prepared or self._stopped:
                    raise
                with self._switching:
                    self._next = self._next or self._prepared
                yield Notice(text=f"Restart: {error}; the settings are those of before")

    def _events(self) -> Iterator[Event]:
        for event in self._engine.run():
            if isinstance(event, RunStarted):
                self._prepared, self._settings = self._config, event.config.settings
            yield event

    def send(self, command: AnyCommand) -> None:
        """Send a command, from any thread."""
        with self._switching:
            match command:
                case Restart():
                    self._restart(command)
                case Seek():
                    self.tell("Seek works only in a replay")
                case Stop(lane=None, at_step=None):
                    self._next, self._stopped = None, True
                    self._drop_commands()
                    self._engine.send(command)
                case SetPace(lane=None, at_step=None) if self._next:
                    self._next = msgspec.structs.replace(self._next, pace=command.pace)
                case _ if self._next:
                    # It was sent after the restart, so it is for the next run.
                    self._for_next_run.append(command)
                case _:
                    self._forward(command)

    @property
    def behind(self) -> bool:
        """Whether the queue of events or of commands is full."""
        return self._engine.behind or len(self._for_next_run) >= _MAX_COMMANDS

    def tell(self, text: str) -> None:
        """Put a `Notice` into the stream."""
        self._engine.tell(text)

    def close(self) -> None:
        """Announce that no more commands will come."""
        with self._switching:
            self._closed = True
            self._engine.close()

    def _forward(self, command: LaneCommand) -> None:
        if isinstance(command, SetPace) and command.lane is None and command.at_step is None:
            # The next run keeps the speed limit that was set last.
            self._config = msgspec.structs.replace(self._config, pace=command.pace)
        self._engine.send(command)

    def _restart(self, restart: Restart) -> None:
        config = self._next or self._config
        try:
            if config.experiment in BUILT_IN:
                require_known_settings(restart.settings, BUILT_IN[config.experiment])
            elif self._settings:
                require_kinds(restart.settings, self._settings)
            config = with_settings(config, **restart.settings)
        except BadInput as error:
            self.tell(f"Restart: {error}")
            return
        seed = config.seed if restart.seed is None else restart.seed
        self._next, self._stopped = msgspec.structs.replace(config, seed=seed), False
        self._drop_commands()
        self._engine.send(Stop())

    def _drop_commands(self) -> None:
        for command in self._for_next_run:
            self.tell(f"{type(command).__name__} did not take effect: its run did not start")
        self._for_next_run = []

    def _start_next(self) -> bool:
        with self._switching:
            if self._next is None:
                return False
            # A signal handler on this thread may send Stop at any line: either it reaches the new engine, or `_stopped`
            # is set.
            engine = Engine(self._next, lasting=self._lasting, keep=self._keep)
            self._config, self._engine, self._next = self._next, engine, None
            if self._stopped:
                engine.send(Stop())
            commands, self._for_next_run = self._for_next_run, []
            for command in commands:
                self._forward(command)
            if self._closed:
                self._engine.close()
            return True
