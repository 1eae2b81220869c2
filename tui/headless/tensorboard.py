"""TensorBoard beside a run under way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ...core.errors import one_line
from ...core.runs.folder import RunFolder
from ...core.stream.events import Event, Notice
from ...core.tensorboard.sink import TensorBoard
from ..text.wording import lane_message

if TYPE_CHECKING:
    from ...core.training.checkpoint import Checkpoint

_Given = TypeVar("_Given")
_log = logging.getLogger(__name__)


class LiveTensorBoard:
    """Writes the runs of a stream for as long as it can; ClipwatchError if it cannot be used from the beginning."""

    def __init__(self, directory: Path, recorded: Callable[[], RunFolder | None]) -> None:
        self._board: TensorBoard | None = TensorBoard(directory, lane_message, recorded)
        self._failures: list[str] = []

    def through(self, events: Iterable[Event]) -> Iterator[Event]:
        """The same events, each once it is written. A `Notice` says when the run goes on without TensorBoard."""
        for event in events:
            if self._board:
                self._try(self._board.receive, event)
            while self._failures:
                yield Notice(text=self._failures.pop())
            yield event

    def keep(self, kept: Checkpoint) -> None:
        """Write a lane's weights."""
        if self._board:
            self._try(self._board.keep, kept)

    def close(self) -> None:
        """Close what is open."""
        if self._board:
            self._board.close()

    def _try(self, write: Callable[[_Given], None], what: _Given) -> None:
        try:
            write(what)
        except Exception as error:
            # The edge of the threads that write: whatever they raised is raised again here, and the run goes on.
            _log.debug("TensorBoard", exc_info=True)
            self._board = None
            self._failures.append(f"{one_line(error)}; the run goes on without TensorBoard")
