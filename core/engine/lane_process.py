"""A lane in a process of its own, seen from the engine: it answers the lane's questions and passes its events on."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from ..errors import Cancelled, ClipwatchError
from ..stream.commands import LaneCommand, SetPace, Stop
from ..stream.events import Event, LaneFailed
from ..training.checkpoint_file import EncodedCheckpoint
from ..training.lane_memory import LaneMemory, memory_file
from ..training.lane_messages import Ask, Ended, Failure, Go, Measured, Traceback
from .lane_output import LaneOutput
from .mailbox import Mailbox
from .measured_lanes import MeasuredLanes

_PROGRAM = "clipwatch.core.training.lane_program"
# Within this many seconds, a write of one process is visible to all others: it takes less than a microsecond.
_VISIBLE_SECONDS = 1e-4
# How often a preparation looks for a Stop, and how long a process may take to end, in seconds.
_POLL_SECONDS, _END_SECONDS = 0.05, 2.0
# The order of a set must not tell one process that runs the user's code from another.
SAME_ORDER = {"PYTHONHASHSEED": "0"}
_log = logging.getLogger(__name__)


class LaneProcess:
    """Has the interface of a `Trainer`. The process ends with this object, or when this process ends, however it does.

    `measured` compares the lane with the others. `tell` gets what the lane's code prints, as lines for the user.
    """

    def __init__(self, name: str, measured: MeasuredLanes, pace: float | None, tell: Callable[[str], None]) -> None:
        self.name, self.pace, self._measured = name, pace, measured
        # Why this process was killed by the engine.
        self.cause_of_kill = ""
        # When the lane last sent something.
        self.heard = time.monotonic()
        self._started = time.perf_counter()
        self._mailbox: Mailbox[LaneCommand] | None = None
        self._connection, other_end = multiprocessing.Pipe()
        try:
            with other_end, memory_file() as memory:
                self._memory = LaneMemory(memory)
                self._process = _spawn([other_end.fileno(), memory])
        except OSError as error:
            raise ClipwatchError(f"the process of lane {name} cannot be started: {error.strerror}") from error
        self._gone = threading.Event()
        self._output = LaneOutput(self._process, name, tell)
        threading.Thread(target=self._watch, name=f"clipwatch-{name}-process", daemon=True).start()

    # The preparation

    def send(self, message: Any) -> None:
        """Send a message. The next `receive` says why, if the process is gone."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._connection.send(message)

    def receive(self, stopping: threading.Event, report: Callable[[Event], None]) -> Any:
        """The next message of the preparation that is no event. Raises Cancelled once `stopping` is set."""
        while True:
            while not self._connection.poll(_POLL_SECONDS):
                if stopping.is_set():
                    raise Cancelled
            try:
                message = self._next_message()
            except ClipwatchError as error:
                raise ClipwatchError(f"lane {self.name} cannot be prepared: {error}") from None
            match message:
                case Failure():
                    _log.debug("lane %s\n%s", self.name, message.traceback)
                    raise message.error()
                case Event():
                    report(message)
                case _:
                    return message

    # The interface of a trainer

    @property
    def step(self) -> int:
        """The number of steps done."""
        return self._memory.step

    def idle(self) -> AbstractContextManager[None]:
        """The lane measures itself how long it waits until its events are read."""
        return nullcontext()

    def logged_steps(self) -> Iterator[Event]:
        """No events: the lane's process sends them itself."""
        return iter(())

    def run(self, commands: Mailbox[LaneCommand], started: float) -> Iterator[Event | EncodedCheckpoint]:
        """Let the lane train; yield its events and checkpoints. Raises ClipwatchError if its process dies."""
        self._started, self._mailbox = started, commands
        commands.mirror(self._publish)
        self.send(Go(started, commands.lasting))
        while True:
            match message := self._next_message():
                case Ask(step, timeout):
                    self.send(self._take(commands, step, timeout))
                case Measured(step, parameters, predictions):
                    yield from self._measured.add(self.name, step, parameters, predictions)
                case Traceback(text):
                    _log.debug("lane %s\n%s", self.name, text)
                case Ended():
                    return
                case _:
                    yield message

    def failure_event(self, cause: str) -> LaneFailed:
        """The event for a failure in the current step."""
        seconds = time.perf_counter() - self._started
        return LaneFailed(lane=self.name, step=self.step, reason="error", cause=cause, seconds=seconds)

    # The end

    def kill(self, cause: str = "") -> None:
        """End the process, and those that it started, at once."""
        if not self._gone.is_set():
            self.cause_of_kill = self.cause_of_kill or cause
            _kill_group(self._process.pid)

    def close(self) -> None:
        """Wait until the process has ended and its output was told; kill it if it does not end, or never trained."""
        if self._mailbox is None:
            self.kill()
        if not self._gone.wait(_END_SECONDS):
            self.kill()
            self._gone.wait(_END_SECONDS)
        self._output.wait(_END_SECONDS)
        self._connection.close()

    def _publish(self, first_due: float) -> None:
        self._memory.first_due = first_due
        if first_due < 0:
            # The lane is being held: once this is visible to it, the step that it has published is visible here.
            time.sleep(_VISIBLE_SECONDS)

    def _take(self, commands: Mailbox[LaneCommand], step: int, timeout: float | None) -> Sequence[LaneCommand | Stop]:
        taken = commands.take(step, timeout)
        for command in taken:
            if isinstance(command, SetPace):
                self.pace = command.pace
        return taken

    def _next_message(self) -> Any:
        try:
            message = self._connection.recv()
        except (EOFError, OSError):
            raise ClipwatchError(self._cause_of_death()) from None
        self.heard = time.monotonic()
        return message

    def _watch(self) -> None:
        """Wait for the end of the process, then end what it leaves behind, and the wait of `run` for a command."""
        self._process.wait()
        # Processes that it started would keep its pipes open.
        _kill_group(self._process.pid)
        self._gone.set()
        if self._mailbox:
            self._mailbox.wake()

    def _cause_of_death(self) -> str:
        if not self._gone.wait(_END_SECONDS):
            self.kill("its process closed its connection and was killed")
            self._gone.wait(_END_SECONDS)
        return self.cause_of_kill or f"its process {_ending(self._process.returncode)}"


def _spawn(descriptors: Sequence[int]) -> subprocess.Popen[bytes]:
    # -P: modules in the current folder must not shadow the installed ones.
    command = [sys.executable, "-P", "-m", _PROGRAM, *map(str, descriptors)]
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # Keeps the terminal's signals away, and makes it possible to end all that the lane's code has started.
        start_new_session=True,
        pass_fds=descriptors,
        env={"OMP_NUM_THREADS": "1", **os.environ, **SAME_ORDER},
    )


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _ending(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None or code >= 0:
        return f"ended with exit code {code}"
    if -code == signal.SIGKILL:
        return "was killed (SIGKILL); is there enough memory?"
    try:
        return f"crashed ({signal.Signals(-code).name})"
    except ValueError:
        return f"crashed (signal {-code})"
