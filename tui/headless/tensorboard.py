"""TensorBoard beside a run under way."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.engine.backlog import Backlog
from ...core.errors import one_line
from ...core.runs.folder import RunFolder
from ...core.stream.events import Event, Notice, RunFinished
from ...core.tensorboard.sink import TensorBoard
from ..text.wording import lane_message

if TYPE_CHECKING:
    from ...core.training.checkpoint import Checkpoint

_log = logging.getLogger(__name__)


class LiveTensorBoard:
    """Writes the runs of a stream on a thread of its own; ClipwatchError if it cannot be used from the beginning."""

    def __init__(self, directory: Path, recorded: Callable[[], RunFolder | None]) -> None:
        self._board = TensorBoard(directory, lane_message, recorded)
        self._backlog: Backlog[Event | Checkpoint | None] = Backlog(threading.Event())
        self._run_written = threading.Event()
        self._failures: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="clipwatch-tensorboard", daemon=True)
        self._thread.start()

    def through(self, events: Iterable[Event]) -> Iterator[Event]:
        """The same events; a run ends once it is written. A `Notice` says when it goes on without TensorBoard."""
        for event in events:
            self._backlog.put_event(event)
            if isinstance(event, RunFinished):
                self._run_written.wait()
                self._run_written.clear()
            while not self._failures.empty():
                yield Notice(text=f"{self._failures.get()}; the run goes on without TensorBoard")
            yield event

    def keep(self, kept: Checkpoint) -> None:
        """Write a lane's weights."""
        self._backlog.put_checkpoint(kept)

    def close(self) -> None:
        """Write what waits, and end."""
        self._backlog.put(None)
        self._thread.join()

    def _write_all(self) -> None:
        write: Callable[[Event | Checkpoint | None], None] = self._write
        while True:
            item = self._backlog.get()
            try:
                write(item)
            except Exception as error:
                # The thread's edge: whatever TensorBoard raises, the run goes on.
                _log.debug("TensorBoard", exc_info=True)
                self._failures.put(one_line(error))
                write = _drop
            match item:
                case None:
                    return
                case RunFinished():
                    self._run_written.set()
                case Event():
                    pass
                case _:
                    self._backlog.checkpoint_taken()

    def _write(self, item: Event | Checkpoint | None) -> None:
        match item:
            case None:
                self._board.close()
            case RunFinished():
                self._board.flush()
            case Event():
                self._board.receive(item)
            case _:
                self._board.keep(item)


def _drop(_: Event | Checkpoint | None) -> None:
    """Write nothing."""
