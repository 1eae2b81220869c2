"""The program of a lane's own process: `python -m clipwatch.core.training.lane_program CONNECTION MEMORY`.

Both arguments are numbers of open descriptors. It is a program, and not a function for `multiprocessing`, because that
would import the user's main program again. Torch is imported while the first lane prepares the run.
"""

from __future__ import annotations

import faulthandler
import gc
import io
import logging
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from ..stream.commands import LaneCommand
from ..stream.events import LanesCompared, StageStarted
from . import lane_run
from .lane_memory import LaneMemory
from .lane_messages import Ask, Assignment, Ended, Failure, Go, LaneStart, Measured, Ready, Traceback

if TYPE_CHECKING:
    from torch import Tensor

    from .training_loop import Trainer

# The engine alone decides when a lane ends, and stops it in good order.
_IGNORED = ("SIGINT", "SIGTERM", "SIGHUP")


class _Commands:
    """Asks the engine for commands, but only when one is due or the lane must wait."""

    def __init__(self, connection: Connection, memory: LaneMemory, lasting: bool) -> None:
        self._connection, self._memory = connection, memory
        # It may end earlier: the lane then asks for a command and gets a Stop.
        self.lasting = lasting

    def take(self, step: int, timeout: float | None) -> Sequence[LaneCommand]:
        """The commands due at this boundary, see `Mailbox.take`."""
        # The step first: the engine makes commands due at once, and then reads the step.
        self._memory.step = step
        if timeout == 0 and step < self._memory.first_due:
            return ()
        self._connection.send(Ask(step, timeout))
        return self._connection.recv()


class _Distance:
    """Sends what lanes are compared by to the engine, which compares them."""

    def __init__(self, send: Callable[[Any], None]) -> None:
        self._send = send

    def add(self, lane: str, step: int, parameters: Tensor, predictions: Tensor | None) -> Iterator[LanesCompared]:
        self._send(Measured(step, _array(parameters), None if predictions is None else _array(predictions)))
        return iter(())


def _array(tensor: Tensor) -> Any:
    return tensor.detach().cpu().numpy()


class _TracebackSender(logging.Handler):
    def __init__(self, send: Callable[[Any], None]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        self._send(Traceback(self.format(record)))


def main(arguments: Sequence[str]) -> int:
    """Train a lane; return the exit code."""
    connection, memory = Connection(int(arguments[0])), LaneMemory(int(arguments[1]))
    _set_up_process(connection)
    try:
        return _run(connection, memory)
    except (EOFError, ConnectionError):
        # Errors of the lane's code are caught earlier: the engine is gone.
        _end_all()


def _run(connection: Connection, memory: LaneMemory) -> int:
    try:
        trainer = _trainer(connection)
    except Exception as error:
        connection.send(Failure.of(error, traceback.format_exc()))
        return 1
    _train(trainer, connection, memory)
    # Without this, the last garbage collection searches all objects of torch for half a second.
    gc.freeze()
    return 0


def _set_up_process(connection: Connection) -> None:
    for name in _IGNORED:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_end_with_engine, args=(connection.fileno(),), daemon=True).start()
    # Shows the line of the user's code that ended the process.
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _end_with_engine(descriptor: int) -> None:
    """End when the engine is gone, however it ended."""
    connection = select.poll()
    connection.register(descriptor, 0)
    connection.poll()
    _end_all()


def _end_all() -> NoReturn:
    """End this process, and those that it started."""
    os.killpg(0, signal.SIGKILL)
    raise SystemExit(1)


def _trainer(connection: Connection) -> Trainer:
    """Do what comes before the first step."""
    from ..experiments.preparation import prepare
    from ..experiments.user_file import load_experiment
    from .checkpoint import decode
    from .preparation import described, prepare_trainers, usable_device

    assignment: Assignment = connection.recv()
    config = assignment.config
    if assignment.debug:
        log = logging.getLogger(lane_run.__name__)
        log.setLevel(logging.DEBUG)
        log.addHandler(_TracebackSender(connection.send))
    # The others wait until the first lane has prepared the run.
    start = None if assignment.prepares else _receive_start(connection)
    if assignment.prepares:
        connection.send(StageStarted(stage=f"preparing {config.experiment}"))
    device = usable_device(config.device)
    experiment = prepare(config, None, device, try_out=assignment.prepares)
    for settings in assignment.variants:
        load_experiment(config.experiment, settings)
    if start is None:
        connection.send(described(config, experiment, device))
        start = _receive_start(connection)
    (trainer,) = prepare_trainers(
        msgspec.structs.replace(config, lanes=tuple(lane for lane in config.lanes if lane.name == start.lane)),
        experiment,
        {start.lane: decode(start.snapshot)} if start.snapshot else {},
        {start.lane: start.iterations},
        checkpoints=assignment.checkpoints,
        distance=_Distance(connection.send),
        forks={start.lane: start.forked} if start.forked else {},
    )
    return trainer


def _receive_start(connection: Connection) -> LaneStart:
    return connection.recv()


def _train(trainer: Trainer, connection: Connection, memory: LaneMemory) -> None:
    from .checkpoint import Checkpoint
    from .forked_lane import ForkedLane
    from .preparation import lane_thread

    memory.step = trainer.step
    connection.send(Ready())
    go: Go = connection.recv()
    with lane_thread():
        for item in lane_run.run_lane(trainer, _Commands(connection, memory, go.lasting), go.started):
            message = item.encoded() if isinstance(item, Checkpoint | ForkedLane) else item
            # Waits while the engine does not read.
            with trainer.idle():
                connection.send(message)
    connection.send(Ended())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
